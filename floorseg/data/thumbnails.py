"""Small pictures with the masks drawn on them, made once and kept."""

import hashlib
import io
import os
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from floorseg.data.annotation import Sample
from floorseg.data.files import write_atomically

SIDE = 256  # pixels, the longer side
MAX_DRAWN = 300  # masks drawn on a thumbnail
STRENGTH = 0.45  # of a mask's colour over the picture
_SWEEP_EVERY = 200  # thumbnails between two looks at the cache's size


def draw_thumbnail(
    sample: Sample, *, side: int = SIDE, colours: Sequence[tuple[int, int, int]] | None = None
) -> np.ndarray:
    """The picture, shrunk, with each mask in its own colour and its outline.

    Args:
        sample: whose picture and masks.
        side: longer side in pixels.
        colours: RGB of each mask in turn; None for colours that differ from their neighbours'.

    Returns:
        uint8 array of shape (h, w, 3), RGB.

    Raises:
        ImageError: if the picture cannot be read.
    """
    picture = sample.image()
    scale = min(1.0, side / max(picture.shape[:2]))
    size = tuple(max(1, round(length * scale)) for length in picture.shape[1::-1])
    drawn = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    palette = colours or distinct_colours(max(1, len(sample.annotations)))
    for place, annotation in enumerate(sample.annotations[:MAX_DRAWN]):
        mask = cv2.resize(
            annotation.mask().view(np.uint8), size, interpolation=cv2.INTER_NEAREST
        ).astype(bool)
        colour = np.array(palette[place % len(palette)])
        drawn[mask] = (drawn[mask] * (1 - STRENGTH) + colour * STRENGTH).astype(np.uint8)
        edge = mask & ~cv2.erode(mask.view(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
        drawn[edge] = colour
    return drawn


def thumbnail_file(
    sample: Sample, cache: Path, *, side: int = SIDE, max_megabytes: float = 200.0
) -> Path:
    """A JPEG of the thumbnail, from the cache where picture and masks have not changed.

    Args:
        sample: whose picture and masks.
        cache: folder for thumbnails; made if missing, kept below ``max_megabytes`` by dropping
            those not looked at for longest.
        side: longer side in pixels.
        max_megabytes: how large the cache may grow.

    Raises:
        ImageError: if the picture cannot be read.
    """
    path = cache / f"{_key(sample, side)}.jpg"
    if path.is_file():
        os.utime(path)
        return path
    cache.mkdir(parents=True, exist_ok=True)
    encoded = io.BytesIO()
    Image.fromarray(draw_thumbnail(sample, side=side)).save(encoded, "JPEG", quality=85)
    write_atomically(path, encoded.getvalue())
    if int(path.name[:4], 16) % _SWEEP_EVERY == 0:
        sweep(cache, max_megabytes)
    return path


def sweep(cache: Path, max_megabytes: float) -> None:
    """Drop the thumbnails not looked at for longest, until the folder is small enough."""
    found = sorted(cache.glob("*.jpg"), key=lambda path: path.stat().st_mtime, reverse=True)
    room = max_megabytes * 1e6
    for path in found:
        room -= path.stat().st_size
        if room < 0:
            path.unlink(missing_ok=True)


def distinct_colours(count: int) -> list[tuple[int, int, int]]:
    """Saturated colours a golden angle apart on the wheel, RGB in 0..255."""
    hues = (np.arange(count) * 0.618034 % 1.0 * 180).astype(np.uint8)
    wheel = np.stack([hues, np.full_like(hues, 210), np.full_like(hues, 225)], axis=1)[None]
    return [tuple(colour) for colour in cv2.cvtColor(wheel, cv2.COLOR_HSV2RGB)[0].tolist()]


def _key(sample: Sample, side: int) -> str:
    digest = hashlib.sha256(f"{side} {sample.image_path.resolve()} {sample.frame}".encode())
    try:
        digest.update(str(sample.image_path.stat().st_mtime_ns).encode())
    except OSError:
        digest.update(b"missing")
    for annotation in sample.annotations:
        digest.update(str(annotation.segmentation["counts"]).encode())
    return digest.hexdigest()[:32]
