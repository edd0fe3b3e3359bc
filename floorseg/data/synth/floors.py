"""Floors: which pixels are which room, their colours, planks and tiles."""

from random import Random

import cv2
import numpy as np

from floorseg.data.synth.canvas import Canvas, Colour, Thing
from floorseg.data.synth.layout import CELL, Layout
from floorseg.data.synth.shapes import Patch
from floorseg.data.synth.styles import ROOM_COLOURS, Style

WET = {"bathroom", "wc", "kitchen", "laundry", "hall", "balcony"}


def paint_floors(
    rng: Random, canvas: Canvas, layout: Layout, patches: list[Patch], style: Style
) -> None:
    """Mark every room's pixels, walls still included, and colour them."""
    floor = _on_sheet(canvas, layout)
    for patch in patches:
        corners = np.round((canvas.pixels(patch.corners) - 0.5) * 16).astype(np.int32)
        cv2.fillPoly(floor, [corners], patch.label, cv2.LINE_8, 4)
    numbers = np.zeros(len(layout.rooms) + 1, np.uint16)
    colours = np.empty((len(layout.rooms) + 1, 3), np.uint8)
    colours[:] = style.paper
    labels = layout.labels()
    for label in labels:
        numbers[label] = canvas.add(Thing("room", layout.rooms[label - 1].kind))
    canvas.truth = np.maximum(canvas.truth, numbers[floor])
    if style.palette:
        shades = _shades(rng, layout, labels, style.palette)
        for label in labels:
            colours[label] = shades[label]
        cv2.copyTo(colours[floor], (floor > 0).view(np.uint8), canvas.picture)
    for label in labels:
        if rng.random() < style.texture:
            _pattern(rng, canvas, floor == label, layout.rooms[label - 1].kind)


def _on_sheet(canvas: Canvas, layout: Layout) -> np.ndarray:
    """uint16 (H, W): the layout's labels where they lie on the sheet."""
    matrix = canvas.to_pixels @ np.diag([CELL, CELL, 1.0])
    to_centres = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])  # pixel index -> coordinate
    matrix = np.linalg.inv(to_centres) @ matrix @ to_centres
    floor: np.ndarray = cv2.warpPerspective(
        layout.grid.astype(np.uint16), matrix, canvas.size, flags=cv2.INTER_NEAREST
    )
    if layout.clip is not None:
        inside = np.zeros_like(floor)
        corners = np.round((canvas.pixels(layout.clip) - 0.5) * 16).astype(np.int32)
        cv2.fillPoly(inside, [corners], 1, cv2.LINE_8, 4)
        floor[inside == 0] = 0
    return floor


def _shades(rng: Random, layout: Layout, labels: list[int], palette: str) -> dict[int, Colour]:
    """One colour for each use, or one for each room."""
    choices = ROOM_COLOURS[palette]
    by_kind = rng.random() < 0.7
    chosen: dict[str, Colour] = {}
    result = {}
    for label in labels:
        kind = layout.rooms[label - 1].kind if by_kind else str(label)
        if kind not in chosen:
            chosen[kind] = rng.choice(choices)
        result[label] = chosen[kind]
    return result


def _pattern(rng: Random, canvas: Canvas, mask: np.ndarray, kind: str) -> None:
    """Tiles in wet rooms, planks elsewhere, drawn over the floor's colour."""
    x, y, width, height = cv2.boundingRect(mask.view(np.uint8))
    if width == 0:
        return
    tint = np.zeros((height, width), np.int16)
    step = max(4, round(rng.uniform(0.18, 0.45) * canvas.scale))
    dark = -rng.randint(14, 70)
    if kind in WET:
        tint[::step] = dark
        tint[:, ::step] = dark
    else:
        _planks(rng, tint, step, dark)
    part = canvas.picture[y : y + height, x : x + width]
    lit = np.clip(part + tint[..., None], 0, 255).astype(np.uint8)
    inside = mask[y : y + height, x : x + width]
    part[inside] = lit[inside]


def _planks(rng: Random, tint: np.ndarray, step: int, dark: int) -> None:
    if rng.random() < 0.5:
        tint = tint.T
    grain = rng.randint(0, 22)
    for top in range(0, tint.shape[0], step):
        left = 0
        while left < tint.shape[1]:
            right = left + step * rng.randint(3, 9)
            tint[top : top + step, left:right] = rng.randint(-grain, grain)
            tint[top : top + step, right - 1 : right] = dark
            left = right
        tint[top] = dark
