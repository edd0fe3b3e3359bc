"""Furnishing rooms: what goes where without standing in a door or in a wall."""

from dataclasses import dataclass
from random import Random

import numpy as np

from floorseg.data.synth.canvas import Canvas, Thing
from floorseg.data.synth.layout import Layout
from floorseg.data.synth.openings import Opening
from floorseg.data.synth.shapes import Mass
from floorseg.data.synth.stairs import Box, draw_rise, inner_box
from floorseg.data.synth.styles import Style
from floorseg.data.synth.symbols import SYMBOLS, WISHES

FREE_STANDING = {"table", "round_table", "crossed", "rug", "island"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a symbol stands: its origin, the directions of its width and depth, its box."""

    origin: tuple[float, float]
    along: tuple[float, float]
    deep: tuple[float, float]
    box: Box

    def points(self, line: list[tuple[float, float]]) -> np.ndarray:
        """A symbol's line in metres of the plan, (N, 2)."""
        local = np.asarray(line, float)
        return self.origin + local[:, :1] * self.along + local[:, 1:] * self.deep


@dataclass(slots=True)
class _Floor:
    """A room while it is being furnished."""

    plan: Layout
    label: int
    taken: list[Box]

    def free(self, box: Box) -> bool:
        """Whether a box lies in this room and on nothing else."""
        x0, y0, x1, y1 = box
        if any(x0 < b[2] and b[0] < x1 and y0 < b[3] and b[1] < y1 for b in self.taken):
            return False
        corners = ((x0, y0), (x1, y0), (x1, y1), (x0, y1), ((x0 + x1) / 2, (y0 + y1) / 2))
        return all(self.plan.label_at(x, y) == self.label for x, y in corners)


def furnish(
    rng: Random,
    canvas: Canvas,
    plan: Layout,
    openings: list[Opening],
    masses: list[Mass],
    style: Style,
) -> None:
    """Stand furniture in the rooms of a storey; stairs and lifts in theirs."""
    inset = style.thickness[1] / 2 + 0.02
    away = inset + style.stand_off
    blocked = [opening.clearance for opening in openings if opening.category != "window"]
    blocked += [mass.box for mass in masses]
    for label in plan.labels():
        room = plan.rooms[label - 1]
        if room.kind in ("stairs", "lift"):
            draw_rise(rng, canvas, room, style, inset)
        elif style.furniture > 0:
            _fill(rng, canvas, _Floor(plan, label, list(blocked)), style, away)


def _fill(rng: Random, canvas: Canvas, floor: _Floor, style: Style, inset: float) -> None:
    room = floor.plan.rooms[floor.label - 1]
    wishes = WISHES.get(room.kind, ("plain",))
    for rect in room.rects:
        space = inner_box(rect, inset)
        for wish in wishes * (1 + int(rect.area > 40)):
            if rng.random() < style.furniture:
                _stand(rng, canvas, wish, space, floor, style)


def _stand(rng: Random, canvas: Canvas, wish: str, space: Box, floor: _Floor, style: Style) -> None:
    """Try a few spots; leave it out where none is free."""
    draw, (w0, w1, d0, d1) = SYMBOLS[wish]
    width, depth = rng.uniform(w0, w1), rng.uniform(d0, d1)
    loose = wish in FREE_STANDING and rng.random() < 0.6
    for _ in range(4):
        spot = _in_the_middle if loose else _against_wall
        place = spot(rng, space, width, depth)
        if place is not None and floor.free(place.box):
            break
    else:
        return
    floor.taken.append(place.box)
    lines = draw(rng, width, depth)
    if style.palette and rng.random() < 0.8:
        canvas.fill(place.points(lines[0]), style.bare)
    for line in lines:
        canvas.line(place.points(line), style.fine)
    if wish == "flight":
        canvas.mark_over(place.points(lines[0]), canvas.add(Thing("stairs")))


def _against_wall(rng: Random, space: Box, w: float, d: float) -> Place | None:
    x0, y0, x1, y1 = space
    side = rng.randint(0, 3)
    length, depth = (x1 - x0, y1 - y0) if side % 2 == 0 else (y1 - y0, x1 - x0)
    if length < w or depth < d:
        return None
    slack = length - w
    off = rng.choice((0.0, slack, rng.uniform(0, slack)))
    if side == 0:
        return Place((x0 + off, y0), (1, 0), (0, 1), (x0 + off, y0, x0 + off + w, y0 + d))
    if side == 1:
        return Place((x1, y0 + off), (0, 1), (-1, 0), (x1 - d, y0 + off, x1, y0 + off + w))
    if side == 2:
        box = (x1 - off - w, y1 - d, x1 - off, y1)
        return Place((x1 - off, y1), (-1, 0), (0, -1), box)
    return Place((x0, y1 - off), (0, -1), (1, 0), (x0, y1 - off - w, x0 + d, y1 - off))


def _in_the_middle(rng: Random, space: Box, w: float, d: float) -> Place | None:
    x0, y0, x1, y1 = space
    if rng.random() < 0.4:
        w, d = d, w
        if x1 - x0 < w or y1 - y0 < d:
            return None
        x, y = rng.uniform(x0, x1 - w), rng.uniform(y0, y1 - d)
        return Place((x, y), (0, 1), (1, 0), (x, y, x + w, y + d))
    if x1 - x0 < w or y1 - y0 < d:
        return None
    x, y = rng.uniform(x0, x1 - w), rng.uniform(y0, y1 - d)
    return Place((x, y), (1, 0), (0, 1), (x, y, x + w, y + d))
