"""How likely a region is a room by itself, and not a part of one, a union of some, or the outside.

A logistic regression on what is known of a region: how sure the model is of it, how many of the
clicks inside agree, its size, how much of the sheet's edge it takes, how well it follows the lines
of the plan, and what overlaps it. Fitted by ``benchmarks.fit_room_odds`` on 4,907 regions of 144
plans of *room-segmentation* (see the model card), 109 of them of its train split; what was right to
an IoU of 0.5, not of 0.75, counted half.
"""

import numpy as np

from floorseg.core.consensus import Regions
from floorseg.core.logistic import sigmoid
from floorseg.core.overlap import Overlap

_SURE = 1e-3  # scores nearer to 0 or 1 say no more than that
_INSIDE = 0.8  # a region is a part of another if so much of it lies in that
_SMALLER = 0.8  # and if it is smaller than this part of that
MAY_OVERLAP = 0.3  # part of the smaller region; from there on two regions cannot both be rooms
_WEIGHTS = np.array([1.459, 1.784, -0.109, -0.073, -29.085, -0.063, 1.687, 7.776, -9.388])


def room_odds(regions: Regions, overlap: Overlap) -> np.ndarray:
    """float64 (R,), in (0, 1): the chance that a region is a room.

    Args:
        regions: all there are, of one plan: what lies in or across a region speaks of it.
        overlap: of their masks.
    """
    return sigmoid(features(regions, overlap) @ _WEIGHTS)


def features(regions: Regions, overlap: Overlap) -> np.ndarray:
    """float64 (R, 9): what the odds are made from; the last is 1."""
    quality = regions.quality
    score = np.clip(regions.scores, _SURE, 1 - _SURE)
    size = np.log(overlap.area / overlap.cells)
    return np.stack(
        [
            np.log(score / (1 - score)),
            regions.agreement,
            size,
            size**2,
            _share_of_edge(regions.logits > 0),
            _filled_by_parts(overlap, quality),
            _best_rival(overlap, quality),
            regions.followed,
            np.ones(len(regions)),
        ],
        axis=1,
    ).astype(np.float64)


def _share_of_edge(masks: np.ndarray) -> np.ndarray:
    """float (R,): how much of the sheet's edge a region takes; the outside takes much."""
    edges = (masks[:, 0], masks[:, -1], masks[:, :, 0], masks[:, :, -1])
    return np.concatenate(edges, axis=1).mean(axis=1)


def _filled_by_parts(overlap: Overlap, quality: np.ndarray) -> np.ndarray:
    """float (R,): how much of a region smaller ones in it fill, by their quality squared."""
    shared, area = overlap.shared, overlap.area
    is_part = (shared > _INSIDE * area[None, :]) & (area[None, :] < _SMALLER * area[:, None])
    return np.asarray((is_part * (area * quality**2)[None, :]).sum(axis=1) / area)


def _best_rival(overlap: Overlap, quality: np.ndarray) -> np.ndarray:
    """float (R,): quality of the best region that cannot be a room if this one is."""
    rivals = overlap.above(MAY_OVERLAP) * quality[None, :]
    return np.asarray(rivals.max(axis=1, initial=0))
