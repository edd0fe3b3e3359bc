"""Right-angle turns and mirrorings: the augmentation that can be undone, pixel for pixel.

A plan seen in at most eight ways can be encoded once for each of them, which is what training with
a frozen encoder lives on.
"""

from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np
import torch

from floorseg.errors import ConfigError
from floorseg.training.augment import Subject, Warp

WAYS = (1, 2, 4, 8)  # none; half turns; right-angle turns; those and their mirror images


@dataclass(frozen=True, slots=True)
class RightAngles:
    """Turns a plan by right angles, and mirrors it, at random; nothing else.

    Attributes:
        ways: in how many ways a plan is seen: 1, 2 (half turns), 4 (right angles), 8 (mirrored
            too). Each way of each plan is encoded once.
    """

    p_approach: ClassVar[float] = 0.0
    ways: int = 4

    def __post_init__(self) -> None:
        if self.ways not in WAYS:
            raise ConfigError(f"a plan can be seen in 1, 2, 4 or 8 ways, got {self.ways}")

    def geometry(
        self, rng: np.random.Generator, source: int, target: int, subject: Subject | None = None
    ) -> tuple[Warp, Warp]:
        """One turn, as ``PlanAugmentation.geometry`` answers; always of the whole plan."""
        turn = _turns(self.ways)[int(rng.integers(self.ways))]

        def of_image(image: np.ndarray) -> np.ndarray:
            return _turned(_resized(image, target), turn)

        def of_mask(mask: np.ndarray) -> np.ndarray:
            return (_turned(_resized(mask, target), turn) > 127).astype(np.uint8)

        return of_image, of_mask

    def photometry(self, rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
        """The picture as it is."""
        return image


def orbit(image: torch.Tensor, ways: int) -> torch.Tensor:
    """Every way in which a picture is seen, the picture itself first.

    The ways are closed: the orbit of a turned picture holds the same pictures in another order.

    Args:
        image: (C, S, S).
        ways: 1, 2, 4 or 8.

    Returns:
        (ways, C, S, S).
    """
    found = []
    for quarter, mirrored in _turns(ways):
        turned = torch.rot90(image, quarter, dims=(1, 2))
        found.append(torch.flip(turned, dims=(2,)) if mirrored else turned)
    return torch.stack(found)


def _turns(ways: int) -> list[tuple[int, bool]]:
    """Quarter turns, and whether mirrored afterwards."""
    quarters = {1: [0], 2: [0, 2]}.get(ways, [0, 1, 2, 3])
    plain = [(quarter, False) for quarter in quarters]
    return plain + [(quarter, True) for quarter in quarters] if ways == 8 else plain


def _turned(array: np.ndarray, turn: tuple[int, bool]) -> np.ndarray:
    quarter, mirrored = turn
    array = np.rot90(array, quarter)
    return np.ascontiguousarray(array[:, ::-1] if mirrored else array)


def _resized(array: np.ndarray, size: int) -> np.ndarray:
    if array.shape[0] == size:
        return array
    how = cv2.INTER_AREA if array.shape[0] > size else cv2.INTER_LINEAR
    return cv2.resize(array, (size, size), interpolation=how)
