"""Clicks and boxes drawn from the truth."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sam2.modeling.sam2_utils import get_next_point, mask_to_box

from floorseg.core.prompts import (
    box_of,
    centre_click,
    jittered_box,
    jittered_click,
    next_click,
)
from floorseg.core.structures import Point


def blobs(seed: int, size: int = 48) -> np.ndarray:
    rng = np.random.default_rng(seed)
    mask = np.zeros((size, size + 9), dtype=bool)
    for _ in range(int(rng.integers(1, 5))):
        x, y = rng.integers(0, size, 2)
        w, h = rng.integers(1, size // 2, 2)
        mask[y : y + h, x : x + w] ^= True
    return mask


def sam2_click(truth: np.ndarray, predicted: np.ndarray) -> Point:
    points, labels = get_next_point(
        torch.from_numpy(truth)[None, None], torch.from_numpy(predicted)[None, None], "center"
    )
    return Point(float(points[0, 0, 0]), float(points[0, 0, 1]), bool(labels[0, 0]))


def test_the_first_click_goes_to_the_middle_of_a_room():
    mask = np.zeros((20, 30), dtype=bool)
    mask[5:14, 10:19] = True

    assert centre_click(mask) == Point(14, 9)


def test_the_pictures_border_counts_as_an_edge():
    mask = np.ones((9, 9), dtype=bool)

    assert centre_click(mask) == Point(4, 4)


def test_an_empty_mask_has_neither_centre_nor_box():
    empty = np.zeros((4, 4), dtype=bool)

    with pytest.raises(ValueError, match="empty"):
        centre_click(empty)
    with pytest.raises(ValueError, match="empty"):
        box_of(empty)


def depth_at(mask: np.ndarray, click: Point) -> int:
    """Squared distance to the nearest pixel outside, counted pixel by pixel."""
    ys, xs = np.nonzero(~np.pad(mask, 1))
    return int(((xs - 1 - click.x) ** 2 + (ys - 1 - click.y) ** 2).min())


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_the_next_click_is_as_deep_as_the_one_that_sam2_makes(first, second):
    truth, predicted = blobs(first), blobs(second)

    click = next_click(truth, predicted)

    if np.array_equal(truth, predicted):
        assert click is None
        return
    theirs = sam2_click(truth, predicted)
    missed, extra = truth & ~predicted, predicted & ~truth
    ours_depth = depth_at(missed if click.inside else extra, click)
    assert ours_depth == depth_at(missed if theirs.inside else extra, theirs)


def test_without_ties_the_next_click_is_the_pixel_that_sam2_picks():
    for seed in range(40):
        rng = np.random.default_rng(seed)
        truth, predicted = np.zeros((2, 60, 70), dtype=bool)
        x, y, r = rng.integers(15, 45, 3) - [0, 0, 7]
        yy, xx = np.mgrid[:60, :70]
        truth[(xx - x) ** 2 + (yy - y) ** 2 <= int(r) ** 2] = True
        predicted[(xx - x - 5) ** 2 + (yy - y) ** 2 <= max(1, int(r) - 3) ** 2] = True

        assert next_click(truth, ~truth & predicted) == sam2_click(truth, ~truth & predicted)


def test_of_equally_deep_pixels_the_first_is_clicked_every_time():
    truth = np.zeros((80, 300), dtype=bool)
    truth[10:41, 20:280] = True  # a corridor: its whole middle line is equally deep

    clicks = {centre_click(truth.copy()) for _ in range(50)}

    assert clicks == {Point(35, 25)}


def test_what_was_missed_gets_an_inside_click():
    truth = np.zeros((30, 30), dtype=bool)
    truth[2:12, 2:22] = True
    predicted = truth.copy()
    predicted[:, 12:] = False

    click = next_click(truth, predicted)

    assert click is not None
    assert click.inside
    assert truth[int(click.y), int(click.x)]
    assert not predicted[int(click.y), int(click.x)]


def test_what_was_taken_too_much_gets_an_outside_click():
    truth = np.zeros((30, 30), dtype=bool)
    truth[2:12, 2:12] = True
    predicted = truth.copy()
    predicted[14:28, 14:28] = True

    assert next_click(truth, predicted) == Point(20, 20, inside=False)


def test_a_perfect_answer_needs_no_further_click():
    mask = blobs(3)

    assert next_click(mask, mask) is None
    assert jittered_click(mask, mask, rng=np.random.default_rng(0)) is None


@pytest.mark.parametrize("seed", range(20))
def test_a_jittered_click_lies_in_the_region_of_the_centre_click(seed):
    truth = np.zeros((40, 60), dtype=bool)
    truth[2:32, 2:32] = True
    truth[2:12, 40:50] = True

    click = jittered_click(truth, rng=np.random.default_rng(seed))

    assert click is not None
    assert click.inside
    assert 2 <= click.x < 32
    assert 2 <= click.y < 32


def test_jittered_clicks_prefer_the_middle_to_the_edge():
    truth = np.zeros((41, 41), dtype=bool)
    truth[5:36, 5:36] = True
    rng = np.random.default_rng(1)

    clicks = [jittered_click(truth, rng=rng) for _ in range(300)]

    offsets = np.array([max(abs(c.x - 20), abs(c.y - 20)) for c in clicks if c])
    uniform = 31 / 3  # mean chessboard distance to the middle of a square that is evenly clicked
    assert 2 < offsets.mean() < uniform - 1


def test_the_same_seed_gives_the_same_click_and_box():
    mask = blobs(5)

    def drawn() -> tuple:
        rng = np.random.default_rng(7)
        return jittered_click(mask, rng=rng), jittered_box(mask, rng=rng)

    assert drawn() == drawn()


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6))
def test_a_box_is_the_one_sam2_trains_with(seed):
    mask = blobs(seed)
    if mask.any():
        expected = mask_to_box(torch.from_numpy(mask)[None, None])[0, 0]
        assert box_of(mask) == tuple(expected.tolist())


@pytest.mark.parametrize("scatter", [0.05, 0.1])
def test_a_jittered_box_stays_on_the_picture_and_near_the_box(scatter):
    mask = np.zeros((50, 80), dtype=bool)
    mask[0:40, 30:80] = True
    rng = np.random.default_rng(0)

    boxes = np.array([jittered_box(mask, rng=rng, scatter=scatter) for _ in range(200)])

    assert boxes.min() >= 0
    assert boxes[:, 2].max() <= 79
    assert np.abs(boxes - box_of(mask)).max() <= scatter * 50
    assert np.abs(boxes - box_of(mask)).max() > scatter * 50 * 0.8


def test_a_box_without_scatter_is_the_true_box():
    mask = blobs(11)

    assert jittered_box(mask, rng=np.random.default_rng(0), scatter=0.0) == box_of(mask)
