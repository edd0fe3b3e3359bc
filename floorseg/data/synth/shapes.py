"""What breaks the grid: bay windows, cut corners, chimney breasts, columns."""

from dataclasses import dataclass, replace
from itertools import pairwise
from random import Random

import numpy as np

from floorseg.data.synth.layout import Layout
from floorseg.data.synth.walls import Edge

Point = tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """A piece of floor the grid does not know: its corners in metres, (N, 2), and its room."""

    corners: np.ndarray
    label: int


@dataclass(frozen=True, slots=True, eq=False)
class Mass:
    """Solid masonry beside a wall or alone: corners in metres, (4, 2).

    ``wall`` is the wall it belongs to, None for a column.
    """

    corners: np.ndarray
    wall: int | None = None

    @property
    def box(self) -> tuple[float, float, float, float]:
        """x0, y0, x1, y1 in metres."""
        low, high = self.corners.min(axis=0), self.corners.max(axis=0)
        return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def add_bays(
    rng: Random, plan: Layout, edges: list[Edge], oddity: float
) -> tuple[list[Edge], list[Patch]]:
    """Push parts of outer walls out: three-sided, round or square bays."""
    result: list[Edge] = []
    patches: list[Patch] = []
    chance = rng.choice((0.0, 0.0, 0.1, 0.3)) * oddity
    for edge in edges:
        bay = _bay(rng, plan, edge) if rng.random() < chance and edge.outer else None
        if bay is None:
            result.append(edge)
            continue
        begin, stop, line = bay
        first, last = edge.at(begin), edge.at(stop)
        result.append(replace(edge, end=first))
        result += [replace(edge, start=a, end=b) for a, b in pairwise(line)]
        result.append(replace(edge, start=last))
        patches.append(Patch(np.array(line), edge.left or edge.right))
    return result, patches


def _bay(rng: Random, plan: Layout, edge: Edge) -> tuple[float, float, list[Point]] | None:
    if edge.length < 2.2 or edge.kind == "parapet":
        return None
    width = min(rng.uniform(1.5, 3.4), edge.length - 0.6)
    depth = rng.uniform(0.35, 1.0)
    begin = rng.choice(((edge.length - width) / 2, rng.uniform(0.3, edge.length - width - 0.3)))
    stop = begin + width
    out = -depth if edge.left == 0 else depth
    probes = [edge.at(begin + width * k / 4, out * f) for k in range(5) for f in (0.4, 1.0, 1.5)]
    if any(plan.label_at(x, y) for x, y in probes):
        return None
    shape = rng.random()
    if shape < 0.55:
        slant = depth * rng.uniform(0.4, 1.0)
        middle = [edge.at(begin + slant, out), edge.at(stop - slant, out)]
    elif shape < 0.8:
        angles = np.linspace(0, np.pi, 9)[1:-1]
        middle = [
            edge.at(begin + width / 2 * (1 - float(np.cos(a))), out * float(np.sin(a)))
            for a in angles
        ]
    else:
        middle = [edge.at(begin, out), edge.at(stop, out)]
    return begin, stop, [edge.at(begin), *middle, edge.at(stop)]


def cut_corners(
    rng: Random, plan: Layout, edges: list[Edge], oddity: float
) -> tuple[list[Edge], list[Patch]]:
    """Cut corners of rooms that jut into another room: walls at 45 degrees."""
    patches: list[Patch] = []
    edges = list(edges)
    for _ in range(rng.choice((0, 0, 0, 1, 2)) if rng.random() < oddity else 0):
        corners = list(_corners(plan, edges))
        if not corners:
            break
        _cut(rng, plan, edges, patches, *rng.choice(corners))
    return edges, patches


