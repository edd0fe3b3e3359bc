"""What stands on the free paper: title, north arrow, scale bar, title block, legend, notes."""

import math
from random import Random

import numpy as np

from floorseg.data.synth.canvas import Canvas, circle
from floorseg.data.synth.lettering import can_write, write
from floorseg.data.synth.styles import Style
from floorseg.data.synth.words import CAPTIONS, NOTE_WORDS, TITLES


def draw_fringe(rng: Random, canvas: Canvas, style: Style, metres: float) -> None:
    """Title, caption, north arrow, scale bar, title block, legend, frame, on the free paper."""
    wanted = {name for name, chance in style.fringe.items() if rng.random() < chance}
    unit = min(canvas.size) / 640
    if wanted & {"frame", "block"}:
        _frame(rng, canvas, style, unit)
    if "title" in wanted:
        _title(rng, canvas, style, unit, metres)
    for name, draw in _THINGS.items():
        if name in wanted:
            draw(rng, canvas, style, unit)


def _frame(rng: Random, canvas: Canvas, style: Style, unit: float) -> None:
    width, height = canvas.size
    inset = rng.uniform(4, 14) * unit
    corners = [(inset, inset), (width - inset, inset), (width - inset, height - inset)]
    canvas.pixel_line(np.array([*corners, (inset, height - inset)]), style.ink, closed=True)


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


def _notes(rng: Random, canvas: Canvas, style: Style, unit: float) -> None:
    """A paragraph, at times along the side of the sheet."""
    x, y = _corner(rng, canvas, unit)
    words = [rng.choice(NOTE_WORDS) for _ in range(rng.randint(6, 28))]
    per_line = rng.randint(3, 6)
    lines = [" ".join(words[k : k + per_line]) for k in range(0, len(words), per_line)]
    turn = rng.choice((0, 0, 0, 1))
    size = rng.uniform(6, 9) * unit
    write(canvas, "\n".join(lines), (x, y), size, style.letters, font=style.font, turn=turn)


def _schedule(rng: Random, canvas: Canvas, style: Style, unit: float) -> None:
    """A table of rooms and areas."""
    x, y = _corner(rng, canvas, unit)
    rows, height, width = rng.randint(3, 9), 12 * unit, rng.uniform(70, 120) * unit
    x, y = x - width / 2, max(4.0, y - rows * height / 2)
    for k in range(rows + 1):
        line = y + k * height
        canvas.pixel_line(np.array([(x, line), (x + width, line)]), style.ink)
        if k < rows:
            text = f"{k + 1}   {rng.choice(NOTE_WORDS)}   {rng.uniform(2, 40):.1f}"
            spot = (x + width / 2, line + height / 2)
            write(canvas, text, spot, 7 * unit, style.letters, font=style.font)
    for across in (0, width):
        canvas.pixel_line(np.array([(x + across, y), (x + across, y + rows * height)]), style.ink)


_THINGS = {
    "block": _block,
    "compass": _compass,
    "scale": _scale_bar,
    "legend": _legend,
    "notes": _notes,
    "schedule": _schedule,
}
