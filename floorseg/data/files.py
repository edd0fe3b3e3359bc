"""Files that are whole or absent, and JSON that is read or refused in a sentence."""

import io
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from PIL import Image

from floorseg.core.images import image_size, read_image
from floorseg.core.orientation import exif_orientation
from floorseg.errors import DatasetError, ImageError

MAX_JSON_BYTES = 4_000_000_000
_KINDS = {
    "JPEG": ".jpg",
    "MPO": ".jpg",
    "PNG": ".png",
    "WEBP": ".webp",
    "BMP": ".bmp",
    "TIFF": ".tif",
}


@dataclass(frozen=True, slots=True)
class WrittenImage:
    """Where a picture was written, and its (width, height) in pixels as a person sees it."""

    path: Path
    size: tuple[int, int]


def read_json(path: Path) -> Any:
    """The parsed content of a JSON file.

    Raises:
        DatasetError: if it is missing, unreadable, or not JSON.
    """
    try:
        return orjson.loads(path.read_bytes())
    except FileNotFoundError as missing:
        raise DatasetError(f"there is no file {path}; check the path") from missing
    except OSError as problem:
        raise DatasetError(f"{path} cannot be read: {problem.strerror}") from problem
    except (orjson.JSONDecodeError, RecursionError) as problem:
        raise DatasetError(f"{path} is not valid JSON: {problem}; export it again") from problem


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file that is never seen half-written, whatever kills the process.

    Raises:
        DatasetError: if the folder cannot be written.
    """
    partial = path.with_name(f".{path.name[-80:]}.{os.getpid()}.part")
    try:
        partial.write_bytes(content)
        os.replace(partial, path)
    except OSError as problem:
        partial.unlink(missing_ok=True)
        raise DatasetError(f"{path} cannot be written: {problem.strerror}") from problem


def copy_atomically(source: Path, path: Path) -> None:
    """Copy a file so that the copy is never seen half-written.

    Raises:
        DatasetError: if the source cannot be read or the target not be written.
    """
    partial = path.with_name(f".{path.name[-80:]}.{os.getpid()}.part")
    try:
        shutil.copyfile(source, partial)
        os.replace(partial, path)
    except OSError as problem:
        partial.unlink(missing_ok=True)
        raise DatasetError(f"{source} cannot be copied to {path}: {problem.strerror}") from problem


def write_image(folder: Path, name: str, image: np.ndarray | bytes | str | Path) -> WrittenImage:
    """Write ``name`` with the suffix that fits: arrays as JPEG, files and bytes as they are.

    Args:
        folder: an existing folder.
        name: file name without suffix.
        image: uint8 RGB array (H, W, 3); a file to copy; or a picture file's bytes.

    Raises:
        DatasetError: if the picture cannot be read or written.
    """
    if isinstance(image, np.ndarray):
        return _write_pixels(folder / f"{name}.jpg", image)
    if isinstance(image, bytes):
        path = folder / f"{name}{_suffix_of(image)}"
        write_atomically(path, image)
    else:
        path = folder / f"{name}{Path(image).suffix.lower()}"
        copy_atomically(Path(image), path)
    try:
        return WrittenImage(path, image_size(path))
    except ImageError as problem:
        raise DatasetError(str(problem)) from problem


def mend_picture(folder: Path, name: str, source: Path) -> WrittenImage:
    """Copy a picture, or re-encode it upright in RGB where it is turned or of another mode.

    JPEGs stay JPEGs, everything else becomes a PNG; the suffix says what the file is.

    Args:
        folder: an existing folder.
        name: file name without suffix.
        source: the picture.

    Raises:
        DatasetError: if the picture cannot be read or written.
    """
    try:
        with Image.open(source) as picture:
            kind = picture.format or ""
            is_sound = picture.mode == "RGB" and exif_orientation(picture) in (0, 1)
        if is_sound and kind in _KINDS:
            return write_image(folder, name, source.read_bytes())
        suffix = ".jpg" if kind in ("JPEG", "MPO") else ".png"
        return _write_pixels(folder / f"{name}{suffix}", read_image(source))
    except (OSError, SyntaxError, ValueError, ImageError) as problem:
        raise DatasetError(f"{source} cannot be read: {problem}") from problem


def _write_pixels(path: Path, image: np.ndarray) -> WrittenImage:
    encoded = io.BytesIO()
    if path.suffix == ".png":
        Image.fromarray(image).save(encoded, "PNG")
    else:
        Image.fromarray(image).save(encoded, "JPEG", quality=92)
    write_atomically(path, encoded.getvalue())
    return WrittenImage(path, (image.shape[1], image.shape[0]))


def _suffix_of(content: bytes) -> str:
    try:
        with Image.open(io.BytesIO(content)) as picture:
            return _KINDS.get(picture.format or "", ".jpg")
    except OSError as problem:
        raise DatasetError(f"the picture's bytes cannot be read: {problem}") from problem
