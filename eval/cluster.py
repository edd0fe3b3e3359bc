"""An evaluation's parts as an array of SLURM jobs, submitted through submitit.

Whoever is at the end of their time limit is put back in line by submitit and goes on where they
were. The jobs' numbers are kept beside the report: a command that was killed while they ran finds
and watches them again instead of submitting others.
"""

import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from eval.crews import PROJECT, Crew, threads, watch
from eval.work import Part, Stop, do_part
from floorseg.core.structures import ProgressCallback
from floorseg.errors import RunError

FOLDER, JOBS = "slurm", "jobs.json"
_ASK_QUEUE = 5.0  # seconds between two questions to SLURM
_RULE = "-" * 22


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """How to ask SLURM for the jobs.

    Attributes:
        jobs: parts, one job of the array each.
        partition: the cluster's; None for its default.
        cpus: processors a job.
        gpus: GPUs a job.
        minutes: time limit of a job; what it did not finish is done after a requeue.
        exclude: nodes to leave alone, comma separated.
    """

    jobs: int = 4
    partition: str | None = None
    cpus: int = 1
    gpus: int = 0
    minutes: int = 240
    exclude: str | None = None


def cluster(wanted: Cluster) -> Crew:
    """A crew of SLURM jobs.

    Raises:
        RunError: where SLURM cannot be reached, or jobs end without having done their part.
    """

    def work(folder: Path, progress: ProgressCallback, stop: Stop) -> None:
        place = folder.resolve() / FOLDER
        jobs = _submitted_before(place) or _submit(folder.resolve(), wanted)
        with ExitStack() as giving_up:
            giving_up.callback(_cancel, place, jobs)
            watch(folder, progress, stop, _ended(jobs))
            giving_up.pop_all()
        (place / JOBS).unlink(missing_ok=True)
        for number, job in enumerate(jobs):
            problem = _obituary(job)
            if problem:
                raise RunError(
                    f"job {job.job_id} (part {number}) {problem}; see {job.paths.stderr}; "
                    "the same command goes on"
                )

    return work


class PartJob:
    """What a job of the array does; submitit calls ``checkpoint`` when its time is over."""

    def __call__(self, folder: str, number: int, count: int) -> None:
        """Work on a part; being cancelled means to end after the current picture."""
        asked: list[int] = []
        signal.signal(signal.SIGTERM, lambda received, _: asked.append(received))
        do_part(Path(folder), Part(number, count), stop=lambda: bool(asked))

    def checkpoint(self, folder: str, number: int, count: int) -> Any:
        """Go on in another job: what is done stands in the folder."""
        import submitit

        return submitit.helpers.DelayedSubmission(self, folder, number, count)


def _submit(folder: Path, wanted: Cluster) -> Sequence[Any]:
    import submitit

    try:
        executor = submitit.AutoExecutor(folder=folder / FOLDER, cluster="slurm")
    except RuntimeError as missing:
        raise RunError(
            f"no SLURM here ({missing}); leave --use-cluster out to work on this machine"
        ) from missing
    executor.update_parameters(**_parameters(folder, wanted))
    numbers = list(range(wanted.jobs))
    try:
        jobs: Sequence[Any] = executor.map_array(
            PartJob(), [str(folder)] * wanted.jobs, numbers, [wanted.jobs] * wanted.jobs
        )
    except (submitit.core.utils.FailedJobError, subprocess.CalledProcessError) as refused:
        raise RunError(f"SLURM refused the jobs: {refused}; check --partition") from refused
    (folder / FOLDER / JOBS).write_bytes(orjson.dumps([job.job_id for job in jobs]))
    return jobs


def _parameters(folder: Path, wanted: Cluster) -> dict[str, Any]:
    """As submitit wants them."""
    options: dict[str, Any] = {
        "name": f"eval-{folder.name}",
        "timeout_min": wanted.minutes,
        "cpus_per_task": wanted.cpus,
        "slurm_array_parallelism": wanted.jobs,
        "slurm_setup": [
            f"export PYTHONPATH={PROJECT}:$PYTHONPATH",
            *(f"export {name}={value}" for name, value in threads(wanted.cpus).items()),
        ],
    }
    if wanted.partition:
        options["slurm_partition"] = wanted.partition
    if wanted.gpus:
        options["gpus_per_node"] = wanted.gpus
    if wanted.exclude:
        options["slurm_exclude"] = wanted.exclude
    return options


def _submitted_before(place: Path) -> Sequence[Any]:
    """The jobs of an earlier command, if any of them is still in the queue."""
    import submitit

    try:
        names: list[str] = orjson.loads((place / JOBS).read_bytes())
    except (FileNotFoundError, orjson.JSONDecodeError):
        return []
    jobs: list[Any] = [submitit.SlurmJob(folder=place, job_id=name) for name in names]
    return jobs if _queued(names) & set(names) else []


def _ended(jobs: Sequence[Any]) -> Callable[[], list[bool]]:
    """Asks which jobs have ended: their result lies there, or SLURM no longer knows them.

    submitit alone would wait for ever where a job was killed and the cluster keeps no accounts.
    """
    names = [job.job_id for job in jobs]
    queued = set(names)
    asked = time.monotonic()

    def ended() -> list[bool]:
        nonlocal queued, asked
        if time.monotonic() - asked > _ASK_QUEUE:
            queued, asked = _queued(names), time.monotonic()
        return [job.paths.result_pickle.exists() or job.job_id not in queued for job in jobs]

    return ended


def _queued(names: Sequence[str]) -> set[str]:
    """Those that SLURM has waiting or running; all of them where it does not answer."""
    arrays = sorted({name.split("_")[0] for name in names})
    command = ["squeue", "--noheader", "--array", "--format=%i", f"--jobs={','.join(arrays)}"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return set(names)
    if said.returncode and "Invalid job id" not in said.stderr:
        return set(names)
    return set(said.stdout.split())


def _cancel(place: Path, jobs: Sequence[Any]) -> None:
    (place / JOBS).unlink(missing_ok=True)
    for job in jobs:
        job.cancel()


def _obituary(job: Any) -> str:
    """Why a job did not do its part; "" where it did."""
    if not job.paths.result_pickle.exists():
        return "was killed or cancelled"
    problem = job.exception()
    if problem is None:
        return ""
    parts = str(problem).split(_RULE)  # submitit quotes what the job said between two rules
    said = parts[-2] if len(parts) > 2 else parts[0]
    return f"failed: {said.strip().splitlines()[-1]}"
