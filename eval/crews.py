"""Many hands: an evaluation's parts in processes of this machine, or as jobs of a SLURM cluster.

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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from eval.plan import read_plan
from eval.records import count_records
from eval.work import Part, Stop, do_part
from floorseg.core.structures import Progress, ProgressCallback
from floorseg.errors import ConfigError, RunError, Stopped

PROJECT = Path(__file__).resolve().parent.parent
POLL = 0.5  # seconds

Crew = Callable[[Path, ProgressCallback, Stop], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """How to ask SLURM for the jobs.

    Attributes:
        jobs: parts, one job of the array each.
        partition: the cluster's; None for its default.
        cpus: processors a job.
        gpus: GPUs a job.
        minutes: time limit of a job; what it did not finish is done by the next start.
        exclude: nodes to leave alone, comma separated.
    """

    jobs: int = 4
    partition: str | None = None
    cpus: int = 1
    gpus: int = 0
    minutes: int = 240
    exclude: str | None = None


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
            _watch(folder, progress, stop, lambda: [p.poll() is not None for p in running])
        finally:
            _end(running)
        for number, process in enumerate(running):
            if process.returncode:
                raise RunError(_obituary(folder, number, process.returncode))

    return work


def cluster(wanted: Cluster) -> Crew:
    """A crew of SLURM jobs, submitted as one array through submitit.

    Raises:
        RunError: where SLURM cannot be reached, or jobs end without having done their part.
    """

    def work(folder: Path, progress: ProgressCallback, stop: Stop) -> None:
        jobs = _submit(folder.resolve(), wanted)
        try:
            _watch(folder, progress, stop, lambda: [job.done() for job in jobs])
        except BaseException:
            for job in jobs:
                job.cancel()
            raise
        for number, job in enumerate(jobs):
            problem = job.exception()
            if problem is not None:
                raise RunError(
                    f"job {job.job_id} (part {number}) ended in {job.state}: "
                    f"{str(problem).strip().splitlines()[-1]}; see {job.paths.stderr}; "
                    "the same command goes on"
                )

    return work


def choose_crew(workers: int, wanted: Cluster | None) -> Crew | None:
    """A cluster where one is wanted, else so many processes, else nobody: this process alone."""
    if wanted is not None:
        return cluster(wanted)
    return processes(workers) if workers else None


def run_part(folder: str, number: int, count: int) -> None:
    """What a cluster job does."""
    do_part(Path(folder), Part(number, count))


def _submit(folder: Path, wanted: Cluster) -> Sequence[Any]:
    import submitit

    try:
        executor = submitit.AutoExecutor(folder=folder / "slurm", cluster="slurm")
    except RuntimeError as missing:
        raise RunError(
            f"no SLURM here ({missing}); leave --use-cluster out to work on this machine"
        ) from missing
    options: dict[str, Any] = {
        "name": f"eval-{folder.name}",
        "timeout_min": wanted.minutes,
        "cpus_per_task": wanted.cpus,
        "slurm_array_parallelism": wanted.jobs,
        "slurm_setup": [
            f"export PYTHONPATH={PROJECT}:$PYTHONPATH",
            *(f"export {name}={value}" for name, value in _threads(wanted.cpus).items()),
        ],
    }
    if wanted.partition:
        options["slurm_partition"] = wanted.partition
    if wanted.gpus:
        options["gpus_per_node"] = wanted.gpus
    if wanted.exclude:
        options["slurm_exclude"] = wanted.exclude
    executor.update_parameters(**options)
    numbers = list(range(wanted.jobs))
    try:
        return executor.map_array(
            run_part, [str(folder)] * wanted.jobs, numbers, [wanted.jobs] * wanted.jobs
        )
    except (submitit.core.utils.FailedJobError, subprocess.CalledProcessError) as refused:
        raise RunError(f"SLURM refused the jobs: {refused}; check --partition") from refused


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
            env=os.environ | _threads(1) | {"PYTHONPATH": _path()},
        )


def _device(folder: Path, part: Part) -> str:
    """One GPU each where the plan leaves the choice and GPUs are there."""
    if read_plan(folder).device in ("auto", "cuda") and torch.cuda.is_available():
        return f"cuda:{part.number % torch.cuda.device_count()}"
    return ""


def _threads(count: int) -> dict[str, str]:
    return {"OMP_NUM_THREADS": str(count), "OPENCV_FOR_THREADS_NUM": str(count)}


def _path() -> str:
    before = os.environ.get("PYTHONPATH")
    return f"{PROJECT}{os.pathsep}{before}" if before else str(PROJECT)


def _watch(
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
