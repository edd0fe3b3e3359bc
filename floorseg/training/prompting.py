"""Clicks and boxes drawn from the truth while training: random, many objects at once.

Evaluation uses the exact ones of :mod:`floorseg.core.prompts`; people do not click exactly, so
training scatters them. Coordinates are (x, y), indices of pixels of the network's input.
"""

from dataclasses import dataclass

import cv2
import numpy as np

POSITIVE, NEGATIVE, UPPER_LEFT, LOWER_RIGHT = 1, 0, 2, 3  # labels of SAM's prompt encoder


@dataclass(frozen=True, slots=True)
class PromptMix:
    """Which prompts a training batch gets. Probabilities in [0, 1].

    Attributes:
        p_box: share of objects that start with a box; the others start with a click.
        p_centre: share of clicks near the middle; p_edge: share near the outline; the others fall
            anywhere inside.
        box_jitter: how far each side of a box may be off, as a fraction of the box.
        p_corrections: probability of 0, 1, 2, ... further clicks on the errors of a batch.
        correction_share: share of a batch's objects that get them, to save time.
        p_error_centre: share of corrections in the middle of the largest error; the others fall
            anywhere in the errors.
    """

    p_box: float = 0.35
    p_centre: float = 0.4
    p_edge: float = 0.15
    box_jitter: float = 0.1
    p_corrections: tuple[float, ...] = (0.5, 0.3, 0.2)
    correction_share: float = 0.5
    p_error_centre: float = 0.6

    def clicks(self, rng: np.random.Generator, masks: np.ndarray) -> np.ndarray:
        """One click inside each mask.

        Args:
            rng: where the scatter comes from.
            masks: bool (N, H, W), none empty.

        Returns:
            float32 (N, 2).
        """
        return np.array([self._click(rng, mask) for mask in masks], dtype=np.float32)

    def boxes(self, rng: np.random.Generator, masks: np.ndarray) -> np.ndarray:
        """A box around each mask, its sides a little off.

        Args:
            rng: where the scatter comes from.
            masks: bool (N, H, W), none empty.

        Returns:
            float32 (N, 2, 2): upper left and lower right corner.
        """
        height, width = masks.shape[1:]
        corners = np.array([_bounds(mask) for mask in masks], dtype=np.float32)
        size = corners[:, 2:] - corners[:, :2] + 1
        jitter = np.clip(rng.normal(0, self.box_jitter / 2, size=corners.shape), -0.3, 0.3)
        corners += jitter * np.concatenate([size, size], axis=1)
        corners = np.clip(corners, 0, [width - 1, height - 1, width - 1, height - 1])
        return corners.reshape(-1, 2, 2).astype(np.float32)

    def corrections(
        self, rng: np.random.Generator, truth: np.ndarray, predicted: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """One more click for each mask, on what is wrong with it.

        Where nothing is wrong the click falls inside the mask.

        Args:
            rng: where the scatter comes from.
            truth: bool (N, H, W), none empty.
            predicted: bool (N, H, W).

        Returns:
            points, float32 (N, 2), and labels, int32 (N,): 1 where the mask was missed.
        """
        points = np.empty((len(truth), 2), dtype=np.float32)
        labels = np.empty(len(truth), dtype=np.int32)
        for index, (wanted, got) in enumerate(zip(truth, predicted, strict=True)):
            points[index] = self._correction(rng, wanted, got)
            x, y = points[index].astype(int)
            labels[index] = POSITIVE if wanted[y, x] else NEGATIVE
        return points, labels

    def number_of_corrections(self, rng: np.random.Generator) -> int:
        """How many rounds of further clicks this batch gets."""
        chances = np.asarray(self.p_corrections, dtype=np.float64)
        return int(rng.choice(len(chances), p=chances / chances.sum()))

    def _click(self, rng: np.random.Generator, mask: np.ndarray) -> tuple[float, float]:
        how = rng.random()
        if how < self.p_centre:
            return _near_centre(rng, mask)
        if how < self.p_centre + self.p_edge:
            inner = cv2.erode(mask.view(np.uint8), np.ones((3, 3), np.uint8), borderValue=0)
            rim = mask & ~inner.view(bool)
            return _anywhere(rng, rim if rim.any() else mask)
        return _anywhere(rng, mask)

    def _correction(
        self, rng: np.random.Generator, wanted: np.ndarray, got: np.ndarray
    ) -> tuple[float, float]:
        wrong = wanted != got
        if not wrong.any():
            return _anywhere(rng, wanted)
        if rng.random() >= self.p_error_centre:
            return _anywhere(rng, wrong)
        left, top, right, bottom = _bounds(wrong)
        here = np.s_[top : bottom + 1, left : right + 1]  # a small part of the plan, often
        missed, extra = _largest(wrong[here] & wanted[here]), _largest(wrong[here] & got[here])
        x, y = _centre(missed if missed.sum() >= extra.sum() else extra)
        return x + left, y + top


def _anywhere(rng: np.random.Generator, region: np.ndarray) -> tuple[float, float]:
    inside = np.flatnonzero(region)
    y, x = divmod(int(inside[rng.integers(len(inside))]), region.shape[1])
    return float(x), float(y)


def _centre(region: np.ndarray) -> tuple[float, float]:
    distance, left, top = _distance(region)
    y, x = divmod(int(distance.argmax()), distance.shape[1])
    return float(x + left), float(y + top)


def _near_centre(rng: np.random.Generator, region: np.ndarray) -> tuple[float, float]:
    """A pixel at least as deep inside as a random share, half or more, of the deepest one."""
    distance, left, top = _distance(region)
    deep = np.flatnonzero(distance >= distance.max() * rng.uniform(0.5, 1.0))
    y, x = divmod(int(deep[rng.integers(len(deep))]), distance.shape[1])
    return float(x + left), float(y + top)


def _distance(region: np.ndarray) -> tuple[np.ndarray, int, int]:
    """Distance to the outline within the region's own bounds, and their left and top."""
    left, top, right, bottom = _bounds(region)
    framed = np.pad(region[top : bottom + 1, left : right + 1].astype(np.uint8), 1)
    return cv2.distanceTransform(framed, cv2.DIST_L2, 3)[1:-1, 1:-1], left, top


def _largest(region: np.ndarray) -> np.ndarray:
    count, labels, facts, _ = cv2.connectedComponentsWithStats(
        region.view(np.uint8), connectivity=4
    )
    if count <= 2:
        return region
    return labels == 1 + int(facts[1:, cv2.CC_STAT_AREA].argmax())


def _bounds(mask: np.ndarray) -> tuple[int, int, int, int]:
    """Left, top, right, bottom: the outermost pixels inside."""
    rows = np.flatnonzero(mask.any(axis=1))
    columns = np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]), int(rows[-1])
