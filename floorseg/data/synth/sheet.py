"""What stands around and between the rooms: names, sizes, dimension chains, titles, arrows."""

import math
from itertools import pairwise
from random import Random

import numpy as np

from floorseg.data.synth.canvas import Canvas, circle
from floorseg.data.synth.layout import CELL, Layout, Rect, Room
from floorseg.data.synth.lettering import can_write, extent, write
from floorseg.data.synth.styles import Style
from floorseg.data.synth.walls import Edge
from floorseg.data.synth.words import CAPTIONS, TITLES, room_name


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
        return f"{name}\n{_feet(width)} x {_feet(height)}"
    if style.labels == "tag":
        return f"{rng.randint(1, 3)}{number:02d}"
    return name


def _feet(metres: float) -> str:
    inches = round(metres / 0.0254)
    return f"{inches // 12}'{inches % 12}\""


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


def dimension_chains(
    rng: Random, canvas: Canvas, edges: list[Edge], plan: Layout, style: Style
) -> None:
    """Chains of sizes along the sides of a plan."""
    width, height = plan.size
    gap = 14 / canvas.scale
    size = 8 * min(canvas.size) / 640
    imperial = style.labels == "imperial"
    for side in range(4):
        if rng.random() < 0.3:
            continue
        upright = side % 2 == 1
        stations = _stations(edges, upright=upright)
        rows = [stations, [stations[0], stations[-1]]] if rng.random() < 0.6 else [stations]
        for k, row in enumerate(rows):
            off = gap * (1.2 + 1.3 * k)
            position = {0: -off, 1: -off, 2: height + off, 3: width + off}[side]
            _chain(canvas, row, position, style, size, upright=upright, imperial=imperial)


def _stations(edges: list[Edge], *, upright: bool) -> list[float]:
    axis = 1 if upright else 0
    values = sorted({round(edge.start[axis], 2) for edge in edges})
    kept: list[float] = []
    for value in values:
        if not kept or value - kept[-1] > 0.7:
            kept.append(value)
    return kept if len(kept) > 1 else [0.0, 1.0]


def _chain(
    canvas: Canvas,
    stations: list[float],
    position: float,
    style: Style,
    size: float,
    *,
    upright: bool,
    imperial: bool,
) -> None:
    def at(value: float, off: float = 0.0) -> tuple[float, float]:
        return (position + off, value) if upright else (value, position + off)

    tick = 3 / canvas.scale
    canvas.line([at(stations[0] - tick), at(stations[-1] + tick)], style.fine)
    for value in stations:
        canvas.line([at(value, -1.5 * tick), at(value, 1.5 * tick)], style.fine)
        canvas.line([at(value - tick, tick), at(value + tick, -tick)], style.fine)
    for a, b in pairwise(stations):
        text = _feet(b - a) if imperial else f"{b - a:.2f}"
        if (b - a) * canvas.scale < extent(text, size, style.font)[0]:
            continue
        x, y = canvas.pixels([at((a + b) / 2)])[0]
        lift = size * 0.75
        spot = (x - lift, y) if upright else (x, y - lift)
        write(canvas, text, spot, size, style.letters, font=style.font, turn=int(upright))


def fringe(rng: Random, canvas: Canvas, style: Style, metres: float) -> None:
    """Title, caption, north arrow, scale bar, title block, legend, frame, on the free paper."""
    wanted = {name for name, chance in style.fringe.items() if rng.random() < chance}
    width, height = canvas.size
    unit = min(width, height) / 640
    if "frame" in wanted or "block" in wanted:
        inset = rng.uniform(4, 14) * unit
        corners = [(inset, inset), (width - inset, inset), (width - inset, height - inset)]
        canvas.pixel_line(np.array([*corners, (inset, height - inset)]), style.ink, closed=True)
    if "block" in wanted:
        _block(rng, canvas, style, unit)
    if "title" in wanted:
        _title(rng, canvas, style, unit, metres)
    if "compass" in wanted:
        _compass(rng, canvas, style, unit)
    if "scale" in wanted:
        _scale_bar(rng, canvas, style, unit)
    if "legend" in wanted:
        _legend(rng, canvas, style, unit)


