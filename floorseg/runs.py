"""The run folder: everything about one training run, in files that outlive the process.

``config.yaml`` (resolved), ``provenance.json`` (command, versions, data digest, seed),
``progress.jsonl`` (one event a line), ``log.txt``, ``queue.json``, ``pid`` and ``exit``. Whoever
wants to know how a run is doing reads the folder; nobody needs to have started it.
"""

import json
import os
import re
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import psutil

from floorseg.errors import RunError

SILENCE = 600.0  # seconds without an event after which a run on another machine counts as dead


class RunState(StrEnum):
    """How a run is doing. ``stopped``: on request, everything saved; ``interrupted``: it died."""

    CREATED = "created"
    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    STOPPED = "stopped"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class RunFolder:
    """One run's folder, read and written by name so that nothing else knows the file names."""

    path: Path

    @classmethod
    def create(cls, runs: str | Path, name: str) -> "RunFolder":
        """A new folder ``runs/<time>-<name>``; an existing one is never used again.

        Raises:
            RunError: if it cannot be made.
        """
        stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
        clean = re.sub(r"[^\w.-]+", "-", name).strip("-.") or "run"
        for attempt in range(1, 1000):
            suffix = "" if attempt == 1 else f"-{attempt}"
            path = Path(runs).expanduser() / f"{stamp}-{clean}{suffix}"
            try:
                path.mkdir(parents=True)
            except FileExistsError:
                continue
            except OSError as problem:
                raise RunError(
                    f"no run folder can be made in {runs}: {problem.strerror}; choose another with "
                    "--runs FOLDER"
                ) from problem
            return cls(path)
        raise RunError(f"{runs} has too many runs called {stamp}-{clean}; choose another --name")

    @classmethod
    def open(cls, path: str | Path) -> "RunFolder":
        """An existing run's folder.

        Raises:
            RunError: if there is no run there.
        """
        folder = cls(Path(path).expanduser())
        if not folder.config.is_file():
            raise RunError(f"{path} is not a run: it has no config.yaml; see the runs folder")
        return folder

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.name

    @property
    def config(self) -> Path:
        """The resolved configuration, enough to start the run once more."""
        return self.path / "config.yaml"

    @property
    def log(self) -> Path:
        """What the run says, in words."""
        return self.path / "log.txt"

    @property
    def ticket(self) -> Path:
        """Its place in a queue, while it waits: when it came and what it waits for."""
        return self.path / "queue.json"

    @property
    def checkpoints(self) -> Path:
        """Where weights lie: ``checkpoint.pt`` (last, resumable) and ``best.pt`` (for use)."""
        return self.path / "checkpoints"

    def record(self, kind: str, **facts: Any) -> None:
        """Append an event to ``progress.jsonl``: one line, written at once."""
        line = json.dumps({"event": kind, "time": round(time.time(), 3), **facts}, allow_nan=True)
        with (self.path / "progress.jsonl").open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    def events(self, kind: str | None = None) -> Iterator[dict[str, Any]]:
        """Events so far, oldest first; a line cut off by a crash is left out."""
        try:
            text = (self.path / "progress.jsonl").read_text(encoding="utf-8")
        except FileNotFoundError:
            return
        for line in text.splitlines():
            try:
                event = json.loads(line)
            except json.JSONDecodeError:
                continue
            if kind is None or event["event"] == kind:
                yield event

    def write(self, name: str, text: str) -> None:
        """Write a file of the folder whole or not at all."""
        beside = self.path / f".{name}.{os.getpid()}"
        beside.write_text(text, encoding="utf-8")
        os.replace(beside, self.path / name)

    def write_json(self, name: str, facts: Mapping[str, Any]) -> None:
        """Write a JSON file of the folder whole or not at all."""
        self.write(name, json.dumps(facts, indent=2, default=str) + "\n")

    def claim(self) -> None:
        """Say that this process runs it.

        Raises:
            RunError: if another live process does.
        """
        if self.state() is RunState.RUNNING and self._process().get("pid") != os.getpid():
            raise RunError(f"{self.name} is running already; stop it first")
        self.hand_to(psutil.Process())

    def hand_to(self, process: psutil.Process) -> None:
        """Say that a process of this machine runs it now."""
        facts = {"pid": process.pid, "started": process.create_time(), "host": socket.gethostname()}
        (self.path / "exit").unlink(missing_ok=True)
        self.write_json("pid", facts)
        self.ticket.unlink(missing_ok=True)

    def leave(self, state: RunState, message: str = "") -> None:
        """Say how it ended."""
        code = 0 if state in (RunState.FINISHED, RunState.STOPPED) else 1
        self.write_json("exit", {"state": state, "code": code, "message": message})

    def state(self) -> RunState:
        """How the run is doing, from the files and the process table."""
        said = self.read_json("exit").get("state")
        if said is not None:
            return RunState(said)
        process = self._process()
        if not process:
            return RunState.QUEUED if self.ticket.is_file() else RunState.CREATED
        if process.get("host") != socket.gethostname():
            return RunState.RUNNING if self._spoke_lately() else RunState.INTERRUPTED
        return RunState.RUNNING if lives(process) else RunState.INTERRUPTED

    def exit_message(self) -> str:
        """What it said when it ended, or ""."""
        return str(self.read_json("exit").get("message", ""))

    def pid(self) -> int | None:
        """The process that runs it, if one does on this machine."""
        process = self._process()
        here = process and process.get("host") == socket.gethostname() and lives(process)
        return int(process["pid"]) if here else None

    def _process(self) -> dict[str, Any]:
        return self.read_json("pid")

    def _spoke_lately(self) -> bool:
        try:
            age = time.time() - (self.path / "progress.jsonl").stat().st_mtime
        except FileNotFoundError:
            return False
        return age < SILENCE

    def read_json(self, name: str) -> dict[str, Any]:
        """A JSON file of the folder; empty where it is missing or being written."""
        try:
            facts: dict[str, Any] = json.loads((self.path / name).read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            return {}
        return facts


def list_runs(runs: str | Path) -> list[RunFolder]:
    """Every run in a folder, newest first."""
    root = Path(runs).expanduser()
    found = [RunFolder(path) for path in root.glob("*") if (path / "config.yaml").is_file()]
    return sorted(found, key=lambda run: run.name, reverse=True)


def lives(process: Mapping[str, Any]) -> bool:
    """Whether the process still runs, and is not another one that was given its number."""
    try:
        running = psutil.Process(int(process["pid"]))
        same = abs(running.create_time() - float(process["started"])) < 2
        return bool(same and running.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
