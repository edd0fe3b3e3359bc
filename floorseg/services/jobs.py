"""Runs in processes of their own: one at a time per device, the others in a queue on disk.

The run folders are the only memory. A worker process, which nobody needs to watch, starts the runs
that wait one after another; it outlives the page, and a page started later finds everything again.
"""

import fcntl
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

import psutil
import yaml

from floorseg.errors import RunError
from floorseg.runs import RunFolder, RunState, list_runs
from floorseg.settings import PROJECT

FIND_FOLDER = re.compile(r"^run folder: (.+)$", re.MULTILINE)
CLUSTER = "cluster"  # the "device" of what SLURM queues and starts
PATIENCE = 300.0  # seconds that checking a configuration may take
EVALUATION = "evaluation.json"  # in the folder of a run that is an evaluation: its arguments
_STOPPED = 130  # how ``python -m eval`` ends when it was asked to
_NICE = 10  # a page must stay quick while an evaluation goes on
_PAUSE = 0.5  # seconds between two looks at whether a device is free


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


def command_line(arguments: Sequence[str]) -> list[str]:
    """``python -m floorseg ARGUMENTS`` with this interpreter, for a process."""
    return [sys.executable, "-m", "floorseg", *arguments]


def submit(arguments: Sequence[str], *, cwd: Path | None = None) -> RunFolder:
    """Have a training checked and put into the queue, as ``floorseg train ... --queue`` does.

    Args:
        arguments: what stands after ``python -m floorseg train``.
        cwd: folder that relative paths in them start from.

    Raises:
        RunError: with the sentence the command answered, if it refused.
    """
    said = _run_command(["train", *arguments, "--queue"], cwd)
    found = FIND_FOLDER.search(said)
    if found is None:
        raise RunError(f"the training command did not name a run folder; it said: {said[-300:]}")
    return RunFolder.open(found.group(1))


def check(arguments: Sequence[str], *, cwd: Path | None = None) -> str:
    """What ``floorseg train ... --check`` says about a training that could be started.

    Raises:
        RunError: with the sentence the command answered, if it refused.
    """
    return _run_command(["train", *arguments, "--check"], cwd)


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
    found = [
        Waiting(run, str(ticket.get("device", "cpu")), float(ticket.get("since", 0)))
        for run in list_runs(runs)
        if run.state() is RunState.QUEUED and (ticket := run.read_json("queue.json"))
    ]
    return sorted(
        (w for w in found if device in (None, w.device)), key=lambda w: (w.since, w.run.name)
    )


def ensure_worker(runs: Path, device: str) -> None:
    """Start a process that works through the queue, unless one does already."""
    with _lock(runs, device) as free:
        if not free:
            return
    start_detached(
        command_line(["runs", "work", str(runs.resolve()), "--device", device]),
        log=runs / ".queue" / f"{_plain(device)}.log",
    )


def wake(runs: Path) -> None:
    """Go on with queues that nobody works through, as after a restart of the machine."""
    for device in {waiting.device for waiting in queue(runs)} - {CLUSTER}:
        ensure_worker(runs, device)


def work(runs: Path, device: str) -> None:
    """Start what waits for a device, one after another, until nothing does.

    Returns at once if another process does this already.
    """
    while queue(runs, device):
        with _lock(runs, device) as mine:
            if not mine:
                return
            while waiting := queue(runs, device):
                if busy(runs, device):
                    time.sleep(_PAUSE)
                else:
                    _settle(waiting[0].run, _start(waiting[0].run).wait())


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


def stop_run(run: RunFolder, *, patience: float = 0.0) -> RunState:
    """Ask a run to save and end; take it out of the queue if it has not begun.

    Args:
        run: the run.
        patience: seconds to wait for its end.

    Returns:
        how it is doing then.

    Raises:
        RunError: if it neither runs nor waits, or runs on another machine.
    """
    state = run.state()
    if state is RunState.QUEUED and not _job(run):
        run.leave(RunState.STOPPED, "taken out of the queue before it began")
        run.ticket.unlink(missing_ok=True)
        return run.state()
    if state not in (RunState.RUNNING, RunState.QUEUED):
        raise RunError(f"{run.name} is not running, it is {state}; there is nothing to stop")
    _ask_to_end(run)
    _wait(lambda: run.state() in (RunState.RUNNING, RunState.QUEUED), patience)
    return run.state()


def kill_run(run: RunFolder) -> None:
    """End a run at once, with every process it started; what was not saved is lost.

    Raises:
        RunError: if it does not run on this machine.
    """
    pid = run.pid()
    if pid is None:
        raise RunError(f"{run.name} does not run on this machine; there is nothing to end")
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        for each in [*process.children(recursive=True), process]:
            with suppress(psutil.NoSuchProcess):
                each.kill()


def resume_run(run: RunFolder, *, more: float = 0.0) -> None:
    """Put a run that has ended back into the queue, to go on exactly where it was.

    Args:
        run: the run.
        more: lengthen it by so many epochs (or steps, or minutes: what its schedule counts in).

    Raises:
        RunError: if it is running, or has finished and nothing is added.
    """
    state = run.state()
    if state in (RunState.RUNNING, RunState.QUEUED):
        raise RunError(f"{run.name} is {state} already")
    if state is RunState.FINISHED and not more:
        raise RunError(f"{run.name} has finished; say how much longer it should go on (--more N)")
    if more:
        lengthen(run, more)
    enqueue(run, device=device_of(run))


