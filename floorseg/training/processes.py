"""A training in several processes on this machine, one a GPU (or a few on a CPU, for tests).

sam2's own way: every process runs the same trainer, which wraps the model in torch's
``DistributedDataParallel``. The one that starts them passes signals on and says how it ended.
"""

import logging
import os
import random
import signal
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import torch
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from torch.multiprocessing import ProcessExitedException, ProcessRaisedException, start_processes

from floorseg.errors import RunError
from floorseg.runs import RunFolder, RunState
from floorseg.training.config import register_resolvers
from floorseg.training.finale import finish
from floorseg.training.launch import fixable_cause, log_to, run_here

logger = logging.getLogger(__name__)


def run_local(config: DictConfig, run: RunFolder) -> RunState:
    """Train on this machine, in as many processes as ``launcher.gpus_per_node`` says.

    Raises:
        FloorsegError: if the training cannot start or go on, for a reason a person can mend.
    """
    count = int(config.launcher.gpus_per_node)
    return run_here(config, run) if count <= 1 else run_together(run, count)


def run_together(run: RunFolder, count: int) -> RunState:
    """Train in ``count`` processes of this machine.

    Raises:
        RunError: if one of them failed, with what it said.
    """
    run.claim()
    _forget(run)
    members = start_processes(
        _member, args=(count, _free_port(), str(run.path)), nprocs=count, join=False,
        start_method="spawn",
    )  # fmt: skip
    with _passing_on_signals([process.pid for process in members.processes if process.pid]):
        try:
            while not members.join():
                pass
        except (ProcessRaisedException, ProcessExitedException) as problem:
            said = _failure(run) or str(problem).strip().splitlines()[-1]
            run.leave(RunState.FAILED, said)
            raise RunError(said) from None
    outcome = RunState(run.read_json("outcome.json").get("state", RunState.FINISHED))
    if outcome is RunState.FINISHED:
        finish(run)
    run.leave(outcome)
    return outcome


def take_part(run: RunFolder, environment: Mapping[str, str]) -> RunState:
    """Be one process of a training: what a member here and a task on a cluster do.

    Args:
        run: the prepared run.
        environment: ``RANK``, ``LOCAL_RANK``, ``WORLD_SIZE``, ``MASTER_ADDR``, ``MASTER_PORT``.
    """
    os.environ.update(environment)
    first = environment["RANK"] == "0"
    log_to(run.log, logging.INFO if first else logging.ERROR)  # the others would say it again
    register_resolvers()
    try:
        trainer = instantiate(OmegaConf.load(run.config).trainer, _recursive_=False)
        trainer.run()
    except BaseException as problem:  # also an interruption is noted; all of it is raised again
        cause = fixable_cause(problem)
        if cause is None:
            logger.exception("process %s failed", environment["RANK"])
        said = str(cause or f"{type(problem).__name__}: {problem}")
        run.write_json(f"failure-{environment['RANK']}.json", {"message": said})
        raise
    finally:
        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()
    outcome = RunState(getattr(trainer, "outcome", RunState.FINISHED))
    if first:
        run.write_json("outcome.json", {"state": outcome})
    return outcome


def _member(rank: int, count: int, port: int, path: str) -> None:
    environment = {
        "RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(count),
        "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port),
    }  # fmt: skip
    if not torch.cuda.is_available():  # processes that share a CPU share its cores, too
        torch.set_num_threads(max(1, torch.get_num_threads() // count))
    take_part(RunFolder(Path(path)), environment)


@contextmanager
def _passing_on_signals(pids: Sequence[int]) -> Iterator[None]:
    """Whoever asks this process to stop asks all of them; they agree on the step."""

    def pass_on(number: int, _: object) -> None:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    before = {s: signal.signal(s, pass_on) for s in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _forget(run: RunFolder) -> None:
    """Remove what an earlier part of the run left about how it ended."""
    for path in [*run.path.glob("failure-*.json"), run.path / "outcome.json"]:
        path.unlink(missing_ok=True)


def _failure(run: RunFolder) -> str:
    """The first sentence a process left, not the complaint of the others that it was gone."""
    found = sorted(run.path.glob("failure-*.json"), key=lambda path: path.stat().st_mtime)
    return str(run.read_json(found[0].name).get("message", "")) if found else ""


def _free_port() -> int:
    for _ in range(20):
        port = random.randint(20000, 60000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RunError("no free port was found for the training's processes to talk through")
