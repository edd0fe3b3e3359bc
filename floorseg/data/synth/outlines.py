"""Closed outlines symbols are made of, in metres."""

import math

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