def _title(rng: Random, canvas: Canvas, style: Style, unit: float, metres: float) -> None:
    width, height = canvas.size
    language = style.language if can_write("я", style.font) else "en"
    x = rng.uniform(0.3, 0.7) * width
    at_top = rng.random() < 0.3
    y = (rng.uniform(0.02, 0.06) if at_top else rng.uniform(0.9, 0.95)) * height
    font = "bold" if rng.random() < 0.4 else style.font
    title = rng.choice(TITLES[language])
    write(canvas, title, (x, y), rng.uniform(10, 20) * unit, style.letters, font=font)
    if rng.random() < 0.6:
        caption = rng.choice(CAPTIONS).format(feet=round(metres * 10.76), metres=round(metres, 1))
        y = y + (24 if at_top or y < height * 0.94 else -24) * unit
        write(canvas, caption, (x, y), rng.uniform(7, 11) * unit, style.letters, font=style.font)


def _corner(rng: Random, canvas: Canvas, unit: float) -> np.ndarray:
    width, height = canvas.size
    x = rng.choice((rng.uniform(25, 90) * unit, width - rng.uniform(25, 90) * unit))
    y = rng.choice((rng.uniform(25, 80) * unit, height - rng.uniform(25, 80) * unit))
    return np.array([x, y])


def _compass(rng: Random, canvas: Canvas, style: Style, unit: float) -> None:
    centre, radius = _corner(rng, canvas, unit), rng.uniform(9, 24) * unit
    turn = rng.random() * math.tau
    up = np.array([math.sin(turn), -math.cos(turn)])
    aside = np.array([-up[1], up[0]])
    ring = np.array(circle(float(centre[0]), float(centre[1]), radius * 0.7, count=28))
    if rng.random() < 0.6:
        canvas.pixel_line(ring, style.ink, closed=True)
    needle = np.array(
        [centre + up * radius, centre + aside * radius * 0.3, centre - aside * radius * 0.3]
    )
    _ink_fill(canvas, needle, style)
    canvas.pixel_line(np.array([centre - up * radius, centre + up * radius]), style.ink)
    if rng.random() < 0.4:
        for way in (aside, -aside):
            canvas.pixel_line(np.array([centre, centre + way * radius]), style.ink)
    tip = centre + up * (radius + 7 * unit)
    write(canvas, "N", (tip[0], tip[1]), 10 * unit, style.ink, font=style.font)


def _ink_fill(canvas: Canvas, pixels: np.ndarray, style: Style) -> None:
    metres, canvas.to_pixels = canvas.to_pixels, np.eye(3)
    canvas.fill(pixels, style.ink)
    canvas.to_pixels = metres


def _scale_bar(rng: Random, canvas: Canvas, style: Style, unit: float) -> None:
    start = _corner(rng, canvas, unit)
    step = max(14 * unit, canvas.scale)
    for k in range(rng.randint(2, 5)):
        a = start + np.array([k * step, 0])
        b = a + np.array([step, 4 * unit])
        bar = np.array([a, (b[0], a[1]), b, (a[0], b[1])])
        canvas.pixel_line(bar, style.ink, closed=True)
        if k % 2 == 0:
            _ink_fill(canvas, bar, style)
        write(canvas, f"{k}", (a[0], a[1] - 7 * unit), 7 * unit, style.ink, font=style.font)


def _block(rng: Random, canvas: Canvas, style: Style, unit: float) -> None:
    width, height = canvas.size
    w, h = rng.uniform(120, 220) * unit, rng.uniform(36, 60) * unit
    x, y = width - w - 8 * unit, height - h - 8 * unit
    canvas.pixel_line(
        np.array([(x, y), (x + w, y), (x + w, y + h), (x, y + h)]), style.ink, closed=True
    )
    for part in (0.33, 0.66):
        canvas.pixel_line(np.array([(x, y + h * part), (x + w, y + h * part)]), style.ink)
    words = (
        "FURNITURE LAYOUT",
        "PROJECT 0421",
        "DRAWN: A.B.",
        "SCALE 1:100",
        "SHEET A-102",
        "REV. C",
    )
    for k, word in enumerate(rng.sample(words, 3)):
        spot = (x + w / 2, y + h * (k + 0.5) / 3)
        write(canvas, word, spot, 8 * unit, style.ink, font=style.font)


def _legend(rng: Random, canvas: Canvas, style: Style, unit: float) -> None:
    x, y = _corner(rng, canvas, unit)
    for k, word in enumerate(("Wall", "Door", "Window", "Column")[: rng.randint(2, 4)]):
        row = y + k * 13 * unit
        canvas.pixel_line(np.array([(x - 16 * unit, row), (x, row)]), style.ink, rng.randint(1, 3))
        write(canvas, word, (x + 24 * unit, row), 8 * unit, style.ink, font=style.font)
