"""Answers to many clicks, kept small: what every search for regions starts from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from floorseg.core.predictor import Embedding, Predictor
from floorseg.core.structures import Point, Progress, ProgressCallback, Prompt, ignore_progress
from floorseg.errors import Stopped

_BATCH = 64  # clicks between two looks at the stop button: tenths of a second on two cores


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Answers to clicks that passed a first look, at the decoder's resolution.

    Attributes:
        logits: float16 (K, h, w): half the memory; above 0 stays above 0 but for the tiniest.
        scores: float32 (K,).
        stability: float32 (K,).
        points: float32 (K, 2), the (x, y) click of each, in pixels of the original image.
    """

    logits: Tensor
    scores: Tensor
    stability: Tensor
    points: Tensor

    def __len__(self) -> int:
        return len(self.scores)

    def __getitem__(self, chosen: Tensor) -> "Candidates":
        return Candidates(
            self.logits[chosen], self.scores[chosen], self.stability[chosen], self.points[chosen]
        )


def never() -> bool:
    """The stop button of a caller who has none."""
    return False


def click_grid(per_side: int, size: tuple[int, int]) -> np.ndarray:
    """float32 (per_side ** 2, 2): (x, y) of the centres of equal cells, row by row.

    Args:
        per_side: cells in each direction.
        size: (H, W) in pixels.
    """
    at = (np.arange(per_side, dtype=np.float32) + 0.5) / per_side
    x, y = np.meshgrid(at * size[1], at * size[0])
    return np.stack([x, y], axis=-1).reshape(-1, 2)


def sweep(
    predictor: Predictor,
    embedding: Embedding,
    points: np.ndarray,
    *,
    min_score: float,
    min_stability: float,
    stability_offset: float,
    lenient: bool = False,
    multimask: bool = True,
    rough: bool = False,
    progress: ProgressCallback = ignore_progress,
    stop: Callable[[], bool] = never,
) -> Candidates:
    """Click every point by itself and keep the answers that pass.

    Args:
        predictor: whose model is asked.
        embedding: of the image.
        points: float (N, 2), (x, y) in pixels of the original image.
        min_score: answers that the model gives less (or the same) are dropped.
        min_stability: answers whose outline is less stable are dropped.
        stability_offset: how far, in logits, the cut is moved to judge that.
        lenient: keep also what might turn out to be stable when it is looked at in full size.
        multimask: three candidates for each click, or one.
        rough: see ``Predictor.decode_logits``.
        progress: called after every batch of clicks.
        stop: asked between batches.

    Raises:
        Stopped: if ``stop`` said so.
    """
    found = []
    for start in range(0, len(points), _BATCH):
        if stop():
            raise Stopped("stopped before the plan was searched to its end")
        some = points[start : start + _BATCH]
        prompts = [Prompt(points=(Point(float(x), float(y)),)) for x, y in some]
        decoded = predictor.decode_logits(
            embedding, prompts, multimask=multimask, rough=rough, above=min_score
        )
        count = decoded.scores.shape[1]
        good = (decoded.scores > min_score).flatten()
        logits, scores = decoded.logits.flatten(0, 1)[good], decoded.scores.flatten()[good]
        steady = stability(logits, stability_offset)
        margin = _stability_error(logits) if lenient else 0.0
        clicks = torch.from_numpy(some).to(scores.device).repeat_interleave(count, dim=0)[good]
        keep = steady >= min_stability - margin
        found.append(Candidates(logits[keep].half(), scores[keep], steady[keep], clicks[keep]))
        progress(Progress(start + len(some), len(points), "clicking"))
    return join(found) if found else _none(predictor)


def stability(logits: Tensor, offset: float) -> Tensor:
    """float32 (K,): IoU of each mask cut at ``offset`` and at ``-offset``; 0 where both are empty.

    Args:
        logits: (K, h, w).
        offset: in logits.
    """
    inner = (logits > offset).flatten(1).sum(dim=1, dtype=torch.int32)
    outer = (logits > -offset).flatten(1).sum(dim=1, dtype=torch.int32)
    return inner / outer.clamp(min=1)


def _stability_error(logits: Tensor) -> Tensor:
    """float32 (K,): how far stability at the decoder's resolution may be off, more if small."""
    pixels = (logits > 0).flatten(1).sum(dim=1).clamp(min=1)
    return 0.05 + 1.0 / pixels.sqrt()


def join(parts: Sequence[Candidates]) -> Candidates:
    """All candidates of one or more sweeps."""
    return Candidates(
        torch.cat([part.logits for part in parts]),
        torch.cat([part.scores for part in parts]),
        torch.cat([part.stability for part in parts]),
        torch.cat([part.points for part in parts]),
    )


def _none(predictor: Predictor) -> Candidates:
    side, device = predictor.logit_size, predictor.device
    none = torch.zeros(0, device=device)
    return Candidates(
        torch.zeros(0, side, side, dtype=torch.float16, device=device),
        none, none, torch.zeros(0, 2, device=device),
    )  # fmt: skip
