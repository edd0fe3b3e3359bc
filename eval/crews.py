"""Many hands: an evaluation's parts in processes of this machine (jobs: see ``eval.cluster``).

Parts share nothing but the report's folder. Each notes its pictures as it goes; whoever dies is
made good by the next start. Every part computes with one thread (a cluster job with as many as it
has processors): the numbers are those of one process with that many threads, to the last bit.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from eval.plan import read_plan
from eval.records import count_records
from eval.work import Part, Stop
from floorseg.core.structures import Progress, ProgressCallback
from floorseg.errors import ConfigError, RunError, Stopped

PROJECT = Path(__file__).resolve().parent.parent
POLL = 0.5  # seconds

Crew = Callable[[Path, ProgressCallback, Stop], None]


def processes(workers: int) -> Crew:
    """A crew of processes with one thread each, or one GPU each where the plan says cuda.

    Raises:
        ConfigError: if there are none.
    """
    if workers < 1:
        raise ConfigError(f"workers must be at least 1, got {workers}")

    def work(folder: Path, progress: ProgressCallback, stop: Stop) -> None:
        running = [_start(folder, Part(i, workers)) for i in range(workers)]
        try:
            watch(folder, progress, stop, lambda: [p.poll() is not None for p in running])
        finally:
            _end(running)
        for number, process in enumerate(running):
            if process.returncode:
                raise RunError(_obituary(folder, number, process.returncode))

    return work


def _start(folder: Path, part: Part) -> subprocess.Popen[bytes]:
    """A process in a session of its own, so that Ctrl+C reaches it through us, once."""
    logs = folder / "logs"
    logs.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "eval", "work", str(folder.resolve())]
    command += ["--part", str(part.number), "--of", str(part.count), "--parent", str(os.getpid())]
    device = _device(folder, part)
    with (logs / f"part-{part.number:04d}.txt").open("wb") as log:
        return subprocess.Popen(
            [*command, *(["--device", device] if device else [])],
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=os.environ | threads(1) | {"PYTHONPATH": _path()},
        )


def _device(folder: Path, part: Part) -> str:
    """One GPU each where the plan leaves the choice and GPUs are there."""
    if read_plan(folder).device in ("auto", "cuda") and torch.cuda.is_available():
        return f"cuda:{part.number % torch.cuda.device_count()}"
    return ""


def threads(count: int) -> dict[str, str]:
    """The environment of a process that computes with so many threads."""
    return {"OMP_NUM_THREADS": str(count), "OPENCV_FOR_THREADS_NUM": str(count)}


def _path() -> str:
    before = os.environ.get("PYTHONPATH")
    return f"{PROJECT}{os.pathsep}{before}" if before else str(PROJECT)


def watch(
    folder: Path, progress: ProgressCallback, stop: Stop, ended: Callable[[], list[bool]]
) -> None:
    """Tell how far everybody is, until all have ended or we shall stop."""
    before = count_records(folder)
    total = len(read_plan(folder).dataset())
    while not all(ended()):
        if stop():
            raise Stopped("stopped; what is finished is kept, and the same command goes on")
        progress(Progress(count_records(folder) - before, total - before))
        time.sleep(POLL)
    progress(Progress(count_records(folder) - before, total - before))


def _end(running: Sequence[subprocess.Popen[bytes]]) -> None:
    """Ask those that still run to finish their picture, and wait for them."""
    for process in running:
        if process.poll() is None:
            process.terminate()
    for process in running:
        try:
            process.wait(timeout=120)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _obituary(folder: Path, number: int, code: int) -> str:
    log = folder / "logs" / f"part-{number:04d}.txt"
    if code < 0:
        return (
            f"part {number} was killed by {signal.Signals(-code).name} (out of memory?); "
            "the same command goes on"
        )
    lines = log.read_text(errors="replace").strip().splitlines()
    return f"part {number} failed: {lines[-1] if lines else f'exit code {code}'}; see {log}"
