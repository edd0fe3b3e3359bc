"""What is in a dataset, in numbers: for ``data info`` and for the cards and plots of the page."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from floorseg.data.checks.whole import ClassKey, class_text
from floorseg.data.index import Index

HEAT = 32  # cells of the position map, each way


@dataclass(frozen=True, slots=True, eq=False)
class Statistics:
    """A dataset in numbers.

    Attributes:
        images, masks: how many.
        empty: images without a mask.
        splits: split -> images.
        sizes: (width, height) -> images, most frequent first.
        classes: (class number, class name) -> masks, most frequent first.
        masks_per_image: int (images,).
        area_shares: float (masks,), part of the image each covers.
        heat: int (32, 32), where the masks' centres lie, ``[row, column]``.
    """

    images: int
    masks: int
    empty: int
    splits: Mapping[str, int]
    sizes: Mapping[tuple[int, int], int]
    classes: Mapping[ClassKey, int]
    masks_per_image: np.ndarray
    area_shares: np.ndarray
    heat: np.ndarray

    def as_json(self) -> dict[str, Any]:
        """The statistics as plain values, distributions as their quartiles."""
        return {
            "images": self.images,
            "masks": self.masks,
            "images_without_masks": self.empty,
            "splits": dict(self.splits),
            "sizes": {f"{w}x{h}": count for (w, h), count in self.sizes.items()},
            "classes": {class_text(key): count for key, count in self.classes.items()},
            "masks_per_image": quartiles(self.masks_per_image),
            "mask_area_share": quartiles(self.area_shares),
        }


def statistics_of(index: Index) -> Statistics:
    """Count everything there is in an index."""
    counts = np.bincount(index.class_number, minlength=len(index.classes)).tolist()
    classes = Counter(dict(zip(index.classes, counts, strict=True)))
    sizes = Counter(zip(index.width.tolist(), index.height.tolist(), strict=True))
    columns = np.clip((index.x * HEAT).astype(int), 0, HEAT - 1)
    rows = np.clip((index.y * HEAT).astype(int), 0, HEAT - 1)
    heat = np.bincount(rows * HEAT + columns, minlength=HEAT * HEAT).reshape(HEAT, HEAT)
    return Statistics(
        images=len(index),
        masks=len(index.area),
        empty=int((index.masks == 0).sum()),
        splits=Counter(index.split.tolist()),
        sizes=dict(sizes.most_common()),
        classes=dict(classes.most_common()),
        masks_per_image=index.masks,
        area_shares=index.share(),
        heat=heat,
    )


def quartiles(values: np.ndarray) -> dict[str, float]:
    """Smallest, quarter, middle, three quarters, largest, mean; empty for no values."""
    if not len(values):
        return {}
    cuts = np.percentile(values, [0, 25, 50, 75, 100]).tolist()
    names = ("min", "q1", "median", "q3", "max")
    return {**dict(zip(names, cuts, strict=True)), "mean": float(np.mean(values))}
