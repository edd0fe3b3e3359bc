"""Fit a checkpoint's own scores to the IoU they stand for, on plans with truth."""

import math
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from floorseg.core.calibration import calibration_error
from floorseg.core.checkpoint_file import (
    digest,
    read_checkpoint,
    refuse_existing,
    save_checkpoint,
)
from floorseg.core.closeup import edges_of, make_predictor
from floorseg.core.enlarge import enlarge
from floorseg.core.logistic import sigmoid
from floorseg.core.mask_scores import masks_say, own_part
from floorseg.core.metrics import mask_iou
from floorseg.core.model import load_model, verify_checkpoint
from floorseg.core.predictor import Predictor
from floorseg.core.prompts import box_of, centre_click
from floorseg.core.score_fit import ScoreFit, fit_scores, logit, rescale_scores
from floorseg.core.structures import Prompt
from floorseg.data.annotation import Sample
from floorseg.errors import CheckpointError

_ROUNDS = 2  # other scores choose other candidates, now and then: what they reach is fitted again


@dataclass(frozen=True, slots=True)
class Again:
    """Plans that are made anew each time they are gone through, one at a time."""

    begin: Callable[[], Iterator[Sample]]

    def __iter__(self) -> Iterator[Sample]:
        return self.begin()


@dataclass(frozen=True, slots=True)
class Calibrated:
    """What a fit did: how far the scores were off on average, before and after, and over what."""

    fit: ScoreFit
    answers: int
    before: float
    after: float


def calibrate(
    source: Path,
    target: Path,
    samples: Iterable[Sample],
    *,
    labels: Collection[str] = (),
    half: bool = True,
) -> Calibrated:
    """Write a copy of a checkpoint whose scores fit what they reach on these plans.

    Args:
        source: any checkpoint ``load_model`` reads.
        target: the file to write; it must not exist.
        samples: plans that the model was not trained on, best those of ``valid``; gone through
            twice.
        labels: only masks of these classes; all where empty.
        half: in half precision.

    Raises:
        CheckpointError: if the target exists or the plans do not tell enough.
    """
    refuse_existing(target)
    model = load_model(source)
    total, before = ScoreFit(1.0, 0.0), math.nan
    for number in range(_ROUNDS):
        found = answers(make_predictor(model), samples, labels)
        try:
            fit = found.fit()
        except ValueError as problem:
            raise CheckpointError(
                f"the scores of {source} cannot be fitted: {problem}"
            ) from problem
        rescale_scores(model, fit)
        total = total.then(fit)
        before = calibration_error(found.score, found.iou) if number == 0 else before
    origin = {
        **read_checkpoint(source).origin,
        "scores_fitted_from_sha256": digest(source),
        "scores_fitted_on": f"{len(found)} answers",
    }
    save_checkpoint(
        target, model.cpu(), architecture=verify_checkpoint(source).architecture,
        image_size=int(model.image_size), half=half, origin=origin,
    )  # fmt: skip
    after = calibration_error(found.scores_after(fit), found.iou)
    return Calibrated(total, len(found), before, after)


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """The candidates that were chosen.

    Attributes:
        score: float64 (N,), in [0, 1].
        iou: float64 (N,), what they reached.
        part: float64 (N,), how much of each score, in logits, is the model's own.
        added: float64 (N,), and what the masks add to it.
    """

    score: np.ndarray
    iou: np.ndarray
    part: np.ndarray
    added: np.ndarray

    def __len__(self) -> int:
        return len(self.score)

    @property
    def own(self) -> np.ndarray:
        """float64 (N,): what the model's weights say, in [0, 1]."""
        return sigmoid((logit(self.score) - self.added) / self.part)

    def fit(self) -> ScoreFit:
        """What the weights should say.

        Raises:
            ValueError: if the answers do not tell enough.
        """
        return fit_scores(self.own, self.iou, self.added, self.part)

    def scores_after(self, fit: ScoreFit) -> np.ndarray:
        """float64 (N,): what the scores would be then."""
        return fit(self.own, self.added, self.part)


def answers(
    predictor: Predictor, samples: Iterable[Sample], labels: Collection[str] = ()
) -> Answers:
    """One click and one box on every mask: the chosen candidate's score, and the IoU it reached."""
    scores: list[float] = []
    reached: list[float] = []
    parts: list[float] = []
    added: list[float] = []
    for sample in samples:
        wanted = [a for a in sample.annotations if not labels or a.category_name in labels]
        masks = [a.mask() for a in wanted if a.area() > 0]
        prompts = [Prompt().with_point(centre_click(mask)) for mask in masks]
        prompts += [Prompt(box=box_of(mask)) for mask in masks]
        embedding = predictor.encode(sample.image())
        decoded = predictor.decode_logits(embedding, prompts)
        edges = edges_of(embedding)
        parts += [own_part(edges)] * len(prompts)
        added += masks_say(decoded.chosen(), edges).tolist()
        for place, best in enumerate(decoded.best().tolist()):
            found = enlarge(decoded.logits[place, best], embedding.size) > 0
            reached.append(mask_iou(found.cpu().numpy(), masks[place % len(masks)]))
            scores.append(float(decoded.scores[place, best]))
    return Answers(np.array(scores), np.array(reached), np.array(parts), np.array(added))
