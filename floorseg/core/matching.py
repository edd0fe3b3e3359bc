"""Many masks against many: which prediction answers which truth, and what that is worth.

The pairs are made best first: the pair with the highest IoU, then the next among what is left,
down to the threshold. With masks that do not overlap and a threshold above 0.5 there is only one
possible pairing (Kirillov et al., Panoptic Segmentation, 2019), so the order does not matter.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from floorseg.core.metrics import NAN


@dataclass(frozen=True, slots=True)
class Pair:
    """Truth number ``truth`` is answered by prediction number ``predicted``."""

    truth: int
    predicted: int
    iou: float


@dataclass(frozen=True, slots=True)
class MatchCounts:
    """What a matching counted. Counts add up: a split is the sum of its pictures.

    Attributes:
        matched: predictions that answer a truth (TP).
        wrong: predictions that answer none (FP).
        missed: truths without an answer (FN).
        iou: sum of the matched pairs' IoU.
    """

    matched: int = 0
    wrong: int = 0
    missed: int = 0
    iou: float = 0.0

    def __add__(self, other: Self) -> Self:
        return type(self)(
            self.matched + other.matched,
            self.wrong + other.wrong,
            self.missed + other.missed,
            self.iou + other.iou,
        )

    def precision(self) -> float:
        """Part of the predictions that answer a truth; NaN without predictions."""
        return _share(self.matched, self.matched + self.wrong)

    def recall(self) -> float:
        """Part of the truths that are answered; NaN without truths."""
        return _share(self.matched, self.matched + self.missed)

    def f1(self) -> float:
        """Harmonic mean of precision and recall: TP / (TP + FP/2 + FN/2)."""
        return _share(self.matched, self._half_sum())

    def room_integrity(self) -> float:
        """Sum of the matched IoU / (TP + FP/2 + FN/2) (VecFloorSeg, Yang et al. 2023).

        With matches above 0.5 this is the panoptic quality: a room in two halves loses twice.
        """
        return _share(self.iou, self._half_sum())

    def mean_iou(self) -> float:
        """Mean IoU of the matched pairs; NaN without any."""
        return _share(self.iou, self.matched)

    def _half_sum(self) -> float:
        return self.matched + self.wrong / 2 + self.missed / 2


def match(iou: np.ndarray, *, threshold: float = 0.5) -> list[Pair]:
    """Pair truths with predictions, best pair first, each used once.

    Args:
        iou: float array of shape (truths, predictions), as from ``metrics.pairwise_iou``. Set
            pairs that may not be (another class) to 0.
        threshold: pairs at or below this IoU are not made.

    Returns:
        The pairs, by falling IoU; among equals the lower truth, then the lower prediction first.
    """
    candidates = np.argwhere(iou > threshold)
    order = np.argsort(-iou[iou > threshold], kind="stable")
    truths: set[int] = set()
    predictions: set[int] = set()
    pairs = []
    for truth, predicted in candidates[order].tolist():
        if truth not in truths and predicted not in predictions:
            truths.add(truth)
            predictions.add(predicted)
            pairs.append(Pair(truth, predicted, float(iou[truth, predicted])))
    return pairs


def count_matches(iou: np.ndarray, *, threshold: float = 0.5) -> MatchCounts:
    """What :func:`match` found, as counts."""
    pairs = match(iou, threshold=threshold)
    truths, predictions = iou.shape
    return MatchCounts(
        matched=len(pairs),
        wrong=predictions - len(pairs),
        missed=truths - len(pairs),
        iou=float(sum(pair.iou for pair in pairs)),
    )


def _share(part: float, whole: float) -> float:
    return part / whole if whole else NAN
