"""Text on the sheet: fonts of the machine, stroke fonts of old plotters, and what rooms say.

Every machine has Pillow's own font and OpenCV's stroke fonts; the others are used where they are
found.
"""

import math
import os
from functools import cache, lru_cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from floorseg.data.synth.canvas import Canvas, Colour

FOLDERS = (
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "/Library/Fonts",
    "/System/Library/Fonts",
    "C:/Windows/Fonts",
)
FACES = {  # file names tried in turn
    "sans": ("LiberationSans-Regular", "DejaVuSans", "arial", "Arial"),
    "bold": ("LiberationSans-Bold", "DejaVuSans-Bold", "arialbd", "Arial Bold"),
    "narrow": ("LiberationSansNarrow-Regular", "DejaVuSansCondensed", "ARIALN", "Arial Narrow"),
    "serif": ("LiberationSerif-Regular", "DejaVuSerif", "times", "Times New Roman"),
    "italic": ("LiberationSerif-Italic", "DejaVuSerif-Italic", "timesi", "Times New Roman Italic"),
    "mono": ("LiberationMono-Regular", "DejaVuSansMono", "cour", "Courier New"),
}
STROKES = {
    "hershey": cv2.FONT_HERSHEY_SIMPLEX,
    "hershey_script": cv2.FONT_HERSHEY_SCRIPT_SIMPLEX,
}


def write(
    canvas: Canvas,
    text: str,
    centre: tuple[float, float],
    size: float,
    colour: Colour,
    *,
    font: str = "sans",
    turn: int = 0,
) -> tuple[int, int, int, int] | None:
    """Write lines of text around a point.

    Args:
        canvas: the sheet.
        text: lines parted by newlines.
        centre: (x, y) in pixels.
        size: height of the letters in pixels.
        colour: of the ink.
        font: a key of ``FACES`` or ``STROKES``.
        turn: quarter turns counter-clockwise.

    Returns:
        The box (x0, y0, x1, y1) in pixels that was written on, None where it left the sheet.
    """
    stamp = _stamp(text, font, max(5, round(size)))
    stamp = np.rot90(stamp, turn)
    height, width = stamp.shape
    x0, y0 = round(centre[0] - width / 2), round(centre[1] - height / 2)
    sheet_width, sheet_height = canvas.size
    left, top = max(x0, 0), max(y0, 0)
    right, bottom = min(x0 + width, sheet_width), min(y0 + height, sheet_height)
    if right <= left or bottom <= top:
        return None
    cover = stamp[top - y0 : bottom - y0, left - x0 : right - x0, None].astype(np.float32) / 255
    spot = canvas.picture[top:bottom, left:right]
    blended = spot * (1 - cover) + np.array(colour, np.float32) * cover
    canvas.picture[top:bottom, left:right] = blended.astype(np.uint8)
    return x0, y0, x0 + width, y0 + height


def extent(text: str, size: float, font: str) -> tuple[int, int]:
    """(width, height) in pixels that a text takes."""
    height, width = _stamp(text, font, max(5, round(size))).shape
    return width, height


@lru_cache(maxsize=4096)
def _stamp(text: str, font: str, size: int) -> np.ndarray:
    """Coverage of a text, uint8 (H, W)."""
    if font in STROKES and text.isascii():
        return _stroked(text, STROKES[font], size)
    face = _face(font if font in FACES else "italic", size)
    lines = text.split("\n")
    step = math.ceil(size * 1.2)
    width = max(math.ceil(face.getlength(line)) for line in lines) + 4
    sheet = Image.new("L", (max(1, width), step * len(lines) + 4))
    pen = ImageDraw.Draw(sheet)
    for k, line in enumerate(lines):
        x = (width - face.getlength(line)) / 2
        pen.text((x, step * k + 1), line, fill=255, font=face)
    return np.asarray(sheet)


def _stroked(text: str, face: int, size: int) -> np.ndarray:
    scale = size / 30
    weight = 1 if size < 22 else 2
    lines = text.split("\n")
    step = math.ceil(size * 1.35)
    sizes = [cv2.getTextSize(line, face, scale, weight)[0] for line in lines]
    width = max(w for w, _ in sizes) + 6
    sheet = np.zeros((step * len(lines) + 4, width), np.uint8)
    for k, line in enumerate(lines):
        spot = ((width - sizes[k][0]) // 2, round(step * (k + 0.8)))
        cv2.putText(sheet, line, spot, face, scale, 255, weight, cv2.LINE_AA)
    return sheet


@cache
def _face(font: str, size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    found = _installed()
    for name in FACES[font]:
        if name.lower() in found:
            return ImageFont.truetype(str(found[name.lower()]), size)
    return ImageFont.load_default(size)


@cache
def _installed() -> dict[str, Path]:
    """Every TrueType file of the machine by its name in small letters."""
    found: dict[str, Path] = {}
    for folder in FOLDERS:
        for place, _, files in sorted(os.walk(folder)):
            for file in sorted(files):
                if file.lower().endswith((".ttf", ".otf")):
                    found.setdefault(Path(file).stem.lower(), Path(place) / file)
    return found


def can_write(text: str, font: str) -> bool:
    """Whether this machine has the letters of a text: Pillow's own font is Latin."""
    name = FACES.get(font, FACES["italic"])
    return text.isascii() or any(face.lower() in _installed() for face in name)
