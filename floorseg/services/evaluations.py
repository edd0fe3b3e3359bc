"""Evaluations that a page starts: ``python -m eval`` in a process of its own, one after another.

Each is a run folder below the reports, with its place in a queue, its process and its end, and the
report beside them: whoever opens a page later, or starts it anew, finds all of them again.
"""

import os
import re
import shlex
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from eval.report import REPORT, read_progress
from floorseg.core.find_checkpoint import find_checkpoint
from floorseg.core.model import resolve_device
from floorseg.data.layout import SPLITS
from floorseg.errors import ConfigError, DatasetError, RunError
from floorseg.runs import RunFolder, RunState, list_runs
from floorseg.services import jobs, queues
from floorseg.services.catalog import checkpoint_folders, list_checkpoints
from floorseg.services.dataset_paths import dataset_folder
from floorseg.services.permission import permit
from floorseg.settings import Settings

PROTOCOLS: Mapping[str, str] = {  # as ``python -m eval --protocol`` knows them
    "click": "Clicks at the centre of the largest error: IoU over clicks, clicks to 85 and 90 %",
    "jitter": "The same, with the scatter of real hands, three drawings an object",
    "box": "The object's box, exact and off by up to 5 and 10 %",
    "hard": "One click where people click and centres are not: edges, thin parts, furniture, doors",
    "everything": "No prompt: every region found, matched with the truth (F1, precision, recall)",
}
MOST = 6  # checkpoints of one evaluation
_ALIVE = 120.0  # seconds since its last picture after which nobody believes in it any more


@dataclass(frozen=True, slots=True)
class EvaluationForm:
    """What a visitor chose.

    Attributes:
        checkpoints: as listed; the first is the base that the others are compared with.
        dataset: its name under the data root.
        split: ``train``, ``valid`` or ``test``; "" for all.
        protocol: a key of :data:`PROTOCOLS`.
        clicks: most clicks an object gets; 0 for the protocol's own.
        limit: so many pictures, spread over the split; 0 for all.
        seed: of every random draw.
    """

    checkpoints: tuple[str, ...]
    dataset: str
    split: str = "test"
    protocol: str = "click"
    clicks: int = 0
    limit: int = 0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One evaluation, finished or not.

    Attributes:
        name: its folder, relative to the reports.
        state: how it is doing.
        done, total: pictures of all checkpoints together; 0 where that is not known.
        seconds_left: None where nobody can tell.
        command: as a person would type it; "" where it was started elsewhere.
        message: what it said when it ended.
        reports: its finished reports, relative to the reports folder.
        ours: whether this page can stop, resume and delete it.
    """

    name: str
    state: RunState
    done: int
    total: int
    seconds_left: float | None
    command: str
    message: str
    reports: tuple[str, ...]
    ours: bool


class Evaluations:
    """Starts, watches, stops and resumes evaluations.

    Args:
        settings: folders, and who may start work.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        if not settings.public and settings.reports.is_dir():
            queues.wake(settings.reports)  # a queue from before a restart goes on

    def permit(self, user: str | None) -> None:
        """Let through whoever may start work here.

        Raises:
            PermissionRefused: in public mode, and for users who are not among the trainers.
        """
        permit(
            self.settings, user, work="evaluate",
            public="no evaluation is started, stopped or deleted here; run python -m eval on "
            "your own computer",
        )  # fmt: skip

    def command(self, form: EvaluationForm, out: str = "reports/NAME") -> str:
        """The same evaluation as a person would type it.

        Raises:
            FloorsegError: if something of the form does not exist.
        """
        return shlex.join(["python", "-m", "eval", *self._arguments(form, out)])

    def start(self, form: EvaluationForm, user: str | None) -> str:
        """Put an evaluation into the queue; its name.

        Raises:
            PermissionRefused: if this visitor may not.
            FloorsegError: if something of the form does not exist.
        """
        self.permit(user)
        self._arguments(form, "checked")
        plain = re.sub(r"[^\w.-]+", "-", form.dataset).strip("-.")
        run = RunFolder.create(
            self.settings.reports, f"{plain or 'data'}-{form.split or 'all'}-{form.protocol}"
        )
        out = run.path.resolve()
        arguments = self._arguments(form, str(out))
        run.write("config.yaml", yaml.safe_dump(asdict(form) | _lists(form), sort_keys=False))
        run.write_json(queues.EVALUATION, {"arguments": arguments})
        device = str(resolve_device(self.settings.device))
        run.write_json("provenance.json", {"device": device})
        queues.enqueue(run, device=device)
        return run.name

    def stop(self, name: str, user: str | None) -> None:
        """Have it end after the current picture; what is done stays.

        Raises:
            PermissionRefused: if this visitor may not.
            RunError: if there is no such evaluation, or it does not run.
        """
        jobs.stop_run(self._run(name, user))

    def resume(self, name: str, user: str | None) -> None:
        """Go on where it was.

        Raises:
            PermissionRefused: if this visitor may not.
            RunError: if there is no such evaluation, or it runs.
        """
        run = self._run(name, user)
        queues.enqueue(run, device=queues.device_of(run))

    def delete(self, name: str, user: str | None) -> None:
        """Remove it with its reports.

        Raises:
            PermissionRefused: if this visitor may not.
            RunError: if there is no such evaluation, or it runs.
        """
        jobs.delete_run(self._run(name, user))

    def listed(self) -> list[Evaluation]:
        """All of them, the newest first, those that were started in a terminal too."""
        root = self.settings.reports
        if not root.is_dir():
            return []
        ours = {run.name: run for run in list_runs(root)}
        names = [p.name for p in root.iterdir() if p.is_dir() and not p.name.startswith(".")]
        found = [
            self._ours(ours[name]) if name in ours else _elsewhere(root / name) for name in names
        ]
        known = [one for one in found if one is not None]
        return sorted(known, key=lambda one: self._written(one.name), reverse=True)

    def _written(self, name: str) -> float:
        try:
            return os.stat(self.settings.reports / name).st_mtime
        except OSError:
            return 0.0

    def _ours(self, run: RunFolder) -> Evaluation:
        arguments = [str(a) for a in run.read_json(queues.EVALUATION).get("arguments", [])]
        form = form_of(run)
        checkpoints = len(form.checkpoints) if form is not None else 1
        done, total, left = _progress(run.path, checkpoints)
        state, reports = run.state(), reports_in(run.path)
        if state is RunState.INTERRUPTED and len(reports) >= checkpoints:
            state = RunState.FINISHED
        return Evaluation(
            name=run.name, state=state, done=done, total=total,
            seconds_left=left if state is RunState.RUNNING else None,
            command=shlex.join(["python", "-m", "eval", *arguments]),
            message=run.exit_message(), reports=reports, ours=True,
        )  # fmt: skip

    def _run(self, name: str, user: str | None) -> RunFolder:
        self.permit(user)
        for run in list_runs(self.settings.reports):
            if run.name == name:
                return run
        raise RunError(f"there is no evaluation {name[:80]!r} of this page; reload the list")

    def _arguments(self, form: EvaluationForm, out: str) -> list[str]:
        """What stands after ``python -m eval``."""
        if not 1 <= len(form.checkpoints) <= MOST:
            raise ConfigError(f"choose between 1 and {MOST} checkpoints")
        if form.protocol not in PROTOCOLS:
            raise ConfigError(f"there is no protocol {form.protocol[:40]!r}")
        if form.split and form.split not in SPLITS:
            raise DatasetError(f"there is no split {form.split[:20]!r}; choose train, valid, test")
        folder = dataset_folder(self.settings, form.dataset)
        files = [self._checkpoint(name) for name in form.checkpoints]
        numbers = {"--clicks": form.clicks, "--limit": form.limit, "--seed": form.seed}
        return [
            *(part for file in files for part in ("--checkpoint", str(file))),
            "--data", str(folder), "--split", form.split, "--protocol", form.protocol,
            *(part for key, n in numbers.items() if n for part in (key, str(n))),
            "--device", self.settings.device, "--out", out,
        ]  # fmt: skip

    def _checkpoint(self, name: str) -> Path:
        folders = checkpoint_folders(self.settings)
        known = [info.name for info in list_checkpoints(folders) if info.usable]
        if name not in known:
            raise ConfigError(f"there is no checkpoint {name[:80]!r}; choose one from the list")
        return find_checkpoint(name, folders).resolve()


