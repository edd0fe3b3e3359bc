"""What a visitor made of a plan: regions with their names, classes and scale, checked.

Comes from the browser, which is not trusted, and from files that people saved and may have edited.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import orjson

from floorseg.core import rle
from floorseg.core.export import Region
from floorseg.core.patch import Patch
from floorseg.data import rows
from floorseg.data.annotation import Annotation
from floorseg.errors import DatasetError
from floorseg.services.plans import Plan

MAX_REGIONS = 5000
_MAX_TEXT = 80  # characters of a name or class
_SHOWN = (66, 133, 244)


@dataclass(frozen=True, slots=True, eq=False)
class Work:
    """The regions of one plan, at the full size of the picture.

    Attributes:
        plan: the open plan.
        regions: in the order of the table.
        per_metre: pixels of the full-size picture a metre; None where the scale is not set.
    """

    plan: Plan
    regions: tuple[Region, ...]
    per_metre: float | None


def read_work(plan: Plan, wires: Sequence[Mapping[str, Any]], per_metre: float | None) -> Work:
    """Check and enlarge what the browser sent.

    Args:
        plan: that the regions lie on.
        wires: one object a region: a patch and ``id, name, cls, score, checkpoint, edited,
            colour``.
        per_metre: pixels of the shown plan a metre.

    Raises:
        DatasetError: if there are none or too many, or one is not of the expected form.
    """
    if not wires:
        raise DatasetError("there are no regions yet; click a room and accept it first")
    _refuse_too_many(len(wires))
    growth = plan.full_size[1] / plan.size[1]
    return Work(
        plan,
        tuple(_region(plan, wire, place) for place, wire in enumerate(wires, start=1)),
        per_metre * growth if per_metre and per_metre > 0 else None,
    )


def annotations(work: Work) -> list[Annotation]:
    """The regions as annotations of a dataset; who made each stands beside it."""
    names = dict.fromkeys(region.class_name for region in work.regions)
    classes = {name: number for number, name in enumerate(names, start=1)}
    return [
        Annotation(
            id=region.id,
            segmentation=rle.encode(region.mask),
            category_id=classes[region.class_name],
            category_name=region.class_name,
            extra={
                "predicted_iou": 1.0 if region.score is None else region.score,
                "stability_score": 1.0,
                "name": region.name,
                "checkpoint": region.checkpoint,
                "edited": region.edited,
                "by_hand": region.score is None,
            },
        )
        for region in work.regions
    ]


def read_saved(plan: Plan, content: bytes) -> tuple[list[dict[str, Any]], float | None]:
    """Regions from an SA-1B or COCO file, as the page shows them.

    Args:
        plan: that is open; the file must be of its size.
        content: the file.

    Returns:
        One object a region as ``read_work`` takes it, and the pixels a metre of the shown plan.

    Raises:
        DatasetError: if it is another kind of file, or of another plan.
    """
    try:
        parsed = orjson.loads(content)
    except orjson.JSONDecodeError as problem:
        raise DatasetError(f"this file is not valid JSON: {problem}; save it again") from problem
    head, listed, classes = _parts(parsed)
    height, width = plan.full_size
    if (head.get("height"), head.get("width")) != (height, width):
        raise DatasetError(
            f"these regions belong to a plan of {head.get('width')} x {head.get('height')} pixels, "
            f"this one has {width} x {height}; open the plan they were made on"
        )
    _refuse_too_many(len(listed))
    found = rows.read_all(listed, (height, width), file="this file")
    stated = head.get("pixels_per_metre")
    known = isinstance(stated, (int, float)) and stated > 0
    shrink = plan.size[1] / plan.full_size[1]
    wires = [_wire(plan, annotation, classes) for annotation in found]
    return wires, float(stated or 0) * shrink if known else None


def _refuse_too_many(count: int) -> None:
    if count > MAX_REGIONS:
        raise DatasetError(f"{count:,} regions are too many; at most {MAX_REGIONS:,} are kept")


def _region(plan: Plan, wire: Mapping[str, Any], place: int) -> Region:
    mask = Patch.read(wire, plan.size).mask(plan.size)
    score, number, colour = wire.get("score"), wire.get("id"), wire.get("colour")
    usable = isinstance(colour, (list, tuple)) and len(colour) == 3
    known = usable and all(type(c) is int and 0 <= c <= 255 for c in colour or ())
    return Region(
        id=number if type(number) is int and 0 < number < 2**31 else place,
        name=_text(wire.get("name"), f"Region {place}"),
        class_name=_text(wire.get("cls"), "room"),
        mask=_scaled(mask, plan.full_size),
        score=min(max(float(score), 0.0), 1.0) if isinstance(score, (int, float)) else None,
        checkpoint=_text(wire.get("checkpoint"), "") or None,
        edited=bool(wire.get("edited")),
        colour=(colour[0], colour[1], colour[2]) if known and colour else _SHOWN,
    )


def _wire(plan: Plan, annotation: Annotation, classes: Mapping[Any, str]) -> dict[str, Any]:
    extra = annotation.extra
    named = annotation.category_name or classes.get(annotation.category_id) or "room"
    score = extra.get("predicted_iou")
    return {
        "id": annotation.id,
        "name": _text(extra.get("name"), "") or None,
        "cls": _text(named, "room"),
        "score": score if isinstance(score, (int, float)) and not extra.get("by_hand") else None,
        "checkpoint": _text(extra.get("checkpoint"), "") or None,
        "edited": bool(extra.get("edited")),
        **Patch.of(_scaled(annotation.mask(), plan.size)).wire(),
    }


def _parts(parsed: Any) -> tuple[Mapping[str, Any], list[Any], dict[Any, str]]:
    """The image's record, its rows and the classes, of an SA-1B or a one-image COCO file."""
    if isinstance(parsed, dict) and isinstance(parsed.get("annotations"), list):
        head, images = parsed.get("image"), parsed.get("images")
        if isinstance(head, dict):
            return head, parsed["annotations"], {}
        if isinstance(images, list) and len(images) == 1 and isinstance(images[0], dict):
            classes = {
                c.get("id"): str(c.get("name"))
                for c in parsed.get("categories") or []
                if isinstance(c, dict)
            }
            return images[0], parsed["annotations"], classes
    raise DatasetError(
        "this JSON holds no regions of one plan; load a file saved here, SA-1B or COCO"
    )


def _scaled(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Nearest pixel by centres: enlarging and coming back gives the same mask."""
    if mask.shape == size:
        return mask
    large = cv2.resize(
        mask.astype(np.uint8), (size[1], size[0]), interpolation=cv2.INTER_NEAREST_EXACT
    )
    return large.astype(bool)


def _text(value: Any, otherwise: str) -> str:
    if not isinstance(value, str):
        return otherwise
    return "".join(c for c in value if c.isprintable()).strip()[:_MAX_TEXT] or otherwise
