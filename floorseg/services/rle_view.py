"""A run-length encoding as the page's inspector shows it: bounded, whatever was pasted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from floorseg.core import rle
from floorseg.core.multiclass_rle import binary_counts, encode_labels
from floorseg.core.rle_inspection import EXAMPLES, RleInspection, inspect_rle, parse_pasted
from floorseg.data.checks.masks import AREA_SLACK
from floorseg.errors import DatasetError

MAX_RUNS = 1000  # rows of the table
MAX_STRIP = 4000  # runs of the strip
PICTURE = 512  # pixels, the longer side of the decoded mask that is sent
MAX_GRID = 16  # cells of the editor each way
_TOLERANCE = 1.0  # pixels by which tools round a bbox differently


@dataclass(frozen=True, slots=True)
class Comparison:
    """One fact, stated by the file and computed from the runs."""

    name: str
    stated: str
    computed: str
    agrees: bool


def inspect_text(text: str, size: tuple[int, int] | None = None) -> dict[str, Any]:
    """Lay open what a person pasted.

    Args:
        text: see :func:`floorseg.core.rle_inspection.parse_pasted`.
        size: (height, width) of the image, where the encoding comes from one.

    Raises:
        DatasetError: if there are no runs in it.
    """
    pasted = parse_pasted(text)
    opened = inspect_rle(pasted.encoding, size)
    picture = opened.picture(PICTURE)
    return {
        "kind": opened.kind,
        "order": "down the columns" if opened.by_column else "along the rows",
        "size": list(opened.size),
        "problem": opened.problem,
        "runs": opened.table(MAX_RUNS),
        "run_count": len(opened.counts),
        "strip": _strip(opened),
        "picture": None if picture is None else _wire(picture),
        "facts": [vars_of(fact) for fact in compare(opened, pasted.stated, size)],
        "grid": _grid(opened),
        "decoded": _stored(opened),
    }


def compare(
    opened: RleInspection, stated: Mapping[str, Any], size: tuple[int, int] | None
) -> list[Comparison]:
    """Size, sum, area and bbox beside what is stated elsewhere.

    Args:
        opened: the encoding.
        stated: ``area`` and ``bbox`` of the annotation around it, where it has them.
        size: (height, width) of the image it belongs to, or None.
    """
    height, width = opened.size
    pixels = height * width
    return [
        Comparison(
            "size (height x width)",
            "" if size is None else f"{size[0]:,} x {size[1]:,} (image)",
            f"{height:,} x {width:,}",
            size in (None, opened.size),
        ),
        Comparison(
            "sum of the runs",
            f"{pixels:,} pixels",
            f"{opened.total:,}",
            opened.total == pixels,
        ),
        _compare_area(opened, stated),
        _compare_bbox(opened, stated),
    ]


def encode_grid(cells: Sequence[Sequence[int]], *, multiclass: bool) -> str:
    """The encoding of a drawn mask, as JSON.

    Args:
        cells: rows of class numbers, at most 16 x 16; 0 is background.
        multiclass: write values and counts; else zeros and ones, COCO's way.

    Raises:
        DatasetError: if it is not such a grid.
    """
    rows = [list(row) for row in cells]
    is_grid = 0 < len(rows) <= MAX_GRID and 0 < len(rows[0]) <= MAX_GRID
    if not is_grid or len({len(row) for row in rows}) != 1:
        raise DatasetError(f"the editor draws up to {MAX_GRID} x {MAX_GRID} cells")
    labels = np.array(rows, dtype=np.int64)
    if multiclass:
        encoded: dict[str, Any] = dict(encode_labels(labels))
    else:
        encoded = {"size": list(labels.shape), "counts": binary_counts(labels > 0)}
    return orjson.dumps(encoded).decode()


def examples() -> list[dict[str, str]]:
    """The encodings that are ready to load: ``name`` and ``text``."""
    return [{"name": n, "text": orjson.dumps(e).decode()} for n, e in EXAMPLES.items()]


def vars_of(fact: Comparison) -> dict[str, Any]:
    """A comparison as JSON carries it."""
    return {
        "name": fact.name,
        "stated": fact.stated,
        "computed": fact.computed,
        "agrees": fact.agrees,
    }


def _compare_area(opened: RleInspection, stated: Mapping[str, Any]) -> Comparison:
    found = stated.get("area")
    shown = "" if found is None else _number(found)
    is_number = type(found) in (int, float)
    is_drawn = opened.kind.startswith("polygons")  # whose areas are stated with fractions
    is_count = type(found) is int and not is_drawn
    slack = 0 if is_count else max(AREA_SLACK * opened.area, 10.0)
    agrees = found is None or (is_number and abs(found - opened.area) <= slack)
    return Comparison("area", shown, f"{opened.area:,}", agrees)


def _compare_bbox(opened: RleInspection, stated: Mapping[str, Any]) -> Comparison:
    found, measured = stated.get("bbox"), opened.bbox
    computed = "nothing drawn" if measured is None else ", ".join(f"{n:,}" for n in measured)
    if found is None:
        return Comparison("bbox (x, y, width, height)", "", computed, True)
    is_box = (
        isinstance(found, list) and len(found) == 4 and all(type(n) in (int, float) for n in found)
    )
    shown = ", ".join(_number(n) for n in found) if is_box else str(found)[:60]
    agrees = is_box and (
        max(abs(a - b) for a, b in zip(found, measured, strict=True)) <= _TOLERANCE
        if measured is not None
        else not any(found[2:])
    )
    return Comparison("bbox (x, y, width, height)", shown, computed, bool(agrees))


def _number(value: Any) -> str:
    if type(value) is int and abs(value) < 10**15:
        return f"{value:,}"
    return f"{value:,.2f}".rstrip("0").rstrip(".") if type(value) is float else str(value)[:40]


def _strip(opened: RleInspection) -> dict[str, Any]:
    """Value and length of the first runs, in reading order."""
    return {
        "values": opened.values[:MAX_STRIP].tolist(),
        "counts": opened.counts[:MAX_STRIP].tolist(),
    }


def _wire(labels: np.ndarray) -> dict[str, Any]:
    """A small label image as runs along the rows."""
    encoded = encode_labels(labels.T)
    height, width = labels.shape
    return {"h": height, "w": width, "values": encoded["values"], "counts": encoded["counts"]}


def _grid(opened: RleInspection) -> list[list[int]] | None:
    """The cells for the editor, where the mask is small enough to be drawn."""
    if max(opened.size) > MAX_GRID or opened.problem:
        return None
    labels = opened.labels
    return None if labels is None else labels.tolist()


def _stored(opened: RleInspection) -> str:
    """A binary mask in COCO's compressed writing, where it is small enough to be read."""
    labels = opened.labels if max(opened.size) <= MAX_GRID else None
    if labels is None or int(labels.max(initial=0)) > 1:
        return ""
    return str(rle.encode(labels > 0)["counts"])
