"""Any picture a person has -> an RGB array, the way they see it."""

import io
import warnings
from pathlib import Path

import numpy as np
import pillow_heif
from PIL import Image, ImageOps, UnidentifiedImageError

from floorseg.core.orientation import SIDEWAYS, exif_orientation
from floorseg.errors import ImageError

pillow_heif.register_heif_opener()  # what phones take pictures in

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".heic", ".heif")
MAX_PIXELS = 150_000_000  # a 12,000 x 12,000 sheet; 450 MB as RGB

ImageSource = str | Path | bytes | Image.Image | np.ndarray


def read_image(source: ImageSource, *, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """The picture as a person sees it: upright, opaque, eight bits a channel.

    EXIF rotation is applied, transparency is laid over white paper, 16-bit and floating-point
    greys are scaled, palettes and CMYK become RGB.

    Args:
        source: a path, a file's bytes, a PIL image, or an array (H, W), (H, W, 3) or (H, W, 4).
        max_pixels: larger pictures are refused before they are decoded.

    Returns:
        uint8 array of shape (H, W, 3), RGB.

    Raises:
        ImageError: if it is missing, not a picture, truncated, or too large.
    """
    if isinstance(source, np.ndarray):
        return _from_array(source)
    if isinstance(source, Image.Image):
        return _to_rgb(source)
    with _open(source, max_pixels) as picture:
        try:
            return _to_rgb(picture)
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as problem:
            raise ImageError(
                f"{_name(source)} is damaged: {problem}; export or copy the picture again"
            ) from problem


def image_size(path: str | Path) -> tuple[int, int]:
    """(width, height) in pixels as a person sees it, from the header alone.

    Raises:
        ImageError: if the file is missing or not a picture.
    """
    with _open(path, None) as picture:
        width, height = picture.size
        turned = exif_orientation(picture) in SIDEWAYS
    return (height, width) if turned else (width, height)


def is_image_name(name: str) -> bool:
    """Whether a file of this name is one of the kinds read here, whatever its case."""
    return name.lower().endswith(SUFFIXES)


def _open(source: str | Path | bytes, max_pixels: int | None) -> Image.Image:
    name = _name(source)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(source) if isinstance(source, bytes) else source)
    except FileNotFoundError as missing:
        raise ImageError(f"there is no picture at {name}; check the path") from missing
    except (IsADirectoryError, PermissionError) as problem:
        raise ImageError(f"{name} cannot be opened as a picture: {problem.strerror}") from problem
    except Image.DecompressionBombError as bomb:
        raise ImageError(f"{name} is too large: {bomb}; scale it down first") from bomb
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as unknown:
        raise ImageError(
            f"{name} is not a picture that can be read; use {', '.join(SUFFIXES)}"
        ) from unknown
    width, height = picture.size
    if max_pixels is not None and width * height > max_pixels:
        picture.close()
        raise ImageError(
            f"{name} has {width} x {height} pixels, more than the limit of "
            f"{max_pixels / 1e6:.0f} megapixels; scale it down first"
        )
    return picture


def _name(source: str | Path | bytes) -> str:
    return "the uploaded picture" if isinstance(source, bytes) else str(source)


def _to_rgb(picture: Image.Image) -> np.ndarray:
    picture = ImageOps.exif_transpose(picture)
    if picture.mode in ("I", "F") or picture.mode.startswith("I;"):
        return _from_array(np.asarray(picture))
    if picture.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in picture.info:
        paper = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(paper, picture.convert("RGBA"))
    return np.array(picture.convert("RGB"))


def _from_array(array: np.ndarray) -> np.ndarray:
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)):
        raise ImageError(
            f"a picture must be an array of shape (H, W), (H, W, 3) or (H, W, 4), got {array.shape}"
        )
    array = _to_eight_bits(array)
    if array.ndim == 2 or array.shape[2] == 1:
        return np.repeat(array.reshape(*array.shape[:2], 1), 3, axis=2)
    if array.shape[2] == 4:
        alpha = array[..., 3:].astype(np.float32) / 255
        return (array[..., :3] * alpha + 255 * (1 - alpha) + 0.5).astype(np.uint8)
    return np.ascontiguousarray(array)


def _to_eight_bits(array: np.ndarray) -> np.ndarray:
    if array.dtype == np.uint8:
        return array
    if array.dtype == bool:
        return array.astype(np.uint8) * 255
    values = np.nan_to_num(array.astype(np.float32))
    top = float(values.max(initial=0.0))
    if np.issubdtype(array.dtype, np.floating):
        scale = 255.0 if top <= 1.0 else 255.0 / max(top, 255.0)
    else:
        scale = 1.0 if top <= 255 else 255.0 / (65535.0 if top <= 65535 else top)
    return np.clip(values * scale + 0.5, 0, 255).astype(np.uint8)
