"""A part of an evaluation: the pictures whose place leaves a certain remainder, one by one.

Every process and every cluster job runs this; what is done already is left out, so any part may be
killed and started again, with any number of parts.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.asking import Answering
from eval.memory import forget_peak, peak_memory_mb
from eval.picture import Asking, FindAll, Record, evaluate_picture
from eval.plan import EvalPlan, read_plan
from eval.protocols import find_protocol
from eval.provenance import device_name
from eval.records import RecordWriter, read_records
from floorseg.core.checkpoint_file import digest
from floorseg.core.closeup import make_predictor
from floorseg.core.everything import everything
from floorseg.core.model import find_checkpoint, load_model
from floorseg.core.predictor import Predictor
from floorseg.core.structures import Progress, ProgressCallback, ignore_progress
from floorseg.data.annotation import Sample
from floorseg.data.dataset import Dataset
from floorseg.errors import DatasetError, ImageError, RunError, Stopped
from floorseg.settings import Settings

Stop = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Part:
    """Number ``number`` of ``count`` parts."""

    number: int = 0
    count: int = 1

    def holds(self, place: int) -> bool:
        """Whether a picture belongs to it."""
        return place % self.count == self.number


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """What is evaluated: how prompts are answered, and how everything is found without any."""

    predictor: Answering
    find_all: FindAll | None = None
    path: Path | None = None


def never() -> bool:
    """The ``stop`` of a caller who never wants to."""
    return False


def load_subject(plan: EvalPlan, device: str = "") -> Subject:
    """The checkpoint that a plan names, ready to answer.

    Args:
        plan: names it.
        device: where it shall run; "" for where the plan says.

    Raises:
        CheckpointError: if it is missing or damaged.
        RunError: if it is not the one that the plan was written for.
    """
    forget_peak()
    path = locate(plan.checkpoint)
    if plan.checkpoint_sha256 and digest(path) != plan.checkpoint_sha256:
        raise RunError(f"{path} has changed since this evaluation began; choose another --out")
    model = load_model(path, device or plan.device, image_size=plan.image_size or None)
    make = make_predictor if plan.close_ups else Predictor
    predictor = make(model, precision="float32")  # the same numbers on every machine
    return Subject(predictor, lambda found: everything(predictor, found, plan.preset), path)


def locate(checkpoint: str) -> Path:
    """The file of a checkpoint named on the command line.

    Raises:
        CheckpointError: if there is none.
    """
    settings = Settings()
    return find_checkpoint(checkpoint, (settings.checkpoints, settings.runs))


def do_part(
    folder: Path,
    part: Part,
    *,
    subject: Subject | None = None,
    device: str = "",
    progress: ProgressCallback = ignore_progress,
    stop: Stop = never,
) -> None:
    """Evaluate what is missing of a part, noting each picture as soon as it is done.

    Args:
        folder: of the evaluation; its plan lies there.
        part: which pictures.
        subject: what is evaluated; None to load the plan's checkpoint.
        device: where to load it; "" for where the plan says.
        progress: told after every picture.
        stop: asked before every picture.

    Raises:
        Stopped: if ``stop`` said so; what was finished is kept.
    """
    plan = read_plan(folder)
    dataset = plan.dataset()
    done = read_records(folder)
    places = [place for place in range(len(dataset)) if part.holds(place) and place not in done]
    if not places:
        return
    asked = subject or load_subject(plan, device)
    with RecordWriter(folder, part.number) as writer:
        for count, place in enumerate(places):
            progress(Progress(count, len(places), dataset.entries[place].source.name))
            if stop():
                raise Stopped(
                    f"stopped after {count} of {len(places)} pictures; the same command goes on"
                )
            writer.append({"place": place} | _one_picture(asked, plan, dataset, place))
    progress(Progress(len(places), len(places)))


def _one_picture(subject: Subject, plan: EvalPlan, dataset: Dataset, place: int) -> Record:
    """A picture's record, or the sentence that says why it could not be evaluated."""
    started = time.perf_counter()
    entry = dataset.entries[place]
    try:
        sample: Sample = dataset[place]
        name = _name(sample.image_path, dataset.folder)
        record = evaluate_picture(subject.predictor, sample, name, _asking(plan), subject.find_all)
    except (DatasetError, ImageError) as problem:
        return {"image": _name(entry.source, dataset.folder), "problem": str(problem)}
    return record | {
        "seconds": time.perf_counter() - started,
        "memory_mb": peak_memory_mb(),
        "device": device_name(getattr(subject.predictor, "device", None)),
    }


def _asking(plan: EvalPlan) -> Asking:
    return Asking(
        protocol=find_protocol(plan.protocol),
        clicks=plan.most_clicks,
        seed=plan.seed,
        labels=plan.labels,
    )


def _name(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.name


def check_complete(records: dict[int, Any], total: int) -> None:
    """Refuse to sum up a part of the pictures as if it were all.

    Raises:
        RunError: if pictures are missing, or none could be evaluated.
    """
    if len(records) < total:
        raise RunError(
            f"{total - len(records)} of {total} pictures are not evaluated yet; "
            "the same command goes on"
        )
    problems = [record["problem"] for record in records.values() if "problem" in record]
    if len(problems) == total:
        raise RunError(f"none of the {total} pictures could be evaluated; first: {problems[0]}")
