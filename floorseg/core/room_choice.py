"""Which regions are a plan's rooms: those that go together and are likeliest to be all of them."""

from dataclasses import replace

import cv2
import numpy as np

from floorseg.core.consensus import Regions
from floorseg.core.overlap import Overlap
from floorseg.core.presets import EverythingSettings
from floorseg.core.room_odds import MAY_OVERLAP, Judge

_CLOSET = 0.2  # of the larger one's area: a region that is smaller may be a room it leaks into
_MORE_ROOMS = 1.3  # times what the odds of what was found add up to; 1.15 to 1.8 did about as well
_LESS = 1e-6  # so that what is as likely as the bar is above it
_RIM = 2  # cells around a mask
_BESIDE = 0.6  # and does not lie amid the larger one: less of its rim than this is in that


def choose(regions: Regions, settings: EverythingSettings, judge: Judge) -> Regions:
    """The regions that do not overlap and are likeliest to be all the rooms, the surest first.

    A region is worth what its odds are above a bar, times its side. So two rooms are better than a
    shaky mask of both, and a room is better than the table in it. A closet that a room's mask leaks
    into is cut out of that mask. The bar is ``min_odds``; where a plan has few likely rooms, it
    falls to where most rooms are found for what is found in error, but not below ``least_odds``.

    Args:
        regions: of one plan.
        settings: with the bar.
        judge: who knows the odds.
    """
    if len(regions) == 0:
        return regions
    masks = regions.logits > 0
    overlap = Overlap.of(masks)
    odds = judge(regions, overlap)
    share = masks.mean(axis=(1, 2))
    least = min(settings.least_odds, settings.min_odds)
    fit = (share >= settings.min_area) & (share <= settings.max_area) & (odds > least)
    regions, odds, side, overlap = regions[fit], odds[fit], np.sqrt(share[fit]), overlap[fit]
    if len(regions) == 0:
        return regions
    conflicts = overlap.above(MAY_OVERLAP)
    leaked = conflicts & _leaked_into(masks[fit], overlap)
    exclusive = conflicts & ~(leaked | leaked.T)
    kept = _best_above(least, odds, side, exclusive)
    bar = min(settings.min_odds, _bar(odds[kept]))
    if bar > least:
        kept = _best_above(bar, odds, side, exclusive)
    kept = kept[np.argsort(-odds[kept], kind="stable")]
    return _cut_out(regions[kept], leaked[np.ix_(kept, kept)])


def _best_above(
    bar: float, odds: np.ndarray, side: np.ndarray, exclusive: np.ndarray
) -> np.ndarray:
    """Places of the regions worth most together, of those whose odds are above a bar."""
    likely = np.flatnonzero(odds > bar)
    worth = side[likely] * (odds[likely] - bar)
    return likely[best_set(worth, exclusive[np.ix_(likely, likely)])]


def _bar(odds: np.ndarray) -> float:
    """Just below the odds of the last region that pays, of regions that do not overlap.

    The k likeliest have an expected F1 of about twice their odds' sum by k and the number of rooms
    (Z. Lipton and others, "Optimal thresholding of classifiers to maximize F1 measure", 2014). Of
    those there are as many as all odds add up to, and some more: those that no region shows, and
    those whose odds are too low, because nobody taught what rooms look like on such a plan.
    """
    surest = np.sort(odds)[::-1]
    found = np.cumsum(surest)
    expected = 2 * found / (np.arange(1, len(odds) + 1) + _MORE_ROOMS * found[-1])
    return float(surest[expected.argmax()]) - _LESS


def _leaked_into(masks: np.ndarray, overlap: Overlap) -> np.ndarray:
    """bool (R, R): [i, j] if i is a small region at the edge of j; furniture lies amid it."""
    found = (overlap.shared > 0) & (overlap.area[:, None] < _CLOSET * overlap.area[None, :])
    for small in np.flatnonzero(found.any(axis=1)):
        large = np.flatnonzero(found[small])
        found[small, large] = _amid(masks[small], masks[large]) < _BESIDE
    return found


def _amid(small: np.ndarray, others: np.ndarray) -> np.ndarray:
    """float (K,): how much of the rim of a mask (h, w) lies in others (K, h, w)."""
    x, y, width, height = cv2.boundingRect(small.view(np.uint8))
    around = (
        slice(max(0, y - _RIM), y + height + _RIM), slice(max(0, x - _RIM), x + width + _RIM)
    )  # fmt: skip
    inside = np.ascontiguousarray(small[around])
    grown = np.ones((2 * _RIM + 1, 2 * _RIM + 1), np.uint8)
    rim = cv2.dilate(inside.view(np.uint8), grown).view(bool) & ~inside
    return np.asarray(others[:, around[0], around[1]][:, rim].sum(axis=1) / max(1, rim.sum()))


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
