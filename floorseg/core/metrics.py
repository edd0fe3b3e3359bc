"""How well one mask, or a whole label map, agrees with the truth. Pure functions.

Two empty masks have no IoU: the answer is NaN, never 0 or 1, so that an absent thing stays absent
in every mean (use ``np.nanmean``). Matching several masks lies in ``matching``, the model's own
score against the truth in ``calibration``.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np
from pycocotools import mask as coco_mask

from floorseg.core.rle import Segmentation

NAN = float("nan")
BOUNDARY = 0.02  # of the picture's diagonal, Cheng et al. 2021


def mask_iou(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union of two masks, in [0, 1]; NaN where both are empty.

    Args:
        a: bool array of shape (H, W).
        b: bool array of the same shape.
    """
    shared = int(np.count_nonzero(a & b))
    return _share(shared, int(np.count_nonzero(a)) + int(np.count_nonzero(b)) - shared)


def dice(a: np.ndarray, b: np.ndarray) -> float:
    """Twice the intersection over the sum of the areas, in [0, 1]; NaN where both are empty.

    Args:
        a: bool array of shape (H, W).
        b: bool array of the same shape.
    """
    shared = int(np.count_nonzero(a & b))
    return _share(2 * shared, int(np.count_nonzero(a)) + int(np.count_nonzero(b)))


def boundary_iou(a: np.ndarray, b: np.ndarray, *, width: float = BOUNDARY) -> float:
    """IoU of the two masks' inner boundaries (Cheng et al., Boundary IoU, CVPR 2021).

    Args:
        a: bool array of shape (H, W).
        b: bool array of the same shape.
        width: of the boundary, as a part of the picture's diagonal; at least one pixel.

    Returns:
        in [0, 1]; NaN where both are empty.
    """
    pixels = boundary_pixels(a.shape, width=width)
    return mask_iou(boundary(a, pixels), boundary(b, pixels))


def boundary_pixels(shape: tuple[int, ...], *, width: float = BOUNDARY) -> int:
    """The boundary's width in pixels on a picture of this (H, W)."""
    return max(1, round(width * math.hypot(shape[0], shape[1])))


def boundary(mask: np.ndarray, pixels: int) -> np.ndarray:
    """The mask's pixels at most ``pixels`` steps (diagonal ones too) from its outside.

    The picture's border counts as outside. The same band as the mask minus its erosion, ``pixels``
    times by a 3 x 3 square, at a cost that does not grow with the width.

    Args:
        mask: bool array of shape (H, W).
        pixels: width of the band.
    """
    band = np.zeros_like(mask)
    x, y, width, height = cv2.boundingRect(mask.view(np.uint8))
    if width:
        crop = mask[y : y + height, x : x + width]
        steps = cv2.distanceTransform(np.pad(crop.view(np.uint8), 1), cv2.DIST_C, 3)
        band[y : y + height, x : x + width] = crop & (steps[1:-1, 1:-1] <= pixels)
    return band


def pairwise_iou(truth: Sequence[Segmentation], predicted: Sequence[Segmentation]) -> np.ndarray:
    """IoU of every truth with every prediction, without decoding them.

    Args:
        truth: compressed COCO RLEs of one picture.
        predicted: compressed COCO RLEs of the same picture.

    Returns:
        float64 array of shape (truths, predictions); 0 where both are empty.
    """
    if not truth or not predicted:
        return np.zeros((len(truth), len(predicted)))
    crowd = [0] * len(predicted)
    table = coco_mask.iou([dict(r) for r in truth], [dict(r) for r in predicted], crowd)
    return np.nan_to_num(np.asarray(table, dtype=np.float64))


@dataclass(frozen=True, slots=True, eq=False)
class ConfusionMatrix:
    """Pixel counts, ``counts[truth, predicted]``, shape (C, C), int64.

    Matrices add up, so a split is the sum of its pictures and its IoU is computed once, at the
    end: averaging per picture would let a tiny door weigh as much as a wall.
    """

    counts: np.ndarray

    @classmethod
    def zeros(cls, num_classes: int) -> Self:
        """Nothing counted yet."""
        return cls(np.zeros((num_classes, num_classes), dtype=np.int64))

    @classmethod
    def compare(
        cls, truth: np.ndarray, predicted: np.ndarray, *, num_classes: int, ignore: int = 255
    ) -> Self:
        """Count two label maps of shape (H, W), integers below ``num_classes``.

        Args:
            truth: labels; pixels of ``ignore`` are not counted.
            predicted: labels; never ``ignore`` where the truth is counted.
            num_classes: how many classes there are.
            ignore: the truth's label for "do not count".

        Raises:
            ValueError: if the shapes differ or a label is out of range.
        """
        if truth.shape != predicted.shape:
            raise ValueError(
                f"expected two maps of one shape, got {truth.shape}, {predicted.shape}"
            )
        counted = truth != ignore
        rows = truth[counted].astype(np.int64)
        columns = predicted[counted].astype(np.int64)
        for name, labels in (("truth", rows), ("predicted", columns)):
            if labels.size and (labels.min() < 0 or labels.max() >= num_classes):
                raise ValueError(
                    f"expected {name} labels in 0..{num_classes - 1}, "
                    f"got {labels.min()}..{labels.max()}"
                )
        pairs = np.bincount(rows * num_classes + columns, minlength=num_classes**2)
        return cls(pairs.reshape(num_classes, num_classes))

    def __add__(self, other: Self) -> Self:
        return type(self)(self.counts + other.counts)

    def iou(self) -> np.ndarray:
        """IoU per class, shape (C,); NaN where a class is neither present nor predicted."""
        hit = np.diag(self.counts)
        union = self.counts.sum(axis=0) + self.counts.sum(axis=1) - hit
        return np.divide(hit, union, out=np.full(len(hit), NAN), where=union > 0)

    def mean_iou(self) -> float:
        """Mean IoU over the classes that occur; NaN where nothing was counted."""
        iou = self.iou()
        return float(np.nanmean(iou)) if np.isfinite(iou).any() else NAN


def _share(part: int, whole: int) -> float:
    return part / whole if whole else NAN
