"""Crumbs beside a mask and holes in it, which no room has: what small models leave.

SAM 2's own predictor takes them away below a number of pixels (``max_sprinkle_area`` and
``max_hole_area``); here it is a part of the mask, so that it means the same for a closet and a
hall, and thin networks, as all walls in one mask, keep their large holes.
"""

import cv2
import numpy as np
import torch
from torch import Tensor

PART = 0.1  # of the mask: smaller pieces are crumbs, smaller holes are filled
_SURE = 10.0  # logits, as sam2 sets what it takes away or fills


def without_sprinkles(logits: Tensor, part: float = PART) -> Tensor:
    """Logits without crumbs and small holes: above 0 is inside, before and after.

    Args:
        logits: float32 (..., h, w), at the decoder's resolution.
        part: pieces smaller than this part of the largest piece go, holes smaller than this part
            of the mask are filled.
    """
    flat = logits.cpu().numpy().reshape(-1, *logits.shape[-2:])
    tidied = np.stack([_tidied(one, part) for one in flat]) if len(flat) else flat
    return torch.from_numpy(tidied).to(logits.device).reshape(logits.shape)


def crumbs_of(mask: np.ndarray, part: float = PART) -> np.ndarray:
    """bool (H, W): pieces of a bool mask smaller than this part of its largest piece."""
    pieces, sizes, _ = _pieces(mask, connectivity=4)
    least = part * sizes.max(initial=0)
    return np.asarray(np.concatenate([[False], sizes < least])[pieces])


def _tidied(logits: np.ndarray, part: float) -> np.ndarray:
    inside = logits > 0
    crumbs = crumbs_of(inside, part)
    inside &= ~crumbs
    gaps, gap_sizes, at_edge = _pieces(~inside, connectivity=8)
    small = (gap_sizes < part * np.count_nonzero(inside)) & ~at_edge
    holes = np.concatenate([[False], small])[gaps]
    if not crumbs.any() and not holes.any():
        return logits
    tidied = logits.copy()
    tidied[crumbs] = -_SURE
    tidied[holes] = _SURE
    return tidied


def _pieces(mask: np.ndarray, *, connectivity: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Number of the piece at every pixel (0: none), each one's pixels, whether it is at an edge."""
    _, pieces, stats, _ = cv2.connectedComponentsWithStats(
        mask.view(np.uint8), connectivity=connectivity
    )
    x, y, width, height, area = stats[1:].T
    at_edge = (x == 0) | (y == 0)
    at_edge |= (x + width == mask.shape[1]) | (y + height == mask.shape[0])
    return pieces, area, at_edge
