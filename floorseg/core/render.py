"""Masks as pictures: overlays, outlines, label maps. Image in, image out; nothing is changed.

Knows nothing of files; colours are (red, green, blue), 0 to 255.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

Colour = tuple[int, int, int]
_FONTS = ("DejaVuSans.ttf", "LiberationSans-Regular.ttf", "NotoSans-Regular.ttf", "Arial.ttf")

# twenty colours that differ in hue first, then in lightness, and stay readable on white paper
_BASE: tuple[Colour, ...] = (
    (66, 133, 244), (234, 120, 35), (46, 160, 90), (219, 68, 100), (148, 96, 214),
    (0, 163, 181), (190, 150, 20), (226, 90, 170), (120, 140, 40), (96, 110, 190),
    (200, 80, 60), (40, 130, 130), (170, 110, 70), (110, 180, 60), (180, 70, 190),
    (30, 110, 200), (240, 160, 90), (90, 160, 140), (160, 60, 90), (130, 130, 160),
)  # fmt: skip


def colour(index: int) -> Colour:
    """The colour of the ``index``-th region (from 0): always the same, neighbours far apart."""
    base = _BASE[index % len(_BASE)]
    turn = index // len(_BASE) % 3  # the second and third time round: darker, lighter
    if turn == 1:
        return (base[0] * 2 // 3, base[1] * 2 // 3, base[2] * 2 // 3)
    if turn == 2:
        return tuple(255 - (255 - channel) * 2 // 3 for channel in base)  # type: ignore[return-value]
    return base


def overlay(
    image: np.ndarray,
    masks: Iterable[np.ndarray],
    colours: Sequence[Colour] | None = None,
    labels: Sequence[str] | None = None,
    *,
    opacity: float = 0.45,
    outline: int | None = None,
) -> np.ndarray:
    """The image with its regions tinted, outlined and labelled.

    Args:
        image: uint8 (H, W, 3), RGB.
        masks: bool (H, W) each; may be a generator that makes them one at a time.
        colours: one for each mask; by default ``colour(0)``, ``colour(1)``, ...
        labels: a word for each mask, written at its middle; none by default.
        opacity: of the tint, from 0 (invisible) to 1.
        outline: thickness in pixels; by default it follows the image's size; 0 for none.

    Returns:
        uint8 (H, W, 3), a new array.
    """
    painted = image.copy()
    thickness = _thickness(image.shape) if outline is None else outline
    for index, mask in enumerate(masks):
        paint = colours[index] if colours is not None else colour(index)
        tint(painted, mask, paint, opacity=opacity, outline=thickness)
        if labels is not None and labels[index]:
            write(painted, mask, labels[index])
    return painted


def tint(
    painted: np.ndarray, mask: np.ndarray, paint: Colour, *, opacity: float = 0.45, outline: int = 2
) -> None:
    """Tint one region of ``painted`` in place: what ``overlay`` repeats for each.

    Args:
        painted: uint8 (H, W, 3), RGB; changed.
        mask: bool (H, W).
        paint: the colour.
        opacity: of the tint.
        outline: thickness in pixels; 0 for none.
    """
    x, y, width, height = cv2.boundingRect(mask.view(np.uint8))
    if width == 0:
        return
    window = (slice(y, y + height), slice(x, x + width))
    inside = mask[window]
    pixels = painted[window]
    tinted = pixels[inside] * (1 - opacity) + np.array(paint, np.float32) * opacity
    pixels[inside] = (tinted + 0.5).astype(np.uint8)
    if outline:
        found, _ = cv2.findContours(
            inside.view(np.uint8).copy(), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE, offset=(x, y)
        )
        cv2.drawContours(painted, found, -1, paint, outline, cv2.LINE_AA)


def write(painted: np.ndarray, mask: np.ndarray, text: str) -> None:
    """Write a label in the middle of a region of ``painted``, in place.

    Args:
        painted: uint8 (H, W, 3), RGB; changed.
        mask: bool (H, W).
        text: in any script that the machine has letters for.
    """
    x, y, width, height = cv2.boundingRect(mask.view(np.uint8))
    if width == 0:
        return
    window = np.pad(mask[y : y + height, x : x + width].view(np.uint8), 1)
    depth = cv2.distanceTransform(window, cv2.DIST_L2, 3)
    row, column = divmod(int(depth.argmax()), depth.shape[1])
    size = max(9, round(max(painted.shape[:2]) / 75))
    font, halo = _font(size), max(1, size // 8)
    text = _legible(text, font)
    around = font.getbbox(text, stroke_width=halo)
    wide, tall = int(around[2] - around[0]) + 1, int(around[3] - around[1]) + 1
    left, top = x + column - 1 - wide // 2, y + row - 1 - tall // 2
    left = max(0, min(left, painted.shape[1] - wide))
    top = max(0, min(top, painted.shape[0] - tall))
    cut = painted[top : top + tall, left : left + wide]
    label = Image.fromarray(cut)
    ImageDraw.Draw(label).text(
        (-around[0], -around[1]), text, (20, 20, 20), font, stroke_width=halo, stroke_fill="white"
    )
    cut[:] = np.asarray(label)


def _legible(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    """Without marks above and below its letters where the font has none."""
    if text.isascii() or Path(str(getattr(font, "path", ""))).name in _FONTS:
        return text
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return plain.strip() or "?"


@lru_cache(maxsize=8)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """A font of this machine that knows many letters, else the one that Pillow brings."""
    for name in _FONTS:
        try:
            return ImageFont.truetype(name, size)
        except OSError:
            continue
    return ImageFont.load_default(size)


def outlines(
    image: np.ndarray,
    masks: Iterable[np.ndarray],
    colours: Sequence[Colour] | None = None,
    *,
    thickness: int | None = None,
) -> np.ndarray:
    """The image with nothing but the outlines of its regions: a copy.

    Args:
        image: uint8 (H, W, 3), RGB.
        masks: bool (H, W) each.
        colours: one for each mask.
        thickness: in pixels; by default it follows the image's size.
    """
    return overlay(image, masks, colours, opacity=0.0, outline=thickness)


def label_map(masks: Iterable[np.ndarray], size: tuple[int, int]) -> np.ndarray:
    """One number a pixel: 0 where no mask is, i + 1 where the i-th is; later masks lie on top.

    Args:
        masks: bool (H, W) each.
        size: (H, W).

    Returns:
        uint8 (H, W), or uint16 where there are more than 255 masks.
    """
    labels = np.zeros(size, dtype=np.uint8)
    for number, mask in enumerate(masks, start=1):
        if number == 256:
            labels = labels.astype(np.uint16)
        labels[mask] = number
    return labels


def label_picture(labels: np.ndarray) -> Image.Image:
    """A label map as a picture to save as PNG: the numbers stay, a palette makes them visible.

    Args:
        labels: as ``label_map`` gives it. Sixteen-bit maps become 16-bit grey, without a palette.
    """
    if labels.dtype != np.uint8:
        return Image.fromarray(labels.astype(np.uint16))
    picture = Image.fromarray(labels)
    picture.putpalette([0, 0, 0] + [channel for i in range(255) for channel in colour(i)])
    return picture


def _thickness(shape: tuple[int, ...]) -> int:
    return max(1, round(max(shape[:2]) / 600))
