"""Curves as pictures in the page itself (SVG): no script, in the colours of the theme."""

import html
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Points = Sequence[tuple[float, float]]
COLOURS = ("#4f46e5", "#e07b00", "#0d9488", "#c026d3", "#64748b", "#dc2626", "#2563eb", "#65a30d")
MAX_POINTS = 300  # a curve has no more corners than its picture has pixels to show them
_WIDTH, _HEIGHT = 420, 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 8, 8, 22


@dataclass(frozen=True, slots=True)
class Frame:
    """What part of the plane a chart shows."""

    x0: float
    x1: float
    y0: float
    y1: float

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Where a point stands, in the picture's pixels."""
        across = (x - self.x0) / (self.x1 - self.x0)
        up = (y - self.y0) / (self.y1 - self.y0)
        return (
            _LEFT + across * (_WIDTH - _LEFT - _RIGHT),
            _HEIGHT - _BOTTOM - up * (_HEIGHT - _TOP - _BOTTOM),
        )


def line_chart(title: str, curves: Mapping[str, Points], *, smooth: float = 0.0) -> str:
    """One chart of curves over steps, as HTML.

    Args:
        title: stands above it.
        curves: name -> (step, value); numbers that are not finite are left out.
        smooth: share of each point that is the running mean before it, in [0, 1); the curve itself
            stays visible, faintly.
    """
    finite = {
        name: [(x, y) for x, y in points if math.isfinite(y)] for name, points in curves.items()
    }
    shown = {name: thin(points) for name, points in finite.items() if points}
    if not shown:
        words = f"<figcaption>{_text(title)}</figcaption><p>no values yet</p>"
        return f"<figure class='fs-chart'>{words}</figure>"
    frame = _frame(shown)
    lines = []
    for number, (name, points) in enumerate(shown.items()):
        colour = COLOURS[number % len(COLOURS)]
        if smooth and len(points) > 2:
            lines.append(_line(frame, points, colour, faint=True, name=name))
            points = smoothed(points, smooth)
        lines.append(_line(frame, points, colour, faint=False, name=name))
    body = "".join([*_axes(frame), *lines])
    picture = (
        f"<svg viewBox='0 0 {_WIDTH} {_HEIGHT}' role='img' aria-label='{_text(title)}'>{body}</svg>"
    )
    caption = f"<figcaption>{_text(title)}{_legend(finite, shown)}</figcaption>"
    return f"<figure class='fs-chart'>{caption}{picture}</figure>"


def thin(points: Points, most: int = MAX_POINTS) -> list[tuple[float, float]]:
    """At most so many of the points, the last one among them, evenly chosen."""
    if len(points) <= most:
        return list(points)
    step = (len(points) - 1) / (most - 1)
    return [points[round(number * step)] for number in range(most)]


def smoothed(points: Points, share: float) -> list[tuple[float, float]]:
    """The running mean of a curve, unbiased at its beginning."""
    found, mean, weight = [], 0.0, 0.0
    for x, y in points:
        mean = share * mean + (1 - share) * y
        weight = share * weight + (1 - share)
        found.append((x, mean / weight))
    return found


def _frame(curves: Mapping[str, Points]) -> Frame:
    xs = [x for points in curves.values() for x, _ in points]
    ys = [y for points in curves.values() for _, y in points]
    low, high = min(ys), max(ys)
    margin = 0.05 * (high - low) or 0.05 * abs(high) or 0.05
    return Frame(min(xs), max(max(xs), min(xs) + 1), low - margin, high + margin)


def _axes(frame: Frame) -> list[str]:
    found = []
    for value in ticks(frame.y0, frame.y1):
        left, y = frame.at(frame.x0, value)
        found.append(
            f"<line class='grid' x1='{left}' x2='{_WIDTH - _RIGHT}' y1='{y:.1f}' y2='{y:.1f}'/>"
            f"<text x='{left - 5}' y='{y + 4:.1f}' text-anchor='end'>{value:.4g}</text>"
        )
    for value in ticks(frame.x0, frame.x1):
        x, _ = frame.at(value, frame.y0)
        found.append(f"<text x='{x:.1f}' y='{_HEIGHT - 6}' text-anchor='middle'>{value:.6g}</text>")
    return found


def ticks(low: float, high: float, *, about: int = 4) -> list[float]:
    """Round numbers in an interval."""
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * m for m in (1, 2, 5, 10) if power * m >= rough)
    first = math.ceil(low / step)
    return [round(number * step, 12) for number in range(first, math.floor(high / step) + 1)]


def _line(frame: Frame, points: Points, colour: str, *, faint: bool, name: str) -> str:
    corners = " ".join(f"{x:.1f},{y:.1f}" for x, y in (frame.at(*point) for point in points))
    if len(points) == 1:
        x, y = frame.at(*points[0])
        return f"<circle cx='{x:.1f}' cy='{y:.1f}' r='3' fill='{colour}'/>"
    look = "stroke-opacity='.25'" if faint else "stroke-width='1.8'"
    return (
        f"<polyline points='{corners}' fill='none' stroke='{colour}' {look}>"
        f"<title>{_text(name)}</title></polyline>"
    )


def _legend(finite: Mapping[str, Points], shown: Mapping[str, Points]) -> str:
    parts = [
        f"<span><i style='background:{COLOURS[number % len(COLOURS)]}'></i>{_text(name)} "
        f"<b>{finite[name][-1][1]:.4g}</b></span>"
        for number, name in enumerate(shown)
    ]
    return "".join(parts)


def _text(words: str) -> str:
    return html.escape(words, quote=True)
