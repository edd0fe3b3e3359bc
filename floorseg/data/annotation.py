"""One image with its masks, whatever format it came from.

Every reader in this package returns a :class:`Sample`, every writer takes one. Nothing a format
says is dropped: what has no field of its own here travels in ``extra``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from floorseg.core import rle
from floorseg.core.images import read_image
from floorseg.data.video import read_frame


@dataclass(frozen=True, slots=True, eq=False)
class Annotation:
    """One object on one image.

    Attributes:
        id: the annotation's id, as the file says.
        segmentation: COCO compressed RLE, ``{"size": [H, W], "counts": str}``, column-major.
        category_id: class number, or None in a class-agnostic format.
        category_name: class name, or None.
        extra: the format's further fields, unchanged (``predicted_iou``, ``room_type``, ...).
    """

    id: int | str
    segmentation: Mapping[str, Any]
    category_id: int | None = None
    category_name: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    def mask(self) -> np.ndarray:
        """bool array of shape (H, W)."""
        return rle.decode(self.segmentation)

    def area(self) -> int:
        """Number of pixels, counted from the mask and not taken from the file."""
        return rle.area(self.segmentation)

    def bbox(self) -> tuple[float, float, float, float]:
        """(x, y, width, height) in pixels, computed from the mask and not taken from the file."""
        return rle.bbox(self.segmentation)


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One image of a dataset, its pixels still on disk.

    Attributes:
        image_path: where the picture lies.
        width, height: in pixels, as a person sees the picture (EXIF rotation applied).
        annotations: its masks, in the file's order.
        image_id: the image's id, as the file says.
        split: ``train``, ``valid``, ``test``, or "" where the dataset has no splits.
        extra: the file's further fields about the image, unchanged.
        frame: number of the frame where ``image_path`` is a video, or None.
    """

    image_path: Path
    width: int
    height: int
    annotations: tuple[Annotation, ...]
    image_id: int | str = 0
    split: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)
    frame: int | None = None

    def image(self) -> np.ndarray:
        """uint8 array of shape (H, W, 3), RGB, upright."""
        if self.frame is None:
            return read_image(self.image_path)
        return read_frame(self.image_path, self.frame)
