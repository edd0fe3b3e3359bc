"""How likely a region is a room by itself, and not a part of one, a union of some, or the outside.

A logistic regression on what is known of a region: how sure the model is of it, how many of the
clicks inside agree, its size, how much of the sheet's edge it takes, how well it follows the lines
of the plan, and what overlaps it; and on what the model sees in it, the mean of its image features
there: a closet and a table may be alike in all the rest. The latter is another for each model, so
that a checkpoint brings its own odds (``floorseg checkpoints odds``); one without has ``GENERAL``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from floorseg.core.consensus import Regions
from floorseg.core.decoder import ImageSide
from floorseg.core.logistic import sigmoid
from floorseg.core.overlap import Overlap

MAY_OVERLAP = 0.3  # part of the smaller region; from there on two regions cannot both be rooms
KNOWN = 9  # features, whatever the model; the last is 1

_SURE = 1e-3  # scores nearer to 0 or 1 say no more than that
_INSIDE = 0.8  # a region is a part of another if so much of it lies in that
_SMALLER = 0.8  # and if it is smaller than this part of that

Judge = Callable[[Regions, Overlap], np.ndarray]  # the odds float64 (R,) of a plan's regions


@dataclass(frozen=True, slots=True, eq=False)
class RoomOdds:
    """What counts how much.

    Attributes:
        known: float64 (9,), of what ``features`` gives.
        seen: float64 (C,), of what ``inside`` gives; empty where that does not count.
    """

    known: np.ndarray
    seen: np.ndarray = field(default_factory=lambda: np.zeros(0))

    @classmethod
    def from_notes(cls, notes: Mapping[str, Any], channels: int) -> "RoomOdds":
        """As a checkpoint holds them.

        Args:
            notes: what ``notes`` gave.
            channels: C of the model.

        Raises:
            ValueError: if they are no numbers, or not as many as the model needs.
        """
        odds = cls(*(np.array(notes.get(part, ()), np.float64) for part in ("known", "seen")))
        shapes = odds.known.shape, odds.seen.shape
        if shapes not in (((KNOWN,), (channels,)), ((KNOWN,), (0,))):
            raise ValueError(f"{KNOWN} and {channels} numbers are needed, got {shapes}")
        if not (np.isfinite(odds.known).all() and np.isfinite(odds.seen).all()):
            raise ValueError("some are not finite")
        return odds

    def notes(self) -> dict[str, list[float]]:
        """Plain numbers, to be kept with the weights that they belong to."""
        return {"known": self.known.tolist(), "seen": self.seen.tolist()}

    def on(self, image: ImageSide) -> Judge:
        """For the regions of one plan, of whose image these are the features."""
        return partial(self.of, image)

    def of(self, image: ImageSide, regions: Regions, overlap: Overlap) -> np.ndarray:
        """float64 (R,), in (0, 1): the chance that a region is a room.

        Args:
            image: the plan's features.
            regions: all there are, of one plan: what lies in or across a region speaks of it.
            overlap: of their masks.
        """
        logits = features(regions, overlap) @ self.known
        if len(self.seen):
            logits = logits + inside(regions, image) @ self.seen
        return sigmoid(logits)


# Fitted with floorseg-nano-rooms of 2026-11-29 on 4,907 regions of 144 plans of room-segmentation
# (see the model card), 109 of them of its train split.
GENERAL = RoomOdds(np.array([1.459, 1.784, -0.109, -0.073, -29.085, -0.063, 1.687, 7.776, -9.388]))


def odds_of(model: object) -> RoomOdds:
    """A model's own, where its checkpoint brought some."""
    own = getattr(model, "room_odds", None)
    return own if isinstance(own, RoomOdds) else GENERAL


def features(regions: Regions, overlap: Overlap) -> np.ndarray:
    """float64 (R, 9): what the odds are made from whatever the model; the last is 1."""
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


def inside(regions: Regions, image: ImageSide) -> np.ndarray:
    """float64 (R, C): the mean of a plan's coarsest image features over each region."""
    masks = torch.from_numpy((regions.logits > 0).astype(np.float32))
    share = F.adaptive_avg_pool2d(masks, image.grid).flatten(1)
    share = share / share.sum(dim=1, keepdim=True).clamp(min=1e-6)
    return np.asarray((share @ image.tokens.float().cpu()).numpy().astype(np.float64))


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
