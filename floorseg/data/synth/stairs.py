"""Stairs and lifts: treads, landings, the line that one walks."""

import math
from dataclasses import dataclass
from random import Random

from floorseg.data.synth.canvas import Canvas, Thing
from floorseg.data.synth.layout import CELL, Rect, Room
from floorseg.data.synth.styles import Style

Box = tuple[float, float, float, float]  # x0, y0, x1, y1 in metres
TREAD = (0.24, 0.32)  # metres


@dataclass(frozen=True, slots=True)
class _Well:
    """A stairwell seen along its flights: ``at(along, aside)`` in metres."""

    box: Box
    turned: bool

    @property
    def upright(self) -> bool:
        return self.box[3] - self.box[1] >= self.box[2] - self.box[0]

    @property
    def length(self) -> float:
        x0, y0, x1, y1 = self.box
        return max(x1 - x0, y1 - y0)

    @property
    def width(self) -> float:
        x0, y0, x1, y1 = self.box
        return min(x1 - x0, y1 - y0)

    def at(self, along: float, aside: float) -> tuple[float, float]:
        along = self.length - along if self.turned else along
        x0, y0 = self.box[:2]
        return (x0 + aside, y0 + along) if self.upright else (x0 + along, y0 + aside)


def draw_rise(rng: Random, canvas: Canvas, room: Room, style: Style, inset: float) -> None:
    """Fill a stairwell or a lift shaft."""
    box = inner_box(room.main, inset)
    if min(box[2] - box[0], box[3] - box[1]) < 0.5:
        return
    well = _Well(box, rng.random() < 0.5)
    if room.kind == "lift":
        _lift(canvas, well, style)
    elif well.width > 1.7 and well.length / well.width < 1.25 and rng.random() < 0.4:
        _spiral(rng, canvas, well, style)
    else:
        _flights(rng, canvas, well, style)


def inner_box(rect: Rect, inset: float) -> Box:
    """A room's rectangle in metres without its walls."""
    return (
        rect.x0 * CELL + inset,
        rect.y0 * CELL + inset,
        rect.x1 * CELL - inset,
        rect.y1 * CELL - inset,
    )


def _lift(canvas: Canvas, well: _Well, style: Style) -> None:
    length, width = well.length, well.width
    canvas.line([well.at(0, 0), well.at(length, width)], style.fine)
    canvas.line([well.at(length, 0), well.at(0, width)], style.fine)
    corners = [well.at(0, 0), well.at(length, 0), well.at(length, width), well.at(0, width)]
    canvas.mark_over(corners, canvas.add(Thing("lift")))


def _spiral(rng: Random, canvas: Canvas, well: _Well, style: Style) -> None:
    radius = well.width / 2
    centre = well.at(well.length / 2, well.width / 2)
    count = rng.randint(12, 18)
    ring = [
        (centre[0] + radius * math.cos(a), centre[1] + radius * math.sin(a))
        for a in (math.tau * k / count for k in range(count))
    ]
    canvas.line(ring, style.fine, closed=True)
    for point in ring[:-2]:
        canvas.line([centre, point], style.fine)
    canvas.mark_over(ring, canvas.add(Thing("stairs")))


def _flights(rng: Random, canvas: Canvas, well: _Well, style: Style) -> None:
    """One flight in a narrow well, two and a landing in a wide one."""
    length, width = well.length, well.width
    landing = min(1.2, length * 0.25) if rng.random() < 0.7 else 0.0
    last = min(length, landing + rng.uniform(2.2, 4.2))
    steps = max(2, round((last - landing) / rng.uniform(*TREAD)))
    for k in range(steps + 1):
        along = landing + (last - landing) * k / steps
        canvas.line([well.at(along, 0), well.at(along, width)], style.fine)
    double = width > 1.7
    if double:
        rail = [well.at(landing, width / 2), well.at(last, width / 2)]
        canvas.line(rail, style.fine, 2 if rng.random() < 0.5 else 1)
    _walking_line(canvas, well, style, (landing, last), width * (0.25 if double else 0.5))
    corners = [(landing, 0), (last, 0), (last, width), (landing, width)]
    number = canvas.add(Thing("stairs"))
    canvas.mark_over([well.at(*corner) for corner in corners], number)


def _walking_line(
    canvas: Canvas, well: _Well, style: Style, ends: tuple[float, float], aside: float
) -> None:
    first, last = ends
    tip = well.at(first + 0.1, aside)
    canvas.line([well.at(last - 0.1, aside), tip], style.fine)
    for wing in (-0.12, 0.12):
        canvas.line([well.at(first + 0.3, aside + wing), tip], style.fine)
