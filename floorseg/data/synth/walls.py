"""Where walls stand: straight pieces on the boundaries between rooms, with a thickness each."""

from dataclasses import dataclass, replace
from itertools import pairwise
from random import Random

import numpy as np

from floorseg.data.synth.layout import CELL, Layout


@dataclass(frozen=True, slots=True)
class Edge:
    """A straight piece of wall with the same room (or the outside, 0) along each side.

    Attributes:
        start, end: (x, y) in metres, on the wall's centre line.
        left, right: labels of the rooms on the left and right hand, seen from start to end with
            y pointing down.
        wall: number of the wall this piece belongs to; one wall passes several rooms.
        thickness: metres.
        kind: ``outer``, ``inner``, ``partition``, or ``parapet`` around a balcony.
    """

    start: tuple[float, float]
    end: tuple[float, float]
    left: int
    right: int
    wall: int
    thickness: float = 0.1
    kind: str = "inner"

    @property
    def length(self) -> float:
        """Metres."""
        return float(np.hypot(self.end[0] - self.start[0], self.end[1] - self.start[1]))

    @property
    def outer(self) -> bool:
        """Whether the outside is on one side."""
        return self.left == 0 or self.right == 0

    @property
    def direction(self) -> tuple[float, float]:
        """Unit vector from start to end."""
        length = max(self.length, 1e-9)
        return (self.end[0] - self.start[0]) / length, (self.end[1] - self.start[1]) / length

    @property
    def normal(self) -> tuple[float, float]:
        """Unit vector towards the right hand side."""
        x, y = self.direction
        return -y, x

    def at(self, along: float, aside: float = 0.0) -> tuple[float, float]:
        """Point so many metres from the start and so many to the right of the centre line."""
        (x, y), (dx, dy), (nx, ny) = self.start, self.direction, self.normal
        return x + dx * along + nx * aside, y + dy * along + ny * aside

    def quad(self, begin: float, stop: float, half: float) -> np.ndarray:
        """Corners (4, 2) in metres of the strip from ``begin`` to ``stop`` along the wall."""
        return np.array(
            [
                self.at(begin, -half),
                self.at(stop, -half),
                self.at(stop, half),
                self.at(begin, half),
            ]
        )


def build_walls(rng: Random, plan: Layout, thickness: tuple[float, float]) -> list[Edge]:
    """All pieces of wall of a storey.

    Args:
        rng: source of chance.
        plan: where the rooms lie.
        thickness: metres of outer and of inner walls.
    """
    edges = _grid_edges(plan.grid, _balconies(plan))
    if plan.clip is not None:
        first = max((edge.wall for edge in edges), default=0) + 1
        edges = _clipped(edges, plan.clip) + _outline(plan, plan.clip, first)
    return _thick(rng, plan, edges, thickness)


def _balconies(plan: Layout) -> frozenset[int]:
    return frozenset(n for n in plan.labels() if plan.rooms[n - 1].kind == "balcony")


def _grid_edges(grid: np.ndarray, light: frozenset[int]) -> list[Edge]:
    padded = np.pad(grid, 1)
    edges: list[Edge] = []
    for upright in (True, False):
        table = padded if upright else padded.T
        for line in range(1, table.shape[1]):
            before, after = table[1:-1, line - 1], table[1:-1, line]
            if (before != after).any():
                first = edges[-1].wall + 1 if edges else 1
                edges.extend(_runs(before, after, (line - 1) * CELL, upright, first, light))
    return edges


def _runs(
    before: np.ndarray,
    after: np.ndarray,
    position: float,
    upright: bool,
    first_wall: int,
    light: frozenset[int],
) -> list[Edge]:
    """Pieces along one line of the grid; ``light`` are rooms with a parapet outside."""
    codes = np.where(before != after, before.astype(np.int64) * 4096 + after, -1)
    cuts = np.flatnonzero(np.diff(codes)) + 1
    starts, stops = [0, *cuts.tolist()], [*cuts.tolist(), len(codes)]
    edges: list[Edge] = []
    wall, last = first_wall - 1, (-1, "")
    for start, stop in zip(starts, stops, strict=True):
        code = int(codes[start])
        if code < 0:
            continue
        a, b = code // 4096, code % 4096
        kind = "inner" if a and b else "parapet" if (a or b) in light else "outer"
        if last != (start, kind):
            wall += 1
        last = (stop, kind)
        low, high = start * CELL, stop * CELL
        if upright:  # walking down, the lesser x is on the right hand
            edges.append(Edge((position, low), (position, high), b, a, wall))
        else:
            edges.append(Edge((low, position), (high, position), a, b, wall))
    return edges


