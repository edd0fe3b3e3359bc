"""One checkpoint, one split, one protocol -> a report. Resumes where it was left."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from eval import provenance, summary
from eval.coco import average_precision
from eval.plan import EvalPlan, write_plan
from eval.protocols import find_protocol
from eval.records import count_records, read_records
from eval.report import (
    PROGRESS,
    REPORT,
    Cost,
    EvalReport,
    Skipped,
    load_report,
    save_report,
)
from eval.table import make_table, save_table
from eval.work import Part, Stop, Subject, check_complete, do_part, load_subject, locate, never
from floorseg.core.checkpoint_file import digest
from floorseg.core.structures import Progress, ProgressCallback, ignore_progress
from floorseg.errors import RunError

Records = Mapping[int, Mapping[str, Any]]
Crew = Callable[[Path, ProgressCallback, Stop], None]


def evaluate(
    plan: EvalPlan,
    out: str | Path,
    *,
    subject: Subject | None = None,
    crew: Crew | None = None,
    command: Sequence[str] = (),
    progress: ProgressCallback = ignore_progress,
    stop: Stop = never,
) -> EvalReport:
    """Evaluate a checkpoint, or go on where an earlier call was stopped or killed.

    Args:
        plan: what to evaluate.
        out: folder of the report; see ``eval.report`` for what will lie in it.
        subject: what is evaluated; None to load the plan's checkpoint.
        crew: does the work elsewhere (processes, a cluster), see ``eval.crews`` and
            ``eval.cluster``; None for here.
        command: how this was started, for the report; None for this process's own command.
        progress: told how many pictures are done, and how long the rest will take.
        stop: asked before every picture.

    Returns:
        The report, which also lies in ``out``. A finished one is read and nothing is computed.

    Raises:
        Stopped: if ``stop`` said so; the same call goes on.
        RunError: if ``out`` holds another evaluation, or another process is at work on it.
        FloorsegError: if the checkpoint or the data cannot be used.
    """
    folder = Path(out)
    pinned = plan.pinned(digest(locate(plan.checkpoint)) if subject is None else "")
    write_plan(folder, pinned)
    if (folder / REPORT).is_file():
        return load_report(folder)
    with _claimed(folder):
        total = len(pinned.dataset())
        watch = _Watch(folder, total, progress)
        if count_records(folder) < total:
            if crew is None:
                do_part(folder, Part(), subject=subject, progress=watch.step, stop=stop)
            else:
                crew(folder, watch.step, stop)
        records = read_records(folder)
        check_complete(records, total)
        report = _sum_up(folder, pinned, records, subject or load_subject(pinned), command)
        watch.finish()
    return report


def _sum_up(
    folder: Path, plan: EvalPlan, records: Records, subject: Subject, command: Sequence[str]
) -> EvalReport:
    protocol = find_protocol(plan.protocol)
    clicks = plan.most_clicks
    table = make_table(records, clicks=clicks)
    if table.empty and not any("matches" in record for record in records.values()):
        raise RunError(f"{plan.data} holds no masks to evaluate; check the split and the labels")
    main = table[table["trial"].isin(protocol.headline)]
    pooled = main if len(main) else table
    painted = protocol.trials[0] in protocol.headline  # pixels are those of the first trial
    shown = summary.examples(pooled)
    report = EvalReport(
        checkpoint=provenance.checkpoint_facts(plan, subject.path, subject.predictor),
        data=provenance.data_facts(plan, records),
        protocol=provenance.protocol_facts(plan),
        environment=provenance.environment(records, command),
        scores=summary.score_all(pooled, records, clicks=clicks, painted=painted),
        cost=_cost(records),
        curve=tuple(summary.curve(pooled, clicks=clicks)),
        labels=tuple(
            summary.group_scores(
                pooled, "label", sorted(set(table["label"])), records if painted else None
            )
        ),
        bands=tuple(summary.bands(pooled)),
        trials=tuple(summary.group_scores(table, "trial", protocol.trials)),
        histogram=tuple(summary.histogram(pooled)),
        calibration=tuple(summary.calibration(pooled)),
        matches=tuple(summary.match_scores(records)),
        coco=average_precision(records) if plan.protocol == "everything" else {},
        worst=tuple(shown["worst"]),
        median=tuple(shown["median"]),
        best=tuple(shown["best"]),
        skipped=tuple(
            Skipped(image=record["image"], problem=record["problem"])
            for record in records.values()
            if "problem" in record
        ),
    )
    save_table(folder, table)
    save_report(folder, report)
    return report


def _cost(records: Records) -> Cost:
    done = [record for record in records.values() if "seconds" in record]
    prompts = sum(record["prompts"] for record in done)
    answering = sum(record["prompt_seconds"] for record in done if record["prompts"])
    return Cost(
        encode_seconds=_median([record["encode_seconds"] for record in done]),
        prompt_seconds=answering / prompts if prompts else None,
        image_seconds=_median([record["seconds"] for record in done]),
        prompts=prompts,
        peak_memory_mb=max((record["memory_mb"] for record in done), default=0.0),
    )


def _median(values: Sequence[float]) -> float | None:
    return float(np.median(values)) if values else None


class _Watch:
    """Turns a part's progress into the evaluation's, with the time left, for callers and the page.

    Args:
        folder: where ``progress.json`` is kept up to date.
        total: pictures in all.
        told: whom to tell.
    """

    def __init__(self, folder: Path, total: int, told: ProgressCallback) -> None:
        self._folder = folder
        self._total = total
        self._told = told
        self._before = count_records(folder)
        self._started = time.monotonic()

    def step(self, part: Progress) -> None:
        """``part`` counts what was missing when this process began."""
        done = self._before + part.done
        spent = time.monotonic() - self._started
        left = spent / part.done * (self._total - done) if part.done else None
        self._write(done, left)
        self._told(Progress(done, self._total, part.what))

    def finish(self) -> None:
        """Everything is done."""
        self._write(self._total, 0.0)
        self._told(Progress(self._total, self._total))

    def _write(self, done: int, left: float | None) -> None:
        facts = {"done": done, "total": self._total, "seconds_left": left, "time": time.time()}
        beside = self._folder / f".{PROGRESS}.{os.getpid()}"
        beside.write_bytes(orjson.dumps(facts))
        os.replace(beside, self._folder / PROGRESS)


@contextmanager
def _claimed(folder: Path) -> Iterator[None]:
    """Hold a folder for this process; the system lets go of it whatever way the process ends."""
    handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as busy:
            raise RunError(
                f"another process is evaluating into {folder}; wait for it or choose another --out"
            ) from busy
        yield
    finally:
        os.close(handle)
