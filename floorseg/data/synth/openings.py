"""Doors and windows: where they are, how they are drawn, and their truth."""

import math
from dataclasses import dataclass
from random import Random

import numpy as np

from floorseg.data.synth.canvas import Canvas, Thing, arc
from floorseg.data.synth.layout import Layout
from floorseg.data.synth.styles import Style
from floorseg.data.synth.walls import Edge

WIDE = {"garage": 2.6, "living": 1.2, "hall": 0.9, "closet": 0.7, "wc": 0.7, "bathroom": 0.75}


@dataclass(frozen=True, slots=True)
class Opening:
    """A door, a window or a doorway without a door in one piece of wall.

    Attributes:
        edge: the piece of wall.
        begin, stop: metres along it.
        category: ``door``, ``window`` or ``opening``.
        shape: ``single``, ``double``, ``sliding``, ``folding``, ``window``, ``passage``.
        into: 1 if it swings to the right hand side of the edge, -1 to the left.
        hinge: 0 at ``begin``, 1 at ``stop``.
    """

    edge: Edge
    begin: float
    stop: float
    category: str
    shape: str
    into: int = 1
    hinge: int = 0

    @property
    def width(self) -> float:
        """Metres."""
        return self.stop - self.begin

    @property
    def clearance(self) -> tuple[float, float, float, float]:
        """Box in metres that must stay free: x0, y0, x1, y1."""
        x0, y0 = self.edge.at(self.begin)
        x1, y1 = self.edge.at(self.stop)
        reach = self.width * 0.8 if self.category != "window" else 0.1
        return min(x0, x1) - reach, min(y0, y1) - reach, max(x0, x1) + reach, max(y0, y1) + reach


def place_openings(rng: Random, plan: Layout, edges: list[Edge], style: Style) -> list[Opening]:
    """Doors so that every room can be reached, the way in, and windows."""
    inner: dict[tuple[int, int], list[Edge]] = {}
    for edge in edges:
        if not edge.outer and edge.length > 0.9:
            pair = (min(edge.left, edge.right), max(edge.left, edge.right))
            inner.setdefault(pair, []).append(edge)
    openings = [
        _door(rng, plan, inner[pair], style.oddity) for pair in _tree(rng, plan, sorted(inner))
    ]
    outer = [edge for edge in edges if edge.kind == "outer" and edge.length > 0.8]
    if outer:
        for edge in _some(rng, outer):
            openings.append(_entrance(rng, edge))
    if style.windows != "none":
        taken = {id(opening.edge) for opening in openings}
        share = rng.choice((0.4, 0.7, 0.9))
        for edge in outer:
            if id(edge) not in taken and rng.random() < share:
                openings.extend(_windows(rng, edge))
    return openings


def _some(rng: Random, outer: list[Edge]) -> list[Edge]:
    """The walls with a way in."""
    long = [edge for edge in outer if edge.length > 1.3]
    return rng.sample(long, min(len(long), rng.choice((0, 1, 1, 1, 2, 3))))


