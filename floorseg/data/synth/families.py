"""Kinds of buildings: each function lays out one storey of its kind."""

import math
from collections.abc import Callable
from random import Random

import numpy as np

from floorseg.data.synth.changes import (
    carve,
    join,
    leave_out,
    mirrored,
    name_largest,
    paste,
    stairwell,
)
from floorseg.data.synth.layout import Layout, Rect, blank, cells, cut_at, neighbours, row, split
from floorseg.data.synth.storeys import courtyard, hotel, tenement

LIVING = ("living", "bedroom", "kitchen", "dining", "study", "bedroom", "bathroom")


def blocks(rng: Random) -> Layout:
    """A few large rooms, the outline notched where rooms were left out."""
    plan = blank(rng.uniform(6.5, 13.5), rng.uniform(6.5, 13.5))
    parts = split(rng, _whole(plan), rng.randint(4, 9), cells(2.0))
    for part in parts:
        plan.add(rng.choice(LIVING), part)
    leave_out(rng, plan, rng.choice((0, 0, 1, 1, 2, 2, 3)))
    join(rng, plan, rng.choice((0, 0, 1, 1, 2)))
    return plan


def flat(rng: Random) -> Layout:
    """A flat: rooms on both sides of a hall, bath and cupboards cut out of them."""
    plan = blank(rng.uniform(6.5, 14), rng.uniform(6, 11))
    whole = _whole(plan)
    across = rng.random() < 0.5
    depth = whole.height if across else whole.width
    hall = cells(rng.uniform(1.0, 1.7))
    first = round((depth - hall) * rng.uniform(0.3, 0.65))
    upper, rest = cut_at(whole, first, across=not across)
    corridor, lower = cut_at(rest, hall, across=not across)
    for side in (upper, lower):
        for part in row(rng, side, (2.2, 5.5), across=across):
            plan.add(_kind_by_size(rng, part), part)
    _shorten(rng, plan, corridor, across=across)
    join(rng, plan, rng.choice((0, 1, 1, 2)))
    leave_out(rng, plan, rng.choice((0, 0, 1, 1, 2)))
    carve(rng, plan, rng.randint(0, 5))
    stairwell(rng, plan, 0.25)
    return plan


def house(rng: Random) -> Layout:
    """A house: an open living area, a block of bedrooms, closets, perhaps a garage and a porch."""
    plan = blank(rng.uniform(10, 20), rng.uniform(8, 16))
    whole = _whole(plan)
    wing, rest = cut_at(whole, round(whole.width * rng.uniform(0.35, 0.6)), across=True)
    open_parts = split(rng, wing, rng.randint(2, 4), cells(2.4))
    others = split(rng, rest, rng.randint(4, 9), cells(1.6))
    for part in open_parts:
        plan.add(rng.choice(("living", "kitchen", "dining")), part)
    for part in others:
        plan.add(_kind_by_size(rng, part), part)
    for other in range(2, len(open_parts) + 1):
        if rng.random() < 0.6 and (1, other) in neighbours(plan.grid, 1.0):
            plan.merge(1, other)
    join(rng, plan, rng.randint(0, 2))
    leave_out(rng, plan, rng.choice((0, 1, 1, 2)))
    carve(rng, plan, rng.randint(1, 6))
    stairwell(rng, plan, 0.5)
    if rng.random() < 0.4:
        name_largest(plan, "garage")
    return mirrored(rng, plan)


def institution(rng: Random) -> Layout:
    """A long building: a corridor with many rooms on one or both sides, stairs, lavatories."""
    plan = blank(rng.uniform(18, 48), rng.uniform(9, 16))
    whole = _whole(plan)
    hall = cells(rng.uniform(1.5, 2.6))
    first = round((whole.height - hall) * rng.choice((0.4, 0.5, 0.5, 0.6)))
    upper, rest = cut_at(whole, first, across=False)
    corridor, lower = cut_at(rest, hall, across=False)
    plan.add("corridor", corridor)
    widths = rng.choice(((2.2, 3.6), (2.6, 6.5), (3.0, 8.0)))
    for side in (upper, lower):
        for part in row(rng, side, widths, across=True):
            _office(rng, plan, part)
    join(rng, plan, rng.randint(0, 2))
    leave_out(rng, plan, rng.choice((0, 0, 0, 1, 2, 3)))
    return plan


def studio(rng: Random) -> Layout:
    """One room with a bath and a cupboard cut out of it."""
    plan = blank(rng.uniform(4, 8), rng.uniform(4, 8))
    plan.add(rng.choice(("living", "bedroom", "office")), _whole(plan))
    carve(rng, plan, rng.randint(0, 2), kinds=("bathroom", "kitchen"), sizes=(1.5, 2.6))
    carve(rng, plan, rng.randint(0, 2))
    return plan


