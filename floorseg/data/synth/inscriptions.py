"""What is written into rooms: names, areas, sizes, dashed lines of things above."""

from random import Random

import numpy as np

from floorseg.data.synth.canvas import Canvas
from floorseg.data.synth.layout import CELL, Layout, Rect, Room
from floorseg.data.synth.lettering import can_write, extent, write
from floorseg.data.synth.stairs import inner_box
from floorseg.data.synth.styles import Style
from floorseg.data.synth.words import in_feet, room_name


def label_rooms(rng: Random, canvas: Canvas, plan: Layout, style: Style) -> None:
    """Write into every room what this style writes there."""
    size = rng.uniform(8, 15) * min(canvas.size) / 640
    for number, label in enumerate(plan.labels(), 1):
        room = plan.rooms[label - 1]
        if not _whole(plan, label, room.main):
            continue
        if style.dimensions in ("inside", "arrows"):
            _sizes_inside(rng, canvas, room.main, style, size)
        if style.labels != "none" and rng.random() < 0.93:
            text = _label(rng, room, style, number)
            spot = _spot(rng, canvas, room.main)
            _fit(canvas, text, spot, size, room.main, style)


def _whole(plan: Layout, label: int, rect: Rect) -> bool:
    """Whether a room's middle cross has not been cut away or built over."""
    x, y = (rect.x0 + rect.x1) / 2 * CELL, (rect.y0 + rect.y1) / 2 * CELL
    across, down = rect.width * CELL * 0.3, rect.height * CELL * 0.3
    spots = ((x, y), (x - across, y), (x + across, y), (x, y - down), (x, y + down))
    return all(plan.label_at(*spot) == label for spot in spots)


def _label(rng: Random, room: Room, style: Style, number: int) -> str:
    if style.labels in ("number", "fraction"):
        tag = [str(number)] if rng.random() < 0.9 or style.labels == "number" else []
        return "\n".join([*tag, f"{room.area:.1f}"] if style.labels == "fraction" else tag)
    if style.labels == "tag":
        return f"{rng.randint(1, 3)}{number:02d}"
    language = style.language if can_write("я", style.font) else "en"
    name = room_name(rng, room.kind, language)
    name = name.upper() if style.upper else name
    if room.area < 3.0 or room.kind in ("stairs", "lift", "closet", "wc"):
        return name
    return "\n".join([name, *_sizes(rng, room, style)])


def _sizes(rng: Random, room: Room, style: Style) -> list[str]:
    """The lines under a room's name."""
    width, height = room.main.width * CELL, room.main.height * CELL
    feet = f"{in_feet(width)} x {in_feet(height)}"
    forms = {
        "area": [f"{room.area:.1f} {rng.choice(('m2', 'sq m', 'm²'))}"],
        "size": [f"{width:.2f} x {height:.2f}"],
        "imperial": [feet],
        "both": [feet, f"({width:.1f}m x {height:.1f}m)"],
    }
    return forms.get(style.labels, [])


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
    width, height = extent(text, size, style.font)
    turn = 0
    if width > room_width and room_height > room_width * 1.3:
        turn, room_width, room_height = 1, room_height, room_width
    share = min(0.92 * room_width / width, 0.8 * room_height / height)
    size = max(min(6.0, size), size * min(1.0, share))
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
        x0, y0, x1, y1 = inner_box(room.main, 0.05)
        corners = ((x0, y0), (x1, y0), (x1, y1), (x0, y1))
        if any(plan.label_at(*corner) != label for corner in corners):
            continue
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
            frame = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
            canvas.dashes(frame, style.fine)
