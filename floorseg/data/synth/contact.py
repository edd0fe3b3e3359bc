"""A contact sheet: many plans at a glance, with or without their masks."""

from pathlib import Path

import cv2
import numpy as np

from floorseg.data import sa1b
from floorseg.data.annotation import Sample
from floorseg.data.files import write_atomically
from floorseg.data.synth.writer import Order, encode_png, plan_name, split_of_each
from floorseg.errors import DatasetError

MOST = 48  # plans on a sheet
EDGE = 300  # pixels of a plan's longer side

COLOURS = {
    "wall": (90, 90, 90),
    "door": (220, 40, 40),
    "window": (40, 90, 230),
    "opening": (30, 160, 80),
    "stairs": (150, 60, 190),
    "lift": (150, 60, 190),
    "column": (60, 60, 60),
}


def write_contact_sheet(
    path: str | Path, folder: str | Path, order: Order, *, masks: bool = False
) -> None:
    """Show the first plans of a written order as one PNG.

    Args:
        path: the picture to write.
        folder: where the plans lie.
        order: what was drawn there.
        masks: draw every mask in a colour over its plan.

    Raises:
        DatasetError: if the picture cannot be written.
    """
    splits = split_of_each(order)[:MOST]
    tiles = []
    for index, split in enumerate(splits):
        sample = sa1b.read_sample(Path(folder) / split / f"{plan_name(order, index)}.json")
        tiles.append(_tile(painted(sample) if masks else sample.image()))
    columns = max(1, min(8, round(len(tiles) ** 0.5 * 1.2)))
    blank = np.full_like(tiles[0], 255)
    tiles += [blank] * (-len(tiles) % columns)
    rows = [np.hstack(tiles[k : k + columns]) for k in range(0, len(tiles), columns)]
    _write_png(Path(path), np.vstack(rows))


def painted(sample: Sample) -> np.ndarray:
    """A sample's picture with its masks over it, rooms each in their own colour."""
    picture = sample.image().astype(np.float32)
    for annotation in sample.annotations:
        colour = COLOURS.get(annotation.category_name or "", _room_colour(annotation.id))
        mask = annotation.mask()
        picture[mask] = picture[mask] * 0.45 + np.array(colour, np.float32) * 0.55
    return picture.astype(np.uint8)


def _room_colour(number: int | str) -> tuple[int, int, int]:
    hue = (hash(number) if isinstance(number, int) else len(str(number))) * 47 % 180
    pixel = np.array([[[hue, 110, 250]]], np.uint8)
    red, green, blue = (int(v) for v in cv2.cvtColor(pixel, cv2.COLOR_HSV2RGB)[0, 0])
    return red, green, blue


def _tile(picture: np.ndarray) -> np.ndarray:
    height, width = picture.shape[:2]
    factor = EDGE / max(height, width)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return cv2.copyMakeBorder(small, 2, 2, 2, 2, cv2.BORDER_CONSTANT, value=(150, 150, 150))


def _write_png(path: Path, picture: np.ndarray) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise DatasetError(f"{path} cannot be written: {problem.strerror}") from problem
    write_atomically(path, encode_png(picture))
