"""Intervals and verdicts."""

import numpy as np
import pytest

from eval.statistics import (
    Verdict,
    difference,
    interval,
    interval_of_ratio,
    mean_of_ratios,
    paired_difference,
    ratio_difference,
)


def noisy(seed: int, pictures: int = 60, each: int = 4) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    values = rng.normal(0.7, 0.1, pictures * each)
    return values, np.repeat(np.arange(pictures), each)


def test_the_mean_is_over_objects_and_the_interval_holds_it():
    values, pictures = noisy(0)

    found = interval(values, pictures)

    assert found.mean == pytest.approx(values.mean())
    assert found.low < found.mean < found.high
    assert found.count == 240


def test_the_interval_agrees_with_the_textbook_for_independent_values():
    values, _ = noisy(1, pictures=400, each=1)

    found = interval(values, np.arange(400))

    expected = 1.96 * values.std(ddof=1) / np.sqrt(400)
    assert found.high - found.mean == pytest.approx(expected, rel=0.1)


def test_objects_that_resemble_their_picture_make_the_interval_wider():
    rng = np.random.default_rng(2)
    pictures = np.repeat(np.arange(30), 10)
    values = rng.normal(0.7, 0.1, 30)[pictures]

    apart = interval(values, np.arange(300))
    together = interval(values, pictures)

    assert together.high - together.low > 2 * (apart.high - apart.low)


def test_the_bootstrap_agrees_with_one_written_as_a_loop():
    values, pictures = noisy(3, pictures=20)
    rng = np.random.default_rng(9)
    drawn = []
    for _ in range(2000):
        chosen = rng.integers(0, 20, 20)
        drawn.append(np.concatenate([values[pictures == picture] for picture in chosen]).mean())

    found = interval(values, pictures)

    assert found.low == pytest.approx(np.percentile(drawn, 2.5), abs=0.004)
    assert found.high == pytest.approx(np.percentile(drawn, 97.5), abs=0.004)


def test_absent_values_are_left_out_and_nothing_has_no_interval():
    found = interval(np.array([1.0, np.nan, 3.0]), np.array([0, 0, 1]))

    assert found.mean == 2.0
    assert found.count == 2
    assert interval(np.array([np.nan]), np.array([0])) is None
    assert interval_of_ratio(np.array([0.0]), np.array([0.0]), count=0) is None


def test_a_clear_gain_is_better_and_its_reverse_is_worse():
    values, pictures = noisy(4)

    gain = difference(values, values + 0.02, pictures)
    loss = difference(values, values - 0.02, pictures)

    assert (gain.verdict, loss.verdict) == (Verdict.BETTER, Verdict.WORSE)
    assert gain.mean == pytest.approx(0.02)
    assert gain.p_value < 0.01


def test_fewer_clicks_are_better():
    clicks = np.full(40, 5.0)

    found = difference(clicks, clicks - 1, np.arange(40), higher_is_better=False)

    assert found.verdict is Verdict.BETTER


def test_noise_cannot_be_told_from_a_difference():
    verdicts = []
    for seed in range(20):
        values, pictures = noisy(seed)
        other = values + np.random.default_rng(seed + 100).normal(0, 0.05, len(values))
        verdicts.append(difference(values, other, pictures).verdict)

    assert verdicts.count(Verdict.CANNOT_TELL) >= 17


def test_equal_reports_differ_by_nothing_with_certainty():
    values, pictures = noisy(5)

    found = difference(values, values, pictures)

    assert (found.mean, found.low, found.high, found.p_value) == (0, 0, 0, 1)
    assert found.verdict is Verdict.CANNOT_TELL


def test_the_permutation_p_value_agrees_with_all_swaps_tried():
    first = np.array([0.5, 0.6, 0.7, 0.4, 0.8, 0.6])
    second = first + np.array([0.1, 0.05, -0.02, 0.08, 0.03, 0.02])
    gaps = second - first
    signs = np.array(np.meshgrid(*[[-1, 1]] * 6)).reshape(6, -1).T
    exact = np.mean(np.abs(signs @ gaps) >= abs(gaps.sum()) - 1e-12)

    found = difference(first, second, np.arange(6))

    assert found.p_value == pytest.approx(exact, abs=0.02)


def test_ratios_are_compared_over_the_same_draws():
    rng = np.random.default_rng(6)
    below = rng.integers(4, 9, 80).astype(float)
    first = below * 0.6

    found = ratio_difference(first, below, first + 0.5, below)

    assert found.mean == pytest.approx(0.5 * 80 / below.sum())
    assert found.verdict is Verdict.BETTER
    assert ratio_difference(first, below * 0, first, below) is None


def test_a_mean_of_class_ratios_is_drawn_with_its_classes_together():
    rng = np.random.default_rng(8)
    below = rng.integers(5, 9, size=(60, 2)).astype(float)
    first = np.concatenate([below * [0.5, 0.9], below], axis=1)
    second = np.concatenate([below * [0.7, 0.9], below], axis=1)

    found = paired_difference(first, second, mean_of_ratios)

    assert found.mean == pytest.approx(0.1)
    assert found.low == pytest.approx(0.1)  # the same on every picture, so in every draw
    assert found.verdict is Verdict.BETTER


def test_a_class_that_is_in_no_picture_is_absent_from_the_mean():
    sums = np.array([[2.0, 0.0, 4.0, 0.0], [0.0, 0.0, 0.0, 0.0]])

    assert mean_of_ratios(sums)[0] == 0.5
    assert np.isnan(mean_of_ratios(sums)[1])
