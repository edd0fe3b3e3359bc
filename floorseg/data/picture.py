"""What an image file is, decoded small: enough to see damage and to recognise a copy."""

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from floorseg.core.images import MAX_PIXELS
from floorseg.core.orientation import SIDEWAYS, exif_orientation

SMALL = 320  # pixels, the longer side of the picture that is kept
KINDS = {  # Pillow's name -> the suffixes that say so
    "JPEG": (".jpg", ".jpeg"),
    "MPO": (".jpg", ".jpeg"),
    "PNG": (".png",),
    "WEBP": (".webp",),
    "BMP": (".bmp",),
    "TIFF": (".tif", ".tiff"),
}


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One image file.

    Attributes:
        path: where it lies.
        problem: why it cannot be decoded, or "".
        kind: Pillow's name of its format.
        mode: Pillow's name of its pixels.
        stored: (width, height) in the file.
        size: (width, height) as a person sees it.
        orientation: EXIF's number, 1 for upright.
        small: uint8 grey (h, w), upright, or None where it cannot be decoded.
    """

    path: Path
    problem: str = ""
    kind: str = ""
    mode: str = ""
    stored: tuple[int, int] = (0, 0)
    size: tuple[int, int] = (0, 0)
    orientation: int = 1
    small: np.ndarray | None = None


def look_at_picture(path: Path) -> Picture:
    """Decode an image as small as its format allows; never raises for what is wrong with it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path) as picture:
                return _decoded(path, picture)
    except FileNotFoundError:
        return Picture(path, problem="there is no such file")
    except (UnidentifiedImageError, SyntaxError):
        return Picture(path, problem="it is not a picture that can be read")
    except (OSError, ValueError, EOFError, Image.DecompressionBombError) as problem:
        return Picture(path, problem=f"it is damaged: {problem}")


def _decoded(path: Path, picture: Image.Image) -> Picture:
    stored, kind, mode = picture.size, picture.format or "", picture.mode
    if stored[0] * stored[1] > MAX_PIXELS:
        return Picture(path, problem=f"it has {stored[0]} x {stored[1]} pixels, too many to read")
    orientation = exif_orientation(picture)
    turned = orientation in SIDEWAYS
    size = (stored[1], stored[0]) if turned else stored
    picture.draft(
        "L", (SMALL, SMALL)
    )  # a JPEG is decoded at a quarter, whole file read all the same
    small = _grey(picture)
    small.thumbnail((SMALL, SMALL), Image.Resampling.BOX)
    upright = np.asarray(ImageOps.exif_transpose(small) if turned else small)
    return Picture(path, "", kind, mode, stored, size, orientation, upright)


def _grey(picture: Image.Image) -> Image.Image:
    """Eight grey bits on white paper."""
    if picture.mode.startswith("I") or picture.mode == "F":
        values = np.asarray(picture).astype(np.float32)
        return Image.fromarray((values * (255.0 / max(float(values.max()), 1.0))).astype(np.uint8))
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        layered = picture.convert("RGBA")
        alpha = layered.getchannel("A")
        return Image.composite(layered.convert("L"), Image.new("L", picture.size, 255), alpha)
    picture.load()
    return picture.convert("L")
