"""Storeys of large buildings: many rooms, all alike or nearly, along corridors."""

from random import Random

import numpy as np

from floorseg.data.synth.changes import paste
from floorseg.data.synth.layout import Layout, Rect, blank, cells, cut_at, row


def hotel(rng: Random) -> Layout:
    """Two rows of one room with its bath, mirrored by turns, on a corridor; stairs and a hall."""
    unit = _bedroom(rng)
    rows, columns = unit.grid.shape
    count, hall = rng.randint(5, 14), cells(rng.uniform(1.4, 2.4))
    sides = rng.choice((1, 2, 2, 2))
    plan = Layout(np.zeros((rows * sides + hall, columns * count), np.int16))
    corridor = Rect(0, rows, columns * count, rows + hall)
    for side in range(sides):
        special = _places(rng, count)
        for place in range(count):
            x, y = place * columns, side * (rows + hall)
            if place in special:
                plan.add(special[place], Rect(x, y, x + columns, y + rows))
                continue
            paste(plan, unit, x, y, flip_x=place % 2 == 1, flip_y=side == 1)
    plan.add("corridor", corridor)
    if rng.random() < 0.3:  # the way in, as deep as a row of rooms
        first = rng.randrange(count - 1) * columns
        width = columns * rng.randint(1, 2)
        plan.add("hall", Rect(first, 0, first + width, rows))
    return plan


def _bedroom(rng: Random) -> Layout:
    """A room with a bath at its door, at times a closet beside that."""
    width, depth = rng.uniform(2.8, 5.0), rng.uniform(4.5, 8.0)
    unit = blank(width, depth)
    rows, columns = unit.grid.shape
    unit.add("bedroom", Rect(0, 0, columns, rows))
    wide = min(cells(rng.uniform(1.3, 2.4)), columns - cells(1.0))
    high = cells(rng.uniform(1.5, 2.6))
    unit.add("bathroom", Rect(0, rows - high, wide, rows))
    if rng.random() < 0.4:
        depth_cells = cells(rng.uniform(0.6, 0.9))
        unit.add("closet", Rect(0, rows - high - depth_cells, wide, rows - high))
    return unit


def _places(rng: Random, count: int) -> dict[int, str]:
    """Which rooms of a row are something else."""
    kinds = ("stairs", "lift", "storage", "laundry", "hall")
    chosen = rng.sample(range(count), rng.choice((0, 1, 1, 2)))
    return {place: rng.choice(kinds) for place in chosen}


def courtyard(rng: Random) -> Layout:
    """Four wings around a yard, a corridor along it, or rooms that open to it."""
    plan = blank(rng.uniform(22, 42), rng.uniform(20, 36))
    rows, columns = plan.grid.shape
    depth = cells(rng.uniform(4.0, 6.5))
    hall = rng.choice((0, cells(rng.uniform(1.4, 2.2))))
    widths = rng.choice(((2.4, 4.0), (3.0, 6.0), (3.5, 8.0)))
    top, rest = cut_at(Rect(0, 0, columns, rows), depth, across=False)
    middle, bottom = cut_at(rest, rest.height - depth, across=False)
    left, inner = cut_at(middle, depth, across=True)
    inner, right = cut_at(inner, inner.width - depth, across=True)
    for wing, across in ((top, True), (bottom, True), (left, False), (right, False)):
        for part in row(rng, wing, widths, across=across):
            plan.add(_room_of_wing(rng, part), part)
    if hall and min(inner.width, inner.height) > 3 * hall:
        plan.add("corridor", inner)
        yard = Rect(inner.x0 + hall, inner.y0 + hall, inner.x1 - hall, inner.y1 - hall)
    else:
        yard = inner
    plan.grid[yard.y0 : yard.y1, yard.x0 : yard.x1] = 0
    return plan


def _room_of_wing(rng: Random, part: Rect) -> str:
    if rng.random() < 0.1:
        return "stairs"
    if part.area < 8:
        return rng.choice(("storage", "bathroom", "wc"))
    return rng.choice(("office", "office", "bedroom", "classroom", "living"))


def tenement(rng: Random, flat: Layout) -> Layout:
    """A flat repeated and mirrored on both sides of a corridor.

    Args:
        rng: source of chance.
        flat: the unit.
    """
    rows, columns = flat.grid.shape
    count, hall = rng.randint(2, 4), cells(rng.uniform(1.4, 2.2))
    plan = Layout(np.zeros((rows * 2 + hall, columns * count), np.int16))
    for side in range(2):
        for place in range(count):
            paste(plan, flat, place * columns, side * (rows + hall),
                  flip_x=place % 2 == 1, flip_y=side == 1)  # fmt: skip
    plan.add("corridor", Rect(0, rows, columns * count, rows + hall))
    return plan
