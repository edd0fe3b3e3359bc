"""Rooms end at lines: logits are smoothed over a plan, but not across what it shows as an edge.

A small model is sure of most of a room and unsure where it ends: its masks are ragged in white
space, and begin and end a little beside the wall. Here every cell takes over what its neighbours
say, the less, the more the picture differs between them. It is the weighted least squares of
D. Min and others ("Fast global image smoothing based on weighted least squares", IEEE Transactions
on Image Processing, 2014): along the rows, then along the columns, a few times, each an exact
solution in one run forth and one back.

And a mask whose rim lies on edges is likelier to be a room than one that ends in white space.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

USUALLY_FOLLOWED = 0.95  # of a room's rim lies on edges
_STRENGTH = 100.0  # how much neighbours count where nothing is drawn; in cells, squared
_CONTRAST = 0.03  # difference of two pixels, of 1, at which they count a third of that
_LEAST = 1e-4  # and the least that they ever count
_JOINED = 0.5  # conductance below which there is an edge between two cells
_ROUNDS = 2
_SURE = 10.0  # logits; what the model is surer of counts no more
_SAME = 0.7  # IoU; a mask that would become another one has no lines to hold it, and stays


@dataclass(frozen=True, slots=True, eq=False)
class Edges:
    """Where a picture shows edges, ready to smooth logits by.

    Attributes:
        beside: float32 (side, side - 1), how well cells are joined to those on their right, at
            most 1; 0 across an edge.
        below: float32 (side - 1, side), and to those below them.
        runs: of each run along rows or columns, by turns, the equations' factors.
    """

    beside: np.ndarray
    below: np.ndarray
    runs: tuple["_Run", ...]

    @classmethod
    def of(cls, image: np.ndarray, side: int) -> "Edges":
        """The edges of a picture.

        Args:
            image: uint8 (H, W, 3), RGB, any size.
            side: of the logits, in cells.
        """
        fine = cv2.resize(image, (2 * side, 2 * side), interpolation=cv2.INTER_AREA)
        pixels = fine.astype(np.float32) / 255
        below, right = _conductances(pixels), _conductances(pixels.transpose(1, 0, 2))
        # the shares of Min and others (equation 14): strong at first, so that no streaks are left
        shares = [1.5 * 4 ** (_ROUNDS - t) / (4**_ROUNDS - 1) for t in range(1, _ROUNDS + 1)]
        strengths = [share * _STRENGTH for share in shares]
        runs = (_Run.of(strength * each) for strength in strengths for each in (right, below))
        return cls(np.ascontiguousarray(right.T), below, tuple(runs))

    @property
    def nbytes(self) -> int:
        """Bytes of memory held."""
        factors = sum(run.links.nbytes + run.scales.nbytes for run in self.runs)
        return self.beside.nbytes + self.below.nbytes + factors

    @property
    def blank(self) -> np.ndarray:
        """bool (side, side): cells that no edge parts from the one on their left or above."""
        blank = np.ones((len(self.beside), len(self.beside)), dtype=bool)
        blank[:, 1:] &= self.beside >= _JOINED
        blank[1:] &= self.below >= _JOINED
        return blank

    def smooth(self, logits: Tensor) -> Tensor:
        """Logits that change where the picture does; above 0 is inside, before and after.

        Specks between lines too faint to hold them would run out: they are left as they are.

        Args:
            logits: float32 (K, side, side).
        """
        values = logits.clamp(-_SURE, _SURE).permute(2, 1, 0).cpu().numpy()  # columns first
        for run in self.runs:
            values = run.solve(np.array(values, order="C")).transpose(1, 0, 2)
        smooth = torch.from_numpy(np.ascontiguousarray(values.transpose(2, 1, 0)))
        smooth = smooth.to(logits.device)
        before, after = logits > 0, smooth > 0
        shared, either = ((before & after).sum((1, 2)), (before | after).sum((1, 2)))
        return torch.where((shared >= _SAME * either)[:, None, None], smooth, logits)

    def followed(self, masks: Tensor) -> Tensor:
        """How much of each mask's rim lies on edges: float32 (K,) in [0, 1], 0 without a rim.

        Args:
            masks: bool (K, side, side).
        """
        on_edge, length = torch.zeros(2, len(masks), device=masks.device)
        for rim, joined in (
            (masks[:, :, 1:] ^ masks[:, :, :-1], self.beside),
            (masks[:, 1:] ^ masks[:, :-1], self.below),
        ):
            drawn = torch.from_numpy(1 - joined).to(masks.device)
            on_edge += rim.flatten(1).float() @ drawn.flatten()
            length += rim.flatten(1).sum(dim=1)
        return on_edge / length.clamp(min=1)


@dataclass(frozen=True, slots=True, eq=False)
class _Run:
    """The equations along all lines of one direction, factored (L D L^T of a tridiagonal matrix).

    Attributes:
        links: float32 (n, lines, 1), L below its diagonal: of a place to the one before.
        scales: float32 (n, lines, 1), 1 / D.
    """

    links: np.ndarray
    scales: np.ndarray

    @classmethod
    def of(cls, conductances: np.ndarray) -> "_Run":
        """The factors for conductances float32 (n - 1, lines) between places of each line."""
        none = np.zeros((1, conductances.shape[1]), np.float32)
        before, after = np.concatenate([none, conductances]), np.concatenate([conductances, none])
        diagonal = 1 + before + after
        links = np.zeros_like(diagonal)
        for i in range(1, len(diagonal)):
            links[i] = -before[i] / diagonal[i - 1]
            diagonal[i] += links[i] * before[i]
        return cls(links[..., None], 1 / diagonal[..., None])

    def solve(self, values: np.ndarray) -> np.ndarray:
        """Values float32 (n, lines, K) smoothed along the first axis, in place."""
        for i in range(1, len(values)):
            values[i] -= self.links[i] * values[i - 1]
        values *= self.scales
        for i in range(len(values) - 2, -1, -1):
            values[i] -= self.links[i + 1] * values[i + 1]
        return values


def _conductances(pixels: np.ndarray) -> np.ndarray:
    """How well each cell is joined to the one below it, at most 1.

    Args:
        pixels: float32 (2 n, 2 n, 3), of a cell four.

    Returns:
        float32 (n - 1, n): from middle to middle, half a step, a whole and half a step, averaged
        over a cell's two columns.
    """
    change = np.abs(np.diff(pixels, axis=0)).max(axis=2)
    resistance = 1 / np.maximum(np.exp(-change / _CONTRAST), _LEAST)
    within, between = resistance[0::2], resistance[1::2]
    joined = 2 / (between + (within[:-1] + within[1:]) / 2)
    return np.asarray((joined[:, 0::2] + joined[:, 1::2]) / 2)
