"""Symbols of furniture and fixtures, as lines in metres.

Every symbol stands with its back on y = 0 and fills 0..width by 0..depth; the first line is its
outline.
"""

import math
from collections.abc import Callable
from random import Random

Line = list[tuple[float, float]]
Lines = list[Line]


def box(x0: float, y0: float, x1: float, y1: float) -> Line:
    """A closed rectangle."""
    return [(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)]


def oval(x: float, y: float, rx: float, ry: float, count: int = 16) -> Line:
    """A closed ellipse."""
    steps = [math.tau * k / count for k in range(count + 1)]
    return [(x + rx * math.cos(a), y + ry * math.sin(a)) for a in steps]


def soft_box(x0: float, y0: float, x1: float, y1: float, r: float) -> Line:
    """A closed rectangle with round corners."""
    points: Line = []
    corners = (
        (x1 - r, y0 + r, 270),
        (x1 - r, y1 - r, 0),
        (x0 + r, y1 - r, 90),
        (x0 + r, y0 + r, 180),
    )
    for x, y, first in corners:
        for k in range(4):
            angle = math.radians(first + 30 * k)
            points.append((x + r * math.cos(angle), y + r * math.sin(angle)))
    return [*points, points[0]]


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


def piano(rng: Random, w: float, d: float) -> Lines:
    """A grand piano."""
    wing = [(0, 0), (w, 0), (w, d * 0.45), (w * 0.6, d * 0.6), (w * 0.5, d), (0, d), (0, 0)]
    return [wing, box(0, 0, w, d * 0.14)]


SYMBOLS: dict[
    str, tuple[Callable[[Random, float, float], Lines], tuple[float, float, float, float]]
]
SYMBOLS = {  # drawing; least and greatest width, least and greatest depth, metres
    "bed": (bed, (0.85, 1.0, 1.9, 2.1)),
    "double_bed": (bed, (1.4, 1.9, 1.95, 2.15)),
    "crossed": (crossed, (0.6, 1.3, 0.6, 1.2)),
    "plain": (plain, (0.4, 1.6, 0.35, 0.7)),
    "sofa": (sofa, (1.5, 2.4, 0.8, 1.0)),
    "armchair": (sofa, (0.75, 1.0, 0.75, 0.95)),
    "table": (table, (1.3, 2.4, 1.4, 1.7)),
    "round_table": (round_table, (1.2, 1.8, 1.2, 1.8)),
    "desk": (desk, (1.0, 1.6, 1.0, 1.2)),
    "wardrobe": (wardrobe, (1.0, 2.6, 0.5, 0.65)),
    "toilet": (toilet, (0.38, 0.48, 0.6, 0.75)),
    "bath": (bath, (1.5, 1.8, 0.7, 0.85)),
    "shower": (shower, (0.8, 1.1, 0.8, 1.0)),
    "basin": (basin, (0.45, 0.9, 0.38, 0.55)),
    "sink": (sink, (0.8, 1.2, 0.5, 0.62)),
    "hob": (hob, (0.55, 0.65, 0.55, 0.62)),
    "counter": (counter, (1.5, 3.6, 0.58, 0.65)),
    "machine": (machine, (0.58, 0.65, 0.58, 0.65)),
    "plant": (plant, (0.35, 0.6, 0.35, 0.6)),
    "car": (car, (1.8, 2.0, 4.2, 4.8)),
    "flight": (flight, (2.2, 3.6, 0.8, 1.1)),
    "rug": (rug, (1.6, 2.8, 1.2, 2.0)),
    "corner_sofa": (corner_sofa, (2.0, 2.9, 1.6, 2.4)),
    "island": (island, (1.4, 2.6, 1.0, 1.3)),
    "corner_bath": (corner_bath, (1.0, 1.5, 1.0, 1.5)),
    "sauna": (sauna, (1.0, 2.0, 0.5, 0.9)),
    "piano": (piano, (1.4, 1.5, 1.5, 2.0)),
}

WISHES: dict[str, tuple[str, ...]] = {
    "living": (
        "sofa",
        "armchair",
        "crossed",
        "table",
        "plain",
        "corner_sofa",
        "rug",
        "plant",
        "armchair",
        "piano",
        "flight",
    ),
    "bedroom": ("double_bed", "wardrobe", "bed", "desk", "crossed", "armchair", "plain", "plant"),
    "kitchen": ("counter", "sink", "hob", "table", "plain", "round_table", "island", "machine"),
    "dining": ("table", "plain", "crossed", "plant", "round_table"),
    "study": ("desk", "plain", "plain", "armchair", "plant", "crossed"),
    "office": ("desk", "desk", "wardrobe", "plain", "round_table", "desk"),
    "classroom": ("desk", "desk", "desk", "plain", "desk", "desk"),
    "bathroom": ("toilet", "bath", "basin", "shower", "corner_bath", "machine", "sauna"),
    "wc": ("toilet", "basin", "toilet"),
    "laundry": ("machine", "machine", "sink", "plain"),
    "closet": ("wardrobe", "plain"),
    "storage": ("plain", "crossed", "wardrobe"),
    "hall": ("flight", "wardrobe", "plain", "plant"),
    "corridor": ("plain",),
    "garage": ("car", "car", "plain", "crossed"),
    "lift": (),
    "stairs": (),
    "balcony": ("plain", "plant", "round_table"),
}
