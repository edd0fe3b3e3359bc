"""Fit a checkpoint's own scores to the IoU they stand for, on plans with truth."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from floorseg.core.calibration import calibration_error
from floorseg.core.checkpoint_file import digest, read_checkpoint, save_checkpoint
from floorseg.core.closeup import make_predictor
from floorseg.core.enlarge import enlarge
from floorseg.core.metrics import mask_iou
from floorseg.core.model import load_model, verify_checkpoint
from floorseg.core.predictor import Predictor
from floorseg.core.prompts import box_of, centre_click
from floorseg.core.score_fit import ScoreFit, fit_scores, rescale_scores
from floorseg.core.structures import Prompt
from floorseg.data.annotation import Sample
from floorseg.errors import CheckpointError


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
        samples: plans that the model was not trained on, best those of ``valid``.
        labels: only masks of these classes; all where empty.
        half: in half precision.

    Raises:
        CheckpointError: if the target exists or the plans do not tell enough.
    """
    if target.exists():
        raise CheckpointError(f"{target} exists already; remove it or choose another name")
    model = load_model(source)
    score, iou = answers(make_predictor(model), samples, labels)
    try:
        fit = fit_scores(score, iou)
    except ValueError as problem:
        raise CheckpointError(f"the scores of {source} cannot be fitted: {problem}") from problem
    rescale_scores(model, fit)
    origin = {
        **read_checkpoint(source).origin,
        "scores_fitted_from_sha256": digest(source),
        "scores_fitted_on": f"{len(score)} answers",
    }
    save_checkpoint(
        target, model.cpu(), architecture=verify_checkpoint(source).architecture,
        image_size=int(model.image_size), half=half, origin=origin,
    )  # fmt: skip
    return Calibrated(
        fit, len(score), calibration_error(score, iou), calibration_error(fit(score), iou)
    )


def answers(
    predictor: Predictor, samples: Iterable[Sample], labels: Collection[str] = ()
) -> tuple[np.ndarray, np.ndarray]:
    """One click and one box on every mask: the chosen candidate's score, and the IoU it reached.

    Returns:
        float64 (N,) and float64 (N,).
    """
    scores: list[float] = []
    reached: list[float] = []
    for sample in samples:
        wanted = [a for a in sample.annotations if not labels or a.category_name in labels]
        masks = [a.mask() for a in wanted if a.area() > 0]
        prompts = [Prompt().with_point(centre_click(mask)) for mask in masks]
        prompts += [Prompt(box=box_of(mask)) for mask in masks]
        embedding = predictor.encode(sample.image())
        decoded = predictor.decode_logits(embedding, prompts)
        for place, best in enumerate(decoded.best().tolist()):
            found = enlarge(decoded.logits[place, best], embedding.size) > 0
            reached.append(mask_iou(found.cpu().numpy(), masks[place % len(masks)]))
            scores.append(float(decoded.scores[place, best]))
    return np.array(scores), np.array(reached)
