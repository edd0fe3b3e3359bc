"""Where on the sheet a storey goes, and how it is stretched or slanted."""

from random import Random

import cv2
import numpy as np

from floorseg.data.synth.canvas import Canvas
from floorseg.data.synth.layout import Layout
from floorseg.data.synth.styles import Style

Box = tuple[float, float, float, float]  # x0, y0, x1, y1 in pixels


def boxes_on_sheet(rng: Random, size: tuple[int, int], count: int, style: Style) -> list[Box]:
    """One box of paper for each storey: to the sheet's edge, with a margin, or small."""
    width, height = size
    margins = _margins(rng, style)
    if count > 1:  # one scale for all makes them small enough
        margins = [margin * 0.4 for margin in margins]
    x0, y0 = margins[0] * width, margins[1] * height
    x1, y1 = (1 - margins[2]) * width, (1 - margins[3]) * height
    if count == 1:
        return [(x0, y0, x1, y1)]
    beside = rng.random() < 0.65
    gap = rng.uniform(0.03, 0.09)
    boxes = []
    for k in range(count):
        a, b = k / count + gap / 2 * (k > 0), (k + 1) / count - gap / 2 * (k < count - 1)
        if beside:
            boxes.append((x0 + (x1 - x0) * a, y0, x0 + (x1 - x0) * b, y1))
        else:
            boxes.append((x0, y0 + (y1 - y0) * a, x1, y0 + (y1 - y0) * b))
    return boxes


def _margins(rng: Random, style: Style) -> list[float]:
    """Shares of the sheet left, above, right and below."""
    chance = rng.random()
    bare = style.name in ("furnished", "bare")
    if chance < (0.8 if bare else 0.12):
        low = high = 0.0
    elif chance < 0.9:
        low, high = 0.03, 0.14
    else:
        low, high = 0.12, 0.28
    margins = [rng.uniform(low, high) for _ in range(4)]
    if style.dimensions == "chain":
        margins = [max(margin, 0.1) for margin in margins]
    elif style.fringe and chance > 0.12 and not bare:
        margins[rng.choice((1, 3, 3, 3))] += 0.06
    return margins


def common_scale(layouts: list[Layout], boxes: list[Box], style: Style) -> float | None:
    """Pixels a metre at which every storey fits its box; None for one storey, free to stretch."""
    if len(layouts) == 1:
        return None
    fitting = []
    for layout, box in zip(layouts, boxes, strict=True):
        x0, y0, x1, y1 = _inset(box, style.thickness[0] / 2, layout.size)
        fitting.append(min((x1 - x0) / layout.size[0], (y1 - y0) / layout.size[1]))
    return min(fitting)


def place(
    rng: Random,
    canvas: Canvas,
    layout: Layout,
    style: Style,
    box: Box,
    *,
    scale: float | None = None,
) -> None:
    """Set the canvas's metres so that the storey lies in its box of paper.

    Args:
        rng: source of chance.
        canvas: the sheet.
        layout: the storey.
        style: its walls' thickness counts.
        box: where on the sheet.
        scale: pixels a metre; None to fill the box, stretched or not.
    """
    width, height = layout.size
    x0, y0, x1, y1 = _inset(box, style.thickness[0] / 2, layout.size)
    wide, tall = (x1 - x0) / width, (y1 - y0) / height
    even = min(wide, tall)
    stretch = rng.choice((0.0, 0.4, 0.8, 1.0)) if style.name != "furnished" else 1.0
    limit = even * rng.uniform(1.0, 2.2)
    scale_x = scale or min(even + (wide - even) * stretch, limit)
    scale_y = scale or min(even + (tall - even) * stretch, limit)
    left = x0 + (x1 - x0 - width * scale_x) * rng.random()
    top = y0 + (y1 - y0 - height * scale_y) * rng.random()
    right, bottom = left + width * scale_x, top + height * scale_y
    target = np.array([(left, top), (right, top), (right, bottom), (left, bottom)], np.float32)
    if rng.random() < (0.16 if style.name in ("furnished", "agent") else 0.05):
        target = _slanted(rng, target)
    source = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    matrix = cv2.getPerspectiveTransform(source, target)
    canvas.set_map(matrix, (width / 2, height / 2))


def _inset(box: Box, metres: float, size: tuple[float, float]) -> Box:
    """The box without the outer halves of the outer walls."""
    x0, y0, x1, y1 = box
    across = (x1 - x0) * metres / (size[0] + 2 * metres)
    down = (y1 - y0) * metres / (size[1] + 2 * metres)
    return x0 + across, y0 + down, x1 - across, y1 - down


def _slanted(rng: Random, corners: np.ndarray) -> np.ndarray:
    """A trapezium or a skewed box inside the same corners."""
    moved = corners.copy()
    size = corners[2] - corners[0]
    for corner in range(4):
        if rng.random() < 0.5:
            axis = rng.randint(0, 1)
            inward = np.sign(corners.mean(0) - corners[corner])[axis]
            moved[corner, axis] += inward * size[axis] * rng.uniform(0.05, 0.28)
    return moved
