"""Many clicks' answers -> the few regions they agree on.

A room answers the same wherever it is clicked. So answers that are nearly the same mask are one
region, their mean is a better mask than any of them, and the share of the clicks inside that found
it says how far to trust it: furniture is found by clicks on it alone, the union of two rooms by few
of the clicks in either.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from floorseg.core.candidates import Candidates
from floorseg.core.edge_smoothing import USUALLY_FOLLOWED

_SAME = 0.7  # IoU from which two answers are one region
_SIDE = 64  # overlaps are measured on a grid of so many cells a side
_PRIOR = 1.0  # votes that a region starts with: one click inside and one vote is no proof


@dataclass(frozen=True, slots=True, eq=False)
class Regions:
    """What the clicks agree on.

    Attributes:
        logits: float32 (R, h, w), mean of the answers; above 0 is inside.
        scores: float32 (R,), mean of the model's scores.
        stability: float32 (R,), mean.
        agreement: float32 (R,), share of the clicks inside whose answer it is, in [0, 1].
        points: float32 (R, 2), the (x, y) click with the best answer.
        followed: float32 (R,), how much of the rim lies on edges of the plan, see
            ``Edges.followed``; what is usual where nobody looked.
    """

    logits: np.ndarray
    scores: np.ndarray
    stability: np.ndarray
    agreement: np.ndarray
    points: np.ndarray
    followed: np.ndarray

    def __len__(self) -> int:
        return len(self.scores)

    def __getitem__(self, chosen: np.ndarray) -> "Regions":
        return Regions(
            self.logits[chosen],
            self.scores[chosen],
            self.stability[chosen],
            self.agreement[chosen],
            self.points[chosen],
            self.followed[chosen],
        )

    @property
    def quality(self) -> np.ndarray:
        """float32 (R,), in [0, 1]: sure of itself, steady, and found from everywhere inside."""
        return self.scores * self.stability * self.agreement


def agree(found: Candidates, clicked: np.ndarray, size: tuple[int, int]) -> Regions:
    """Group answers into regions.

    Args:
        found: answers that passed a first look, several a click.
        clicked: float (N, 2), every (x, y) that was clicked, with an answer or without.
        size: (H, W) in pixels, of the picture that points are given in.
    """
    logits = found.logits.float()
    coarse = coarse_masks(logits)
    same = pairwise_iou(coarse)
    quality = (found.scores * found.stability).cpu().numpy()
    free = np.ones(len(quality), dtype=bool)
    parts = []
    for leader in np.argsort(-quality, kind="stable"):
        if not free[leader]:
            continue
        members = np.flatnonzero(free & (same[leader] >= _SAME))
        free[members] = False
        free[leader] = False  # an answer too small for the grid overlaps not even itself
        parts.append((leader, np.union1d(members, [leader])))
    points = found.points.cpu().numpy()
    best = _best_answers(points, quality)
    rows = [_region(found, logits, quality, leader, members) for leader, members in parts]
    if not rows:
        side = found.logits.shape[1:]
        none = np.zeros(0, np.float32)
        return Regions(np.zeros((0, *side), np.float32), none, none, none, np.zeros((0, 2)), none)
    means = np.stack([row[0] for row in rows])
    agreement = [
        _agreement(mean > 0, points[np.intersect1d(members, best)], clicked, size)
        for mean, (_, members) in zip(means, parts, strict=True)
    ]
    return Regions(
        logits=means,
        scores=np.array([row[1] for row in rows], np.float32),
        stability=np.array([row[2] for row in rows], np.float32),
        agreement=np.array(agreement, np.float32),
        points=points[[leader for leader, _ in parts]],
        followed=np.full(len(rows), USUALLY_FOLLOWED, np.float32),
    )


def coarse_masks(logits: Tensor) -> Tensor:
    """float32 (K, cells): the masks on a small grid, 0 or 1, for measuring overlaps.

    Args:
        logits: float32 (K, h, w).
    """
    step = max(1, logits.shape[-1] // _SIDE)
    pooled = F.avg_pool2d(logits[:, None], step)
    return (pooled > 0).flatten(1).float()


def pairwise_iou(masks: Tensor) -> np.ndarray:
    """float32 (K, K) of masks (K, cells)."""
    inter = masks @ masks.T
    area = masks.sum(dim=1)
    union = area[:, None] + area[None, :] - inter
    return (inter / union.clamp(min=1)).cpu().numpy()


def _best_answers(points: np.ndarray, quality: np.ndarray) -> np.ndarray:
    """Places of the one answer of every click that the model holds for its best: its vote."""
    order = np.argsort(-quality, kind="stable")
    _, first = np.unique(points[order], axis=0, return_index=True)
    return order[first]


def _region(
    found: Candidates, logits: Tensor, quality: np.ndarray, leader: int, members: np.ndarray
) -> tuple[np.ndarray, float, float]:
    """Mean logits, score and stability of some answers, better answers counting more."""
    chosen = torch.from_numpy(members).to(logits.device)
    weights = torch.from_numpy(quality[members] ** 2).to(logits.device)
    weights = weights / weights.sum().clamp(min=1e-6)
    mean = (logits[chosen].clamp(-8, 8) * weights[:, None, None]).sum(dim=0)
    score = float((found.scores[chosen] * weights).sum())
    return mean.cpu().numpy(), score, float((found.stability[chosen] * weights).sum())


def _agreement(
    mask: np.ndarray, voters: np.ndarray, clicked: np.ndarray, size: tuple[int, int]
) -> float:
    """Share of the clicks inside a mask that voted for it."""
    inside = int(_hits(mask, clicked, size).sum())
    votes = int(_hits(mask, voters, size).sum())
    return (votes + _PRIOR * 0.5) / (inside + _PRIOR) if inside else 0.5


def _hits(mask: np.ndarray, points: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """bool (N,): which points, in pixels of the picture, lie inside a mask of any size."""
    if len(points) == 0:
        return np.zeros(0, dtype=bool)
    height, width = mask.shape
    x = np.clip(points[:, 0] * width / size[1], 0, width - 1).astype(int)
    y = np.clip(points[:, 1] * height / size[0], 0, height - 1).astype(int)
    return mask[y, x]
