"""Where a training will run: what the command line says over what the configuration says."""

from dataclasses import dataclass
from pathlib import Path

import torch
from omegaconf import DictConfig, OmegaConf

from floorseg.core.model import resolve_device
from floorseg.errors import ConfigError
from floorseg.training.config import PROJECT

CLUSTER = "cluster"


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """What was said on the command line; None and "" leave it to the configuration.

    ``share_batch`` divides every batch among the processes, instead of a batch for each: the same
    training on more cores. Two processes of one thread are faster on two cores than one of two.
    """

    use_cluster: bool | None = None
    num_gpus: int | None = None
    share_batch: bool = False
    num_nodes: int | None = None
    partition: str = ""
    account: str = ""
    qos: str = ""


def settle(config: DictConfig, wanted: Launch) -> DictConfig:
    """A copy in which ``launcher`` and ``submitit`` say what will happen, and paths are found.

    Raises:
        ConfigError: if more machines are asked for without a cluster, or an impossible number.
    """
    config = config.copy()
    OmegaConf.set_struct(config, False)
    for section in ("launcher", "submitit"):
        config[section] = config.get(section) or {}
    submitit = config.submitit
    for key in ("partition", "account", "qos"):
        submitit[key] = getattr(wanted, key) or submitit.get(key)
    if wanted.use_cluster is not None:
        submitit.use_cluster = wanted.use_cluster
    submitit.port_range = submitit.get("port_range") or [10000, 65000]
    nodes = wanted.num_nodes or config.launcher.get("num_nodes") or 1
    if wanted.num_nodes is not None and wanted.num_nodes > 1 and not on_cluster(config):
        raise ConfigError(
            f"--num-nodes {wanted.num_nodes} needs a cluster; add --use-cluster 1, or leave it out"
        )
    config.launcher.num_nodes = int(nodes) if on_cluster(config) else 1
    config.launcher.gpus_per_node = _processes(config, wanted.num_gpus)
    if wanted.share_batch:
        _share_batches(config, config.launcher.gpus_per_node * config.launcher.num_nodes)
    _find_data(config)
    return config


def on_cluster(config: DictConfig) -> bool:
    """Whether a settled configuration goes to SLURM."""
    return bool(config.submitit.get("use_cluster"))


def device_of(config: DictConfig) -> str:
    """What a settled configuration occupies: "cpu", "cuda", ..., or "cluster".

    Raises:
        ConfigError: if this machine has no such device.
    """
    if on_cluster(config):
        return CLUSTER
    return str(resolve_device(str(config.trainer.get("accelerator", "cuda"))))


def _processes(config: DictConfig, asked: int | None) -> int:
    """Processes a machine: as asked, else as configured but no more than there are GPUs here."""
    if asked is not None:
        if asked < 1:
            raise ConfigError(f"--num-gpus must be at least 1, got {asked}")
        return asked
    configured = int(config.launcher.get("gpus_per_node") or 1)
    return configured if on_cluster(config) else min(configured, max(1, torch.cuda.device_count()))


def _share_batches(config: DictConfig, processes: int) -> None:
    """Divide the batch sizes in use by the number of processes: the stages', else the data's."""
    stages = [stage for stage in config.trainer.get("stages") or [] if stage.get("batch_sizes")]
    for owner in stages or [config.trainer.data.train]:
        if owner.get("batch_sizes"):
            owner.batch_sizes = [_share(int(size), processes) for size in owner.batch_sizes]


def _share(size: int, processes: int) -> int:
    if size % processes:
        raise ConfigError(
            f"a batch of {size} cannot be shared by {processes} processes alike; choose another "
            "batch size or --num-gpus, or leave out --share-batch"
        )
    return size // processes


def _find_data(config: DictConfig) -> None:
    """Make paths of the ``dataset`` section absolute: from here, else from the project's folder.

    A configuration works from any folder then, and a run goes on from any other.
    """
    section = config.get("dataset")
    if not isinstance(section, DictConfig):
        return
    for key in section:
        value = section[key]
        if not isinstance(value, str) or "/" not in value or "://" in value:
            continue
        for start in (Path.cwd(), PROJECT):
            found = start / Path(value).expanduser()
            if found.exists():
                section[key] = str(found.resolve())
                break
