"""Symbols of kitchens and bathrooms.

Every symbol stands with its back on y = 0 and fills 0..width by 0..depth, in metres; the first line
is its outline.
"""

import math
from random import Random

from floorseg.data.synth.outlines import Lines, box, oval, soft_box


def toilet(rng: Random, w: float, d: float) -> Lines:
    """A cistern and a bowl."""
    tank = d * 0.28
    lines = [box(0, 0, w, tank), oval(w / 2, tank + (d - tank) / 2, w * 0.42, (d - tank) / 2)]
    if rng.random() < 0.5:
        lines.append(oval(w / 2, tank + (d - tank) / 2, w * 0.28, (d - tank) * 0.34))
    return lines


def bath(rng: Random, w: float, d: float) -> Lines:
    """A bath tub along the wall."""
    inner = soft_box(0.07, 0.07, w - 0.07, d - 0.07, min(0.25, d * 0.32))
    return [box(0, 0, w, d), inner, oval(w - 0.2, d / 2, 0.03, 0.03, 8)]


def shower(rng: Random, w: float, d: float) -> Lines:
    """A shower tray."""
    lines = [box(0, 0, w, d)]
    if rng.random() < 0.7:
        lines += [[(0, 0), (w, d)], [(w, 0), (0, d)]]
    return [*lines, oval(w / 2, d / 2, 0.06, 0.06, 10)]


def basin(rng: Random, w: float, d: float) -> Lines:
    """A wash-basin, in a counter or alone."""
    if rng.random() < 0.5:
        return [box(0, 0, w, d), oval(w / 2, d * 0.52, w * 0.38, d * 0.36)]
    return [soft_box(0, 0, w, d, min(w, d) * 0.3), oval(w / 2, d * 0.52, w * 0.34, d * 0.34)]


def sink(rng: Random, w: float, d: float) -> Lines:
    """A kitchen sink with its drainer."""
    middle = w * 0.52
    lines = [box(0, 0, w, d), soft_box(0.05, 0.1, middle, d - 0.06, 0.05)]
    for k in range(4):
        y = d * (0.25 + 0.17 * k)
        lines.append([(middle + 0.06, y), (w - 0.05, y)])
    return lines


def hob(rng: Random, w: float, d: float) -> Lines:
    """A cooker with four plates."""
    lines = [box(0, 0, w, d)]
    for x in (0.28, 0.72):
        for y in (0.3, 0.72):
            lines.append(oval(w * x, d * y, w * 0.16, d * 0.16, 10))
    return lines


def counter(rng: Random, w: float, d: float) -> Lines:
    """A run of kitchen units with sink and cooker in it."""
    lines = [box(0, 0, w, d)]
    if w > 1.4:
        x = rng.uniform(0.05, w / 2 - 0.65)
        lines += [[(x + a, b) for a, b in line] for line in hob(rng, 0.58, d)]
        x = rng.uniform(w / 2, w - 0.75)
        lines += [[(x + a, b) for a, b in line] for line in sink(rng, 0.7, d)]
    return lines


def machine(rng: Random, w: float, d: float) -> Lines:
    """A washing machine."""
    return [box(0, 0, w, d), oval(w / 2, d / 2, w * 0.36, d * 0.36), [(0, d * 0.1), (w, d * 0.1)]]


def island(rng: Random, w: float, d: float) -> Lines:
    """A kitchen island with stools."""
    lines = [box(0, 0, w, d * 0.65)]
    count = max(2, int(w / 0.6))
    for k in range(count):
        lines.append(oval(w * (k + 0.5) / count, d * 0.82, 0.16, 0.16, 10))
    return lines


def corner_bath(rng: Random, w: float, d: float) -> Lines:
    """A bath or basin in a corner, its front round."""
    steps = [math.pi / 2 * k / 8 for k in range(9)]
    front = [(w * math.cos(a), d * math.sin(a)) for a in steps]
    inner = [(0.08 + (w - 0.16) * math.cos(a), 0.08 + (d - 0.16) * math.sin(a)) for a in steps]
    return [[(0, 0), *front, (0, 0)], [(0.08, 0.08), *inner, (0.08, 0.08)]]


def sauna(rng: Random, w: float, d: float) -> Lines:
    """Benches of planks."""
    lines = [box(0, 0, w, d)]
    return [*lines, *([(0, d * k / 6), (w, d * k / 6)] for k in range(1, 6))]