def warren(rng: Random) -> Layout:
    """An old house with many rooms of all sizes."""
    plan = blank(rng.uniform(12, 28), rng.uniform(10, 22))
    parts = split(rng, _whole(plan), rng.randint(12, 34), cells(1.2))
    for part in parts:
        plan.add(_kind_by_size(rng, part), part)
    join(rng, plan, rng.randint(2, 7))
    leave_out(rng, plan, rng.randint(0, 5))
    carve(rng, plan, rng.randint(0, 5))
    stairwell(rng, plan, 0.6)
    return plan


def units(rng: Random) -> Layout:
    """Several flats side by side, mirrored, with stairs between them."""
    unit = flat(rng)
    core_width = cells(rng.uniform(2.2, 3.2))
    rows, columns = unit.grid.shape
    deep = rng.random() < 0.3
    plan = Layout(np.zeros((rows * (2 if deep else 1), columns * 2 + core_width), np.int16))
    for down in range(2 if deep else 1):
        paste(plan, unit, 0, down * rows, flip_x=False, flip_y=down == 1)
        paste(plan, unit, columns + core_width, down * rows, flip_x=True, flip_y=down == 1)
    core = Rect(columns, 0, columns + core_width, plan.grid.shape[0])
    lift, stairs = cut_at(core, min(cells(rng.uniform(1.8, 2.6)), core.height // 2), across=False)
    landing, stairs = cut_at(stairs, max(1, stairs.height // 2), across=False)
    plan.add(rng.choice(("lift", "storage")), lift)
    plan.add("hall", landing)
    plan.add("stairs", stairs)
    return plan


def rounded(rng: Random) -> Layout:
    """A round or many-sided building, or one with its corners cut."""
    plan = rng.choice((blocks, flat, house))(rng)
    width, height = plan.size
    if rng.random() < 0.45:
        count = rng.choice((6, 8, 8, 12, 16, 28, 40))
        turn = rng.random() * math.pi
        angles = [turn + math.tau * k / count for k in range(count)]
        plan.clip = np.array(
            [((1 + math.cos(a)) * width / 2, (1 + math.sin(a)) * height / 2) for a in angles]
        )
    else:
        plan.clip = _chamfered(rng, width, height)
    return plan


def _chamfered(rng: Random, width: float, height: float) -> np.ndarray:
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], float)
    points: list[np.ndarray] = []
    for k in range(4):
        here, before, after = corners[k], corners[k - 1], corners[(k + 1) % 4]
        if rng.random() < 0.55:
            points.append(here + (before - here) * rng.uniform(0.1, 0.48))
            points.append(here + (after - here) * rng.uniform(0.1, 0.48))
        else:
            points.append(here)
    return np.array(points)


def _whole(plan: Layout) -> Rect:
    return Rect(0, 0, plan.grid.shape[1], plan.grid.shape[0])


def _kind_by_size(rng: Random, rect: Rect) -> str:
    if rect.area < 2.5:
        return rng.choice(("closet", "wc", "storage"))
    if rect.area < 7:
        return rng.choice(("bathroom", "bathroom", "kitchen", "storage", "laundry", "wc", "hall"))
    if rect.area < 14:
        return rng.choice(("bedroom", "bedroom", "kitchen", "study", "dining", "bathroom"))
    return rng.choice(("living", "living", "bedroom", "dining", "kitchen", "office"))


def _office(rng: Random, plan: Layout, part: Rect) -> None:
    chance = rng.random()
    if chance < 0.12 and part.width > cells(2.2):
        plan.add("stairs", part)
    elif chance < 0.3 and part.height > cells(3):
        for piece in split(rng, part, rng.randint(2, 6), cells(0.9)):
            plan.add(rng.choice(("wc", "bathroom", "storage", "hall")), piece)
    else:
        plan.add(rng.choice(("office", "office", "classroom", "bedroom", "living")), part)


def _shorten(rng: Random, plan: Layout, corridor: Rect, *, across: bool) -> None:
    """The hall takes its strip, or leaves its end to the room beside it."""
    length = corridor.width if across else corridor.height
    if rng.random() < 0.5 and length > cells(4):
        hall, rest = cut_at(corridor, round(length * rng.uniform(0.5, 0.85)), across=across)
        label = plan.add("hall", hall)
        other = plan.add("living", rest)
        touching = [pair for pair in neighbours(plan.grid, 1.0) if other in pair]
        near = [a + b - other for a, b in touching if label not in (a, b)]
        if near:
            plan.merge(rng.choice(near), other)
    else:
        plan.add("hall", corridor)


PLAINEST = "blocks"
FAMILIES: dict[str, Callable[[Random], Layout]] = {
    "blocks": blocks,
    "flat": flat,
    "house": house,
    "institution": institution,
    "studio": studio,
    "warren": warren,
    "units": units,
    "rounded": rounded,
    "hotel": hotel,
    "courtyard": courtyard,
    "tenement": lambda rng: tenement(rng, flat(rng)),
}