def reports_in(folder: Path) -> tuple[str, ...]:
    """Finished reports in a folder or right below it, relative to the folder above."""
    found = [folder] if (folder / REPORT).is_file() else []
    found += sorted(path.parent for path in folder.glob(f"*/{REPORT}"))
    return tuple(path.relative_to(folder.parent).as_posix() for path in found)


def form_of(run: RunFolder) -> EvaluationForm | None:
    """What was chosen when it was started, or None where that cannot be read."""
    try:
        said: Any = yaml.safe_load(run.config.read_text(encoding="utf-8"))
        return EvaluationForm(**{**said, "checkpoints": tuple(said["checkpoints"])})
    except (OSError, yaml.YAMLError, TypeError, KeyError):
        return None


def _lists(form: EvaluationForm) -> dict[str, list[str]]:
    return {"checkpoints": list(form.checkpoints)}


def _progress(folder: Path, checkpoints: int) -> tuple[int, int, float | None]:
    """Pictures done and in all, over all checkpoints, and the seconds left."""
    said = [read_progress(path) for path in [folder, *sorted(folder.glob("*/"))]]
    known = [facts for facts in said if facts]
    if not known:
        return 0, 0, None
    each = max(int(facts.get("total", 0)) for facts in known)
    done = sum(int(facts.get("done", 0)) for facts in known)
    current = max(known, key=lambda facts: float(facts.get("time", 0)))
    left = current.get("seconds_left")
    undone = each - int(current.get("done", 0))
    if left is None:
        return done, each * checkpoints, None
    rest = (checkpoints - len(known)) * each
    pace = float(left) / undone if undone else 0.0
    return done, each * checkpoints, float(left) + pace * rest


def _elsewhere(folder: Path) -> Evaluation | None:
    """An evaluation that was started in a terminal, or by a training run."""
    reports = reports_in(folder)
    done, total, left = _progress(folder, max(1, len(list(folder.glob("*/plan.json")))))
    if not reports and not total:
        return None
    said = [read_progress(path) for path in [folder, *folder.glob("*/")]]
    lately = max((float(facts.get("time", 0)) for facts in said if facts), default=0.0)
    unfinished = done < total
    alive = unfinished and time.time() - lately < _ALIVE
    ended = RunState.INTERRUPTED if unfinished else RunState.FINISHED
    return Evaluation(
        name=folder.name, state=RunState.RUNNING if alive else ended, done=done, total=total,
        seconds_left=left if alive else None, command="", message="", reports=reports, ours=False,
    )  # fmt: skip
