"""Instances painted into one label image, and taken out of it again.

Shared by the formats that hold one number a pixel: multi-class RLE and label PNGs. A table beside
the picture keeps what the numbers cannot say: ids, classes and every other field.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from floorseg.core import rle
from floorseg.data import rows
from floorseg.data.annotation import Annotation, Sample
from floorseg.errors import DatasetError

MAX_VALUES = 65_535  # what 16 bits hold; more instances on one image are a mistake


@dataclass(frozen=True, slots=True, eq=False)
class Painted:
    """A label image and what its numbers mean.

    Attributes:
        labels: int32 array of shape (H, W); 0 is background.
        table: one entry a number, as JSON keeps it.
        lost: what the label image cannot hold, in sentences.
    """

    labels: np.ndarray
    table: list[dict[str, Any]]
    lost: tuple[str, ...]


def paint(sample: Sample) -> Painted:
    """Number the masks 1, 2, ... and paint them, small ones over large ones.

    Raises:
        DatasetError: if a mask is not of the image's size.
    """
    labels = np.zeros((sample.height, sample.width), dtype=np.int32)
    areas = [annotation.area() for annotation in sample.annotations]
    for place in sorted(range(len(areas)), key=lambda i: -areas[i]):
        mask = sample.annotations[place].mask()
        if mask.shape != labels.shape:
            raise DatasetError(
                f"annotation {sample.annotations[place].id} is {mask.shape[1]} x {mask.shape[0]}, "
                f"its image {sample.width} x {sample.height}; mend the dataset first"
            )
        labels[mask] = place + 1
    kept = np.bincount(labels.ravel(), minlength=len(areas) + 1)[1:]
    lost = tuple(
        f"annotation {annotation.id}: {area - left:,} of {area:,} pixels lie under another mask"
        if left or area
        else f"annotation {annotation.id} is empty"
        for annotation, area, left in zip(sample.annotations, areas, kept.tolist(), strict=True)
        if left < area or not area
    )
    table = [
        {"value": place + 1, **rows.describe(annotation)}
        for place, annotation in enumerate(sample.annotations)
    ]
    return Painted(labels, table, lost)


def take_out(
    labels: np.ndarray,
    table: Sequence[Mapping[str, Any]] | None = None,
    names: Mapping[int, str] | None = None,
) -> tuple[Annotation, ...]:
    """One annotation a number.

    Args:
        labels: non-negative integer array of shape (H, W); 0 is background.
        table: what the numbers mean, as :func:`paint` writes it. Without it a number is a class.
        names: class names by number, where there is no table.

    Raises:
        DatasetError: if there are more numbers than any plan has.
    """
    present = np.unique(labels)
    if present.size > MAX_VALUES:
        raise DatasetError(f"{present.size:,} different labels on one image; is it a photograph?")
    known = {row["value"]: row for row in table or () if type(row.get("value")) is int}
    if known:
        present = np.union1d(present, np.array(list(known), dtype=np.int64))
    return tuple(
        _annotation(int(value), labels == value, known.get(int(value)), names or {})
        for value in present
        if value
    )


def _annotation(
    value: int, mask: np.ndarray, row: Mapping[str, Any] | None, names: Mapping[int, str]
) -> Annotation:
    segmentation = rle.encode(mask)
    if row is None:
        return Annotation(value, segmentation, value, names.get(value))
    return rows.undescribe({k: v for k, v in row.items() if k != "value"}, segmentation)
