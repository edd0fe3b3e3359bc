"""What is written into rooms: names, areas, sizes, dashed lines of things above."""

from random import Random

import numpy as np

from floorseg.data.synth.canvas import Canvas
from floorseg.data.synth.layout import CELL, Layout, Rect, Room
from floorseg.data.synth.lettering import can_write, extent, write
from floorseg.data.synth.styles import Style
from floorseg.data.synth.words import in_feet, room_name


def label_rooms(rng: Random, canvas: Canvas, plan: Layout, style: Style) -> None:
    """Write into every room what this style writes there."""
    size = rng.uniform(8, 15) * min(canvas.size) / 640
    for number, label in enumerate(plan.labels(), 1):
        room = plan.rooms[label - 1]
        if style.dimensions in ("inside", "arrows"):
            _sizes_inside(rng, canvas, room.main, style, size)
        if style.labels != "none" and rng.random() < 0.93:
            text = _label(rng, room, style, number)
            spot = _spot(rng, canvas, room.main)
            _fit(canvas, text, spot, size, room.main, style)


def _label(rng: Random, room: Room, style: Style, number: int) -> str:
    rect, area = room.main, room.area
    width, height = rect.width * CELL, rect.height * CELL
    if style.labels == "number":
        return str(number)
    if style.labels == "fraction":
        return f"{number}\n{area:.1f}" if rng.random() < 0.9 else f"{area:.1f}"
    language = style.language if can_write("я", style.font) else "en"
    name = room_name(rng, room.kind, language)
    name = name.upper() if style.upper else name
    if style.labels == "area":
        unit = rng.choice(("m²", "m2", "sq m")) if style.font not in ("hershey",) else "m2"
        return f"{name}\n{area:.1f} {unit}"
    if style.labels == "size":
        return f"{name}\n{width:.2f} x {height:.2f}"
    if style.labels == "imperial":
        return f"{name}\n{in_feet(width)} x {in_feet(height)}"
    if style.labels == "both":
        feet = f"{in_feet(width)} x {in_feet(height)}"
        return f"{name}\n{feet}\n({width:.1f}m x {height:.1f}m)"
    if style.labels == "tag":
        return f"{rng.randint(1, 3)}{number:02d}"
    return name


def _spot(rng: Random, canvas: Canvas, rect: Rect) -> np.ndarray:
    x = (rect.x0 + rect.width * rng.uniform(0.44, 0.56)) * CELL
    y = (rect.y0 + rect.height * rng.uniform(0.36, 0.62)) * CELL
    return canvas.pixels([(x, y)])[0]


def _fit(
    canvas: Canvas, text: str, spot: np.ndarray, size: float, rect: Rect, style: Style
) -> None:
    """Smaller letters, or turned ones, where a room is too narrow."""
    corners = canvas.pixels([(rect.x0 * CELL, rect.y0 * CELL), (rect.x1 * CELL, rect.y1 * CELL)])
    room_width, room_height = np.abs(corners[1] - corners[0])
    width, _ = extent(text, size, style.font)
    turn = 0
    if width > room_width and room_height > room_width * 1.3:
        turn, room_width = 1, room_height
    if width > room_width * 1.05:
        size = max(6.0, size * room_width / width)
    write(canvas, text, (spot[0], spot[1]), size, style.letters, font=style.font, turn=turn)


def _sizes_inside(rng: Random, canvas: Canvas, rect: Rect, style: Style, size: float) -> None:
    """A room's width along its upper wall and its depth along its left one."""
    if min(rect.width, rect.height) * CELL < 1.0:
        return
    off = 0.1 + 0.7 * size / canvas.scale
    x0, x1, y0, y1 = (v * CELL for v in (rect.x0, rect.x1, rect.y0, rect.y1))
    form = "{:.2f}" if rng.random() < 0.8 else "{:.1f}"
    if style.dimensions == "arrows":
        _arrow(canvas, (x0 + 0.1, (y0 + y1) / 2 + 0.3), (x1 - 0.1, (y0 + y1) / 2 + 0.3), style)
        _arrow(canvas, ((x0 + x1) / 2 - 0.3, y0 + 0.1), ((x0 + x1) / 2 - 0.3, y1 - 0.1), style)
        return
    spots = (
        ((x0 + x1) / 2, rng.choice((y0 + off, y1 - off)), x1 - x0, 0),
        (rng.choice((x0 + off, x1 - off)), (y0 + y1) / 2, y1 - y0, 1),
    )
    for x, y, length, turn in spots:
        centre = canvas.pixels([(x, y)])[0]
        text = form.format(length)
        write(
            canvas,
            text,
            (centre[0], centre[1]),
            size * 0.8,
            style.letters,
            font=style.font,
            turn=turn,
        )


def _arrow(
    canvas: Canvas, start: tuple[float, float], end: tuple[float, float], style: Style
) -> None:
    """Only the heads, as agents draw them: the shaft would cross the room."""
    a, b = canvas.pixels([start, end])
    length = float(np.hypot(*(b - a)))
    if length < 20:
        return
    along = (b - a) / length
    aside = np.array([-along[1], along[0]])
    for tip, way in ((a, along), (b, -along)):
        head = np.array([tip, tip + way * 7 + aside * 3, tip + way * 7 - aside * 3])
        canvas.pixel_line(head, style.letters, 1, closed=True)
        canvas.pixel_line(np.array([tip, tip + way * 12]), style.letters)


def dashed_things(rng: Random, canvas: Canvas, plan: Layout, style: Style) -> None:
    """Dashed: beams, cupboards under the ceiling, voids, the garage's door."""
    for label in plan.labels():
        room = plan.rooms[label - 1]
        x0, y0, x1, y1 = (
            v * CELL for v in (room.main.x0, room.main.y0, room.main.x1, room.main.y1)
        )
        chance = rng.random()
        if room.kind == "garage" or chance < 0.03:
            canvas.dashes([(x0, y0), (x1, y1)], style.fine)
            canvas.dashes([(x1, y0), (x0, y1)], style.fine)
        elif chance < 0.07:
            share = rng.uniform(0.2, 0.8)
            x, y = x0 + (x1 - x0) * share, y0 + (y1 - y0) * share
            across = [(x, y0), (x, y1)] if rng.random() < 0.5 else [(x0, y), (x1, y)]
            canvas.dashes(across, style.fine)
        elif chance < 0.1:
            left, right = x0 + (x1 - x0) * 0.2, x0 + (x1 - x0) * rng.uniform(0.4, 0.9)
            top, bottom = y0 + 0.3, y0 + 0.3 + (y1 - y0) * rng.uniform(0.1, 0.5)
            corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
            canvas.dashes([*corners, corners[0]], style.fine)
