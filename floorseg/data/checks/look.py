"""What one sample really contains, looked at once for all checks.

Unlike a :class:`~floorseg.data.annotation.Sample` this holds what is wrong as well: rows that
cannot be read, sizes that disagree, pictures that are damaged.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from floorseg.core import rle
from floorseg.data import rows, sa1b
from floorseg.data.dataset import FORMATS
from floorseg.data.files import read_json
from floorseg.data.layout import Entry
from floorseg.data.picture import Picture, look_at_picture
from floorseg.errors import DatasetError

Size = tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class MaskLook:
    """One annotation.

    Attributes:
        name: its id as a person would quote it.
        row: the file's fields.
        segmentation: COCO compressed RLE, or None where it cannot be read.
        problem: why not.
        kind: ``coco``, ``runs``, ``pairs`` or ``polygons``: how the file writes it.
        area: pixels, counted.
        bbox: (x, y, width, height), measured.
    """

    name: str
    row: Mapping[str, Any]
    segmentation: Mapping[str, Any] | None
    problem: str = ""
    kind: str = "coco"
    area: int = 0
    bbox: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)

    @property
    def class_key(self) -> tuple[int | None, str | None]:
        """Class number and name."""
        number, name = self.row.get("category_id"), self.row.get("category_name")
        return (number if type(number) is int else None, name if isinstance(name, str) else None)


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """One sample.

    Attributes:
        file: the annotation file relative to the dataset; the image where there is none.
        entry: where it comes from.
        problem: why its annotations cannot be read at all, or "".
        image_missing: what was said when the image was looked for, or "".
        head: the file's record of the image.
        size: stated (width, height), or None.
        masks: its annotations.
        image: where the image lies, or None where it is missing.
        picture: the image file decoded, or None where that was not asked for or it is missing.
        writes_rle: whether its format should hold compressed RLE.
    """

    file: str
    entry: Entry
    problem: str = ""
    image_missing: str = ""
    head: Mapping[str, Any] = field(default_factory=dict)
    size: Size | None = None
    masks: tuple[MaskLook, ...] = ()
    image: Path | None = None
    picture: Picture | None = None
    writes_rle: bool = False


def look_at(entry: Entry, *, format_: str, root: Path, pictures: bool = True) -> Look:
    """Look at one sample; never raises for what is wrong with it.

    Args:
        entry: of an opened dataset.
        format_: the dataset's format.
        root: the dataset's folder, which paths are told relative to.
        pictures: whether the image is decoded too.
    """
    file = relative(entry.source, root)
    try:
        head, found, image = _raw(entry, format_)
    except DatasetError as problem:
        return Look(file, entry, problem=str(problem))
    size = _size(head)
    missing, picture = "", None
    if isinstance(image, str):
        missing = image
    elif pictures:
        picture = look_at_picture(image)
    return Look(
        file=file,
        entry=entry,
        image_missing=missing,
        head=head,
        size=size,
        masks=_masks(found, size),
        image=image if isinstance(image, Path) else None,
        picture=picture,
        writes_rle=format_ == "sa1b",
    )


def relative(path: Path, root: Path) -> str:
    """A path as findings tell it."""
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


def _raw(entry: Entry, format_: str) -> tuple[dict[str, Any], list[Any], Path | str]:
    """The image's record, its rows, and the image or why it is missing."""
    if format_ == "sa1b":
        head, found = sa1b.parts(read_json(entry.source), entry.source)
        try:
            return head, found, sa1b.find_image(entry.source, head.get("file_name"))
        except DatasetError as problem:
            return head, found, str(problem)
    if format_ == "coco":
        head, found = orjson.loads(entry.key[1])
        is_there = entry.source.is_file()
        return head, found, entry.source if is_there else f"there is no image {entry.source}"
    problems: list[str] = []
    sample = FORMATS[format_].read(entry, problems)
    listed: list[Any] = [
        {**rows.describe(a), "segmentation": dict(a.segmentation)} for a in sample.annotations
    ]
    listed += [{"id": said, "segmentation": None} for said in problems]
    head = {"width": sample.width, "height": sample.height}
    return head, listed, sample.image_path


def _size(head: Mapping[str, Any]) -> Size | None:
    width, height = head.get("width"), head.get("height")
    if type(width) is int and type(height) is int and width > 0 and height > 0:
        return width, height
    return None


def _masks(found: list[Any], size: Size | None) -> tuple[MaskLook, ...]:
    pairs = rle.any_holds_pairs([r.get("segmentation") for r in found if isinstance(r, dict)])
    looked = [_mask(row, place, size, pairs) for place, row in enumerate(found)]
    readable = [mask for mask in looked if mask.segmentation is not None]
    encoded = [dict(mask.segmentation) for mask in readable if mask.segmentation is not None]
    areas, boxes = rle.areas(encoded), rle.boxes(encoded)
    measured = iter(zip(areas.tolist(), boxes.tolist(), strict=True))
    return tuple(
        mask if mask.segmentation is None else _measured(mask, *next(measured)) for mask in looked
    )


def _measured(mask: MaskLook, area: int, box: list[float]) -> MaskLook:
    x, y, width, height = box
    return MaskLook(
        mask.name, mask.row, mask.segmentation, mask.problem, mask.kind, area, (x, y, width, height)
    )


def _mask(row: Any, place: int, size: Size | None, pairs: bool) -> MaskLook:
    if not isinstance(row, dict):
        return MaskLook(str(place), {}, None, "it is not an object with a segmentation")
    name = str(row.get("id", place))[:200]
    segmentation = row.get("segmentation")
    kind = _kind(segmentation, pairs)
    try:
        hw = None if size is None else (size[1], size[0])
        read = rle.read(segmentation, hw, pairs=pairs or None)
    except DatasetError as problem:
        return MaskLook(name, row, None, str(problem), kind)
    return MaskLook(name, row, read, kind=kind)


def _kind(segmentation: Any, pairs: bool) -> str:
    if isinstance(segmentation, list):
        return "polygons"
    counts = segmentation.get("counts") if isinstance(segmentation, dict) else None
    if pairs and counts is not None:
        return "pairs"
    return "runs" if isinstance(counts, list) else "coco"


def stated_box(mask: MaskLook) -> np.ndarray | None:
    """The bbox the file states, float64 (4,), or None where it states none."""
    found = mask.row.get("bbox")
    if not isinstance(found, (list, tuple)) or len(found) != 4:
        return None
    if not all(type(value) in (int, float) for value in found):
        return None
    return np.array(found, dtype=np.float64)
