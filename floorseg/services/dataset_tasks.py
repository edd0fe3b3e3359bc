"""Checks, mended copies, conversions that a page starts: ``floorseg data ...`` in a process.

One runs at a time, the others wait. The page shows the very command, and a copy that was broken
off goes on where it was when the same command comes again.
"""

import os
import re
import secrets
import shlex
import signal
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock
from typing import Any

import orjson
import psutil

from floorseg.core.structures import Progress
from floorseg.data.writers import WRITERS
from floorseg.errors import DatasetError
from floorseg.services.dataset_paths import ROOT_ITSELF, refuse_public
from floorseg.services.datasets import Datasets, Opened
from floorseg.services.detached import command_line
from floorseg.settings import PROJECT

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_WAITING = 8  # tasks that may wait
_KEPT = 50  # ended tasks remembered
MAX_DRAWN = 200  # plans drawn at a page's wish
_NICE = 10  # a page must stay quick while a dataset is checked


@dataclass(slots=True, eq=False)
class Task:
    """One command on one dataset; written by its thread, read by the page.

    Attributes:
        token: its unguessable name.
        kind: ``check``, ``mend``, ``convert`` or ``synth``.
        dataset: name of the dataset; "" where one is drawn.
        command: as a person would type it.
        target: name of the dataset that is made, or "".
        state: ``waiting``, ``running``, ``done``, ``stopped`` or ``failed``.
        progress: how far it has come.
        problem: what went wrong, once failed.
        answer: what the command said, once done.
    """

    token: str
    kind: str
    dataset: str
    command: str
    target: str = ""
    state: str = "waiting"
    progress: Progress = field(default_factory=lambda: Progress(0, 1, "waiting"))
    problem: str = ""
    answer: Mapping[str, Any] = field(default_factory=dict)
    stopping: Event = field(default_factory=Event)

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in ("done", "stopped", "failed")


class DatasetTasks:
    """Starts commands on datasets, one after another.

    Args:
        datasets: the opened datasets; findings are kept there.
    """

    def __init__(self, datasets: Datasets) -> None:
        self._datasets = datasets
        self._settings = datasets.settings
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="dataset-task")
        self._tasks: dict[str, Task] = {}
        self._lock = Lock()

    def check(self, opened: Opened) -> Task:
        """Search a dataset for everything that is wrong with it; a running check is given back.

        Raises:
            PermissionRefused: in public mode.
            DatasetError: if too many tasks wait.
        """
        with self._lock:
            for task in self._tasks.values():
                if (task.kind, task.dataset) == ("check", opened.name) and not task.ended:
                    return task
        arguments = ["data", "check", self._shown(opened.name), "--json"]
        return self._start("check", opened, arguments)

    def mend(self, opened: Opened, target: str) -> Task:
        """Write a mended copy beside the dataset.

        Args:
            opened: the dataset, which is not touched.
            target: plain name of the copy under the data root.

        Raises:
            PermissionRefused: in public mode.
            DatasetError: if the name is not plain or taken, or too many tasks wait.
        """
        self._check_target(target)
        source, made = self._shown(opened.name), self._shown(target)
        arguments = ["data", "check", source, "--fix", made, "--json"]
        return self._start("mend", opened, arguments, target)

    def convert(self, opened: Opened, target: str, to: str, *, for_sam2: bool = False) -> Task:
        """Write the dataset in another format beside it.

        Args:
            opened: the dataset, which is not touched.
            target: plain name of the new dataset under the data root.
            to: a format that can be written.
            for_sam2: names and JPEGs as sam2's own trainer needs them.

        Raises:
            PermissionRefused: in public mode.
            DatasetError: if the name or the format is wrong, or too many tasks wait.
        """
        if to not in WRITERS:
            raise DatasetError(f"{to[:20]!r} cannot be written; choose {', '.join(WRITERS)}")
        self._check_target(target)
        source, made = self._shown(opened.name), self._shown(target)
        arguments = ["data", "convert", source, made, "--to", to]
        arguments += ["--for-sam2"] if for_sam2 else []
        return self._start("convert", opened, [*arguments, "--json"], target)

    def draw(self, target: str, images: int) -> Task:
        """Draw a synthetic dataset to try things on.

        Args:
            target: plain name of the new dataset under the data root.
            images: how many plans, at most 200 from a page.

        Raises:
            PermissionRefused: in public mode.
            DatasetError: if the name is not plain or taken, or too many tasks wait.
        """
        self._check_target(target)
        arguments = ["synth", self._shown(target), "--images", str(min(images, MAX_DRAWN))]
        return self._start("synth", None, arguments, target)

    def get(self, token: str) -> Task:
        """A task.

        Raises:
            DatasetError: if it is not known any more.
        """
        refuse_public(self._settings)
        with self._lock:
            task = self._tasks.get(token)
        if task is None:
            raise DatasetError("the page was restarted meanwhile; open the dataset again")
        return task

    def of(self, name: str) -> list[Task]:
        """The tasks of a dataset that have not ended."""
        with self._lock:
            return [t for t in self._tasks.values() if t.dataset == name and not t.ended]

    def stop(self, token: str) -> None:
        """End a task soon; what it has written stays and is continued by the same command."""
        task = self.get(token)
        task.stopping.set()
        if task.state == "waiting":
            task.state = "stopped"

    def _check_target(self, target: str) -> None:
        refuse_public(self._settings)
        if not _NAME.fullmatch(target) or target.endswith(".partial"):
            raise DatasetError(
                "the copy's name is made of letters, digits, '-', '_' and '.', at most 64, "
                f"got {target[:80]!r}"
            )
        if (self._settings.data_root / target).exists():
            raise DatasetError(f"{target} exists already under the data root; choose another name")

    def _shown(self, name: str) -> str:
        root = self._settings.data_root
        return str(root if name == ROOT_ITSELF else root / name)

    def _start(
        self, kind: str, opened: Opened | None, arguments: Sequence[str], target: str = ""
    ) -> Task:
        refuse_public(self._settings)
        command = shlex.join(["python", "-m", "floorseg", *arguments])
        name = opened.name if opened is not None else ""
        task = Task(secrets.token_urlsafe(12), kind, name, command, target)
        with self._lock:
            if sum(not other.ended for other in self._tasks.values()) >= _WAITING:
                raise DatasetError("too many tasks wait already; try again when one has ended")
            for old in [t for t in self._tasks.values() if t.ended][:-_KEPT]:
                del self._tasks[old.token]
            self._tasks[task.token] = task
        self._pool.submit(self._work, task, opened, list(arguments))
        return task

    def _work(self, task: Task, opened: Opened | None, arguments: list[str]) -> None:
        if task.stopping.is_set():
            return
        task.state = "running"
        task.progress = Progress(0, 1, "starting")
        try:
            with tempfile.TemporaryDirectory(prefix="floorseg-") as folder:
                content = run_command(arguments, Path(folder), task)
            answer = _answer(content) if task.kind != "synth" else {}
        except DatasetError as problem:
            task.problem = str(problem)
            task.state = "stopped" if task.stopping.is_set() else "failed"
            return
        if opened is not None and "findings" in answer:
            self._datasets.keep_findings(opened, answer)
        task.answer = answer
        task.state = "done"


