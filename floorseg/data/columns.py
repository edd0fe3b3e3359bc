"""Annotation files -> columns of numbers, for blocks of files.

SA-1B files go a short way: only the fields that are counted become Python objects, and are touched
a handful of times, in C. An index then costs little more than parsing. Whatever is not as such
files should be goes the long way of the checks.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from floorseg.core import rle
from floorseg.data.checks.look import look_at
from floorseg.data.checks.whole import ClassKey
from floorseg.data.layout import Entry

FEW_MASKS = 4  # of a file, that are always counted
TOGETHER = 16  # files whose masks are counted in one call
LARGEST = 2**31 - 1  # pixels; whoever states more is told so by the checks


class _Mask(msgspec.Struct, gc=False):
    size: tuple[int, int]
    counts: str


class _Row(msgspec.Struct, gc=False):
    bbox: tuple[float, float, float, float]
    segmentation: _Mask
    area: float = -1  # none
    category_id: int | None = None
    category_name: str | None = None


class _Head(msgspec.Struct, gc=False):
    width: int
    height: int


class _File(msgspec.Struct, gc=False):
    image: _Head
    annotations: list[_Row]


class _Rows(NamedTuple):
    """The rows of a file, turned into one sequence a field."""

    boxes: Sequence[tuple[float, float, float, float]] = ()
    areas: Sequence[float] = ()
    masks: Sequence[_Mask] = ()
    numbers: Sequence[int | None] = ()
    names: Sequence[str | None] = ()


_parse = msgspec.json.Decoder(_File).decode
_fields = attrgetter("bbox", "area", "segmentation", "category_id", "category_name")  # as in _Rows
_size = attrgetter("size")


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """One block of files.

    Attributes:
        sizes: int64 (N, 3), an image's width, height and number of masks.
        areas: int64 (M,), pixels of each mask.
        boxes: float64 (M, 4), (x, y, width, height) in pixels.
        classes: int32 (M,), row of ``keys``.
        keys: (class number, class name).
    """

    sizes: np.ndarray
    areas: np.ndarray
    boxes: np.ndarray
    classes: np.ndarray
    keys: list[ClassKey]


class Reader:
    """Gathers the columns of one block of files; a file is added whole or not at all."""

    def __init__(self) -> None:
        self._sizes: list[tuple[int, int, int]] = []
        self._areas: list[float] = []
        self._boxes = array("d")
        self._classes: list[int] = []
        self._keys = _Numbers()

    def add(self, entry: Entry, format_: str, root: Path) -> None:
        """The long way: whatever is wrong with the file, what can be read is counted."""
        look = look_at(entry, format_=format_, root=root, pictures=False)
        masks = [mask for mask in look.masks if mask.segmentation is not None]
        width, height = (min(side, LARGEST) for side in look.size or (0, 0))
        self._boxes.extend(chain.from_iterable(mask.bbox for mask in masks))
        self._areas += [mask.area for mask in masks]
        self._classes += [self._keys[mask.class_key] for mask in masks]
        self._sizes.append((width, height, len(masks)))

    def add_rows(self, image: _Head, rows: _Rows, areas: Sequence[float]) -> None:
        """The short way."""
        self._boxes.extend(chain.from_iterable(rows.boxes))
        self._areas += areas
        self._classes += map(self._keys.__getitem__, zip(rows.numbers, rows.names, strict=True))
        self._sizes.append((image.width, image.height, len(areas)))

    def columns(self) -> Columns:
        """What has been gathered."""
        return Columns(
            np.array(self._sizes, dtype=np.int64).reshape(-1, 3),
            np.array(self._areas, dtype=np.float64).astype(np.int64),
            np.array(self._boxes, dtype=np.float64).reshape(-1, 4),
            np.array(self._classes, dtype=np.int32),
            list(self._keys),
        )


class _Numbers(dict[ClassKey, int]):
    """Numbers its keys in the order they are asked for."""

    def __missing__(self, key: ClassKey) -> int:
        self[key] = len(self)
        return self[key]


def read_files(paths: Sequence[str]) -> Columns:
    """SA-1B files by the short way where that will do."""
    reader = Reader()
    for start in range(0, len(paths), TOGETHER):
        _read_together(reader, paths[start : start + TOGETHER])
    return reader.columns()


def _read_together(reader: Reader, paths: Sequence[str]) -> None:
    """Areas are taken as stated in files whose first and last one are exact, else counted.

    An exporter writes all areas of a file the same way; ``data check`` counts every one.
    """
    parsed = [_parsed(path) for path in paths]
    ends = [m for _, rows in parsed if len(rows.masks) for m in (rows.masks[0], rows.masks[-1])]
    counted = iter(_count(ends))
    for path, (image, rows) in zip(paths, parsed, strict=True):
        areas = rows.areas
        if len(areas):
            exact = (next(counted), next(counted)) == (areas[0], areas[-1])
            if not exact or len(areas) <= FEW_MASKS or min(areas) < 0:
                areas = _count(rows.masks)
        # an area of the whole image is what Roboflow's pairs look like to pycocotools
        if image is None or (len(areas) and max(areas) >= image.width * image.height):
            reader.add(Entry("", Path(path)), "sa1b", Path(path).parent)
        else:
            reader.add_rows(image, rows, areas)


def _parsed(path: str) -> tuple[_Head | None, _Rows]:
    """What a file holds; no head where it is not as SA-1B files should be."""
    try:
        with open(path, "rb") as file:
            content = _parse(file.read())
    except (OSError, ValueError, RecursionError):
        return None, _Rows()
    image = content.image
    rows = _Rows(*zip(*map(_fields, content.annotations), strict=True))
    size = (image.height, image.width)
    fits = list(map(_size, rows.masks)).count(size) == len(rows.masks)
    if not (fits and min(size) > 0 and max(size) <= LARGEST):
        return None, _Rows()
    return image, rows


def read_entries(entries: Sequence[Entry], *, format_: str, root: Path) -> Columns:
    """Samples of any format."""
    reader = Reader()
    for entry in entries:
        reader.add(entry, format_, root)
    return reader.columns()


def _count(masks: Sequence[_Mask]) -> list[int]:
    return rle.areas([{"size": mask.size, "counts": mask.counts} for mask in masks]).tolist()
