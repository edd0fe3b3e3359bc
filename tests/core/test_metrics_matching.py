"""Matching many masks, and the model's own score against the truth."""

from itertools import permutations

import numpy as np
import pytest

from floorseg.core.calibration import calibration_curve, calibration_error
from floorseg.core.matching import MatchCounts, count_matches, match


def test_the_best_pair_is_made_first_and_each_mask_is_used_once():
    iou = np.array([[0.9, 0.8], [0.85, 0.1]])

    pairs = match(iou, threshold=0.5)

    assert [(p.truth, p.predicted) for p in pairs] == [(0, 0)]
    assert count_matches(iou) == MatchCounts(matched=1, wrong=1, missed=1, iou=0.9)


def test_pairs_at_the_threshold_are_not_made():
    assert match(np.array([[0.5]]), threshold=0.5) == []


def naive_f1(iou: np.ndarray, threshold: float) -> float:
    """The largest number of pairs over all pairings, tried one by one."""
    truths, predictions = iou.shape
    most = 0
    for order in permutations(range(max(truths, predictions)), truths):
        hits = sum(j < predictions and iou[i, j] > threshold for i, j in enumerate(order))
        most = max(most, hits)
    return 2 * most / (truths + predictions)


@pytest.mark.parametrize("seed", range(10))
def test_f1_is_the_best_any_pairing_reaches_when_masks_do_not_overlap(seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, 200)
    answer = np.where(rng.random(200) < 0.25, rng.integers(0, 5, 200), labels)
    iou = np.array(
        [
            [((labels == i) & (answer == j)).sum() / ((labels == i) | (answer == j)).sum()
             for j in range(5)]
            for i in range(4)
        ]
    )  # fmt: skip

    assert count_matches(iou).f1() == pytest.approx(naive_f1(iou, 0.5))


def test_room_integrity_counted_by_hand():
    # two rooms found with 0.8 and 0.6, one missed, one invented
    counted = MatchCounts(matched=2, wrong=1, missed=1, iou=1.4)

    assert counted.precision() == pytest.approx(2 / 3)
    assert counted.recall() == pytest.approx(2 / 3)
    assert counted.f1() == pytest.approx(2 / 3)
    assert counted.room_integrity() == pytest.approx(1.4 / 3)
    assert counted.mean_iou() == pytest.approx(0.7)


def test_counts_of_pictures_add_up():
    one, two = MatchCounts(1, 2, 3, 0.9), MatchCounts(4, 0, 1, 3.2)

    assert one + two == MatchCounts(5, 2, 4, pytest.approx(4.1))


def test_a_picture_without_rooms_and_answers_has_no_scores():
    nothing = count_matches(np.zeros((0, 0)))

    assert nothing == MatchCounts()
    assert np.isnan(nothing.f1())
    assert np.isnan(nothing.precision())


def naive_calibration_error(score: np.ndarray, iou: np.ndarray, bins: int) -> float:
    total = 0.0
    for i in range(bins):
        last = i == bins - 1
        members = [
            (s, t)
            for s, t in zip(score, iou, strict=True)
            if i / bins <= s and (s < (i + 1) / bins or last)
        ]
        if members:
            gap = abs(sum(s for s, _ in members) - sum(t for _, t in members)) / len(members)
            total += gap * len(members) / len(score)
    return total


@pytest.mark.parametrize("seed", range(4))
def test_the_calibration_error_agrees_with_a_naive_loop(seed):
    rng = np.random.default_rng(seed)
    score, iou = rng.random((2, 60))

    assert calibration_error(score, iou) == pytest.approx(naive_calibration_error(score, iou, 10))


def test_a_model_that_knows_itself_has_no_calibration_error():
    values = np.linspace(0, 1, 41)

    assert calibration_error(values, values) == pytest.approx(0.0)
    assert calibration_error(np.full(4, 0.9), np.full(4, 0.6)) == pytest.approx(0.3)


def test_a_score_of_one_falls_into_the_last_bin_and_empty_bins_are_absent():
    curve = calibration_curve(np.array([1.0, 0.05]), np.array([0.8, 0.1]))

    assert [(b.low, b.count) for b in curve] == [(0.0, 1), (0.9, 1)]
    assert np.isnan(calibration_error(np.array([]), np.array([])))
