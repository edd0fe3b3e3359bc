"""What one does with runs: have them checked and queued, stopped, resumed, deleted.

Each is told through its folder and its process; nobody needs to have started it.
"""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import psutil
import yaml

from floorseg.errors import RunError
from floorseg.runs import RunFolder, RunState
from floorseg.services.detached import answer_of
from floorseg.services.queues import device_of, enqueue

FIND_FOLDER = re.compile(r"^run folder: (.+)$", re.MULTILINE)


def submit(arguments: Sequence[str], *, cwd: Path | None = None) -> RunFolder:
    """Have a training checked and put into the queue, as ``floorseg train ... --queue`` does.

    Args:
        arguments: what stands after ``python -m floorseg train``.
        cwd: folder that relative paths in them start from.

    Raises:
        RunError: with the sentence the command answered, if it refused.
    """
    said = answer_of(["train", *arguments, "--queue"], cwd)
    found = FIND_FOLDER.search(said)
    if found is None:
        raise RunError(f"the training command did not name a run folder; it said: {said[-300:]}")
    return RunFolder.open(found.group(1))


def check(arguments: Sequence[str], *, cwd: Path | None = None) -> str:
    """What ``floorseg train ... --check`` says about a training that could be started.

    Raises:
        RunError: with the sentence the command answered, if it refused.
    """
    return answer_of(["train", *arguments, "--check"], cwd)


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


def _wait(goes_on: Callable[[], bool], patience: float) -> None:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline and goes_on():
        time.sleep(0.1)
