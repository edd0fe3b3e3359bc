"""Make a model's own score mean what it says: Platt's scaling, folded into the weights.

Two numbers, fitted on plans with truth, stretch and shift what goes into the score's sigmoid. The
order of a prompt's candidates stays as it was, and the model stays plain SAM 2.
"""

from dataclasses import dataclass

import numpy as np
import torch
from sam2.modeling.sam2_base import SAM2Base

from floorseg.core.logistic import fit_logistic, sigmoid
from floorseg.errors import CheckpointError

_CUT = 1e-4  # scores nearer to 0 or 1 than that have no finite logit worth fitting


@dataclass(frozen=True, slots=True)
class ScoreFit:
    """``sigmoid(scale * logit(score) + shift)`` estimates the IoU; (1, 0) changes nothing."""

    scale: float
    shift: float

    def __call__(
        self,
        score: np.ndarray,
        added: np.ndarray | float = 0.0,
        part: np.ndarray | float = 1.0,
    ) -> np.ndarray:
        """What scores become: float64 (N,) in (0, 1).

        Args:
            score: the model's own, float (N,) in [0, 1].
            added: logits, float (N,), that are added later.
            part: of the model's own logits, that count then.
        """
        return sigmoid(part * (self.scale * logit(score) + self.shift) + added)

    def then(self, other: "ScoreFit") -> "ScoreFit":
        """Both, one after the other."""
        return ScoreFit(other.scale * self.scale, other.scale * self.shift + other.shift)


def fit_scores(
    score: np.ndarray,
    iou: np.ndarray,
    added: np.ndarray | float = 0.0,
    part: np.ndarray | float = 1.0,
) -> ScoreFit:
    """Least cross entropy of the true IoU, by Newton's method (Platt, 1999, with soft targets).

    Args:
        score: the model's own, float (N,) in [0, 1], of the candidates it chose.
        iou: what they reached, float (N,) in [0, 1].
        added: logits, float (N,), that are added to the fitted scores, see ``closeup``.
        part: of the fitted scores' logits, that count then.

    Raises:
        ValueError: if there is nothing to fit, or good answers have lower scores than bad ones,
            so that no stretching helps.
    """
    score, iou = np.asarray(score, np.float64), np.asarray(iou, np.float64)
    if len(score) < 2 or score.shape != iou.shape:
        raise ValueError(f"two scores with their IoU are needed, got {len(score)} and {len(iou)}")
    columns = np.stack([part * logit(score), part * np.ones_like(score)], axis=1)
    weights = fit_logistic(columns, iou, start=np.array([1.0, 0.0]), offset=added)
    if weights[0] <= 0:
        raise ValueError(
            "good answers have lower scores than bad ones here: train the model longer"
        )
    return ScoreFit(float(weights[0]), float(weights[1]))


@torch.no_grad()
def rescale_scores(model: SAM2Base, fit: ScoreFit) -> None:
    """Fold a fit into the last layer of the model's score head, in place.

    Raises:
        CheckpointError: if the model's scores do not end in a sigmoid.
    """
    head = model.sam_mask_decoder.iou_prediction_head
    if not head.sigmoid_output:
        raise CheckpointError(
            "this model's scores do not end in a sigmoid (it is older than SAM 2), so they cannot "
            "be rescaled; leave them as they are"
        )
    last = head.layers[-1]
    last.weight.mul_(fit.scale)
    last.bias.mul_(fit.scale).add_(fit.shift)


def logit(score: np.ndarray) -> np.ndarray:
    """float64 (N,): the inverse of a sigmoid, of scores that may be 0 or 1."""
    inner = np.clip(np.asarray(score, np.float64), _CUT, 1 - _CUT)
    return np.log(inner / (1 - inner))