def lengthen(run: RunFolder, more: float) -> None:
    """Add to a run's length, in the unit its schedule counts in.

    Raises:
        RunError: if ``more`` is not above 0.
    """
    if more <= 0:
        raise RunError(f"a run is lengthened by more than 0, got {more:g}")
    config = yaml.safe_load(run.config.read_text(encoding="utf-8"))
    trainer = config["trainer"]
    if trainer.get("stages"):
        trainer["stages"][-1]["length"] += more
    else:
        trainer["max_epochs"] += int(more) if float(more).is_integer() else more
    run.write("config.yaml", yaml.safe_dump(config, sort_keys=False, allow_unicode=True))
    run.record("lengthened", by=more)


def delete_run(run: RunFolder) -> None:
    """Remove a run's folder with everything in it.

    Raises:
        RunError: if it runs, waits, or the folder is no run.
    """
    if run.state() in (RunState.RUNNING, RunState.QUEUED):
        raise RunError(f"{run.name} is {run.state()}; stop it before deleting it")
    if not run.config.is_file() or run.path.is_symlink():
        raise RunError(f"{run.path} is not a run's own folder and is left alone")
    doomed = run.path.with_name(f".deleted-{run.name}-{os.getpid()}")
    try:
        os.replace(run.path, doomed)  # gone from every list at once, however long the rest takes
        shutil.rmtree(doomed)
    except OSError as problem:
        raise RunError(f"{run.path} cannot be deleted: {problem.strerror}") from problem


def start_detached(command: Sequence[str], *, log: Path) -> subprocess.Popen[bytes]:
    """Start a process that no terminal, page or parent takes along when it ends."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as file:
        process = subprocess.Popen(
            list(command), stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
            start_new_session=True, env=_environment(),
        )  # fmt: skip
    Thread(target=process.wait, daemon=True).start()  # else it stays in the process table
    return process


def _start(run: RunFolder) -> subprocess.Popen[bytes]:
    """Start a run's process and say so in its folder before it can say so itself."""
    evaluates = _evaluation(run)
    command = (
        [sys.executable, "-m", "eval", *evaluates]
        if evaluates
        else command_line(["train", "--resume", str(run.path.resolve())])
    )
    process = start_detached(command, log=run.path / "console.txt")
    with suppress(psutil.Error):
        started = psutil.Process(process.pid)
        if evaluates:
            started.nice(_NICE)
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
    state = {0: RunState.FINISHED, _STOPPED: RunState.STOPPED}.get(code, RunState.FAILED)
    lines = [] if state is RunState.FINISHED else _last_words(run)
    run.leave(state, lines[-1].removeprefix("eval: ") if lines else "")


def _last_words(run: RunFolder) -> list[str]:
    try:
        said = (run.path / "console.txt").read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    return [line for line in said[-4000:].splitlines() if line.strip()]


def _ask_to_end(run: RunFolder) -> None:
    job = _job(run)
    if job:
        _signal_cluster(run, job)
        return
    pid = run.pid()
    if pid is None:
        raise RunError(f"{run.name} runs on another machine; stop it there")
    with suppress(psutil.NoSuchProcess):
        psutil.Process(pid).terminate()  # the trainer saves and ends


def _job(run: RunFolder) -> str | None:
    """The cluster's number for a run, where it was submitted to one."""
    said = run.read_json("slurm.json").get("job")
    return str(said) if said else None


def _signal_cluster(run: RunFolder, job: str) -> None:
    if shutil.which("scancel") is None:
        raise RunError(f"{run.name} is job {job} of a cluster that this machine does not know")
    waits = run.state() is RunState.QUEUED
    subprocess.run(["scancel", *(() if waits else ("--signal=TERM",)), job], check=False)
    if waits:
        run.leave(RunState.STOPPED, "cancelled before it began")


def _run_command(arguments: Sequence[str], cwd: Path | None) -> str:
    try:
        done = subprocess.run(
            command_line(arguments), capture_output=True, text=True, timeout=PATIENCE, check=False,
            stdin=subprocess.DEVNULL, env=_environment(), cwd=cwd,
        )  # fmt: skip
    except subprocess.TimeoutExpired as problem:
        raise RunError(
            f"checking the configuration took more than {PATIENCE:.0f} s; is the dataset on a "
            "slow disk? Run the command in a terminal to see more"
        ) from problem
    if done.returncode:
        lines = [line for line in done.stderr.strip().splitlines() if line.strip()]
        said = lines[-1] if lines else f"it ended with code {done.returncode}"
        raise RunError(said.removeprefix("floorseg: "))
    return done.stdout


def _environment() -> dict[str, str]:
    """This process's, with this floorseg found from any folder."""
    known = os.environ.get("PYTHONPATH", "")
    path = os.pathsep.join([str(PROJECT), *([known] if known else [])])
    return {**os.environ, "PYTHONPATH": path}


def _wait(goes_on: Callable[[], bool], patience: float) -> None:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline and goes_on():
        time.sleep(0.1)


@contextmanager
def _lock(runs: Path, device: str) -> Iterator[bool]:
    """Whether this process now is the one that works through a device's queue."""
    folder = runs / ".queue"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{_plain(device)}.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        try:
            yield True
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)


def _plain(device: str) -> str:
    return re.sub(r"\W", "-", device)
