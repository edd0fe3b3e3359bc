"""The few shapes of data every layer speaks.

Coordinates are (x, y) in pixels of the original image, x to the right, y down, (0, 0) the upper
left corner of the upper left pixel; arrays are (H, W, ...).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

import numpy as np


@dataclass(frozen=True, slots=True)
class Point:
    """One click. ``inside`` is True for "this belongs", False for "this does not"."""

    x: float
    y: float
    inside: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Prompt:
    """Everything that was pointed at for one object on one image, oldest first.

    Attributes:
        points: clicks, in the order they were made.
        box: (x0, y0, x1, y1) in pixels, or None.
        mask: logits of an earlier answer, float32 (h, w) at the decoder's own resolution, or None.
    """

    points: tuple[Point, ...] = ()
    box: tuple[float, float, float, float] | None = None
    mask: np.ndarray | None = None

    def with_point(self, point: Point) -> Self:
        """The same prompt with one more click."""
        return replace(self, points=(*self.points, point))

    def without_last_point(self) -> Self:
        """The same prompt before the last click."""
        return replace(self, points=self.points[:-1])

    def __bool__(self) -> bool:
        return bool(self.points) or self.box is not None or self.mask is not None


@dataclass(frozen=True, slots=True, eq=False)
class MaskProposal:
    """One answer to a prompt.

    Attributes:
        mask: bool array of shape (H, W), the size of the original image.
        score: the model's own estimate of the mask's IoU, in [0, 1].
        stability: IoU of the mask cut at a higher and at a lower threshold, in [0, 1]; None where
            it was not computed.
        point: the (x, y) click that found it, where one did.
    """

    mask: np.ndarray
    score: float
    stability: float | None = None
    point: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if self.mask.ndim != 2 or self.mask.dtype != bool:
            raise ValueError(
                f"mask must be a bool array of shape (H, W), "
                f"got {self.mask.dtype} of shape {self.mask.shape}"
            )

    @property
    def area(self) -> int:
        """Number of pixels inside the mask."""
        return int(self.mask.sum())


@dataclass(frozen=True, slots=True)
class Progress:
    """How far long work has come: ``done`` of ``total`` steps, and what the current one is."""

    done: int
    total: int
    what: str = ""


ProgressCallback = Callable[[Progress], None]


def ignore_progress(_: Progress) -> None:
    """The callback of a caller who does not want to know."""
