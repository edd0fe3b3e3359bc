"""Which masks lie in, across and beside each other, measured once for all who ask."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch

_SIDE = 128  # cells a side: a hundred masks' overlaps are found in hundredths of a second


@dataclass(frozen=True, slots=True, eq=False)
class Overlap:
    """What R masks have in common, in cells of a grid.

    Attributes:
        shared: float32 (R, R), cells of both.
        area: float32 (R,), cells of each, at least 1.
        cells: of the whole grid.
    """

    shared: np.ndarray
    area: np.ndarray
    cells: int

    @classmethod
    def of(cls, masks: np.ndarray) -> Self:
        """Measure masks, bool (R, h, w)."""
        step = max(1, masks.shape[1] // _SIDE)
        seen = masks[:, step // 2 :: step, step // 2 :: step]
        cells = seen.shape[1] * seen.shape[2]
        flat = seen.reshape(len(masks), cells).astype(np.float32)
        return cls(in_common(flat, flat), np.maximum(flat.sum(axis=1), 1), cells)

    def __getitem__(self, chosen: np.ndarray) -> "Overlap":
        """Of some of the masks, bool (R,) or int (K,)."""
        return Overlap(self.shared[chosen][:, chosen], self.area[chosen], self.cells)

    def above(self, part: float) -> np.ndarray:
        """bool (R, R), False on the diagonal: pairs that share more than that of the smaller one.

        Args:
            part: from 0 to 1.
        """
        smaller = np.minimum(self.area[:, None], self.area[None, :])
        found: np.ndarray = self.shared > part * smaller
        np.fill_diagonal(found, val=False)
        return found


def in_common(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """float32 (N, M): how many cells each of one lot of masks shares with each of another.

    By torch: numpy's product brings threads of its own, which on a busy machine wait for torch's.

    Args:
        first: float32 (N, cells), of 0 and 1.
        second: float32 (M, cells).
    """
    shared: np.ndarray = (torch.from_numpy(first) @ torch.from_numpy(second).T).numpy()
    return shared
