"""Regions of a plan as polygons, tables and label images, in pixels or metres.

Values in, text or arrays out. Knows nothing of files and formats of datasets.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import orjson
import shapely
from shapely.geometry import Polygon, mapping
from shapely.geometry.base import BaseGeometry

from floorseg.core.outlines import pixel_outlines
from floorseg.core.render import Colour

SMOOTHING = 1.0  # pixels that a polygon may lie beside the mask's edge
_CORNER = float(np.sqrt(0.5))
_STEP = np.array(  # length of the outline inside four neighbouring pixels, by which are set
    [0, _CORNER, _CORNER, 1, _CORNER, 1, 2 * _CORNER, _CORNER,
     _CORNER, 2 * _CORNER, 1, _CORNER, 1, _CORNER, _CORNER, 0]
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """One region with what a table says of it.

    Attributes:
        id: number within the plan.
        name: what the visitor calls it.
        class_name: "room", "wall", ...
        mask: bool array of shape (H, W).
        score: the model's estimate of its IoU, in [0, 1]; None where it was drawn by hand.
        checkpoint: which model proposed it, or None.
        edited: whether a hand corrected it.
        colour: as it is shown.
    """

    id: int
    name: str
    class_name: str
    mask: np.ndarray
    score: float | None = None
    checkpoint: str | None = None
    edited: bool = False
    colour: Colour = (66, 133, 244)


def perimeter(mask: np.ndarray) -> float:
    """Length of a mask's outline in pixels: straight steps count 1, corners are cut to 0.71.

    Args:
        mask: bool array of shape (H, W).
    """
    padded = np.pad(mask, 1).astype(np.uint8)
    cells = padded[:-1, :-1] | padded[:-1, 1:] << 1 | padded[1:, :-1] << 2 | padded[1:, 1:] << 3
    return float(np.bincount(cells.ravel(), minlength=16) @ _STEP)


def polygon(mask: np.ndarray, *, smoothing: float = SMOOTHING) -> BaseGeometry:
    """A mask as a polygon, or several, holes kept.

    Args:
        mask: bool array of shape (H, W).
        smoothing: pixels that it may lie beside the mask's edge; 0 for every stair of it.

    Returns:
        A shapely geometry in pixels, (0, 0) the upper left corner of the upper left pixel.
    """
    rings = [Polygon(ring) for ring in pixel_outlines(mask) if len(ring) >= 4]
    shape: BaseGeometry = Polygon()
    for ring in sorted(rings, key=lambda r: -r.area):  # a hole lies inside what is larger
        shape = shape.symmetric_difference(ring if ring.is_valid else ring.buffer(0))
    return shape.simplify(smoothing, preserve_topology=True) if smoothing else shape


def geojson(regions: Sequence[Region], size: tuple[int, int], per_metre: float | None) -> bytes:
    """A FeatureCollection; x to the right and y up from the plan's lower left corner.

    Args:
        regions: in the order of the table.
        size: (height, width) of the plan in pixels.
        per_metre: pixels a metre; None to stay in pixels.
    """
    factor = 1 / per_metre if per_metre else 1.0
    features = []
    for region in regions:
        shape = shapely.transform(polygon(region.mask), lambda xy: _upward(xy, size[0]) * factor)
        properties = row(region, per_metre)
        features.append(
            {"type": "Feature", "properties": properties, "geometry": _rounded(mapping(shape))}
        )
    head = {"type": "FeatureCollection", "unit": "m" if per_metre else "px", "features": features}
    return orjson.dumps(head, option=orjson.OPT_SERIALIZE_NUMPY)


def svg(regions: Sequence[Region], size: tuple[int, int], per_metre: float | None) -> bytes:
    """The polygons as a drawing, one path each with its name, in metres where they are known."""
    factor, unit = (1 / per_metre, "m") if per_metre else (1.0, "px")
    height, width = size[0] * factor, size[1] * factor
    paths = []
    for region in regions:
        red, green, blue = region.colour
        name, kind = escape(region.name, quote=True), escape(region.class_name, quote=True)
        paths.append(
            f'  <path id="region-{region.id}" data-name="{name}" data-class="{kind}" '
            f'fill="rgb({red},{green},{blue})" d="{_path(polygon(region.mask), factor)}">'
            f"<title>{name}</title></path>"
        )
    stroke = max(width, height) / 800
    # svg knows no metres: one user unit is a metre, and the page size is given in millimetres
    sized = f'width="{width * 10:g}mm" height="{height * 10:g}mm" ' if per_metre else ""
    text = (
        f'<svg xmlns="http://www.w3.org/2000/svg" {sized}viewBox="0 0 {width:g} {height:g}" '
        f'data-unit="{unit}" fill-rule="evenodd" fill-opacity="0.45" stroke="#222" '
        f'stroke-width="{stroke:.4g}">\n' + "\n".join(paths) + "\n</svg>\n"
    )
    return text.encode()


def table(regions: Sequence[Region], per_metre: float | None) -> bytes:
    """The regions as CSV, one row each."""
    text = io.StringIO()
    names = list(row(regions[0], per_metre)) if regions else ["id", "name", "class"]
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows({k: _plain(v) for k, v in row(r, per_metre).items()} for r in regions)
    return text.getvalue().encode("utf-8-sig")  # spreadsheets know by the mark that it is UTF-8


def row(region: Region, per_metre: float | None) -> dict[str, Any]:
    """What the table says of a region."""
    area, around = int(region.mask.sum()), perimeter(region.mask)
    found: dict[str, Any] = {
        "id": region.id,
        "name": region.name,
        "class": region.class_name,
        "area_px": area,
        "perimeter_px": round(around, 2),
        "area_m2": round(area / per_metre**2, 4) if per_metre else None,
        "perimeter_m": round(around / per_metre, 3) if per_metre else None,
        "score": None if region.score is None else round(region.score, 4),
        "checkpoint": region.checkpoint,
        "edited": region.edited,
    }
    return found


def label_image(regions: Sequence[Region], size: tuple[int, int]) -> np.ndarray:
    """Numbers 1, 2, ... in the order of the table, 0 elsewhere; small regions over large ones.

    Returns:
        uint8 array of shape ``size``, uint16 where there are more than 255 regions.
    """
    labels = np.zeros(size, dtype=np.uint8 if len(regions) < 256 else np.uint16)
    areas = [int(region.mask.sum()) for region in regions]
    for place in sorted(range(len(regions)), key=lambda i: -areas[i]):
        labels[regions[place].mask] = place + 1
    return labels


def _plain(value: Any) -> Any:
    """No cell that a spreadsheet takes for a formula."""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return "'" + value
    return value


def _upward(points: np.ndarray, height: int) -> np.ndarray:
    return np.column_stack((points[:, 0], height - points[:, 1]))


def _rounded(geometry: dict[str, Any]) -> dict[str, Any]:
    def digits(part: Any) -> Any:
        if isinstance(part, (int, float)):
            return round(float(part), 4)
        return [digits(inner) for inner in part]

    return {"type": geometry["type"], "coordinates": digits(geometry["coordinates"])}


def _path(shape: BaseGeometry, factor: float) -> str:
    parts = getattr(shape, "geoms", [shape])
    rings = [ring for part in parts if part.geom_type == "Polygon" and not part.is_empty
             for ring in (part.exterior, *part.interiors)]  # fmt: skip
    lines = (
        " L".join(f"{x * factor:.5g},{y * factor:.5g}" for x, y in r.coords[:-1]) for r in rings
    )
    return " ".join(f"M{line} Z" for line in lines)
