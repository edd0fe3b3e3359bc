"""Fit a checkpoint's odds of rooms: which of the regions it finds on plans with truth are rooms."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from floorseg.core.checkpoint_file import (
    digest,
    read_checkpoint,
    refuse_existing,
    save_checkpoint,
)
from floorseg.core.closeup import make_predictor
from floorseg.core.logistic import fit_logistic, sigmoid
from floorseg.core.model import load_model, verify_checkpoint
from floorseg.core.overlap import Overlap
from floorseg.core.partition import find_regions
from floorseg.core.predictor import Predictor
from floorseg.core.presets import PRESETS
from floorseg.core.room_odds import KNOWN, RoomOdds, features, inside, odds_of
from floorseg.data.annotation import Sample
from floorseg.errors import CheckpointError

LEVELS = (0.5, 0.75)  # IoU: what reaches but the first counts half
PULL = 0.5  # of what is seen, in standard deviations: 0.2 to 0.6 did about as well on other plans
FEWEST = 50  # regions, rooms and others, that one can learn from


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """The regions of some plans.

    Attributes:
        known: float64 (N, 9), see ``core.room_odds.features``.
        seen: float64 (N, C), see ``core.room_odds.inside``.
        odds: float64 (N,), what the model held the odds for until now.
        right: float64 (N,): 1 for a room, 0 for none, between the two for a room badly drawn.
        plans: how many there were.
    """

    known: np.ndarray
    seen: np.ndarray
    odds: np.ndarray
    right: np.ndarray
    plans: int


@dataclass(frozen=True, slots=True, eq=False)
class FittedOdds:
    """What a fit did; both errors are mean cross entropies in nats over the regions it was made of.

    Attributes:
        odds: what was fitted.
        plans: how many plans it was made of.
        regions: how many regions.
        before: the error of the odds that the checkpoint had.
        after: the error now.
    """

    odds: RoomOdds
    plans: int
    regions: int
    before: float
    after: float


def fit_odds(
    source: Path,
    target: Path,
    samples: Iterable[Sample],
    *,
    labels: Iterable[str | None] = (),
    half: bool = True,
) -> FittedOdds:
    """Write a copy of a checkpoint that knows what rooms look like on these plans.

    Args:
        source: any checkpoint ``load_model`` reads.
        target: the file to write; it must not exist.
        samples: plans with truth, never those of a test; some hundred regions are enough.
        labels: only masks of these classes are rooms; all where empty.
        half: in half precision.

    Raises:
        CheckpointError: if the target exists or the plans do not tell enough.
    """
    refuse_existing(target)
    model = load_model(source)
    found = gather(make_predictor(model), samples, labels)
    odds = fit(found)
    file = read_checkpoint(source)
    notes = {
        **odds.notes(),
        "fitted_from_sha256": digest(source),
        "fitted_on": f"{len(found.right)} regions of {found.plans} plans",
    }
    save_checkpoint(
        target, file.weights, architecture=verify_checkpoint(source).architecture,
        image_size=int(model.image_size), half=half, origin=file.origin, room_odds=notes,
    )  # fmt: skip
    now = sigmoid(found.known @ odds.known + found.seen @ odds.seen)
    before, after = (_error(some, found.right) for some in (found.odds, now))
    return FittedOdds(odds, found.plans, len(found.right), before, after)


def gather(
    predictor: Predictor, samples: Iterable[Sample], labels: Iterable[str | None] = ()
) -> Judged:
    """Search plans for regions, as ``rooms`` does, and see which are rooms.

    Args:
        predictor: whose model is asked.
        samples: plans with truth.
        labels: only masks of these classes are rooms; all where empty.

    Raises:
        CheckpointError: if there are too few rooms, or nothing but rooms, to learn from.
    """
    wanted, plans = set(labels), 0
    parts: list[tuple[np.ndarray, ...]] = []
    for sample in samples:
        embedding = predictor.encode(sample.image())
        regions = find_regions(predictor, embedding, PRESETS["rooms"])
        plans += 1
        if len(regions) == 0:
            continue
        masks = regions.logits > 0
        overlap = Overlap.of(masks)
        parts.append((
            features(regions, overlap), inside(regions, embedding.image),
            odds_of(predictor.model).of(embedding.image, regions, overlap),
            rightness(masks, _rooms(sample, wanted)),
        ))  # fmt: skip
    rooms = sum(float(right.sum()) for *_, right in parts)
    others = sum(len(right) for *_, right in parts) - rooms
    if min(rooms, others) < FEWEST:
        raise CheckpointError(
            f"the odds of rooms cannot be fitted: of the regions on the plans given ({plans}) "
            f"{rooms:.0f} are rooms and {others:.0f} are not, {FEWEST} of both are needed; take "
            "more plans, or train the model longer"
        )
    known, seen, odds, right = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Judged(known, seen, odds, right, plans)


def fit(found: Judged) -> RoomOdds:
    """The odds of least cross entropy, those of what is seen drawn to 0."""
    mean, spread = found.seen.mean(axis=0), found.seen.std(axis=0) + 1e-6
    columns = np.concatenate([found.known, (found.seen - mean) / spread], axis=1)
    pull = np.concatenate([np.zeros(KNOWN), np.full(len(mean), PULL)])
    weights = fit_logistic(columns, found.right, pull=pull)
    known, seen = weights[:KNOWN].copy(), weights[KNOWN:] / spread
    known[-1] -= seen @ mean
    return RoomOdds(known, seen)


def _error(odds: np.ndarray, right: np.ndarray) -> float:
    return float(-(right * np.log(odds) + (1 - right) * np.log1p(-odds)).mean())


def _rooms(sample: Sample, labels: set[str | None]) -> list[np.ndarray]:
    """bool (H, W) each."""
    wanted = [a for a in sample.annotations if not labels or a.category_name in labels]
    return [annotation.mask() for annotation in wanted if annotation.area() > 0]


def rightness(masks: np.ndarray, rooms: list[np.ndarray]) -> np.ndarray:
    """How many of ``LEVELS`` the IoU of each region with the nearest room reaches.

    Args:
        masks: bool (R, h, w), of regions.
        rooms: bool (H, W) each, of the same plan.

    Returns:
        float64 (R,), a part of all levels.
    """
    if not rooms:
        return np.zeros(len(masks))
    size = masks.shape[2], masks.shape[1]
    small = [
        cv2.resize(mask.view(np.uint8) * np.uint8(255), size, interpolation=cv2.INTER_AREA)
        for mask in rooms
    ]
    truth = (np.stack(small) > 127).reshape(len(small), -1).astype(np.float32)
    found = masks.reshape(len(masks), -1).astype(np.float32)
    inter = found @ truth.T
    union = found.sum(axis=1)[:, None] + truth.sum(axis=1)[None, :] - inter
    best = (inter / np.maximum(union, 1)).max(axis=1)
    return np.asarray(np.mean([best >= level for level in LEVELS], axis=0))