def _clipped(edges: list[Edge], clip: np.ndarray) -> list[Edge]:
    """The parts of the edges inside a convex outline."""
    corners, following = clip, np.roll(clip, -1, axis=0)
    kept = []
    for edge in edges:
        low, high = 0.0, 1.0
        delta = np.subtract(edge.end, edge.start)
        for a, b in zip(corners, following, strict=True):
            inward = np.array([-(b - a)[1], (b - a)[0]])  # clip runs clockwise on screen
            slope, height = float(inward @ delta), float(inward @ (edge.start - a))
            if abs(slope) < 1e-9:
                if height < 1e-6:
                    high = -1.0
            elif slope > 0:
                low = max(low, -height / slope)
            else:
                high = min(high, -height / slope)
        if high - low > 1e-3 and (high - low) * edge.length > 0.05:
            start = tuple(np.add(edge.start, delta * low).tolist())
            end = tuple(np.add(edge.start, delta * high).tolist())
            kept.append(replace(edge, start=start, end=end))
    return kept


def _outline(plan: Layout, clip: np.ndarray, wall: int) -> list[Edge]:
    """Outer walls along a convex outline, where it passes through the building."""
    edges: list[Edge] = []
    for a, b in zip(clip, np.roll(clip, -1, axis=0), strict=True):
        length = float(np.hypot(*(b - a)))
        steps = max(2, round(length / CELL))
        points = a + (b - a) * ((np.arange(steps) + 0.5) / steps)[:, None]
        labels = _labels_at(plan.grid, points)
        cuts = [0, *(np.flatnonzero(np.diff(labels)) + 1).tolist(), steps]
        for low, high in pairwise(cuts):
            label = int(labels[low])
            if label:
                start, end = a + (b - a) * (low / steps), a + (b - a) * (high / steps)
                edges.append(Edge((start[0], start[1]), (end[0], end[1]), 0, label, wall))
        if len(clip) < 10:
            wall += 1
    return edges


def _labels_at(grid: np.ndarray, points: np.ndarray) -> np.ndarray:
    column = np.floor(points[:, 0] / CELL - 1e-6).astype(int)
    line = np.floor(points[:, 1] / CELL - 1e-6).astype(int)
    column = np.clip(column, 0, grid.shape[1] - 1)
    line = np.clip(line, 0, grid.shape[0] - 1)
    return grid[line, column]


def _thick(
    rng: Random, plan: Layout, edges: list[Edge], thickness: tuple[float, float]
) -> list[Edge]:
    """Give every wall its thickness; some inner walls carry, some are mere partitions."""
    outer, inner = thickness
    carrying, partitions = rng.choice((0.0, 0.1, 0.3)), rng.choice((0.0, 0.0, 0.2))
    chosen: dict[int, tuple[float, str]] = {}
    result = []
    for edge in edges:
        if edge.wall not in chosen:
            chance = rng.random()
            if edge.outer and _kind(plan, edge) == "balcony":
                chosen[edge.wall] = (min(inner, 0.08), "parapet")
            elif edge.outer:
                chosen[edge.wall] = (outer, "outer")
            elif chance < carrying:
                chosen[edge.wall] = ((outer + inner) / 2, "inner")
            elif chance > 1 - partitions:
                chosen[edge.wall] = (inner * 0.6, "partition")
            else:
                chosen[edge.wall] = (inner, "inner")
        width, kind = chosen[edge.wall]
        result.append(replace(edge, thickness=width, kind=kind))
    return result


def _kind(plan: Layout, edge: Edge) -> str:
    return plan.rooms[(edge.left or edge.right) - 1].kind
