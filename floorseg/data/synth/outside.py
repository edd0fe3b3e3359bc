"""What lies around a building and is no room: terraces, steps, paths, the plot's border."""

from random import Random

import numpy as np

from floorseg.data.synth.canvas import Canvas, Colour
from floorseg.data.synth.layout import Layout
from floorseg.data.synth.styles import Style
from floorseg.data.synth.walls import Edge


def draw_outside(
    rng: Random, canvas: Canvas, plan: Layout, edges: list[Edge], style: Style
) -> None:
    """Draw a few things beside outer walls, where nothing is built."""
    outer = [edge for edge in edges if edge.outer and edge.length > 1.5]
    if not outer:
        return
    for edge in rng.sample(outer, min(len(outer), rng.choice((0, 0, 1, 1, 2, 3)))):
        strip = _strip(rng, plan, edge)
        if strip is not None:
            _LOOKS[rng.randrange(len(_LOOKS))](rng, canvas, strip, style)
    if rng.random() < 0.1:
        _border(rng, canvas, plan, style)


def _strip(rng: Random, plan: Layout, edge: Edge) -> np.ndarray | None:
    """Corners (4, 2) of free ground beside a wall, the wall's side first."""
    width = min(edge.length, rng.uniform(1.2, 6.0))
    begin = rng.uniform(0, edge.length - width)
    depth = rng.uniform(0.8, 2.6) * (-1 if edge.left == 0 else 1)
    probes = [edge.at(begin + width * k / 5, depth * f) for k in range(6) for f in (0.3, 0.7, 1.1)]
    if any(plan.label_at(x, y) for x, y in probes):
        return None
    corners = [edge.at(begin), edge.at(begin + width)]
    return np.array([*corners, edge.at(begin + width, depth), edge.at(begin, depth)])


def _outline(rng: Random, canvas: Canvas, strip: np.ndarray, style: Style) -> None:
    canvas.line(strip, style.fine, closed=True)


def _dashed(rng: Random, canvas: Canvas, strip: np.ndarray, style: Style) -> None:
    canvas.dashes(strip[[1, 2, 3, 0]], style.fine)


def _tiled(rng: Random, canvas: Canvas, strip: np.ndarray, style: Style) -> None:
    canvas.line(strip, style.fine, closed=True)
    pale = _mixed(style.fine, style.paper)
    for first, last, across in (
        (strip[0], strip[1], strip[3] - strip[0]),
        (strip[0], strip[3], strip[1] - strip[0]),
    ):
        count = max(2, int(np.hypot(*(last - first)) / 0.4))
        for k in range(1, count):
            start = first + (last - first) * (k / count)
            canvas.line(np.array([start, start + across]), pale)


def _steps(rng: Random, canvas: Canvas, strip: np.ndarray, style: Style) -> None:
    deep = strip[3] - strip[0]
    count = max(2, int(np.hypot(*deep) / 0.3))
    for k in range(count + 1):
        canvas.line(strip[:2] + deep * (k / count), style.fine)
    canvas.line(strip[[0, 3]], style.fine)
    canvas.line(strip[[1, 2]], style.fine)


def _tinted(rng: Random, canvas: Canvas, strip: np.ndarray, style: Style) -> None:
    canvas.shape(strip, style.fine, 1, _mixed(style.fine, style.paper))


def _border(rng: Random, canvas: Canvas, plan: Layout, style: Style) -> None:
    width, height = plan.size
    margin = [rng.uniform(0.6, 3.0) for _ in range(4)]
    corners = [(-margin[0], -margin[1]), (width + margin[2], -margin[1])]
    corners += [(width + margin[2], height + margin[3]), (-margin[0], height + margin[3])]
    canvas.dashes([*corners, corners[0]], style.fine)


def _mixed(ink: Colour, paper: Colour) -> Colour:
    """A pale shade of the ink."""
    red, green, blue = (round(p * 0.75 + i * 0.25) for i, p in zip(ink, paper, strict=True))
    return red, green, blue


_LOOKS = (_outline, _outline, _dashed, _tiled, _steps, _tinted)
