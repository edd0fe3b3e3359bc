"""Which regions are a plan's rooms: those that go together and are likeliest to be all of them."""

from dataclasses import replace

import cv2
import numpy as np

from floorseg.core.consensus import Regions
from floorseg.core.presets import EverythingSettings
from floorseg.core.room_odds import MAY_OVERLAP, overlaps, room_odds

_CLOSET = 0.2  # of the larger one's area: a region that is smaller may be a room it leaks into
_BESIDE = 0.6  # and does not lie amid the larger one: less of its rim than this is in that


def choose(regions: Regions, settings: EverythingSettings) -> Regions:
    """The regions that do not overlap and are likeliest to be all the rooms, the surest first.

    A region is worth what its odds are above ``min_odds``, times its side. So two rooms are better
    than a shaky mask of both, and a room is better than the table in it. A closet that a room's
    mask leaks into is cut out of that mask.
    """
    if len(regions) == 0:
        return regions
    odds = room_odds(regions)
    share = (regions.logits > 0).mean(axis=(1, 2))
    fit = (share >= settings.min_area) & (share <= settings.max_area) & (odds > settings.min_odds)
    regions, odds, side = regions[fit], odds[fit], np.sqrt(share[fit])
    if len(regions) == 0:
        return regions
    masks = regions.logits > 0
    overlapping = _conflicts(masks)
    leaked = overlapping & _leaked_into(masks)
    exclusive = overlapping & ~(leaked | leaked.T)
    kept = best_set(side * (odds - settings.min_odds), exclusive)
    kept = kept[np.argsort(-odds[kept], kind="stable")]
    return _cut_out(regions[kept], leaked[np.ix_(kept, kept)])


def _conflicts(masks: np.ndarray) -> np.ndarray:
    """bool (R, R): pairs that overlap too much to be two rooms."""
    flat = masks.reshape(len(masks), -1).astype(np.float32)
    return overlaps(flat @ flat.T, flat.sum(axis=1), MAY_OVERLAP)


def _leaked_into(masks: np.ndarray) -> np.ndarray:
    """bool (R, R): [i, j] if i is a small region at the edge of j; furniture lies amid it."""
    grown = np.ones((5, 5), np.uint8)
    rims = np.stack([cv2.dilate(mask.view(np.uint8), grown).view(bool) & ~mask for mask in masks])
    flat, rim = (each.reshape(len(masks), -1).astype(np.float32) for each in (masks, rims))
    area = flat.sum(axis=1)
    amid = rim @ flat.T / np.maximum(rim.sum(axis=1), 1)[:, None]
    return np.asarray((area[:, None] < _CLOSET * area[None, :]) & (amid < _BESIDE))


def _cut_out(rooms: Regions, leaked: np.ndarray) -> Regions:
    """Rooms whose masks end where a smaller one begins that they leaked into."""
    logits = rooms.logits.copy()
    for small, large in np.argwhere(leaked):
        inside = rooms.logits[small] > 0
        logits[large][inside] = np.minimum(logits[large], -rooms.logits[small])[inside]
    return replace(rooms, logits=logits)


def best_set(worth: np.ndarray, conflicts: np.ndarray) -> np.ndarray:
    """Places of items without conflicts that are worth much together: greedy, then exchanges.

    An item comes in if it is worth more than all it drives out; one goes if those that only it
    keeps out are worth more together. Ends because the sum grows with every exchange.

    Args:
        worth: float (R,), above 0.
        conflicts: bool (R, R), symmetric, False on the diagonal.
    """
    order = np.argsort(-worth, kind="stable")
    chosen = np.zeros(len(worth), dtype=bool)
    _fill(chosen, order, conflicts)
    improved = True
    while improved:
        improved = False
        for item in order:
            rival = _exchanged(chosen, int(item), order, conflicts)
            if worth[rival].sum() > worth[chosen].sum() + 1e-9:
                chosen, improved = rival, True
    return np.flatnonzero(chosen)


def _exchanged(
    chosen: np.ndarray, item: int, order: np.ndarray, conflicts: np.ndarray
) -> np.ndarray:
    """The set after ``item`` has come in, or, where it was in, has gone for good."""
    rival = chosen.copy()
    if chosen[item]:
        rival[item] = False
        _fill(rival, order[order != item], conflicts)
        return rival
    rival[conflicts[item]] = False
    rival[item] = True
    _fill(rival, order, conflicts)
    return rival


def _fill(chosen: np.ndarray, order: np.ndarray, conflicts: np.ndarray) -> None:
    """Add what still fits, the worthiest first."""
    for item in order:
        if not chosen[item] and not (conflicts[item] & chosen).any():
            chosen[item] = True
