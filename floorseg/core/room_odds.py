"""How likely a region is a room by itself, and not a part of one, a union of some, or the outside.

A logistic regression on what is known of a region: how sure the model is of it, how many of the
clicks inside agree, its size, how much of the sheet's edge it takes, and what overlaps it. Fitted
by ``benchmarks.fit_room_odds`` on 2,872 regions of 144 plans of *room-segmentation* (see the model
card), 109 of them of its train split; what was right to an IoU of 0.5, not of 0.75, counted half.
"""

import math

import numpy as np

from floorseg.core.consensus import Regions
from floorseg.core.logistic import sigmoid

_SURE = 1e-3  # scores nearer to 0 or 1 say no more than that
_INSIDE = 0.8  # a region is a part of another if so much of it lies in that
_SMALLER = 0.8  # and if it is smaller than this part of that
MAY_OVERLAP = 0.3  # part of the smaller region; from there on two regions cannot both be rooms
_WEIGHTS = np.array([1.358, 2.833, -0.419, -0.074, -20.806, 2.381, 0.61, -3.329])


def room_odds(regions: Regions) -> np.ndarray:
    """float64 (R,), in (0, 1): the chance that a region is a room.

    Args:
        regions: all there are, of one plan: what lies in or across a region speaks of it.
    """
    return sigmoid(features(regions) @ _WEIGHTS)


def features(regions: Regions) -> np.ndarray:
    """float64 (R, 8): what the odds are made from; the last is 1."""
    inside = regions.logits > 0
    masks = inside.reshape(len(regions), math.prod(inside.shape[1:])).astype(np.float32)
    area = np.maximum(masks.sum(axis=1), 1)
    shared = masks @ masks.T
    quality = regions.quality
    score = np.clip(regions.scores, _SURE, 1 - _SURE)
    size = np.log(area / masks.shape[1])
    return np.stack(
        [
            np.log(score / (1 - score)),
            regions.agreement,
            size,
            size**2,
            _share_of_edge(inside),
            _filled_by_parts(shared, area, quality),
            _best_rival(shared, area, quality),
            np.ones(len(regions)),
        ],
        axis=1,
    ).astype(np.float64)


def overlaps(shared: np.ndarray, area: np.ndarray, part: float) -> np.ndarray:
    """bool (R, R), False on the diagonal: pairs that share more than ``part`` of the smaller one.

    Args:
        shared: float (R, R), pixels that two regions have in common.
        area: float (R,), their pixels.
        part: from 0 to 1.
    """
    found = shared > part * np.minimum(area[:, None], area[None, :])
    np.fill_diagonal(found, val=False)
    return found


def _share_of_edge(masks: np.ndarray) -> np.ndarray:
    """float (R,): how much of the sheet's edge a region takes; the outside takes much."""
    edges = (masks[:, 0], masks[:, -1], masks[:, :, 0], masks[:, :, -1])
    return np.concatenate(edges, axis=1).mean(axis=1)


def _filled_by_parts(shared: np.ndarray, area: np.ndarray, quality: np.ndarray) -> np.ndarray:
    """float (R,): how much of a region smaller ones in it fill, by their quality squared."""
    is_part = (shared > _INSIDE * area[None, :]) & (area[None, :] < _SMALLER * area[:, None])
    return (is_part * (area * quality**2)[None, :]).sum(axis=1) / area


def _best_rival(shared: np.ndarray, area: np.ndarray, quality: np.ndarray) -> np.ndarray:
    """float (R,): quality of the best region that cannot be a room if this one is."""
    return (overlaps(shared, area, MAY_OVERLAP) * quality[None, :]).max(axis=1, initial=0)
