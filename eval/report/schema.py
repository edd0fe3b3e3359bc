"""What stands in ``report.json`` and in ``rows.parquet``: the documented schema."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from eval.statistics import Interval
from floorseg.core.calibration import CalibrationBin

SCHEMA = 1

ROW_COLUMNS: Mapping[str, str] = {
    "place": "the picture's place in the dataset (int)",
    "image": "the picture, relative to the dataset's folder",
    "height": "of the picture, pixels",
    "width": "of the picture, pixels",
    "instance": "the annotation's id",
    "label": "its class",
    "area": "its pixels",
    "share": "its part of the picture, 0 to 1",
    "band": "its size band",
    "trial": "which of the protocol's trials",
    "iou": "after the first prompt, of the answer that the model prefers",
    "best_iou": "of the best of the candidates to the first prompt",
    "boundary_iou": "after the first prompt",
    "dice": "after the first prompt",
    "score": "the model's own score of that answer",
    "ious": "after each prompt (list)",
    "noc_85": "clicks to IoU 0.85, capped at the protocol's clicks; null where none are made",
    "noc_90": "clicks to IoU 0.90",
    "auc": "mean IoU over the first ten clicks",
    "points": "the clicks made, JSON [[x, y, inside], ...] in pixels of the picture",
    "box": "the box given, JSON [x0, y0, x1, y1], or null",
    "answer": "the first answer as COCO's compressed counts, size [height, width]",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointFacts:
    """Which weights: name, file, digest, model, and whether it looked more than once."""

    name: str
    file: str
    sha256: str
    architecture: str
    parameters: int
    image_size: int
    close_ups: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFacts:
    """Which pictures. ``digest`` covers the annotations and the pictures that were evaluated."""

    folder: str
    split: str
    digest: str
    images: int
    objects: int
    empty_masks: int
    limit: int
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolFacts:
    """How the model was prompted; ``describes`` is what the definition says."""

    name: str
    version: int
    describes: str
    source: str
    trials: tuple[str, ...]
    headline: tuple[str, ...]
    clicks: int
    seed: int
    preset: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Where, when and with what."""

    command: str
    created: str  # ISO 8601, UTC
    device: str
    versions: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePoint:
    """Mean IoU after so many clicks."""

    clicks: int
    iou: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupScore:
    """A class, a size band or a trial.

    Attributes:
        name: of the class, band or trial.
        objects: how many are in it.
        iou: after the first prompt.
        last_iou: after the last prompt.
        best_iou: best of the candidates to the first prompt.
        boundary_iou: after the first prompt.
        pixel_iou: of a class, all its pixels counted together; None for other groups.
    """

    name: str
    objects: int
    iou: Interval | None
    last_iou: Interval | None
    best_iou: Interval | None
    boundary_iou: Interval | None
    pixel_iou: Interval | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchScores:
    """The protocol ``everything`` at one IoU threshold."""

    threshold: float
    matched: int
    wrong: int
    missed: int
    precision: Interval | None
    recall: Interval | None
    f1: Interval | None
    mean_iou: Interval | None
    room_integrity: Interval | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What it took. Times depend on the machine and are no part of a comparison's verdict."""

    encode_seconds: float | None  # a picture, median
    prompt_seconds: float | None  # a prompt, mean; everything: all regions of a picture
    image_seconds: float | None  # everything for one picture, median
    prompts: int
    peak_memory_mb: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A row of the table worth looking at."""

    place: int
    image: str
    instance: str
    label: str
    trial: str
    iou: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A picture that could not be evaluated, and why."""

    image: str
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalReport:
    """One checkpoint on one split under one protocol.

    Attributes:
        scores: headline figures by name, see ``SCORES`` for what each means; those that the
            protocol does not give are missing.
        curve: mean IoU over the clicks; empty where none were made.
        labels: by class.
        bands: by size.
        trials: by trial.
        histogram: objects by IoU after the first prompt, 20 equal bins from 0 to 1.
        calibration: true IoU against the model's own score.
        matches: of the protocol ``everything``, by threshold.
        coco: average precision and recall of ``everything`` by pycocotools, by its own names.
        worst, median, best: examples for a gallery, from the headline trials.
        schema: of this file.
    """

    checkpoint: CheckpointFacts
    data: DataFacts
    protocol: ProtocolFacts
    environment: Environment
    scores: Mapping[str, Interval]
    cost: Cost
    curve: tuple[CurvePoint, ...] = ()
    labels: tuple[GroupScore, ...] = ()
    bands: tuple[GroupScore, ...] = ()
    trials: tuple[GroupScore, ...] = ()
    histogram: tuple[int, ...] = ()
    calibration: tuple[CalibrationBin, ...] = ()
    matches: tuple[MatchScores, ...] = ()
    coco: Mapping[str, float] = field(default_factory=dict)
    worst: tuple[Example, ...] = ()
    median: tuple[Example, ...] = ()
    best: tuple[Example, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    schema: int = SCHEMA