def _corners(plan: Layout, edges: list[Edge]) -> list[tuple[int, int, Point]]:
    """Pairs of edges that meet at a right angle between two rooms only: (edge, edge, where)."""
    ends: dict[tuple[float, float], list[int]] = {}
    for index, edge in enumerate(edges):
        if not edge.outer and edge.length > 1.2:
            for x, y in (edge.start, edge.end):
                ends.setdefault((round(x, 3), round(y, 3)), []).append(index)
    found = []
    for point, indices in ends.items():
        if len(indices) != 2:
            continue
        a, b = (edges[i] for i in indices)
        square = abs(a.direction[0] * b.direction[0] + a.direction[1] * b.direction[1]) < 0.01
        if square and {a.left, a.right} == {b.left, b.right}:
            found.append((indices[0], indices[1], point))
    return found


def _cut(
    rng: Random,
    plan: Layout,
    edges: list[Edge],
    patches: list[Patch],
    first: int,
    second: int,
    corner: Point,
) -> None:
    a, b = edges[first], edges[second]
    size = min(rng.uniform(0.6, 1.3), a.length * 0.6, b.length * 0.6)
    near_a, near_b = _off(a, corner, size), _off(b, corner, size)
    middle = (near_a[0] + near_b[0]) / 2, (near_a[1] + near_b[1]) / 2
    inside = plan.label_at((middle[0] + corner[0]) / 2, (middle[1] + corner[1]) / 2)
    around = a.left if a.left != inside else a.right
    if not inside or inside not in (a.left, a.right):
        return
    edges[first], edges[second] = _shortened(a, corner, near_a), _shortened(b, corner, near_b)
    cut = replace(a, start=near_a, end=near_b, left=around, right=inside, wall=_free(edges))
    x, y = cut.normal
    if (middle[0] - corner[0]) * x + (middle[1] - corner[1]) * y < 0:
        cut = replace(cut, left=inside, right=around)
    edges.append(cut)
    patches.append(Patch(np.array([corner, near_a, near_b]), around))


def _free(edges: list[Edge]) -> int:
    return max(edge.wall for edge in edges) + 1


def _off(edge: Edge, corner: Point, size: float) -> Point:
    at_start = abs(edge.start[0] - corner[0]) + abs(edge.start[1] - corner[1]) < 0.01
    return edge.at(size if at_start else edge.length - size)


def _shortened(edge: Edge, corner: Point, end: Point) -> Edge:
    at_start = abs(edge.start[0] - corner[0]) + abs(edge.start[1] - corner[1]) < 0.01
    return replace(edge, start=end) if at_start else replace(edge, end=end)


def add_masses(
    rng: Random,
    edges: list[Edge],
    taken: list[tuple[float, float, float, float]],
    oddity: float,
) -> list[Mass]:
    """Chimney breasts and shafts along walls, columns on crossings; none before a door."""
    masses: list[Mass] = []
    breasts, columns = rng.choice((0.0, 0.0, 0.08, 0.2)), rng.choice((0.0, 0.0, 0.0, 0.25, 0.6))
    breasts, columns = breasts * oddity, columns * oddity
    size = rng.uniform(0.25, 0.55)
    for edge in edges:
        if edge.kind == "parapet":
            continue
        if edge.length > 1.6 and rng.random() < breasts:
            masses.append(_breast(rng, edge))
        if rng.random() < columns:
            x, y = edge.start
            half = size / 2
            corners = [(x - half, y - half), (x + half, y - half)]
            corners += [(x + half, y + half), (x - half, y + half)]
            masses.append(Mass(np.array(corners)))
    return [mass for mass in masses if not any(_touch(mass.box, box) for box in taken)]


def _breast(rng: Random, edge: Edge) -> Mass:
    width, depth = rng.uniform(0.5, 1.5), rng.uniform(0.25, 0.7)
    width = min(width, edge.length * 0.5)
    begin = rng.choice((0.0, (edge.length - width) / 2, edge.length - width))
    side = 1 if edge.left == 0 else -1 if edge.right == 0 else rng.choice((1, -1))
    corners = [edge.at(begin), edge.at(begin + width)]
    corners += [edge.at(begin + width, side * depth), edge.at(begin, side * depth)]
    return Mass(np.array(corners), edge.wall)


def _touch(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
