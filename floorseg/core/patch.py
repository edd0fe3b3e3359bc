"""A mask as small as it goes over the wire: its bounding box and what lies inside.

The page and the server speak of masks in this form only: a click's answer is a few kilobytes,
whatever the size of the plan.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from floorseg.core import rle
from floorseg.errors import DatasetError


@dataclass(frozen=True, slots=True)
class Patch:
    """A mask inside its bounding box.

    Attributes:
        x, y: the box's upper left corner in pixels of the image.
        w, h: its width and height in pixels; 0 for an empty mask.
        counts: COCO compressed RLE of the box's content, column-major.
    """

    x: int
    y: int
    w: int
    h: int
    counts: str

    @classmethod
    def of(cls, mask: np.ndarray) -> Self:
        """Cut a mask out.

        Args:
            mask: bool array of shape (H, W).
        """
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        if rows.size == 0:
            return cls(0, 0, 0, 0, "")
        top, bottom = int(rows[0]), int(rows[-1]) + 1
        left, right = int(columns[0]), int(columns[-1]) + 1
        counts = rle.encode(mask[top:bottom, left:right])["counts"]
        return cls(left, top, right - left, bottom - top, counts)

    @classmethod
    def read(cls, wire: Mapping[str, Any], size: tuple[int, int]) -> Self:
        """Check what a browser sent.

        Args:
            wire: ``{"x", "y", "w", "h", "counts"}``.
            size: (height, width) of the image in pixels.

        Raises:
            DatasetError: if it is not a mask inside the image.
        """
        numbers = [wire.get(key) for key in ("x", "y", "w", "h")]
        counts = wire.get("counts")
        if not all(type(n) is int and n >= 0 for n in numbers) or not isinstance(counts, str):
            raise DatasetError("a region's mask is not of the expected form; draw it again")
        x, y, w, h = (int(n) for n in numbers if n is not None)
        if x + w > size[1] or y + h > size[0]:
            raise DatasetError(
                f"a region reaches to ({x + w}, {y + h}), outside the {size[1]} x {size[0]} plan; "
                "load the regions of this very plan"
            )
        if w and h:
            counts = rle.read({"counts": counts, "size": [h, w]}, pairs=False)["counts"]
        return cls(x, y, w, h, counts)

    def wire(self) -> dict[str, Any]:
        """As JSON carries it."""
        return {"x": self.x, "y": self.y, "w": self.w, "h": self.h, "counts": self.counts}

    def cut(self) -> np.ndarray:
        """bool array of shape (h, w): the content of the bounding box."""
        if not self.w or not self.h:
            return np.zeros((self.h, self.w), dtype=bool)
        return rle.decode({"size": [self.h, self.w], "counts": self.counts})

    def mask(self, size: tuple[int, int]) -> np.ndarray:
        """bool array of shape ``size``, the whole image's (height, width)."""
        whole = np.zeros(size, dtype=bool)
        whole[self.y : self.y + self.h, self.x : self.x + self.w] = self.cut()
        return whole
