"""Many clicks' answers -> the few regions they agree on.

A room answers the same wherever it is clicked. So answers that are nearly the same mask are one
region, their mean is a better mask than any of them, and the share of the clicks inside that found
it says how far to trust it: furniture is found by clicks on it alone, the union of two rooms by few
of the clicks in either.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from floorseg.core.candidates import Candidates, join
from floorseg.core.edge_smoothing import USUALLY_FOLLOWED

_SAME = 0.7  # IoU from which two answers are one region
_SIDE = 64  # overlaps are measured on a grid of so many cells a side
_PRIOR = 1.0  # votes that a region starts with: one click inside and one vote is no proof

# logits float32 (R, h, w) -> the same, finished, and how much of each rim lies on lines, (R,)
Finish = Callable[[Tensor], tuple[Tensor, Tensor]]


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


def _as_they_are(logits: Tensor) -> tuple[Tensor, Tensor]:
    """The finish of regions whose lines nobody looked at."""
    return logits, torch.full((len(logits),), USUALLY_FOLLOWED)


class Ballot:
    """Clicks, their answers, and what they agree on so far.

    More clicks change few regions: what is known of the others is not worked out again.

    Args:
        size: (H, W) in pixels, of the picture that clicks are given in.
        finish: what becomes of the regions' means, which are a little ragged.
    """

    def __init__(self, size: tuple[int, int], finish: Finish = _as_they_are) -> None:
        self._size, self._finish = size, finish
        self._found: list[Candidates] = []
        self._coarse: list[Tensor] = []
        self._known: dict[bytes, _Region] = {}
        self.clicked = np.zeros((0, 2), np.float32)

    def add(self, clicked: np.ndarray, found: Candidates) -> None:
        """Count more answers.

        Args:
            clicked: float (N, 2), every (x, y) that was clicked, with an answer or without.
            found: answers that passed a first look, several a click.
        """
        self.clicked = np.concatenate([self.clicked, clicked])
        self._found.append(found)
        self._coarse.append(coarse_masks(found.logits.float()))

    @property
    def found(self) -> Candidates:
        """All answers."""
        if len(self._found) > 1:
            self._found = [join(self._found)]
        return self._found[0]

    def regions(self) -> Regions:
        """The answers, grouped into regions."""
        found = self.found
        quality = (found.scores * found.stability).cpu().numpy()
        parts = _grouped(pairwise_iou(torch.cat(self._coarse)), quality)
        if not parts:
            side = found.logits.shape[1:]
            none = np.zeros(0, np.float32)
            return Regions(
                np.zeros((0, *side), np.float32), none, none, none, np.zeros((0, 2)), none
            )
        rows = self._rows(found, quality, [members for _, members in parts])
        points = found.points.cpu().numpy()
        best = _best_answers(points, quality)
        agreement = [
            _agreement(row.voted, points[np.intersect1d(members, best)], self.clicked, self._size)
            for row, (_, members) in zip(rows, parts, strict=True)
        ]
        return Regions(
            logits=np.stack([row.logits for row in rows]),
            scores=np.array([row.score for row in rows], np.float32),
            stability=np.array([row.stability for row in rows], np.float32),
            agreement=np.array(agreement, np.float32),
            points=points[[leader for leader, _ in parts]],
            followed=np.array([row.followed for row in rows], np.float32),
        )

    def _rows(
        self, found: Candidates, quality: np.ndarray, parts: list[np.ndarray]
    ) -> list["_Region"]:
        """What is known of each region, by the answers that are its members."""
        named = {members.tobytes(): members for members in parts}  # a region is its members
        new = {name: members for name, members in named.items() if name not in self._known}
        if new:
            regions = self._measured(found, quality, list(new.values()))
            self._known.update(zip(new, regions, strict=True))
        self._known = {name: self._known[name] for name in named}
        return list(self._known.values())

    def _measured(
        self, found: Candidates, quality: np.ndarray, parts: list[np.ndarray]
    ) -> list["_Region"]:
        """The regions that some lots of answers are."""
        means, scores, steady = zip(*(_mean(found, quality, part) for part in parts), strict=True)
        logits = torch.stack(means)
        voted = (logits > 0).cpu().numpy()
        finished, followed = self._finish(logits)
        rows = zip(finished.cpu().numpy(), voted, scores, steady, followed.tolist(), strict=True)
        return [_Region(*row) for row in rows]


@dataclass(frozen=True, slots=True, eq=False)
class _Region:
    """One region.

    Attributes:
        logits: float32 (h, w), finished.
        voted: bool (h, w), its mask before that, in which votes are counted.
        score: mean of the model's scores.
        stability: mean.
        followed: see ``Regions``.
    """

    logits: np.ndarray
    voted: np.ndarray
    score: float
    stability: float
    followed: float


def _grouped(same: np.ndarray, quality: np.ndarray) -> list[tuple[int, np.ndarray]]:
    """Leader and members of each group of answers, by their overlaps (K, K): the best lead."""
    free = np.ones(len(quality), dtype=bool)
    parts = []
    for leader in np.argsort(-quality, kind="stable").tolist():
        if not free[leader]:
            continue
        members = np.flatnonzero(free & (same[leader] >= _SAME))
        free[members] = False
        free[leader] = False  # an answer too small for the grid overlaps not even itself
        parts.append((leader, np.union1d(members, [leader])))
    return parts


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


def _mean(
    found: Candidates, quality: np.ndarray, members: np.ndarray
) -> tuple[Tensor, float, float]:
    """Mean logits, score and stability of some answers, better answers counting more."""
    chosen = torch.from_numpy(members).to(found.scores.device)
    weights = torch.from_numpy(quality[members] ** 2).to(chosen.device)
    weights = weights / weights.sum().clamp(min=1e-6)
    mean = (found.logits[chosen].float().clamp(-8, 8) * weights[:, None, None]).sum(dim=0)
    score = float((found.scores[chosen] * weights).sum())
    return mean, score, float((found.stability[chosen] * weights).sum())


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
