"""Logistic regression with soft targets: what chances are fitted with."""

import numpy as np

_ROUNDS = 100
_RIDGE = 1e-6  # keeps the fit finite where a column says nothing


def sigmoid(logit: np.ndarray) -> np.ndarray:
    """float64 in (0, 1)."""
    return np.asarray(1 / (1 + np.exp(-np.asarray(logit, np.float64))))


def fit_logistic(
    columns: np.ndarray,
    target: np.ndarray,
    start: np.ndarray | None = None,
    offset: np.ndarray | float = 0.0,
    pull: np.ndarray | float = 0.0,
) -> np.ndarray:
    """Weights of least cross entropy, by Newton's method: ``sigmoid(columns @ weights + offset)``.

    Args:
        columns: float64 (N, C), one of them 1 everywhere for a constant.
        target: float64 (N,), in [0, 1].
        start: float64 (C,), kept where the columns do not tell; zeros by default.
        offset: float64 (N,), logits that are added whatever the weights.
        pull: float64 (C,), how strongly each weight is drawn to 0: half of it times the weight
            squared is added to the mean cross entropy.

    Returns:
        float64 (C,).
    """
    weights = np.zeros(columns.shape[1]) if start is None else start.astype(np.float64)
    pulled = np.broadcast_to(pull, weights.shape) * len(columns)
    for _ in range(_ROUNDS):
        expected = sigmoid(columns @ weights + offset)
        slope = columns.T @ (expected - target) + pulled * weights
        bend = (columns * (expected * (1 - expected))[:, None]).T @ columns + np.diag(pulled)
        step = np.linalg.solve(bend + _RIDGE * len(columns) * np.eye(len(weights)), slope)
        weights -= step / max(1.0, np.abs(step).max())  # far from the end Newton overshoots
        if np.abs(step).max() < 1e-9:
            break
    return weights
