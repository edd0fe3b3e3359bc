"""How sure a figure is: bootstrap over pictures, paired differences, permutation.

Objects of one picture resemble each other, so pictures are drawn, not objects. Everything here is a
ratio of sums over pictures (a mean is: sum of values over number of values), so a draw costs two
dot products.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

DRAWS = 2000
PERMUTATIONS = 5000
CONFIDENCE = 0.95
_CHUNK = 500  # permutations held in memory at a time

Figure = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure and where it lies with 95 % confidence; ``count`` is how many values it is of."""

    mean: float
    low: float
    high: float
    count: int


class Verdict(StrEnum):
    """What may be said of B against A."""

    BETTER = "better"
    WORSE = "worse"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True, slots=True)
class Difference:
    """B minus A on the same objects.

    Attributes:
        mean: mean difference.
        low: lower end of its 95 % interval.
        high: upper end.
        p_value: how often pictures whose A and B are swapped at random differ as much.
        count: objects compared.
        verdict: better or worse where the interval leaves out 0 and the p-value is below 0.05.
    """

    mean: float
    low: float
    high: float
    p_value: float
    count: int
    verdict: Verdict


def interval(values: np.ndarray, pictures: np.ndarray, *, seed: int = 0) -> Interval | None:
    """Mean with its interval, drawn over pictures.

    Args:
        values: float (N,); NaN is left out.
        pictures: int (N,), which picture each value belongs to.
        seed: of the draws.

    Returns:
        None where there is no value.
    """
    kept = np.isfinite(values)
    if not kept.any():
        return None
    _, place = np.unique(pictures[kept], return_inverse=True)
    return interval_of_ratio(
        np.bincount(place, weights=values[kept]),
        np.bincount(place).astype(np.float64),
        count=int(kept.sum()),
        seed=seed,
    )


def interval_of_ratio(
    above: np.ndarray, below: np.ndarray, *, count: int, seed: int = 0
) -> Interval | None:
    """Ratio of two sums over pictures, with its interval.

    Args:
        above: float (pictures,), what each picture adds above the line.
        below: float (pictures,), and below it.
        count: how many values stand behind it.
        seed: of the draws.

    Returns:
        None where there is nothing below the line.
    """
    total = float(below.sum())
    if total <= 0:
        return None
    weights = draw_weights(len(above), seed=seed)
    low, high = percentiles(weights @ above, weights @ below)
    return Interval(float(above.sum()) / total, low, high, count)


def draw_weights(pictures: int, *, seed: int = 0, draws: int = DRAWS) -> np.ndarray:
    """float (draws, pictures): how often each picture is drawn, with replacement."""
    even = np.full(pictures, 1 / pictures)
    return np.random.default_rng(seed).multinomial(pictures, even, size=draws).astype(np.float64)


def percentiles(above: np.ndarray, below: np.ndarray) -> tuple[float, float]:
    """The interval's ends of ratios that were drawn; draws with nothing below the line are out."""
    ratios = above[below > 0] / below[below > 0]
    tail = (1 - CONFIDENCE) / 2 * 100
    low, high = np.percentile(ratios, [tail, 100 - tail])
    return float(low), float(high)


def difference(
    first: np.ndarray,
    second: np.ndarray,
    pictures: np.ndarray,
    *,
    higher_is_better: bool = True,
    seed: int = 0,
) -> Difference | None:
    """Second minus first, paired.

    Args:
        first: float (N,), A's value of each object.
        second: float (N,), B's value of the same objects.
        pictures: int (N,), which picture each object is on.
        higher_is_better: False for counts of clicks.
        seed: of the draws.

    Returns:
        None where no object has both values.
    """
    kept = np.isfinite(second - first)
    if not kept.any():
        return None
    _, place = np.unique(pictures[kept], return_inverse=True)
    count = np.bincount(place).astype(np.float64)
    sums = [np.bincount(place, weights=values[kept]) for values in (first, second)]
    return ratio_difference(
        sums[0], count, sums[1], count,
        count=int(kept.sum()), higher_is_better=higher_is_better, seed=seed,
    )  # fmt: skip


