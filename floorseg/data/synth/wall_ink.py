"""Walls in ink: filled, hollow, hatched, dotted; and their truth."""

from random import Random

import cv2
import numpy as np

from floorseg.data.synth.canvas import Canvas, Thing
from floorseg.data.synth.shapes import Mass
from floorseg.data.synth.styles import Style
from floorseg.data.synth.walls import Edge


def draw_walls(
    rng: Random, canvas: Canvas, edges: list[Edge], masses: list[Mass], style: Style
) -> None:
    """Draw all walls of a storey as one body and mark each of them."""
    outline = style.wall_line
    bodies = [_body(edge) for edge in edges] + [mass.corners for mass in masses]
    _mark(canvas, edges, masses)
    if canvas.smooth:
        _mark_soft_rim(canvas, bodies)
    for body in bodies:
        canvas.fill(body, outline or style.wall_fill)
    if outline is not None and outline != style.wall_fill:
        _insides(rng, canvas, edges, style)
        _chimneys(canvas, masses, style)
    if canvas.wobble:
        for body in bodies:  # the long sides only: ends lie inside the next wall
            canvas.line(body[:2], outline or style.wall_fill)
            canvas.line(body[2:], outline or style.wall_fill)


def _mark(canvas: Canvas, edges: list[Edge], masses: list[Mass]) -> None:
    numbers: dict[int, int] = {}
    for edge in edges:
        if edge.wall not in numbers:
            numbers[edge.wall] = canvas.add(Thing("wall", name=edge.kind))
        canvas.mark(_body(edge), numbers[edge.wall])
    for mass in masses:
        number = canvas.add(Thing("column")) if mass.wall is None else numbers[mass.wall]
        canvas.mark(mass.corners, number)


def _mark_soft_rim(canvas: Canvas, bodies: list[np.ndarray]) -> None:
    """Smooth ink spreads: a pixel that is more ink than paper is wall, not room."""
    walls = np.where(canvas.is_kind("wall", "column"), canvas.truth, 0).astype(np.uint16)
    cover = np.zeros(walls.shape, np.uint8)
    for body in bodies:
        corners = np.round((canvas.pixels(body) - 0.5) * 16).astype(np.int32)
        cv2.fillPoly(cover, [corners], 255, cv2.LINE_AA, 4)
    spread = cv2.dilate(walls, np.ones((3, 3), np.uint8))
    rim = ((cover > 127) & (walls == 0) & (spread > 0)).view(np.uint8)
    cv2.copyTo(spread, rim, canvas.truth)


def _body(edge: Edge, shrink: float = 0.0) -> np.ndarray:
    """A wall's strip, long enough to meet its neighbours' outer faces."""
    half = edge.thickness / 2
    reach = half - shrink
    return edge.quad(-reach, edge.length + reach, half - shrink)


def _chimneys(canvas: Canvas, masses: list[Mass], style: Style) -> None:
    """Chimney breasts look like their wall; columns stay solid."""
    for mass in masses:
        if mass.wall is not None:
            centre = mass.corners.mean(axis=0)
            size = np.ptp(mass.corners, axis=0)
            shrink = 1 - 2 * style.line_weight / canvas.scale / np.maximum(size, 0.1)
            if (shrink > 0.2).all():
                canvas.fill(centre + (mass.corners - centre) * shrink, style.wall_fill)


def _insides(rng: Random, canvas: Canvas, edges: list[Edge], style: Style) -> None:
    """The space between a wall's two lines."""
    line = style.line_weight / canvas.scale
    hollow = [edge for edge in edges if edge.thickness > 2.6 * line]
    for edge in hollow:
        inner = style.inner_fill if edge.kind != "outer" else None
        canvas.fill(_body(edge, line), inner or style.wall_fill)
    if style.wall_pattern == "plain":
        return
    mask = np.zeros(canvas.truth.shape, np.uint8)
    for edge in hollow:
        if edge.kind == "outer" or style.thickness[1] * canvas.scale > 5:
            corners = np.round((canvas.pixels(_body(edge, line)) - 0.5) * 16).astype(np.int32)
            cv2.fillPoly(mask, [corners], 1, cv2.LINE_8, 4)
    mask &= _hatching(rng, canvas, style)
    canvas.picture[mask.astype(bool)] = style.wall_line or style.ink


def _hatching(rng: Random, canvas: Canvas, style: Style) -> np.ndarray:
    """uint8 (H, W): 1 where a hatch line or dot lies."""
    height, width = canvas.truth.shape
    step = max(3, round(rng.uniform(0.06, 0.14) * canvas.scale))
    x, y = np.arange(width, dtype=np.int32)[None], np.arange(height, dtype=np.int32)[:, None]
    falling = (x + y) % step == 0
    if style.wall_pattern == "hatch":
        return falling.astype(np.uint8)
    rising = (x - y) % step == 0
    if style.wall_pattern == "cross":
        return (falling | rising).astype(np.uint8)
    return (falling & rising).astype(np.uint8)
