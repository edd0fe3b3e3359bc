"""How a run is doing, read from its folder: for the list, the page and the model card."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from floorseg.runs import RunFolder, RunState, list_runs

NOT_SCORES = {"event", "time", "step", "epoch", "minutes", "images_seen", "image_size", "best"}
NOT_TERMS = {
    "event", "time", "step", "epoch", "where", "lr", "images_per_second", "minutes", "image_size",
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class RunSummary:
    """What the table says about a run.

    Attributes:
        name: the folder's name.
        state: how it is doing.
        message: what it said when it ended, or "".
        began: when its folder was made.
        step: optimizer steps taken.
        epoch: epochs completed.
        share: of its schedule, in [0, 1].
        minutes: it has taken.
        minutes_left: it will take, as far as its pace so far tells; None where it does not run.
        images_per_second: at the last report; None before the first.
        learning_rate: at the last report.
        scores: of the last validation.
        best: the best value so far of the score it keeps checkpoints by.
        device: what it runs on.
        command: what was typed to start it.
        test: scores on the test split beside the base model's, where they have been measured.
        length: how long the run is, in ``unit``: "epochs", "steps" or "minutes".
    """

    name: str
    state: RunState
    message: str
    began: datetime
    step: int
    epoch: float
    share: float
    minutes: float
    minutes_left: float | None
    images_per_second: float | None
    learning_rate: float | None
    scores: Mapping[str, float]
    best: float | None
    device: str
    command: tuple[str, ...]
    test: Mapping[str, Any] = field(default_factory=dict)
    length: float = 0.0
    unit: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """Everything a run has reported over time.

    Attributes:
        terms: (step, value) of every loss term, of "lr" and of "images_per_second".
        scores: (step, value) of every validation score.
    """

    terms: Mapping[str, list[tuple[int, float]]]
    scores: Mapping[str, list[tuple[int, float]]]


def summarise(run: RunFolder) -> RunSummary:
    """The state of one run, now."""
    said = standing(run)
    steps = [event for event in said if event["event"] == "step"]
    validations = [event for event in said if event["event"] == "validation"]
    state = run.state()
    last: dict[str, Any] = steps[-1] if steps else {}
    newest = max(
        [last, *validations[-1:]], key=lambda event: (event.get("time", 0), event.get("step", 0))
    )
    finished = state is RunState.FINISHED
    share = 1.0 if finished else float(last.get("where", 0.0))
    minutes = float(newest.get("minutes", 0.0))
    provenance = run.read_json("provenance.json")
    length, unit = _length(run.config, run.config.stat().st_mtime_ns)
    return RunSummary(
        name=run.name,
        state=state,
        message=run.exit_message(),
        began=datetime.fromtimestamp(run.config.stat().st_ctime),
        step=int(newest.get("step", 0)),
        epoch=float(newest.get("epoch", 0)),
        share=share,
        minutes=minutes,
        minutes_left=_minutes_left(state, minutes, share),
        images_per_second=last.get("images_per_second"),
        learning_rate=last.get("lr"),
        scores=_scores(validations[-1]) if validations else {},
        best=max((float(v["best"]) for v in validations if "best" in v), default=None),
        device=str(provenance.get("device") or "cpu"),
        command=tuple(provenance.get("command", ())),
        test=run.read_json("test.json"),
        length=length,
        unit=unit,
    )


def summaries(runs: Path) -> list[RunSummary]:
    """Every run in a folder, newest first."""
    return [summarise(run) for run in list_runs(runs)]


def curves(run: RunFolder) -> Curves:
    """What there is to draw."""
    terms: dict[str, list[tuple[int, float]]] = {}
    scores: dict[str, list[tuple[int, float]]] = {}
    for event in standing(run):
        step = event.get("step")
        if step is None:
            continue
        if event["event"] == "step":
            wanted = {k: v for k, v in event.items() if k not in NOT_TERMS - {"lr"}}
            wanted["images_per_second"] = event.get("images_per_second", 0.0)
            _append(terms, int(step), wanted)
        elif event["event"] == "validation":
            _append(scores, int(step), _scores(event))
    return Curves(terms, scores)


def standing(run: RunFolder) -> list[dict[str, Any]]:
    """What a run reported, without what it did again after it had died and gone on from before.

    A checkpoint is written after a validation: going on at step 6, the steps from 6 on are done
    again, and so are later validations.
    """
    found: list[dict[str, Any]] = []
    for event in run.events():
        if event["event"] == "resumed":
            before = int(event["step"])
            found = [
                e for e in found
                if int(e.get("step", 0)) < before + (e["event"] == "validation")
            ]  # fmt: skip
        found.append(event)
    return found


def log_tail(run: RunFolder, *, lines: int = 40) -> str:
    """The last lines of what a run said; what stopped it before it could log, if nothing else."""
    for path in (run.log, run.path / "console.txt"):
        try:
            with path.open("rb") as file:
                file.seek(0, 2)
                file.seek(max(0, file.tell() - 300 * lines))
                text = file.read().decode("utf-8", "replace")
        except FileNotFoundError:
            continue
        if text.strip():
            return "\n".join(text.splitlines()[-lines:])
    return ""


def config_differences(runs: list[RunFolder]) -> dict[str, dict[str, str]]:
    """Settings in which runs differ, by name: what each of the runs has there."""
    flat = {run.name: _flat(_config(run)) for run in runs}
    names = {key for settings in flat.values() for key in settings}
    found: dict[str, dict[str, str]] = {}
    for name in sorted(names):
        values = {run: settings.get(name, "") for run, settings in flat.items()}
        boring = name.rpartition(".")[2] in ("run", "log_dir", "save_dir", "experiment_log_dir")
        if len(set(values.values())) > 1 and not boring:
            found[name] = values
    return found


def _config(run: RunFolder) -> dict[str, Any]:
    try:
        read = yaml.safe_load(run.config.read_text(encoding="utf-8"))
    except (FileNotFoundError, yaml.YAMLError):
        return {}
    return read if isinstance(read, dict) else {}


@lru_cache(maxsize=512)
def _length(config: Path, _: int) -> tuple[float, str]:
    """How long a configuration's run is, and in which unit; read once as long as it is the same."""
    try:
        trainer = yaml.safe_load(config.read_text(encoding="utf-8"))["trainer"]
        stages = trainer.get("stages")
        if stages:
            return sum(float(s["length"]) for s in stages), str(trainer.get("stage_unit", "epochs"))
        return float(trainer.get("max_epochs") or 0), "epochs"
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError):
        return 0.0, ""


def _flat(value: Any, prefix: str = "") -> dict[str, str]:
    if isinstance(value, dict) and value:
        found: dict[str, str] = {}
        for key, inner in value.items():
            found |= _flat(inner, f"{prefix}.{key}" if prefix else str(key))
        return found
    return {prefix: str(value)}


def _scores(event: Mapping[str, Any]) -> dict[str, float]:
    return {k: float(v) for k, v in event.items() if k not in NOT_SCORES and _number(v)}


def _append(
    curves: dict[str, list[tuple[int, float]]], step: int, facts: Mapping[str, Any]
) -> None:
    for name, value in facts.items():
        if name not in ("event", "time", "step", "epoch") and _number(value):
            curves.setdefault(name, []).append((step, float(value)))


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _minutes_left(state: RunState, minutes: float, share: float) -> float | None:
    if state is not RunState.RUNNING or share <= 0:
        return None
    return minutes / share * (1 - share)
