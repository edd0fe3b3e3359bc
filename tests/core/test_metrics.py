"""Metrics against independent implementations: a naive loop, pycocotools, torchmetrics, erosion."""

import cv2
import numpy as np
import pytest
import torch
from pycocotools import mask as coco_mask
from torchmetrics.functional.classification import multiclass_jaccard_index

from floorseg.core import rle
from floorseg.core.metrics import (
    ConfusionMatrix,
    boundary,
    boundary_iou,
    boundary_pixels,
    dice,
    mask_iou,
    pairwise_iou,
)

WALL, ROOM, DOOR = 0, 1, 2


def random_mask(seed: int, shape: tuple[int, int] = (23, 31)) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return cv2.blur(rng.random(shape).astype(np.float32), (5, 5)) > rng.uniform(0.4, 0.6)


def naive_counts(a: np.ndarray, b: np.ndarray) -> tuple[int, int, int, int]:
    """(both, either, a, b), pixel by pixel."""
    both = either = in_a = in_b = 0
    for y in range(a.shape[0]):
        for x in range(a.shape[1]):
            both += bool(a[y, x]) and bool(b[y, x])
            either += bool(a[y, x]) or bool(b[y, x])
            in_a += bool(a[y, x])
            in_b += bool(b[y, x])
    return both, either, in_a, in_b


@pytest.mark.parametrize("seed", range(8))
def test_iou_and_dice_agree_with_a_naive_pixel_loop(seed):
    a, b = random_mask(seed), random_mask(seed + 100)

    both, either, in_a, in_b = naive_counts(a, b)

    assert mask_iou(a, b) == pytest.approx(both / either)
    assert dice(a, b) == pytest.approx(2 * both / (in_a + in_b))


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        pytest.param([[1, 1, 0]], [[1, 1, 0]], 1.0, id="perfect"),
        pytest.param([[1, 1, 0]], [[0, 0, 1]], 0.0, id="apart"),
        pytest.param([[1, 1, 0]], [[0, 1, 1]], 1 / 3, id="shifted by one of two"),
        pytest.param([[1, 1, 0]], [[0, 0, 0]], 0.0, id="nothing predicted"),
    ],
)
def test_iou_of_masks_that_can_be_counted_by_eye(first, second, expected):
    assert mask_iou(np.array(first, bool), np.array(second, bool)) == pytest.approx(expected)


def test_two_empty_masks_have_no_score():
    empty = np.zeros((5, 5), dtype=bool)

    assert np.isnan(mask_iou(empty, empty))
    assert np.isnan(dice(empty, empty))
    assert np.isnan(boundary_iou(empty, empty))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("pixels", [1, 2, 5])
def test_a_boundary_is_the_mask_minus_its_erosion(seed, pixels):
    mask = random_mask(seed, (40, 50))
    padded = np.pad(mask.astype(np.uint8), 1)
    eroded = cv2.erode(padded, np.ones((3, 3), np.uint8), iterations=pixels)[1:-1, 1:-1]

    assert np.array_equal(boundary(mask, pixels), mask & ~eroded.astype(bool))


def test_the_boundary_of_a_full_picture_follows_its_border():
    band = boundary(np.ones((10, 12), dtype=bool), 2)

    assert not band[2:-2, 2:-2].any()
    assert band.sum() == 120 - 6 * 8


def test_the_boundary_is_two_percent_of_the_diagonal():
    assert boundary_pixels((1080, 1080)) == 31
    assert boundary_pixels((10, 10)) == 1


def test_boundary_iou_of_a_shifted_square_counted_by_hand():
    a = np.zeros((20, 20), dtype=bool)
    a[5:9, 5:9] = True
    b = np.roll(a, 1, axis=1)  # both bands are 12 pixels wide squares of 1 pixel; they share 6

    assert boundary_iou(a, b) == pytest.approx(6 / 18)


@pytest.mark.parametrize("seed", range(4))
def test_pairwise_iou_equals_the_iou_of_each_pair(seed):
    truth = [random_mask(seed * 10 + i) for i in range(3)]
    predicted = [random_mask(seed * 10 + 5 + i) for i in range(4)]

    table = pairwise_iou([rle.encode(m) for m in truth], [rle.encode(m) for m in predicted])

    assert table.shape == (3, 4)
    for i, t in enumerate(truth):
        for j, p in enumerate(predicted):
            assert table[i, j] == pytest.approx(mask_iou(t, p))


def test_pairwise_iou_of_nothing_is_an_empty_table():
    one = [rle.encode(random_mask(1))]

    assert pairwise_iou([], one).shape == (0, 1)
    assert pairwise_iou(one, []).shape == (1, 0)


@pytest.mark.parametrize("seed", range(4))
def test_mask_iou_agrees_with_pycocotools(seed):
    a, b = random_mask(seed), random_mask(seed + 50)
    coded = [coco_mask.encode(np.asfortranarray(m, np.uint8)) for m in (a, b)]

    assert mask_iou(a, b) == pytest.approx(coco_mask.iou([coded[0]], [coded[1]], [0])[0, 0])


@pytest.mark.parametrize(
    ("truth", "predicted", "expected"),
    [
        pytest.param([[WALL, ROOM]], [[WALL, ROOM]], 1.0, id="perfect"),
        pytest.param([[WALL, ROOM]], [[ROOM, WALL]], 0.0, id="swapped"),
        pytest.param([[WALL, 255]], [[WALL, ROOM]], 1.0, id="ignored pixels do not count"),
        pytest.param([[WALL, WALL]], [[WALL, ROOM]], 0.25, id="half the wall lost to room"),
    ],
)
def test_mean_iou_over_classes(truth, predicted, expected):
    counted = ConfusionMatrix.compare(np.array(truth), np.array(predicted), num_classes=2)

    assert counted.mean_iou() == pytest.approx(expected)


def test_an_absent_class_is_absent_from_the_mean():
    same = np.array([[WALL, WALL]])

    counted = ConfusionMatrix.compare(same, same, num_classes=3)

    assert np.isnan(counted.iou()[DOOR])
    assert counted.mean_iou() == 1.0
    assert np.isnan(ConfusionMatrix.zeros(3).mean_iou())


@pytest.mark.parametrize("seed", range(4))
def test_class_iou_agrees_with_torchmetrics(seed):
    rng = np.random.default_rng(seed)
    truth, predicted = rng.integers(0, 4, (2, 30, 40))

    ours = ConfusionMatrix.compare(truth, predicted, num_classes=4).iou()

    theirs = multiclass_jaccard_index(
        torch.from_numpy(predicted), torch.from_numpy(truth), num_classes=4, average=None
    )
    assert ours == pytest.approx(theirs.numpy(), abs=1e-6)


def test_matrices_of_two_pictures_add_up_to_the_matrix_of_both():
    rng = np.random.default_rng(0)
    truth, predicted = rng.integers(0, 3, (2, 20, 10))

    parts = [
        ConfusionMatrix.compare(truth[half], predicted[half], num_classes=3)
        for half in (slice(0, 10), slice(10, 20))
    ]

    whole = ConfusionMatrix.compare(truth, predicted, num_classes=3)
    assert np.array_equal((parts[0] + parts[1]).counts, whole.counts)


def test_a_label_out_of_range_and_a_wrong_shape_are_refused():
    good = np.zeros((2, 2), dtype=int)

    with pytest.raises(ValueError, match=r"predicted labels in 0\.\.1"):
        ConfusionMatrix.compare(good, good + 7, num_classes=2)
    with pytest.raises(ValueError, match="one shape"):
        ConfusionMatrix.compare(good, good[:1], num_classes=2)
