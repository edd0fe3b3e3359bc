"""Masks turned along with a picture whose EXIF data say it lies on its side.

Browsers and this project show such a picture upright. A tool that ignored EXIF drew its masks on
the picture as stored; that is seen from the size it states.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from PIL import Image, UnidentifiedImageError

from floorseg.core import rle
from floorseg.core.orientation import exif_orientation
from floorseg.data.annotation import Sample

_TURNS: dict[int, Callable[[np.ndarray], np.ndarray]] = {  # EXIF orientation -> stored to upright
    5: lambda mask: mask.T,
    6: lambda mask: np.rot90(mask, -1),
    7: lambda mask: np.rot90(mask, 2).T,
    8: lambda mask: np.rot90(mask, 1),
}
_BY_PLACE = ("bbox", "point_coords", "crop_box")  # stated in the coordinates of the stored picture


def upright(sample: Sample) -> Sample:
    """The sample as a person sees its picture: masks drawn on the stored picture are turned."""
    orientation, stored = _header(sample)
    turn = _TURNS.get(orientation)
    if turn is None or (sample.width, sample.height) != stored or stored[0] == stored[1]:
        return sample
    turned = tuple(
        replace(
            annotation,
            segmentation=rle.encode(turn(annotation.mask())),
            extra={k: v for k, v in annotation.extra.items() if k not in _BY_PLACE},
        )
        for annotation in sample.annotations
    )
    return replace(sample, width=sample.height, height=sample.width, annotations=turned)


def _header(sample: Sample) -> tuple[int, tuple[int, int]]:
    """EXIF orientation and stored (width, height); whoever needs the pixels reports damage."""
    try:
        with Image.open(sample.image_path) as picture:
            return exif_orientation(picture), picture.size
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return 1, (0, 0)
