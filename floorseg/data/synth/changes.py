"""Changes to a layout: rooms joined, left out, cut into, mirrored, copied."""

from random import Random

import cv2
import numpy as np

from floorseg.data.synth.layout import CELL, Layout, Rect, cells, neighbours


def leave_out(rng: Random, plan: Layout, count: int) -> None:
    """Turn rooms at the border into the outside: outlines that are no rectangles."""
    for _ in range(count):
        grid = plan.grid
        rim = {int(n) for side in (grid[0], grid[-1], grid[:, 0], grid[:, -1]) for n in side}
        edge = sorted(n for n in rim if n > 0 and plan.rooms[n - 1].area < 0.3 * _built(plan))
        if not edge or len(plan.labels()) < 3:
            return
        victim = rng.choice(edge)
        if rng.random() < 0.2:
            plan.rooms[victim - 1].kind = "balcony"
        elif in_one_piece((grid > 0) & (grid != victim)) or rng.random() < 0.1:
            plan.erase(victim)


def _built(plan: Layout) -> float:
    return float((plan.grid > 0).sum()) * CELL * CELL


def in_one_piece(built: np.ndarray) -> bool:
    """Whether what is built hangs together."""
    count, _ = cv2.connectedComponents(built.astype(np.uint8), connectivity=4)
    return bool(count <= 2)


def join(rng: Random, plan: Layout, count: int) -> None:
    """Make one room of two neighbours: L and T shapes."""
    for _ in range(count):
        pairs = sorted(neighbours(plan.grid, 1.2))
        pairs = [
            (a, b)
            for a, b in pairs
            if plan.rooms[a - 1].area + plan.rooms[b - 1].area < 0.5 * _built(plan)
        ]
        if not pairs or len(plan.labels()) < 4:
            return
        plan.merge(*rng.choice(pairs))


def carve(
    rng: Random,
    plan: Layout,
    count: int,
    *,
    kinds: tuple[str, ...] = ("closet", "closet", "wc", "storage"),
    sizes: tuple[float, float] = (0.6, 1.8),
) -> None:
    """Cut cupboards and the like out of the corners of larger rooms."""
    for _ in range(count):
        roomy = [n for n in plan.labels() if plan.rooms[n - 1].main.area > 5 * sizes[0]]
        if not roomy:
            return
        host = rng.choice(roomy)
        rect = plan.rooms[host - 1].main
        w, h = cells(rng.uniform(*sizes)), cells(rng.uniform(*sizes))
        if w > rect.width * 0.6 or h > rect.height * 0.6:
            continue
        x = rng.choice((rect.x0, rect.x1 - w))
        y = rng.choice((rect.y0, rect.y1 - h))
        plan.add(rng.choice(kinds), Rect(x, y, x + w, y + h))


def stairwell(rng: Random, plan: Layout, chance: float) -> None:
    """Turn a narrow room into stairs."""
    fitting = []
    for label in plan.labels():
        rect = plan.rooms[label - 1].main
        short, long = sorted((rect.width, rect.height))
        if cells(0.9) <= short <= cells(2.8) and cells(2.4) <= long <= cells(6):
            fitting.append(label)
    if fitting and rng.random() < chance:
        plan.rooms[rng.choice(fitting) - 1].kind = "stairs"


def name_largest(plan: Layout, kind: str) -> None:
    """Give the largest room that is not lived in a use."""
    labels = [n for n in plan.labels() if plan.rooms[n - 1].kind not in ("living", "kitchen")]
    if labels:
        max((plan.rooms[n - 1] for n in labels), key=lambda room: room.area).kind = kind


def mirrored(rng: Random, plan: Layout) -> Layout:
    """The layout, or its mirror image."""
    if rng.random() < 0.5:
        return plan
    mirrored = Layout(np.zeros_like(plan.grid))
    paste(mirrored, plan, 0, 0, flip_x=True, flip_y=False)
    return mirrored


def paste(plan: Layout, unit: Layout, dx: int, dy: int, *, flip_x: bool, flip_y: bool) -> None:
    """Copy a unit's rooms into a layout, ``dx`` and ``dy`` cells from its corner."""
    rows, columns = unit.grid.shape
    grid = unit.grid[:: -1 if flip_y else 1, :: -1 if flip_x else 1]
    offset = len(plan.rooms)
    target = plan.grid[dy : dy + rows, dx : dx + columns]
    target[grid > 0] = grid[grid > 0] + offset
    for room in unit.rooms:
        rects = [_turned(rect, columns, rows, flip_x, flip_y).moved(dx, dy) for rect in room.rects]
        plan.rooms.append(type(room)(room.kind, rects))


def _turned(rect: Rect, columns: int, rows: int, flip_x: bool, flip_y: bool) -> Rect:
    x0, x1 = (columns - rect.x1, columns - rect.x0) if flip_x else (rect.x0, rect.x1)
    y0, y1 = (rows - rect.y1, rows - rect.y0) if flip_y else (rect.y0, rect.y1)
    return Rect(x0, y0, x1, y1)