def _tree(rng: Random, plan: Layout, pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Pairs of rooms with a door between them: a random tree, halls first, a few more."""
    group = {label: label for pair in pairs for label in pair}
    chosen = []
    for a, b in sorted(pairs, key=lambda pair: _cost(rng, plan, pair)):
        if group[a] != group[b]:
            old, new = group[a], group[b]
            group = {label: new if root == old else root for label, root in group.items()}
            keep = 0.94
        else:
            keep = 0.08
        if rng.random() < keep:
            chosen.append((a, b))
    return chosen


def _cost(rng: Random, plan: Layout, pair: tuple[int, int]) -> float:
    """Doors lead to halls, and seldom through a cupboard."""
    kinds = {plan.rooms[label - 1].kind for label in pair}
    cost = rng.random()
    if kinds & {"hall", "corridor"}:
        cost -= 1.5
    if kinds & {"closet", "wc", "bathroom", "storage"}:
        cost += 0.6
    return cost


def _door(rng: Random, plan: Layout, edges: list[Edge], oddity: float) -> Opening:
    edge = rng.choice(edges)
    kinds = [plan.rooms[label - 1].kind for label in (edge.left, edge.right)]
    width = min(WIDE.get(kind, 0.85) for kind in kinds) * rng.uniform(0.9, 1.15)
    shape = rng.choices(
        ("single", "double", "sliding", "folding", "passage"),
        (10, 0.8 * oddity, 0.5 * oddity, 0.3 * oddity, oddity),
    )[0]
    if "closet" in kinds:
        shape = rng.choice(("single", "double", "folding", "sliding"))
        width = rng.uniform(0.6, 1.4)
    elif shape in ("double", "passage", "sliding"):
        width *= rng.uniform(1.2, 1.9)
    width = min(width, edge.length - 0.24)
    begin = _spot(rng, edge.length, width)
    into = 1 if rng.random() < 0.5 else -1
    category = "opening" if shape == "passage" else "door"
    return Opening(edge, begin, begin + width, category, shape, into, rng.randint(0, 1))


def _spot(rng: Random, length: float, width: float) -> float:
    slack = length - width
    if rng.random() < 0.55:  # near a corner, as doors mostly are
        return min(slack - 0.1, 0.14) if rng.random() < 0.5 else max(0.1, slack - 0.14)
    return rng.uniform(0.1, max(0.1, slack - 0.1))


def _entrance(rng: Random, edge: Edge) -> Opening:
    width = min(rng.choice((0.9, 1.0, 1.0, 1.6)), edge.length - 0.24)
    begin = _spot(rng, edge.length, width)
    shape = "double" if width > 1.4 else "single"
    into = 1 if rng.random() < 0.5 else -1
    return Opening(edge, begin, begin + width, "door", shape, into, rng.randint(0, 1))


def _windows(rng: Random, edge: Edge) -> list[Opening]:
    room = edge.length - 2 * edge.thickness
    if room < 0.6:
        return []
    width = min(rng.uniform(0.7, 2.4), room)
    count = max(1, int(room / (width + rng.uniform(0.7, 2.5))))
    gap = (room - count * width) / (count + 1)
    begins = [edge.thickness + gap + k * (width + gap) for k in range(count)]
    return [Opening(edge, b, b + width, "window", "window") for b in begins]


def draw_opening(canvas: Canvas, opening: Opening, style: Style) -> None:
    """Cut the wall, draw what fills the gap, and mark the truth."""
    edge = opening.edge
    half = edge.thickness / 2 + (1.0 / canvas.scale if canvas.smooth else 0.5 / canvas.scale)
    canvas.fill(edge.quad(opening.begin, opening.stop, half), style.bare)
    number = canvas.add(Thing(opening.category, name=opening.shape))
    rim = 0.6 / canvas.scale if canvas.smooth else 0.0
    canvas.mark(edge.quad(opening.begin, opening.stop, edge.thickness / 2 + rim), number)
    if opening.category == "window":
        _draw_window(canvas, opening, style)
        return
    ink = style.wall_line or style.wall_fill
    for along in (opening.begin, opening.stop):
        jamb = [edge.at(along, -edge.thickness / 2), edge.at(along, edge.thickness / 2)]
        canvas.line(jamb, ink, style.line_weight)
    if opening.category == "door":
        _draw_door(canvas, opening, style)


def _draw_window(canvas: Canvas, opening: Opening, style: Style) -> None:
    edge, half = opening.edge, opening.edge.thickness / 2
    ink = style.wall_line or style.wall_fill
    box = edge.quad(opening.begin, opening.stop, half)
    thin = edge.quad(opening.begin, opening.stop, half * 0.5)
    if style.windows == "blue":
        canvas.shape(box, ink, 1, (170, 215, 250))
    elif style.windows == "gap":
        canvas.line(box[[0, 3]], ink)
        canvas.line(box[[1, 2]], ink)
        canvas.line([edge.at(opening.begin), edge.at(opening.stop)], ink)
    else:
        canvas.line(box, ink, style.line_weight, closed=True)
    offsets = {"triple": (-0.3, 0.3), "double": (0.0,), "single": (), "box": ()}
    for offset in offsets.get(style.windows, ()):
        aside = offset * half
        canvas.line([edge.at(opening.begin, aside), edge.at(opening.stop, aside)], ink)
    if style.windows == "box":
        canvas.line(thin, ink, closed=True)


def _draw_door(canvas: Canvas, opening: Opening, style: Style) -> None:
    if opening.shape == "double":
        middle = (opening.begin + opening.stop) / 2
        _leaf(canvas, opening, style, opening.begin, middle)
        _leaf(canvas, opening, style, opening.stop, middle)
    elif opening.shape == "sliding":
        _sliding(canvas, opening, style)
    elif opening.shape == "folding":
        _folding(canvas, opening, style)
    elif opening.hinge == 0:
        _leaf(canvas, opening, style, opening.begin, opening.stop)
    else:
        _leaf(canvas, opening, style, opening.stop, opening.begin)


def _leaf(canvas: Canvas, opening: Opening, style: Style, hinge_at: float, latch_at: float) -> None:
    edge, ink = opening.edge, style.fine
    if style.doors == "gap":
        return
    if style.doors == "cross_gap":
        canvas.line([edge.at(hinge_at), edge.at(latch_at)], ink)
        return
    aside = edge.thickness / 2 * opening.into
    hinge, latch = np.array(edge.at(hinge_at, aside)), np.array(edge.at(latch_at, aside))
    turn = math.pi / 2 * opening.into * (1 if latch_at > hinge_at else -1)
    if style.doors == "half":
        turn /= 2
    swing = arc((hinge[0], hinge[1]), (latch[0], latch[1]), turn, count=12)
    tip = swing[-1]
    if style.doors == "leaf_box":
        thick = (latch - hinge) / np.hypot(*(latch - hinge)) * 0.05
        canvas.line(np.array([hinge, tip, tip + thick, hinge + thick]), ink, closed=True)
    else:
        heavy = 2 if style.doors == "quarter" else 1
        canvas.line(np.array([hinge, tip]), ink, heavy)
    if style.doors != "leaf_line":
        canvas.line(swing, ink)


def _sliding(canvas: Canvas, opening: Opening, style: Style) -> None:
    edge, middle = opening.edge, (opening.begin + opening.stop) / 2
    quarter = edge.thickness / 4
    lap = opening.width * 0.06
    for begin, stop, aside in (
        (opening.begin, middle + lap, -quarter),
        (middle - lap, opening.stop, quarter),
    ):
        corners = [edge.at(begin, aside), edge.at(stop, aside)]
        corners += [edge.at(stop, aside + quarter / 2), edge.at(begin, aside + quarter / 2)]
        canvas.line(corners, style.fine, closed=True)


def _folding(canvas: Canvas, opening: Opening, style: Style) -> None:
    edge, step = opening.edge, opening.width / 4
    aside = edge.thickness / 2 * opening.into
    out = aside + step * 0.8 * opening.into
    left, right = opening.begin, opening.stop
    for outer, inward in ((left, 1), (right, -1)):
        points = [edge.at(outer, aside), edge.at(outer + inward * step * 0.6, out)]
        points.append(edge.at(outer + inward * step * 1.2, aside))
        canvas.line(points, style.fine)
