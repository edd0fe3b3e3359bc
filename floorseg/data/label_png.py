"""Label PNGs: ``images/plan.png`` with ``masks/plan.png``, one number (or colour) a pixel.

Grey, 16-bit, palette and coloured pictures are read; 0 and black are background. Files written here
number the instances and carry a table of what each number is in the PNG's text chunk.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from PIL import Image, PngImagePlugin

from floorseg.core.images import MAX_PIXELS
from floorseg.data import rows
from floorseg.data.annotation import Sample
from floorseg.data.files import write_atomically
from floorseg.data.labels import paint, take_out
from floorseg.data.layout import Entry, image_files, paired_folders, stem
from floorseg.errors import DatasetError

TABLE = "floorseg"  # key of the PNG text chunk that says what the numbers are
PREFIXES = ("mask", "label", "annotation", "gt", "seg")
MAX_COLOURS = 64  # a label picture with more is a drawing


@dataclass(frozen=True, slots=True, eq=False)
class LabelImage:
    """Numbers and what is known of them: int32 (H, W), the table, names by number."""

    labels: np.ndarray
    table: Mapping[str, Any] | None
    names: Mapping[int, str]


def entries(root: Path) -> list[Entry]:
    """Every image with a label picture of its name, or nothing."""
    found = []
    for pair in paired_folders(root, label_prefixes=PREFIXES):
        labels = {stem(path): path for path in image_files(pair.labels)}
        found += [
            Entry(stem(path), labels[stem(path)], pair.split, path)
            for path in image_files(pair.images)
            if stem(path) in labels
        ]
    return found


def read(entry: Entry, problems: list[str] | None = None) -> Sample:
    """The sample of an entry: one mask a class, or one an instance where the table says so.

    Args:
        entry: from :func:`entries`.
        problems: unused.

    Raises:
        DatasetError: if the label picture is damaged or is no label picture.
    """
    found = read_labels(entry.source)
    head = found.table.get("image") if found.table else None
    head = head if isinstance(head, dict) else {}
    table = found.table.get("annotations") if found.table else None
    table = [row for row in table if isinstance(row, dict)] if isinstance(table, list) else None
    height, width = found.labels.shape
    return Sample(
        image_path=entry.key,
        width=width,
        height=height,
        annotations=take_out(found.labels, table, found.names),
        image_id=rows.identity(head.get("image_id"), 0),
        split=entry.split,
        extra={key: value for key, value in head.items() if key != "image_id"},
    )


def read_labels(path: Path) -> LabelImage:
    """The numbers of a label picture.

    Raises:
        DatasetError: if it cannot be read, is too large, or has too many colours.
    """
    try:
        with Image.open(path) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise DatasetError(f"{path} is larger than {MAX_PIXELS / 1e6:.0f} megapixels")
            text = getattr(picture, "text", {}).get(TABLE)
            if picture.mode in ("RGB", "RGBA", "LA", "CMYK", "YCbCr"):
                labels, names = _by_colour(np.asarray(picture.convert("RGB")), path)
            else:
                labels, names = np.asarray(picture).astype(np.int32), {}
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as problem:
        raise DatasetError(f"{path} cannot be read as a label picture: {problem}") from problem
    return LabelImage(labels, _parsed(text), names)


def write(path: Path, sample: Sample) -> tuple[str, ...]:
    """Write one label picture: a palette of colours, or 16 bits where instances are many.

    Returns:
        What the format cannot hold, in sentences.
    """
    painted = paint(sample)
    many = len(painted.table) > 255
    picture = Image.fromarray(painted.labels.astype(np.uint16 if many else np.uint8))
    if not many:
        picture.putpalette(_palette())
    about = PngImagePlugin.PngInfo()
    head = {**sample.extra, "image_id": sample.image_id}
    table = orjson.dumps({"image": head, "annotations": painted.table}).decode()
    about.add_itxt(TABLE, table, zip=True)
    encoded = io.BytesIO()
    picture.save(encoded, "PNG", pnginfo=about)
    write_atomically(path, encoded.getvalue())
    return painted.lost


def _by_colour(pixels: np.ndarray, path: Path) -> tuple[np.ndarray, dict[int, str]]:
    """Greys keep their value as number; other colours are numbered and named ``#rrggbb``."""
    wide = pixels.astype(np.int32)
    if np.array_equal(pixels[..., 0], pixels[..., 1]) and np.array_equal(
        pixels[..., 0], pixels[..., 2]
    ):
        return wide[..., 0], {}
    packed = wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2]
    colours, numbers = np.unique(packed, return_inverse=True)
    if colours.size > MAX_COLOURS:
        raise DatasetError(
            f"{path} has {colours.size:,} colours: a drawing, not labels; "
            "save it without smoothing, one colour a class"
        )
    shift = 0 if colours[0] == 0 else 1  # no black: every colour is a class
    names = {i + shift: f"#{colour:06x}" for i, colour in enumerate(colours.tolist()) if i + shift}
    return (numbers.reshape(packed.shape) + shift).astype(np.int32), names


def _parsed(text: Any) -> Mapping[str, Any] | None:
    if not isinstance(text, str):
        return None
    try:
        table = orjson.loads(text.encode())  # Pillow gives a kind of str that orjson refuses
    except orjson.JSONDecodeError:
        return None
    return table if isinstance(table, dict) else None


def _palette() -> list[int]:
    """Black for 0, then hues a golden angle apart, so that neighbours differ."""
    places = np.arange(256)
    hue, strength = (places * 0.618034) % 1.0, np.where(places == 0, 0.0, 255.0)
    channels = [
        np.clip(np.abs((hue + k / 3) % 1 * 6 - 3) - 1, 0.15, 1) * strength for k in range(3)
    ]
    return np.stack(channels, axis=1).astype(np.uint8).ravel().tolist()
