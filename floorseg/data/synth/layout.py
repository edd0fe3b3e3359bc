"""Which room lies where: rooms as rectangles painted on a grid of 10 cm cells.

Knows nothing of walls, ink or pixels.
"""

import math
from dataclasses import dataclass, field
from random import Random

import numpy as np

CELL = 0.1  # metres


@dataclass(frozen=True, slots=True)
class Rect:
    """Half-open rectangle of cells: x0 <= x < x1, y0 <= y < y1."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def width(self) -> int:
        """Cells from left to right."""
        return self.x1 - self.x0

    @property
    def height(self) -> int:
        """Cells from top to bottom."""
        return self.y1 - self.y0

    @property
    def area(self) -> float:
        """Square metres."""
        return self.width * self.height * CELL * CELL

    def moved(self, dx: int, dy: int) -> "Rect":
        """The same rectangle elsewhere."""
        return Rect(self.x0 + dx, self.y0 + dy, self.x1 + dx, self.y1 + dy)


@dataclass(slots=True)
class Room:
    """One room: what it is for, and the rectangles it was put together from, largest first."""

    kind: str
    rects: list[Rect]

    @property
    def main(self) -> Rect:
        """The largest rectangle, where furniture and name go."""
        return max(self.rects, key=lambda rect: rect.area)

    @property
    def area(self) -> float:
        """Square metres, walls' halves included."""
        return sum(rect.area for rect in self.rects)


@dataclass(slots=True)
class Layout:
    """A storey.

    Attributes:
        grid: int16 (rows, columns); 0 is outside, n the room ``rooms[n - 1]``.
        rooms: in the order of their labels.
        clip: convex outline in metres that cuts the grid, (N, 2) x, y; None for none.
    """

    grid: np.ndarray
    rooms: list[Room] = field(default_factory=list)
    clip: np.ndarray | None = None

    @property
    def size(self) -> tuple[float, float]:
        """(width, height) in metres."""
        return self.grid.shape[1] * CELL, self.grid.shape[0] * CELL

    def label_at(self, x: float, y: float) -> int:
        """The room at a point in metres; 0 for the outside."""
        column, line = math.floor(x / CELL), math.floor(y / CELL)
        rows, columns = self.grid.shape
        if not (0 <= column < columns and 0 <= line < rows):
            return 0
        if self.clip is not None and not _inside(self.clip, x, y):
            return 0
        return int(self.grid[line, column])

    def add(self, kind: str, *rects: Rect) -> int:
        """Paint a room over whatever was there; its label."""
        self.rooms.append(Room(kind, list(rects)))
        for rect in rects:
            self.grid[rect.y0 : rect.y1, rect.x0 : rect.x1] = len(self.rooms)
        return len(self.rooms)

    def erase(self, label: int) -> None:
        """Turn a room into the outside; its label stays taken."""
        self.grid[self.grid == label] = 0

    def merge(self, keep: int, other: int) -> None:
        """Join a room to another one: L and T shapes."""
        self.grid[self.grid == other] = keep
        self.rooms[keep - 1].rects.extend(self.rooms[other - 1].rects)
        self.rooms[other - 1].rects.clear()

    def labels(self) -> list[int]:
        """Labels that still have cells."""
        return [int(label) for label in np.unique(self.grid) if label > 0]


def cells(metres: float) -> int:
    """Metres as whole cells, at least one."""
    return max(1, round(metres / CELL))


def _inside(outline: np.ndarray, x: float, y: float) -> bool:
    """Whether a point lies in a convex outline that runs clockwise on the screen."""
    step = np.roll(outline, -1, axis=0) - outline
    return bool((step[:, 0] * (y - outline[:, 1]) >= step[:, 1] * (x - outline[:, 0])).all())


def blank(width: float, height: float) -> Layout:
    """An empty plot of so many metres."""
    return Layout(np.zeros((cells(height), cells(width)), np.int16))


def split(rng: Random, rect: Rect, pieces: int, smallest: int) -> list[Rect]:
    """Cut a rectangle into about ``pieces`` parts, none narrower than ``smallest`` cells."""
    parts = [rect]
    while len(parts) < pieces:
        weights = [part.area * (0.6 + rng.random()) for part in parts]
        victim = parts.pop(weights.index(max(weights)))
        halves = halve(rng, victim, smallest)
        if not halves:
            parts.append(victim)
            break
        parts.extend(halves)
    return parts


def halve(rng: Random, rect: Rect, smallest: int) -> list[Rect]:
    """Two parts of a rectangle, cut across its longer side as a rule; [] if it is too narrow."""
    across = rect.width >= rect.height
    if rng.random() < 0.15:
        across = not across
    length = rect.width if across else rect.height
    if length < 2 * smallest:
        return []
    cut = round(length * rng.uniform(0.33, 0.67))
    cut = min(max(cut, smallest), length - smallest)
    return list(cut_at(rect, cut, across=across))


def cut_at(rect: Rect, cut: int, *, across: bool) -> tuple[Rect, Rect]:
    """Two parts: the first ``cut`` cells from the left (``across``) or from the top, the rest."""
    if across:
        middle = rect.x0 + cut
        first = Rect(rect.x0, rect.y0, middle, rect.y1)
        return first, Rect(middle, rect.y0, rect.x1, rect.y1)
    middle = rect.y0 + cut
    return Rect(rect.x0, rect.y0, rect.x1, middle), Rect(rect.x0, middle, rect.x1, rect.y1)


def row(rng: Random, rect: Rect, widths: tuple[float, float], *, across: bool) -> list[Rect]:
    """Rooms side by side along a strip, each of a random width in metres."""
    parts: list[Rect] = []
    rest = rect
    while True:
        length = rest.width if across else rest.height
        width = cells(rng.uniform(*widths))
        if length < width + cells(widths[0]):
            return [*parts, rest]
        piece, rest = cut_at(rest, width, across=across)
        parts.append(piece)


def neighbours(grid: np.ndarray, shortest: float) -> dict[tuple[int, int], float]:
    """Which rooms touch: (smaller label, larger label) -> metres of common boundary."""
    found: dict[tuple[int, int], float] = {}
    for first, second in ((grid[:, :-1], grid[:, 1:]), (grid[:-1], grid[1:])):
        touching = (first != second) & (first > 0) & (second > 0)
        low = np.minimum(first, second)[touching].astype(np.int64)
        high = np.maximum(first, second)[touching]
        codes, counts = np.unique(low * 4096 + high, return_counts=True)
        for code, count in zip(codes.tolist(), counts.tolist(), strict=True):
            pair = (code // 4096, code % 4096)
            found[pair] = found.get(pair, 0.0) + count * CELL
    return {pair: length for pair, length in found.items() if length >= shortest}