def run_command(arguments: Sequence[str], folder: Path, task: Task) -> bytes:
    """``floorseg ARGUMENTS`` in a process of low priority; what it printed.

    Args:
        arguments: what stands after ``floorseg``.
        folder: an empty folder for what it says meanwhile.
        task: told how far it is; ends it when it is stopped.

    Raises:
        DatasetError: with the sentence the command ended with.
    """
    progress, said = folder / "progress.json", folder / "said.txt"
    with (folder / "answer.json").open("w+b") as answer, said.open("wb") as errors:
        process = subprocess.Popen(
            command_line(arguments), stdin=subprocess.DEVNULL, stdout=answer,
            stderr=errors, start_new_session=True, env=_environment(progress),
        )  # fmt: skip
        with suppress(psutil.Error):
            psutil.Process(process.pid).nice(_NICE)
        _watch(process, task, lambda: _read_progress(progress))
        answer.seek(0)
        content = answer.read()
    if process.returncode:
        lines = said.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        sentence = lines[-1] if lines else f"it ended with code {process.returncode}"
        raise DatasetError(sentence.removeprefix("floorseg: "))
    return content


def _answer(content: bytes) -> dict[str, Any]:
    try:
        return dict(orjson.loads(content))
    except (orjson.JSONDecodeError, TypeError, ValueError) as problem:
        raise DatasetError(f"the command's answer cannot be read: {problem}") from problem


def _watch(
    process: subprocess.Popen[bytes], task: Task, look: Callable[[], Progress | None]
) -> None:
    while process.poll() is None:
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.2)
        task.progress = look() or task.progress
        if task.stopping.is_set():
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=10)
                return
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)


def _read_progress(path: Path) -> Progress | None:
    try:
        said = orjson.loads(path.read_bytes())
        return Progress(int(said["done"]), int(said["total"]), str(said["what"]))
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return None


def _environment(progress: Path) -> dict[str, str]:
    known = os.environ.get("PYTHONPATH", "")
    path = os.pathsep.join([str(PROJECT), *([known] if known else [])])
    return {**os.environ, "PYTHONPATH": path, "FLOORSEG_PROGRESS_FILE": str(progress)}
