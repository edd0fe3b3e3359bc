"""Does the model know how good it is? Its own score against the IoU it really reached."""

from dataclasses import dataclass

import numpy as np

from floorseg.core.metrics import NAN


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """All answers whose own score lay in [low, high) ([low, 1] in the last bin)."""

    low: float
    high: float
    count: int
    mean_score: float
    mean_iou: float


def calibration_curve(
    score: np.ndarray, iou: np.ndarray, *, bins: int = 10
) -> list[CalibrationBin]:
    """True IoU against the model's own score, in bins of equal width.

    Args:
        score: the model's estimates, float (N,), clipped to [0, 1].
        iou: what was reached, float (N,).
        bins: how many, from 0 to 1.

    Returns:
        One entry a bin that holds an answer; empty bins are left out.
    """
    score = np.clip(np.asarray(score, dtype=np.float64), 0.0, 1.0)
    iou = np.asarray(iou, dtype=np.float64)
    edges = np.linspace(0.0, 1.0, bins + 1)
    place = bin_of(score, bins=bins)
    curve = []
    for i in np.unique(place).tolist():
        inside = place == i
        curve.append(
            CalibrationBin(
                low=float(edges[i]),
                high=float(edges[i + 1]),
                count=int(inside.sum()),
                mean_score=float(score[inside].mean()),
                mean_iou=float(iou[inside].mean()),
            )
        )
    return curve


def bin_of(score: np.ndarray, *, bins: int = 10) -> np.ndarray:
    """int (N,): which bin of equal width each score, clipped to [0, 1], lies in."""
    edges = np.linspace(0.0, 1.0, bins + 1)
    return np.clip(np.digitize(np.clip(score, 0.0, 1.0), edges) - 1, 0, bins - 1)


def calibration_error(score: np.ndarray, iou: np.ndarray, *, bins: int = 10) -> float:
    """Expected calibration error: mean distance of score and IoU over the bins, by their counts.

    Guo et al. 2017, with the reached IoU in the place of accuracy. NaN without answers.
    """
    curve = calibration_curve(score, iou, bins=bins)
    total = sum(b.count for b in curve)
    if not total:
        return NAN
    return sum(b.count * abs(b.mean_score - b.mean_iou) for b in curve) / total
