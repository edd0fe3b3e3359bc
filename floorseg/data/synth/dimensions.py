"""Chains of sizes along a plan, and grid lines with their bubbles."""

from itertools import pairwise
from random import Random

from floorseg.data.synth.canvas import Canvas, circle
from floorseg.data.synth.layout import Layout
from floorseg.data.synth.lettering import extent, write
from floorseg.data.synth.styles import Style
from floorseg.data.synth.walls import Edge
from floorseg.data.synth.words import in_feet


def dimension_chains(
    rng: Random, canvas: Canvas, edges: list[Edge], plan: Layout, style: Style
) -> None:
    """Chains of sizes along the sides of a plan."""
    width, height = plan.size
    gap = 14 / canvas.scale
    size = 8 * min(canvas.size) / 640
    imperial = style.labels == "imperial"
    for side in range(4):
        if rng.random() < 0.3:
            continue
        upright = side % 2 == 1
        stations = _stations(edges, upright=upright)
        rows = [stations, [stations[0], stations[-1]]] if rng.random() < 0.6 else [stations]
        for k, row in enumerate(rows):
            off = gap * (1.2 + 1.3 * k)
            position = {0: -off, 1: -off, 2: height + off, 3: width + off}[side]
            _chain(canvas, row, position, style, size, upright=upright, imperial=imperial)


def _stations(edges: list[Edge], *, upright: bool) -> list[float]:
    axis = 1 if upright else 0
    values = sorted({round(edge.start[axis], 2) for edge in edges})
    kept: list[float] = []
    for value in values:
        if not kept or value - kept[-1] > 0.7:
            kept.append(value)
    return kept if len(kept) > 1 else [0.0, 1.0]


def _chain(
    canvas: Canvas,
    stations: list[float],
    position: float,
    style: Style,
    size: float,
    *,
    upright: bool,
    imperial: bool,
) -> None:
    def at(value: float, off: float = 0.0) -> tuple[float, float]:
        return (position + off, value) if upright else (value, position + off)

    tick = 3 / canvas.scale
    canvas.line([at(stations[0] - tick), at(stations[-1] + tick)], style.fine)
    for value in stations:
        canvas.line([at(value, -1.5 * tick), at(value, 1.5 * tick)], style.fine)
        canvas.line([at(value - tick, tick), at(value + tick, -tick)], style.fine)
    for a, b in pairwise(stations):
        text = in_feet(b - a) if imperial else f"{b - a:.2f}"
        if (b - a) * canvas.scale < extent(text, size, style.font)[0]:
            continue
        x, y = canvas.pixels([at((a + b) / 2)])[0]
        lift = size * 0.75
        spot = (x - lift, y) if upright else (x, y - lift)
        write(canvas, text, spot, size, style.letters, font=style.font, turn=int(upright))


def grid_axes(rng: Random, canvas: Canvas, edges: list[Edge], plan: Layout, style: Style) -> None:
    """Dashed lines on the main walls, ending in bubbles with a letter or a number."""
    width, height = plan.size
    reach, radius = 40 / canvas.scale, 8 / canvas.scale
    for upright in (False, True):
        far = (width if upright else height) + reach
        stations = _stations(edges, upright=upright)
        for k, value in enumerate(stations):
            if rng.random() < 0.3:
                continue
            ends = [(-reach, value), (far, value)] if upright else [(value, -reach), (value, far)]
            canvas.dashes(ends, style.fine, dash=9)
            text = chr(ord("A") + k % 26) if upright else str(k + 1)
            x, y = ends[0]
            canvas.line(circle(x, y, radius), style.ink, closed=True)
            spot = canvas.pixels([(x, y)])[0]
            write(canvas, text, (spot[0], spot[1]), 9, style.ink, font=style.font)
