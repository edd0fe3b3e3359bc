"""Start a training: its folder first, then the processes."""

import json
import logging
import os
import platform
import socket
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from floorseg.errors import ConfigError, FloorsegError
from floorseg.runs import RunFolder, RunState
from floorseg.training.config import PROJECT, read_config, register_resolvers
from floorseg.training.finale import finish
from floorseg.training.official import with_our_classes

PACKAGES = ("torch", "torchvision", "sam2", "numpy", "opencv-python-headless", "hydra-core")
logger = logging.getLogger(__name__)


def prepare_run(
    config: DictConfig,
    run: RunFolder,
    *,
    command: Sequence[str],
    source: Path,
    device: str = "cpu",
) -> DictConfig:
    """Write what was asked into the run folder and point the configuration at it.

    Args:
        config: as composed.
        run: its new folder.
        command: what was typed.
        source: the configuration file.
        device: what it will run on; runs on one device are queued one after another.

    Returns:
        the configuration, resolved, that :func:`run_here` takes.
    """
    config = with_our_classes(config)
    OmegaConf.set_struct(config, False)
    OmegaConf.update(config, "launcher.experiment_log_dir", str(run.path.resolve()), force_add=True)
    OmegaConf.resolve(config)
    if str(config.trainer.get("_target_", "")).startswith("floorseg."):
        config.trainer.run = str(run.path.resolve())
    run.write("config.yaml", OmegaConf.to_yaml(config))
    run.write_json(
        "provenance.json",
        {
            "command": list(command),
            "config_file": str(source.resolve()),
            "seed": config.trainer.get("seed_value"),
            "versions": versions(),
            "commit": _commit(),
            "device": device,
            "host": socket.gethostname(),
            "processors": os.cpu_count(),
            "threads": torch.get_num_threads(),
            "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        },
    )
    return config


def change_run(run: RunFolder, overrides: Sequence[str]) -> None:
    """Write other settings into a run that will go on; every process of it reads them there.

    Args:
        run: a run that is not running.
        overrides: Hydra overrides of its resolved configuration.

    Raises:
        ConfigError: if one names nothing, or something that has been put into effect already.
        RunError: if it is running.
    """
    for each in overrides:
        section = each.lstrip("+~").partition("=")[0].partition(".")[0]
        if section not in ("trainer", "launcher"):
            raise ConfigError(
                f"{each!r} changes nothing in a run that has begun: its configuration is resolved; "
                "say it for the trainer (trainer.max_epochs=60), or start a new run"
            )
    config = read_config(run.config, overrides)
    run.claim()
    run.write("config.yaml", OmegaConf.to_yaml(config))
    run.record("changed", overrides=list(overrides))


def run_here(config: DictConfig, run: RunFolder) -> RunState:
    """Train in this process until the end, a stop, or a failure; the folder says which.

    Raises:
        FloorsegError: if the training cannot start or go on, for a reason a person can mend.
    """
    run.claim()
    log_to(run.log)
    register_resolvers()
    for name, value in _one_process().items():
        os.environ.setdefault(name, value)
    try:
        trainer = instantiate(config.trainer, _recursive_=False)
        trainer.run()
    except BaseException as problem:  # also an interruption is noted; all of it is raised again
        cause = fixable_cause(problem)
        if cause is None:
            logger.exception("the run failed")
            run.leave(RunState.FAILED, f"{type(problem).__name__}: {problem}")
            raise
        logger.error("%s", cause)
        run.leave(RunState.FAILED, str(cause))
        raise cause from None
    finally:
        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()
    outcome = getattr(trainer, "outcome", RunState.FINISHED)
    if outcome is RunState.FINISHED:
        finish(run)
    run.leave(outcome)
    return RunState(outcome)


def fixable_cause(problem: BaseException | None) -> FloorsegError | None:
    """The sentence for a person beneath what Hydra and torch wrapped around it."""
    while problem is not None:
        if isinstance(problem, FloorsegError):
            return problem
        problem = problem.__cause__
    return None


def versions() -> dict[str, str]:
    """Versions of Python and of what training depends on."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def _one_process() -> dict[str, str]:
    """What torch.distributed wants to know, also when there is only one process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return {
        "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port),
        "RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "1",
    }  # fmt: skip


def log_to(path: Path, least: int = logging.INFO) -> None:
    """Write what our modules say into a run's log and onto standard error.

    Args:
        path: of the log; lines are added.
        least: level of what is worth a line.
    """
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    form = logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%d %H:%M:%S")
    for handler in (logging.StreamHandler(sys.stderr), logging.FileHandler(path)):
        handler.setFormatter(form)
        handler.setLevel(least)
        handler.addFilter(_is_ours_or_serious)
        root.addHandler(handler)


def _is_ours_or_serious(record: logging.LogRecord) -> bool:
    """sam2 tells the root logger every layer of the model and every variable of the environment."""
    return record.name != "root" or record.levelno >= logging.WARNING


def _commit() -> str | None:
    try:
        said = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=PROJECT, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return said.stdout.strip()


def provenance(run: RunFolder) -> dict[str, Any]:
    """What was written when the run started."""
    facts: dict[str, Any] = json.loads((run.path / "provenance.json").read_text())
    return facts
