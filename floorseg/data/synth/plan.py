"""One synthetic floorplan, from a seed: paper, ink and truth."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from random import Random

import numpy as np

from floorseg.data.annotation import Annotation
from floorseg.data.synth.canvas import Canvas
from floorseg.data.synth.degrade import degrade
from floorseg.data.synth.dimensions import dimension_chains, grid_axes
from floorseg.data.synth.families import FAMILIES, PLAINEST
from floorseg.data.synth.floors import paint_floors
from floorseg.data.synth.fringe import draw_fringe
from floorseg.data.synth.furniture import furnish
from floorseg.data.synth.inscriptions import dashed_things, label_rooms
from floorseg.data.synth.layout import CELL, Layout
from floorseg.data.synth.openings import draw_opening, place_openings
from floorseg.data.synth.outside import draw_outside
from floorseg.data.synth.placing import boxes_on_sheet, common_scale, place
from floorseg.data.synth.schools import choose_style
from floorseg.data.synth.shapes import add_bays, add_masses, cut_corners
from floorseg.data.synth.styles import Style
from floorseg.data.synth.truth import annotations_of
from floorseg.data.synth.wall_ink import draw_walls
from floorseg.data.synth.walls import build_walls

TRAITS = ("furniture", "text", "thin-walls", "fills", "degradation", "layouts", "dimensions")


@dataclass(frozen=True, slots=True, eq=False)
class SyntheticPlan:
    """A drawn plan and its truth.

    Attributes:
        image: uint8 (H, W, 3) RGB.
        annotations: rooms, walls, doors, windows, ...; rooms carry ``room_type``.
        pixels_per_metre: mean of both directions, in the middle of the (last) plan; where a sheet
            was turned or enlarged, as it is there.
        style: school of drawing.
        wear: what happened to the sheet.
    """

    image: np.ndarray
    annotations: tuple[Annotation, ...]
    pixels_per_metre: float
    style: str
    wear: str
    families: tuple[str, ...] = field(default=())


def draw_plan(
    seed: int | str,
    size: tuple[int, int] = (640, 640),
    *,
    without: Iterable[str] = (),
    styles: tuple[str, ...] = (),
) -> SyntheticPlan:
    """Draw one plan.

    Args:
        seed: the same seed gives the same plan.
        size: (width, height) in pixels.
        without: traits to leave out, of ``TRAITS``.
        styles: names of styles to choose from; all by default.
    """
    left_out = frozenset(without)
    rng = Random(f"floorseg {seed}")
    style = _plainer(choose_style(rng, styles), left_out)
    canvas = Canvas.blank(size, style.paper, rng)
    canvas.smooth, canvas.wobble = style.smooth, style.wobble
    names = _families(rng, style, left_out)
    boxes = boxes_on_sheet(rng, size, len(names), style)
    layouts = [FAMILIES[name](rng) for name in names]
    scale = common_scale(layouts, boxes, style)
    for layout, box in zip(layouts, boxes, strict=True):
        place(rng, canvas, layout, style, box, scale=scale)
        _draw_storey(rng, canvas, layout, style, left_out)
    metres = sum(float((layout.grid > 0).sum()) for layout in layouts) * CELL * CELL
    if "text" not in left_out:
        draw_fringe(rng, canvas, style, metres)
    wear = "none" if "degradation" in left_out else degrade(rng, canvas)
    return SyntheticPlan(
        canvas.picture, tuple(annotations_of(canvas)), canvas.scale, style.name, wear, tuple(names)
    )


def _plainer(style: Style, left_out: frozenset[str]) -> Style:
    """The style without the traits that were switched off."""
    if "furniture" in left_out:
        style = replace(style, furniture=0.0)
    if "text" in left_out:
        style = replace(style, labels="none")
    if left_out & {"text", "dimensions"}:
        style = replace(style, dimensions="none")
    if "fills" in left_out:
        style = replace(style, palette="", texture=0.0)
    if "thin-walls" in left_out:
        outer, inner = style.thickness
        thick = (max(outer, 0.25), max(inner, 0.2))
        style = replace(style, thickness=thick, wall_line=None, wall_fill=style.ink)
    return style


def _families(rng: Random, style: Style, left_out: frozenset[str]) -> list[str]:
    if "layouts" in left_out:
        return [PLAINEST]
    count = rng.choices((1, 2, 3), (10, 1.4, 0.4))[0]
    if style.name == "furnished":
        count = 1
    names, weights = list(style.families), list(style.families.values())
    if count == 1:
        return rng.choices(names, weights)
    small = [name for name in names if name in ("flat", "studio", "blocks", "house", "rounded")]
    return [rng.choice(small) for _ in range(count)]


def _draw_storey(
    rng: Random,
    canvas: Canvas,
    layout: Layout,
    style: Style,
    left_out: frozenset[str],
) -> None:
    thinnest = 2.0 / canvas.scale
    thickness = (max(style.thickness[0], thinnest * 1.2), max(style.thickness[1], thinnest))
    style = replace(style, thickness=thickness)
    edges, bays = add_bays(rng, layout, build_walls(rng, layout, thickness), style.oddity)
    edges, cuts = cut_corners(rng, layout, edges, style.oddity)
    openings = place_openings(rng, layout, edges, style)
    masses = add_masses(rng, edges, [opening.clearance for opening in openings], style.oddity)
    if style.fringe:
        draw_outside(rng, canvas, layout, edges, style)
    paint_floors(rng, canvas, layout, [*bays, *cuts], style)
    furnish(rng, canvas, layout, openings, masses, style)
    if style.fringe:
        dashed_things(rng, canvas, layout, style)
    draw_walls(rng, canvas, edges, masses, style)
    for opening in openings:
        draw_opening(canvas, opening, style)
    if style.dimensions == "chain":
        dimension_chains(rng, canvas, edges, layout, style)
        if rng.random() < style.fringe.get("axes", 0.0):
            grid_axes(rng, canvas, edges, layout, style)
    if "text" not in left_out:
        label_rooms(rng, canvas, layout, style)
