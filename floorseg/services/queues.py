"""One run at a time per device, the others in a queue on disk.

The run folders are the only memory. A worker process, which nobody needs to watch, starts the runs
that wait one after another; it outlives the page, and a page started later finds everything again.

That no queue is left to nobody: whoever puts a run into it first writes the ticket and then looks
for a living worker, a worker first takes its name off and then looks for tickets once more. One of
the two always sees the other.
"""

import fcntl
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from floorseg.errors import RunError
from floorseg.runs import RunFolder, RunState, list_runs, lives
from floorseg.services import detached

CLUSTER = "cluster"  # the "device" of what SLURM queues and starts
EVALUATION = "evaluation.json"  # in the folder of a run that is an evaluation: its arguments
_STOPPED = 130  # how ``python -m eval`` ends when it was asked to
_NICE = 10  # a page must stay quick while an evaluation goes on
_PAUSE = 0.5  # seconds between two looks at whether a device is free
_BLINK = 0.05  # seconds between two looks at a lock whose holder is about to let go


@dataclass(frozen=True, slots=True)
class Waiting:
    """A run in a queue.

    Attributes:
        run: its folder.
        device: what it waits for: "cpu", "cuda", ...
        since: when it came, seconds since 1970.
    """

    run: RunFolder
    device: str
    since: float


def enqueue(run: RunFolder, *, device: str) -> None:
    """Put a run at the end of its device's queue and see that somebody works through it.

    Raises:
        RunError: if it is running.
    """
    if run.state() is RunState.RUNNING:
        raise RunError(f"{run.name} is running already")
    run.write_json("queue.json", {"device": device, "since": time.time()})
    for name in ("exit", "pid", "slurm.json"):
        (run.path / name).unlink(missing_ok=True)
    ensure_worker(run.path.parent, device)


def queue(runs: Path, device: str | None = None) -> list[Waiting]:
    """Who waits, first come first, for one device or for any."""
    found = [place for run in list_runs(runs) if (place := _place(run))]
    return sorted(
        (w for w in found if device in (None, w.device)), key=lambda w: (w.since, w.run.name)
    )


def _place(run: RunFolder) -> Waiting | None:
    """A run's place in a queue, if it is in one."""
    ticket = run.read_json("queue.json")
    if not ticket or run.state() is not RunState.QUEUED:
        return None
    return Waiting(run, str(ticket.get("device", "cpu")), float(ticket.get("since", 0)))


def ensure_worker(runs: Path, device: str) -> None:
    """Start a process that works through the queue, unless one does already."""
    if _is_served(runs, device, elsewhere=False):
        return
    detached.start_detached(
        detached.command_line(["runs", "work", str(runs.resolve()), "--device", device]),
        log=_desk(runs).path / f"{_plain(device)}.log",
    )


def wake(runs: Path) -> None:
    """Go on with queues that nobody works through, as after a restart of the machine."""
    for device in {waiting.device for waiting in queue(runs)} - {CLUSTER}:
        ensure_worker(runs, device)


def work(runs: Path, device: str) -> None:
    """Start what waits for a device, one after another, until nothing does.

    Returns at once if another living process does this already.
    """
    while queue(runs, device):
        with _turn(runs, device) as mine:
            if not mine:
                return
            while waiting := queue(runs, device):
                if busy(runs, device):
                    time.sleep(_PAUSE)
                else:
                    _settle(waiting[0].run, _start(waiting[0]).wait())


def busy(runs: Path, device: str) -> list[RunFolder]:
    """Runs that occupy a device of this machine now."""
    return [
        run
        for run in list_runs(runs)
        if run.state() is RunState.RUNNING and run.pid() and device_of(run) == device
    ]


def device_of(run: RunFolder) -> str:
    """The device a run was made for: "cpu" where nothing says otherwise."""
    said: Any = run.read_json("provenance.json").get("device")
    return str(said or "cpu")


def _start(first: Waiting) -> subprocess.Popen[bytes]:
    """Start a run's process and say so in its folder, unless it has said so itself."""
    run = first.run
    evaluates = _evaluation(run)
    command = (
        [sys.executable, "-m", "eval", *evaluates]
        if evaluates
        else detached.command_line(["train", "--resume", str(run.path.resolve())])
    )
    process = detached.start_detached(command, log=run.path / "console.txt")
    with suppress(psutil.Error):
        started = psutil.Process(process.pid)
        if evaluates:
            started.nice(_NICE)
        # by now it may have begun, been killed, and wait once more, with another ticket
        if _place(run) == first:
            run.hand_to(started)
    return process


def _evaluation(run: RunFolder) -> list[str]:
    """What stands after ``python -m eval`` where a run is an evaluation; empty for a training."""
    said = run.read_json(EVALUATION).get("arguments")
    return [str(argument) for argument in said] if isinstance(said, list) else []


def _settle(run: RunFolder, code: int) -> None:
    """Say how an evaluation ended, which it does not do itself; a training does."""
    if not _evaluation(run) or run.state() is not RunState.INTERRUPTED:
        return
    if code < 0:
        run.leave(RunState.INTERRUPTED, f"its process was ended by {_signal(code)}; it can go on")
        return
    state = {0: RunState.FINISHED, _STOPPED: RunState.STOPPED}.get(code, RunState.FAILED)
    lines = [] if state is RunState.FINISHED else _last_words(run)
    run.leave(state, lines[-1].removeprefix("eval: ") if lines else "")


def _signal(code: int) -> str:
    """What ended a process, by its exit code."""
    known = -code in set(signal.Signals)
    return signal.Signals(-code).name if known else f"signal {-code}"


def _last_words(run: RunFolder) -> list[str]:
    try:
        said = (run.path / "console.txt").read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    return [line for line in said[-4000:].splitlines() if line.strip()]


def _desk(runs: Path) -> RunFolder:
    """Where the workers of a folder of runs say who they are."""
    return RunFolder(runs / ".queue")


def _is_served(runs: Path, device: str, *, elsewhere: bool) -> bool:
    """Whether a process works through the queue; one that is dying does not.

    The lock alone cannot tell: what has been killed holds it until its last thread is gone.

    Args:
        runs: the folder of runs.
        device: whose queue.
        elsewhere: what to believe of a worker on another machine, which cannot be looked at.
    """
    facts = _desk(runs).read_json(f"{_plain(device)}.json")
    if not facts:
        return False
    return lives(facts) if facts["host"] == socket.gethostname() else elsewhere


@contextmanager
def _turn(runs: Path, device: str) -> Iterator[bool]:
    """Be the one that works through a device's queue; False where another living process is."""
    desk, name = _desk(runs), f"{_plain(device)}.json"
    desk.path.mkdir(parents=True, exist_ok=True)
    with (desk.path / f"{_plain(device)}.lock").open("a") as file:
        while not _locked(file.fileno()):
            if _is_served(runs, device, elsewhere=True):
                yield False
                return
            time.sleep(_BLINK)  # its holder is dying, or about to say who it is or that it is done
        me = psutil.Process()
        facts = {"pid": me.pid, "started": me.create_time(), "host": socket.gethostname()}
        desk.write_json(name, facts)
        try:
            yield True
        finally:
            (desk.path / name).unlink(missing_ok=True)
            fcntl.flock(file, fcntl.LOCK_UN)


def _locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _plain(device: str) -> str:
    return re.sub(r"\W", "-", device)
