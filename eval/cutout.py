"""A mask that is kept only where it is not empty: equal numbers, a fraction of the pixels.

A room of a plan covers a few percent of the sheet. Everything outside a mask's window is empty, so
areas, intersections, distances to the outline and run lengths need the window only.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from floorseg.core import rle
from floorseg.core.metrics import NAN, boundary
from floorseg.core.rle import Segmentation

Size = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Cutout:
    """Part of a picture's mask; outside of it the mask is empty.

    Attributes:
        size: (H, W) of the picture in pixels.
        left: column of the picture where the part begins.
        top: row of the picture where the part begins.
        mask: bool array (h, w) of the part, C-contiguous.
    """

    size: Size
    left: int
    top: int
    mask: np.ndarray

    @classmethod
    def of_mask(cls, mask: np.ndarray) -> "Cutout":
        """The bounding box of a bool mask (H, W)."""
        x, y, width, height = cv2.boundingRect(np.ascontiguousarray(mask, dtype=np.uint8))
        part = np.ascontiguousarray(mask[y : y + height, x : x + width], dtype=bool)
        return cls((int(mask.shape[0]), int(mask.shape[1])), x, y, part)

    @classmethod
    def of_rle(cls, segmentation: Segmentation) -> "Cutout":
        """The bounding box of a compressed COCO RLE."""
        height, width = segmentation["size"]
        x, y, across, down = (int(value) for value in rle.bbox(segmentation))
        part = rle.decode(segmentation)[y : y + down, x : x + across]
        return cls((int(height), int(width)), x, y, np.ascontiguousarray(part))

    @classmethod
    def of_logits(cls, logits: np.ndarray, size: Size) -> "Cutout":
        """Where logits, enlarged to the picture as sam2 does it, are above 0.

        Bilinear values lie between their neighbours, so nothing is above 0 farther than one small
        pixel from those above 0: only that window is enlarged.

        Args:
            logits: float32 (h, w).
            size: (H, W) of the picture.
        """
        x, y, width, height = cv2.boundingRect((logits > 0).view(np.uint8))
        if width == 0:
            return cls(size, 0, 0, np.zeros((0, 0), dtype=bool))
        top, bottom = _reach(y, y + height - 1, logits.shape[0], size[0])
        left, right = _reach(x, x + width - 1, logits.shape[1], size[1])
        tall = cv2.resize(logits, (logits.shape[1], size[0]), interpolation=cv2.INTER_LINEAR)
        rows = np.ascontiguousarray(tall[top:bottom])
        wide = cv2.resize(rows, (size[1], bottom - top), interpolation=cv2.INTER_LINEAR)
        return cls(size, left, top, wide[:, left:right] > 0)

    @cached_property
    def area(self) -> int:
        """Number of pixels inside."""
        return int(np.count_nonzero(self.mask))

    def shared(self, other: "Cutout") -> int:
        """Number of pixels inside both."""
        left, top = max(self.left, other.left), max(self.top, other.top)
        right, bottom = min(self.right, other.right), min(self.bottom, other.bottom)
        if right <= left or bottom <= top:
            return 0
        here, there = (
            part.mask[top - part.top : bottom - part.top, left - part.left : right - part.left]
            for part in (self, other)
        )
        return int(np.count_nonzero(here & there))

    def iou(self, other: "Cutout") -> float:
        """Intersection over union, in [0, 1]; NaN where both are empty."""
        shared = self.shared(other)
        union = self.area + other.area - shared
        return shared / union if union else NAN

    def boundary(self, pixels: int) -> "Cutout":
        """The band of this many pixels along the inside of the outline."""
        return Cutout(self.size, self.left, self.top, boundary(self.mask, pixels))

    def within(self, left: int, top: int, right: int, bottom: int) -> np.ndarray:
        """bool (bottom - top, right - left): the mask in a window that holds this part."""
        whole = np.zeros((bottom - top, right - left), dtype=bool)
        down, across = self.mask.shape
        y, x = self.top - top, self.left - left
        whole[y : y + down, x : x + across] = self.mask
        return whole

    def whole(self) -> np.ndarray:
        """bool (H, W): the mask at the picture's size."""
        return self.within(0, 0, self.size[1], self.size[0])

    def encode(self) -> str:
        """COCO's compressed counts of the mask at the picture's size."""
        height, width = self.size
        columns = np.zeros((self.mask.shape[1], self.mask.shape[0] + 2), dtype=np.int8)
        columns[:, 1:-1] = self.mask.T
        column, row = np.nonzero(np.diff(columns, axis=1))
        edges = (column + self.left) * height + row + self.top
        # a column filled to the lower border goes on at the next one's upper border: one run
        twins = np.flatnonzero(edges[1:] == edges[:-1])
        edges = np.delete(edges, np.concatenate((twins, twins + 1)))
        runs = np.diff(edges, prepend=0, append=height * width)
        return str(rle.from_runs(runs if runs[-1] else runs[:-1], self.size)["counts"])

    @property
    def right(self) -> int:
        """Column after the part's last one."""
        return self.left + self.mask.shape[1]

    @property
    def bottom(self) -> int:
        """Row after the part's last one."""
        return self.top + self.mask.shape[0]


def common_window(parts: Iterable[Cutout]) -> tuple[int, int, int, int]:
    """(left, top, right, bottom) of the smallest window that holds all parts."""
    filled = [part for part in parts if part.mask.size]
    if not filled:
        return 0, 0, 0, 0
    return (
        min(part.left for part in filled),
        min(part.top for part in filled),
        max(part.right for part in filled),
        max(part.bottom for part in filled),
    )


def _reach(first: int, last: int, small: int, large: int) -> tuple[int, int]:
    """Pixels of an enlarged axis that the small pixels ``first`` to ``last`` have a part in."""
    step = large / small
    start = int(np.floor((first - 0.5) * step - 0.5))
    stop = int(np.ceil((last + 1.5) * step - 0.5)) + 1
    return max(0, start), min(large, stop)