def ratio_difference(
    first_above: np.ndarray,
    first_below: np.ndarray,
    second_above: np.ndarray,
    second_below: np.ndarray,
    *,
    count: int | None = None,
    higher_is_better: bool = True,
    seed: int = 0,
) -> Difference | None:
    """Second minus first where each is a ratio of two sums over the same pictures.

    Args:
        first_above: float (pictures,), what each picture adds above A's line.
        first_below: float (pictures,), and below it.
        second_above: as ``first_above``, for B.
        second_below: as ``first_below``, for B.
        count: how many values stand behind it; None for the number of pictures.
        higher_is_better: False for counts of clicks.
        seed: of the draws.

    Returns:
        None where one of them has nothing below its line.
    """
    return paired_difference(
        np.stack([first_above, first_below], axis=1),
        np.stack([second_above, second_below], axis=1),
        mean_of_ratios, count=count, higher_is_better=higher_is_better, seed=seed,
    )  # fmt: skip


def paired_difference(
    first: np.ndarray,
    second: np.ndarray,
    figure: Figure,
    *,
    count: int | None = None,
    higher_is_better: bool = True,
    seed: int = 0,
) -> Difference | None:
    """Second minus first of any figure that is computed from sums over pictures.

    Args:
        first: float (pictures, K), what each picture adds to A's sums.
        second: the same for B.
        figure: sums float (N, K) -> the figure of each (N,), NaN where there is none.
        count: how many values stand behind it; None for the number of pictures.
        higher_is_better: False where less is better.
        seed: of the draws.

    Returns:
        None where one of them has no such figure.
    """
    parts = np.stack([first, second]).astype(np.float64)  # (2, pictures, K)
    if parts.shape[1] == 0:
        return None
    mean = float(_gap(figure, *parts.sum(axis=1)[:, None])[0])
    if not np.isfinite(mean):
        return None
    weights = draw_weights(parts.shape[1], seed=seed)
    drawn = _gap(figure, weights @ parts[0], weights @ parts[1])
    tail = (1 - CONFIDENCE) / 2 * 100
    low, high = (float(end) for end in np.nanpercentile(drawn, [tail, 100 - tail]))
    p_value = _permutation(parts, figure, abs(mean), seed)
    verdict = Verdict.CANNOT_TELL
    if p_value < 1 - CONFIDENCE and (low > 0 or high < 0):
        verdict = Verdict.BETTER if (mean > 0) == higher_is_better else Verdict.WORSE
    return Difference(mean, low, high, p_value, count or parts.shape[1], verdict)


def match_ratios(
    matched: np.ndarray, wrong: np.ndarray, missed: np.ndarray, iou: np.ndarray
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """What is divided by what, picture by picture, for the figures of a matching.

    Args:
        matched: answers that match an object (TP) of each picture.
        wrong: answers that match none (FP).
        missed: objects without an answer (FN).
        iou: sum of the matches' IoU.
    """
    half = matched + wrong / 2 + missed / 2
    return {
        "precision": (matched, matched + wrong),
        "recall": (matched, matched + missed),
        "f1": (matched, half),
        "mean_iou": (iou, matched),
        "room_integrity": (iou, half),
    }


def mean_of_ratios(sums: np.ndarray) -> np.ndarray:
    """Mean over classes of above / below, classes with nothing below their line left out.

    Args:
        sums: float (N, 2 * classes), those above all lines first.

    Returns:
        float (N,); NaN where no class has anything below its line.
    """
    above, below = np.split(sums, 2, axis=1)
    ratios = np.divide(above, below, out=np.zeros_like(above), where=below > 0)
    present = (below > 0).sum(axis=1)
    return np.divide(ratios.sum(axis=1), present, out=np.full(len(sums), np.nan), where=present > 0)


def _gap(figure: Figure, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Second figure minus first; NaN where one of them is absent."""
    return figure(second) - figure(first)


def _permutation(parts: np.ndarray, figure: Figure, observed: float, seed: int) -> float:
    """Share of random swaps of A and B, picture by picture, that differ at least as much."""
    rng = np.random.default_rng(seed + 1)
    change = parts[1] - parts[0]
    first, second = parts.sum(axis=1)
    reached = 0
    for start in range(0, PERMUTATIONS, _CHUNK):
        swap = rng.integers(0, 2, size=(min(_CHUNK, PERMUTATIONS - start), len(change)))
        moved = swap.astype(np.float64) @ change
        gaps = _gap(figure, first + moved, second - moved)
        reached += int((np.abs(gaps) >= observed - 1e-12).sum())
    return (1 + reached) / (1 + PERMUTATIONS)
