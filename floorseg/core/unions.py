"""Rooms found in parts: two regions of which more ends at the plan's lines together than apart.

A small model cuts long corridors short: clicks at either end find one half each, and where the
halves meet, on white paper, is no wall. Their union is offered beside them, and ``room_choice``
decides.
"""

from dataclasses import fields

import cv2
import numpy as np
import torch

from floorseg.core.consensus import Regions
from floorseg.core.edge_smoothing import Edges
from floorseg.core.overlap import Overlap, in_common

_BETTER = 0.05  # of the rim: so much more of the union's lies on edges than of either part's
_NESTED = 0.8  # of the smaller region: one that lies in the other adds nothing to it
_LEAST = 0.05  # quality of a part
_SIDE = 128  # cells a side of the grid that neighbours are found on


def with_unions(regions: Regions, edges: Edges) -> Regions:
    """The regions, and behind them the unions of two that follow the edges better than both.

    Args:
        regions: with ``followed`` as ``edges`` has it.
        edges: of the plan, on the regions' grid.
    """
    if len(regions) < 2:
        return regions
    pairs = _neighbours(regions)
    masks = regions.logits > 0
    followed = edges.followed(torch.from_numpy(masks[pairs[:, 0]] | masks[pairs[:, 1]])).numpy()
    better = followed > regions.followed[pairs].max(axis=1) + _BETTER
    if not better.any():
        return regions
    unions = _unions(regions, pairs[better], followed[better])
    both = ((getattr(regions, each.name), getattr(unions, each.name)) for each in fields(Regions))
    return Regions(*map(np.concatenate, both))


def _neighbours(regions: Regions) -> np.ndarray:
    """int (P, 2): pairs of regions that touch or overlap, neither inside the other."""
    step = max(1, regions.logits.shape[1] // _SIDE)
    masks = np.ascontiguousarray(regions.logits[:, ::step, ::step] > 0)
    grown = [cv2.dilate(mask.view(np.uint8), np.ones((3, 3), np.uint8)) for mask in masks]
    flat = masks.reshape(len(masks), -1).astype(np.float32)
    wide = np.array(grown, dtype=np.float32).reshape(flat.shape)
    good = regions.quality >= _LEAST
    meet = (in_common(wide, flat) > 0) & good[:, None] & good[None, :]
    return np.argwhere(np.triu(meet & ~Overlap.of(masks).above(_NESTED), 1))


def _unions(regions: Regions, pairs: np.ndarray, followed: np.ndarray) -> Regions:
    """What is known of unions: of scores the mean, the larger and better part counting more."""
    area = (regions.logits > 0).sum(axis=(1, 2))
    logits = regions.logits[pairs].max(axis=1)
    weights = (regions.quality * area)[pairs]
    weights /= weights.sum(axis=1, keepdims=True)
    votes = (regions.agreement * area)[pairs].sum(axis=1)
    best = pairs[np.arange(len(pairs)), regions.quality[pairs].argmax(axis=1)]
    return Regions(
        logits=logits,
        scores=(regions.scores[pairs] * weights).sum(axis=1).astype(np.float32),
        stability=(regions.stability[pairs] * weights).sum(axis=1).astype(np.float32),
        agreement=np.minimum(1, votes / (logits > 0).sum(axis=(1, 2))).astype(np.float32),
        points=regions.points[best],
        followed=followed.astype(np.float32),
    )
