"""The end of a training: its best weights learn which of the regions they find are rooms."""

import math
import os
import time
from collections.abc import Iterable, Iterator
from itertools import zip_longest
from typing import Any

import yaml

from floorseg.core.checkpoint_file import digest
from floorseg.data.annotation import Sample
from floorseg.data.dataset import open_dataset
from floorseg.data.spread import spread
from floorseg.errors import RunError
from floorseg.runs import RunFolder
from floorseg.training.room_odds_fit import FittedOdds, fit_odds

ROOM = "room"  # where plans have this class, what is of another is no room


def fit_final_odds(
    run: RunFolder, *, plans: int = 0, minutes: float = math.inf
) -> FittedOdds | None:
    """Fit the odds of rooms of a run's best weights, on plans that it was trained on.

    They go into ``best.pt`` itself, whose weights stay as they are.

    Args:
        run: with a best checkpoint.
        plans: how many to look at, at most, evenly spread over the split, and over both datasets
            of a mixed training; 0 for all.
        minutes: no plan is begun later than that.

    Returns:
        what was fitted; None where the run's ``dataset.odds`` names no split.

    Raises:
        RunError: if there are no best weights, or better ones came meanwhile.
        CheckpointError: if the plans do not tell enough.
        DatasetError: if the dataset cannot be read.
    """
    said: Any = yaml.safe_load(run.config.read_text(encoding="utf-8"))
    dataset = said.get("dataset") or {}
    if not dataset.get("folder") or not dataset.get("odds"):
        return None
    best = run.checkpoints / "best.pt"
    if not best.is_file():
        raise RunError(f"{run.name} has no best weights yet; they come with its first validation")
    parts = _trained_on(dataset, plans)
    labels = dataset.get("room_classes") or set().union(*map(_rooms_among, parts))
    # by turns: time may run short
    by_turns = (sample for some in zip_longest(*parts) for sample in some if sample is not None)
    samples = list(by_turns)[: plans or None]
    beside = best.with_name("best-with-odds.pt")
    beside.unlink(missing_ok=True)  # of a fit that was killed
    until, weights = time.monotonic() + 60 * minutes, digest(best)
    done = fit_odds(best, beside, _begun_before(until, samples), labels=labels, half=False)
    if digest(best) != weights:
        beside.unlink()
        raise RunError(
            f"{run.name} has got better weights since the fit began, which stay as they are; fit "
            "the odds of rooms when it has ended: python -m floorseg runs odds"
        )
    os.replace(beside, best)
    run.record("odds", plans=done.plans, regions=done.regions, before=done.before, after=done.after)
    return done


def _trained_on(dataset: dict[str, Any], plans: int) -> list[list[Sample]]:
    """So many plans in all, of each dataset that was trained on."""
    folders = [dataset[name] for name in ("folder", "second") if dataset.get(name)]
    share = math.ceil(plans / len(folders))
    return [
        spread(open_dataset(folder, dataset["odds"])[: dataset.get("limit")], share)
        for folder in folders
    ]


def _begun_before(end: float, samples: Iterable[Sample]) -> Iterator[Sample]:
    for sample in samples:
        if time.monotonic() > end:
            return
        yield sample


def _rooms_among(samples: Iterable[Sample]) -> set[str | None]:
    """The class of rooms in a dataset, where it has one; otherwise all its classes."""
    known = {annotation.category_name for sample in samples for annotation in sample.annotations}
    return {ROOM} if ROOM in known else known
