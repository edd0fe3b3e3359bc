"""Symbols of furniture, cars and open stairs.

Every symbol stands with its back on y = 0 and fills 0..width by 0..depth, in metres; the first line
is its outline.
"""

import math
from random import Random

from floorseg.data.synth.outlines import Lines, box, oval, soft_box


def bed(rng: Random, w: float, d: float) -> Lines:
    """A bed with pillows and a turned-down corner."""
    lines = [box(0, 0, w, d)]
    pillows = 1 if w < 1.25 else 2
    for k in range(pillows):
        x = w * (k + 0.5) / pillows
        half = min(0.32, w / pillows * 0.4)
        lines.append(soft_box(x - half, 0.08, x + half, 0.42, 0.06))
    if rng.random() < 0.5:
        lines.append([(0, 0.55), (w, 0.55)])
    else:
        lines.append([(0, 0.9), (w * 0.6, 0.5), (w, 0.5)])
        lines.append([(w * 0.6, 0.5), (w * 0.45, 0.95), (0, 0.9)])
    return lines


def crossed(rng: Random, w: float, d: float) -> Lines:
    """A box with its diagonals: a table, a cupboard, a shaft."""
    inset = rng.choice((0.0, 0.0, 0.06))
    lines = [box(0, 0, w, d), [(inset, inset), (w - inset, d - inset)]]
    lines.append([(w - inset, inset), (inset, d - inset)])
    return [*lines, box(inset, inset, w - inset, d - inset)] if inset else lines


def plain(rng: Random, w: float, d: float) -> Lines:
    """A mere box, or one in a box."""
    lines = [box(0, 0, w, d)]
    if rng.random() < 0.5:
        lines.append(box(0.06, 0.06, w - 0.06, d - 0.06))
    return lines


def sofa(rng: Random, w: float, d: float) -> Lines:
    """A sofa or an armchair: back, arms, cushions."""
    arm, back = 0.16, 0.2
    lines = [box(0, 0, w, d) if rng.random() < 0.6 else soft_box(0, 0, w, d, 0.1)]
    seats = max(1, round((w - 2 * arm) / 0.65))
    for k in range(seats):
        x0 = arm + (w - 2 * arm) * k / seats
        lines.append(box(x0, back, x0 + (w - 2 * arm) / seats, d - 0.04))
    return [*lines, [(arm, d), (arm, back)], [(w - arm, d), (w - arm, back)]]


def table(rng: Random, w: float, d: float) -> Lines:
    """A table with chairs around, square or round."""
    seat = 0.4
    top = (seat * 0.8, seat * 0.8, w - seat * 0.8, d - seat * 0.8)
    round_top = rng.random() < 0.35
    centre = ((top[0] + top[2]) / 2, (top[1] + top[3]) / 2)
    if round_top:
        lines = [oval(*centre, (top[2] - top[0]) / 2, (top[3] - top[1]) / 2, 20)]
    else:
        lines = [box(*top)]
    count = max(1, int((top[2] - top[0]) / 0.6))
    for k in range(count):
        x = top[0] + (top[2] - top[0]) * (k + 0.5) / count
        lines.append(box(x - seat / 2, 0, x + seat / 2, top[1]))
        lines.append(box(x - seat / 2, top[3], x + seat / 2, d))
    if rng.random() < 0.5:
        lines.append(box(0, centre[1] - seat / 2, top[0], centre[1] + seat / 2))
        lines.append(box(top[2], centre[1] - seat / 2, w, centre[1] + seat / 2))
    return lines


def desk(rng: Random, w: float, d: float) -> Lines:
    """A desk and its chair."""
    x = w * rng.uniform(0.35, 0.65)
    deep = d * 0.6
    return [box(0, 0, w, deep), soft_box(x - 0.22, deep - 0.05, x + 0.22, d, 0.08)]


def wardrobe(rng: Random, w: float, d: float) -> Lines:
    """A wardrobe: hangers, a diagonal or a rail."""
    lines = [box(0, 0, w, d)]
    look = rng.random()
    if look < 0.4:
        lines.append([(0, d / 2), (w, d / 2)])
        count = max(2, int(w / 0.18))
        for k in range(count):
            x = w * (k + 0.5) / count
            lean = rng.uniform(-0.06, 0.06)
            lines.append([(x - lean, d * 0.15), (x + lean, d * 0.85)])
    elif look < 0.8:
        lines.append([(0, 0), (w, d)])
    return lines


def plant(rng: Random, w: float, d: float) -> Lines:
    """A plant in a pot."""
    spikes = []
    for k in range(18):
        radius = (0.5 if k % 2 else 0.2) * w
        angle = math.tau * k / 18
        spikes.append((w / 2 + radius * math.cos(angle), d / 2 + radius * math.sin(angle)))
    return [[*spikes, spikes[0]]]


def round_table(rng: Random, w: float, d: float) -> Lines:
    """A round table with round stools."""
    lines = [oval(w / 2, d / 2, w * 0.3, d * 0.3, 20)]
    count = rng.randint(3, 6)
    for k in range(count):
        angle = math.tau * k / count
        x, y = w / 2 + w * 0.4 * math.cos(angle), d / 2 + d * 0.4 * math.sin(angle)
        lines.append(oval(x, y, w * 0.1, d * 0.1, 10))
    return lines


def car(rng: Random, w: float, d: float) -> Lines:
    """A car seen from above."""
    lines = [soft_box(0, 0, w, d, 0.4), soft_box(0.15, d * 0.3, w - 0.15, d * 0.8, 0.2)]
    return [*lines, [(0.2, d * 0.38), (w - 0.2, d * 0.38)], [(0.2, d * 0.72), (w - 0.2, d * 0.72)]]


def flight(rng: Random, w: float, d: float) -> Lines:
    """An open flight of stairs with its arrow."""
    lines = [box(0, 0, w, d)]
    count = max(3, round(w / 0.27))
    for k in range(1, count):
        x = w * k / count
        lines.append([(x, 0), (x, d)])
    lines.append([(0.1, d / 2), (w - 0.1, d / 2)])
    return [*lines, [(w - 0.3, d / 2 - 0.12), (w - 0.1, d / 2), (w - 0.3, d / 2 + 0.12)]]


def rug(rng: Random, w: float, d: float) -> Lines:
    """A sofa corner: rug, low table."""
    lines = [box(0, 0, w, d), box(w * 0.3, d * 0.3, w * 0.7, d * 0.7)]
    return lines if rng.random() < 0.5 else [*lines, box(0.08, 0.08, w - 0.08, d - 0.08)]


def corner_sofa(rng: Random, w: float, d: float) -> Lines:
    """A sofa round a corner."""
    deep, back = 0.85, 0.2
    shape = [(0, 0), (w, 0), (w, deep), (deep, deep), (deep, d), (0, d), (0, 0)]
    lines: Lines = [shape, [(back, d), (back, back), (w, back)]]
    for k in range(1, max(2, int((w - deep) / 0.7))):
        x = deep + (w - deep) * k / max(2, int((w - deep) / 0.7))
        lines.append([(x, back), (x, deep)])
    return lines


def piano(rng: Random, w: float, d: float) -> Lines:
    """A grand piano."""
    wing = [(0, 0), (w, 0), (w, d * 0.45), (w * 0.6, d * 0.6), (w * 0.5, d), (0, d), (0, 0)]
    return [wing, box(0, 0, w, d * 0.14)]
