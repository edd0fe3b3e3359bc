"""A training as a SLURM job: submitted with submitit, saved and put back in line when preempted."""

import logging
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from omegaconf import DictConfig, OmegaConf

from floorseg.errors import ConfigError, RunError
from floorseg.runs import RunFolder, RunState
from floorseg.training.config import PROJECT
from floorseg.training.finale import finish

QUEUE = "cluster"  # the device that a submitted run's ticket names
logger = logging.getLogger(__name__)


def job_parameters(config: DictConfig) -> dict[str, Any]:
    """What sbatch is asked for, from a config's ``launcher`` and ``submitit`` sections.

    Lists of nodes are joined with commas, as SLURM wants them. GPUs are asked for unless the
    training is for the CPU or the partition has none.

    Raises:
        ConfigError: if fewer nodes are named than asked for.
    """
    asked: Any = OmegaConf.to_container(
        config.get("submitit") or OmegaConf.create({}), resolve=True
    )
    tasks = int(config.launcher.gpus_per_node)
    nodes = int(config.launcher.num_nodes)
    found: dict[str, Any] = {
        "job_name": asked.get("name") or Path(config.launcher.experiment_log_dir).name,
        "time": int(60 * asked.get("timeout_hour", 24)),
        "nodes": nodes,
        "ntasks_per_node": max(tasks, 1),
        "cpus_per_task": asked.get("cpus_per_task"),
        "partition": asked.get("partition"),
        "account": asked.get("account"),
        "qos": asked.get("qos"),
        "mem": f"{asked['mem_gb']}GB" if asked.get("mem_gb") else asked.get("mem"),
        "constraint": asked.get("constraints"),
        "comment": asked.get("comment"),
        "exclude": _joined(asked.get("exclude_nodes")),
        "nodelist": _joined(asked.get("include_nodes")),
        "signal_delay_s": asked.get("signal_delay_s"),
        "srun_args": _srun(asked.get("srun_args")),
    }
    if asked.get("include_nodes") and len(asked["include_nodes"]) < nodes:
        raise ConfigError(
            f"submitit.include_nodes names {len(asked['include_nodes'])} nodes, the training wants "
            f"{nodes}; name more or lower --num-nodes"
        )
    if _wants_gpus(config) and tasks and _partition_has_gpus(found["partition"]):
        found["gpus_per_node"] = tasks
    return {key: value for key, value in found.items() if value not in (None, [], "")}


def batch_script(run: RunFolder, parameters: dict[str, Any]) -> str:
    """The script that would be submitted; needs no SLURM."""
    import sys

    from submitit.slurm.slurm import _make_sbatch_string

    folder = run.path / "slurm"
    command = f"{sys.executable} -u -m submitit.core._submit {folder}"
    text: str = _make_sbatch_string(command=command, folder=folder, setup=_setup(), **parameters)
    return text


def submit(run: RunFolder, parameters: dict[str, Any], *, port_range: Sequence[int]) -> str:
    """Hand a prepared run to SLURM; it waits there as long as SLURM lets it.

    Returns:
        the job's number.

    Raises:
        RunError: if there is no SLURM here or it refuses.
    """
    if shutil.which("sbatch") is None:
        raise RunError(
            "this machine has no SLURM (no sbatch); submit from a login node, look at the script "
            "with --dry-run, or train here with --use-cluster 0"
        )
    import submitit
    from submitit.core.utils import FailedJobError

    executor = submitit.SlurmExecutor(folder=run.path / "slurm")
    executor.update_parameters(**parameters, setup=_setup())
    run.write_json("queue.json", {"device": QUEUE, "since": time.time()})
    try:
        job = executor.submit(ClusterTraining(str(run.path), random.randint(*port_range)))
    except FailedJobError as problem:
        run.ticket.unlink(missing_ok=True)
        reason = str(problem).strip().splitlines()[-1]
        run.leave(RunState.FAILED, reason)
        raise RunError(f"SLURM refused the job: {reason}") from problem
    run.write_json("slurm.json", {"job": job.job_id, "parameters": parameters})
    return str(job.job_id)


@dataclass
class ClusterTraining:
    """What each task of the job runs. SLURM starts it again after a preemption: it goes on then.

    Attributes:
        run: the run folder, on a disk that all nodes see.
        port: through which the tasks find one another.
    """

    run: str
    port: int
    preempted: bool = field(default=False, init=False)

    def __call__(self) -> str:
        """Train until the end, a stop, or a preemption; in the latter case stand in line again."""
        import submitit

        from floorseg.training.processes import take_part

        task = submitit.JobEnvironment()
        first = task.global_rank == 0
        folder = RunFolder(Path(self.run))
        if first:
            folder.hand_to(psutil.Process())
        signal.signal(signal.SIGUSR2, self._preempt)  # SLURM's warning before it takes the node
        try:
            outcome = take_part(folder, self._environment(task))
        except BaseException as problem:  # also an interruption is noted; it is raised again
            if first:
                said = folder.read_json("failure-0.json").get("message")
                folder.leave(RunState.FAILED, str(said or problem))
            raise
        if first and self.preempted and outcome is RunState.STOPPED:
            self._stand_in_line_again(folder, task.job_id)
        elif first:
            if outcome is RunState.FINISHED:
                finish(folder)
            folder.leave(outcome)
        return str(outcome)

    def checkpoint(self, *_: Any) -> None:
        """Nothing: the trainer saves by itself, at the end of a step."""

    def _environment(self, task: Any) -> dict[str, str]:
        alone = task.num_nodes == 1
        return {
            "RANK": str(task.global_rank), "LOCAL_RANK": str(task.local_rank),
            "WORLD_SIZE": str(task.num_tasks), "MASTER_PORT": str(self.port),
            "MASTER_ADDR": "127.0.0.1" if alone else task.hostnames[0],
        }  # fmt: skip

    def _preempt(self, number: int, _: object) -> None:
        logger.warning("SLURM wants the node back: saving, then standing in line again")
        self.preempted = True
        os.kill(os.getpid(), signal.SIGTERM)  # what the trainer listens to

    def _stand_in_line_again(self, folder: RunFolder, job: str) -> None:
        folder.record("requeued", job=job)
        folder.write_json("queue.json", {"device": QUEUE, "since": time.time()})
        (folder.path / "pid").unlink(missing_ok=True)
        subprocess.run(["scontrol", "requeue", job], check=True)


def _setup() -> list[str]:
    return [f'export PYTHONPATH="{PROJECT}:$PYTHONPATH"', "export OMP_WAIT_POLICY=PASSIVE"]


def _joined(names: Any) -> str | None:
    if not names:
        return None
    return names if isinstance(names, str) else ",".join(str(name) for name in names)


def _srun(arguments: Any) -> list[str]:
    binding = (arguments or {}).get("cpu_bind")
    return ["--cpu-bind", str(binding)] if binding else []


def _wants_gpus(config: DictConfig) -> bool:
    return str(config.trainer.get("accelerator", "cuda")) != "cpu"


def _partition_has_gpus(partition: str | None) -> bool:
    """Whether SLURM knows of GPUs there; yes where it cannot be asked."""
    if shutil.which("sinfo") is None:
        return True
    asked = [
        "sinfo",
        "--noheader",
        "--format=%G",
        *(["--partition", partition] if partition else []),
    ]
    said = subprocess.run(asked, capture_output=True, text=True, check=False)
    return said.returncode != 0 or "gpu" in said.stdout
