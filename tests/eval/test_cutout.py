"""Masks kept only where they are not empty give the numbers of whole masks."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.cutout import Cutout, common_window
from floorseg.core import rle
from floorseg.core.enlarge import enlarge
from floorseg.core.metrics import boundary, mask_iou


def blob(seed: int, shape: tuple[int, int] = (37, 53)) -> np.ndarray:
    rng = np.random.default_rng(seed)
    mask = np.zeros(shape, dtype=bool)
    for _ in range(int(rng.integers(0, 4))):
        y, x = rng.integers(0, shape[0]), rng.integers(0, shape[1])
        h, w = rng.integers(1, shape[0]), rng.integers(1, shape[1])
        mask[y : y + h, x : x + w] ^= True
    return mask


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_iou_area_and_boundary_equal_those_of_whole_masks(first, second):
    a, b = blob(first), blob(second)
    cut_a, cut_b = Cutout.of_mask(a), Cutout.of_mask(b)

    assert cut_a.area == a.sum()
    assert cut_a.iou(cut_b) == pytest.approx(mask_iou(a, b), nan_ok=True)
    assert np.array_equal(cut_a.boundary(3).whole(), boundary(a, 3))
    assert np.array_equal(cut_a.whole(), a)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**6))
def test_run_lengths_are_those_of_pycocotools(seed):
    mask = blob(seed)

    assert Cutout.of_mask(mask).encode() == rle.encode(mask)["counts"]
    assert np.array_equal(Cutout.of_rle(rle.encode(mask)).whole(), mask)


def test_run_lengths_of_a_full_picture_and_of_full_columns():
    for mask in (np.ones((4, 5), bool), np.eye(1, 6, 2, dtype=bool).repeat(4, axis=0)):
        assert Cutout.of_mask(mask).encode() == rle.encode(mask)["counts"]


@pytest.mark.parametrize("size", [(135, 90), (33, 47), (16, 16), (8, 40)])
@pytest.mark.parametrize("seed", range(6))
def test_enlarged_logits_are_those_of_sam2(size, seed):
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(16, 16)).astype(np.float32) - 1.5

    cut = Cutout.of_logits(logits, size)

    expected = (enlarge(torch.from_numpy(logits), size) > 0).numpy()
    assert (cut.whole() != expected).sum() <= 1  # a value that rounds to either side of zero


def test_logits_below_zero_give_an_empty_mask():
    cut = Cutout.of_logits(np.full((8, 8), -1, np.float32), (20, 30))

    assert cut.area == 0
    assert not cut.whole().any()
    assert np.isnan(cut.iou(cut))
    assert cut.encode() == rle.encode(np.zeros((20, 30), bool))["counts"]


def test_a_common_window_holds_every_part_that_is_not_empty():
    one = np.zeros((20, 30), bool)
    one[2:5, 3:9] = True
    two = np.roll(one, (10, 12), axis=(0, 1))

    parts = [Cutout.of_mask(m) for m in (one, two, np.zeros_like(one))]

    assert common_window(parts) == (3, 2, 21, 15)
    assert common_window(parts[2:]) == (0, 0, 0, 0)
