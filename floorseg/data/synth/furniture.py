"""Furnishing rooms: what goes where without standing in a door, and stairs and lifts."""

from dataclasses import dataclass
from random import Random

import numpy as np

from floorseg.data.synth.canvas import Canvas, Thing
from floorseg.data.synth.layout import CELL, Layout, Room
from floorseg.data.synth.openings import Opening
from floorseg.data.synth.styles import Style
from floorseg.data.synth.symbols import SYMBOLS, WISHES

Box = tuple[float, float, float, float]  # x0, y0, x1, y1 in metres


@dataclass(frozen=True, slots=True)
class Place:
    """Where a symbol stands: its origin, and the directions of its width and depth."""

    origin: tuple[float, float]
    along: tuple[float, float]
    deep: tuple[float, float]

    def points(self, line: list[tuple[float, float]]) -> np.ndarray:
        """A symbol's line in metres of the plan, (N, 2)."""
        local = np.asarray(line, float)
        return self.origin + local[:, :1] * self.along + local[:, 1:] * self.deep


def furnish(
    rng: Random, canvas: Canvas, plan: Layout, openings: list[Opening], style: Style
) -> None:
    """Stand furniture in every room of a storey."""
    inset = style.thickness[1] / 2 + 0.02
    doors = [_clearance(opening) for opening in openings if opening.category != "window"]
    for label in plan.labels():
        room = plan.rooms[label - 1]
        if room.kind in ("stairs", "lift"):
            _rise(rng, canvas, room, style, inset)
        elif style.furniture > 0:
            _fill_room(rng, canvas, room, style, inset, list(doors))


def _clearance(opening: Opening) -> Box:
    x0, y0 = opening.edge.at(opening.begin)
    x1, y1 = opening.edge.at(opening.stop)
    reach = opening.width * 0.8
    return min(x0, x1) - reach, min(y0, y1) - reach, max(x0, x1) + reach, max(y0, y1) + reach


def _fill_room(
    rng: Random, canvas: Canvas, room: Room, style: Style, inset: float, taken: list[Box]
) -> None:
    wishes = WISHES.get(room.kind, ("plain",))
    for rect in room.rects:
        space = (
            rect.x0 * CELL + inset,
            rect.y0 * CELL + inset,
            rect.x1 * CELL - inset,
            rect.y1 * CELL - inset,
        )
        for wish in wishes:
            if rng.random() > style.furniture:
                continue
            for _ in range(3):
                if _try(rng, canvas, wish, space, style, taken):
                    break


def _try(
    rng: Random, canvas: Canvas, wish: str, space: Box, style: Style, taken: list[Box]
) -> bool:
    draw, (w0, w1, d0, d1) = SYMBOLS[wish]
    w, d = rng.uniform(w0, w1), rng.uniform(d0, d1)
    placed = _against_wall(rng, space, w, d)
    if wish in ("table", "round_table", "crossed") and rng.random() < 0.6:
        placed = _in_the_middle(rng, space, w, d)
    if placed is None:
        return False
    place, box = placed
    if any(_overlap(box, other) for other in taken):
        return False
    taken.append(box)
    lines = draw(rng, w, d)
    inside = style.paper if style.palette and rng.random() < 0.8 else None
    if inside is not None:
        canvas.fill(place.points(lines[0]), inside)
    for line in lines:
        canvas.line(place.points(line), style.fine)
    return True


def _against_wall(rng: Random, space: Box, w: float, d: float) -> tuple[Place, Box] | None:
    x0, y0, x1, y1 = space
    side = rng.randint(0, 3)
    length, depth = (x1 - x0, y1 - y0) if side % 2 == 0 else (y1 - y0, x1 - x0)
    if length < w or depth < d:
        return None
    slack = length - w
    off = rng.choice((0.0, slack, rng.uniform(0, slack)))
    if side == 0:
        return Place((x0 + off, y0), (1, 0), (0, 1)), (x0 + off, y0, x0 + off + w, y0 + d)
    if side == 1:
        return Place((x1, y0 + off), (0, 1), (-1, 0)), (x1 - d, y0 + off, x1, y0 + off + w)
    if side == 2:
        return Place((x1 - off, y1), (-1, 0), (0, -1)), (x1 - off - w, y1 - d, x1 - off, y1)
    return Place((x0, y1 - off), (0, -1), (1, 0)), (x0, y1 - off - w, x0 + d, y1 - off)


def _in_the_middle(rng: Random, space: Box, w: float, d: float) -> tuple[Place, Box] | None:
    x0, y0, x1, y1 = space
    if x1 - x0 < w or y1 - y0 < d:
        return None
    x, y = rng.uniform(x0, x1 - w), rng.uniform(y0, y1 - d)
    return Place((x, y), (1, 0), (0, 1)), (x, y, x + w, y + d)


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _rise(rng: Random, canvas: Canvas, room: Room, style: Style, inset: float) -> None:
    rect = room.main
    box = (
        rect.x0 * CELL + inset,
        rect.y0 * CELL + inset,
        rect.x1 * CELL - inset,
        rect.y1 * CELL - inset,
    )
    if room.kind == "lift":
        _lift(canvas, box, style)
    else:
        _stairs(rng, canvas, box, style)


def _lift(canvas: Canvas, box: Box, style: Style) -> None:
    x0, y0, x1, y1 = box
    corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
    for a, b in ((0, 2), (1, 3)):
        canvas.line([corners[a], corners[b]], style.fine)
    canvas.mark_over(corners, canvas.add(Thing("lift")))


def _stairs(rng: Random, canvas: Canvas, box: Box, style: Style) -> None:
    """Two flights and a landing, or one flight in a narrow well."""
    x0, y0, x1, y1 = box
    upright = y1 - y0 >= x1 - x0
    length, width = (y1 - y0, x1 - x0) if upright else (x1 - x0, y1 - y0)
    if length < 0.8 or width < 0.5:
        return
    turned = rng.random() < 0.5

    def at(along: float, aside: float) -> tuple[float, float]:
        along = length - along if turned else along
        return (x0 + aside, y0 + along) if upright else (x0 + along, y0 + aside)

    landing = min(1.2, length * 0.25) if rng.random() < 0.7 else 0.0
    last = min(length, landing + max(1.5, rng.uniform(2.0, 4.0)))
    steps = max(2, round((last - landing) / rng.uniform(0.24, 0.32)))
    for k in range(steps + 1):
        along = landing + (last - landing) * k / steps
        canvas.line([at(along, 0), at(along, width)], style.fine)
    if width > 1.7:
        canvas.line([at(landing, width / 2), at(last, width / 2)], style.fine, 2)
    walk = width * (0.25 if width > 1.7 else 0.5)
    canvas.line([at(last - 0.1, walk), at(landing + 0.1, walk)], style.fine)
    canvas.line([at(landing + 0.3, walk - 0.12), at(landing + 0.1, walk)], style.fine)
    canvas.line([at(landing + 0.3, walk + 0.12), at(landing + 0.1, walk)], style.fine)
    corners = [at(landing, 0), at(last, 0), at(last, width), at(landing, width)]
    canvas.mark_over(corners, canvas.add(Thing("stairs")))
