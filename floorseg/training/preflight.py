"""Before a run: is everything there, does it fit together, and will it fit in?

Refuses with one sentence before the first step, so that no night is lost to a misspelt key.
"""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from floorseg.core.architectures import ARCHITECTURES, recognise
from floorseg.core.checkpoint_file import read_checkpoint
from floorseg.core.deepen import DEEPER
from floorseg.core.device import only_emulates, resolve_device
from floorseg.data.annotation import Sample
from floorseg.data.dataset import open_dataset
from floorseg.errors import CheckpointError, ConfigError, DatasetError, FloorsegError, RunError
from floorseg.training.epochs import check_batches, count_steps, nodes, place
from floorseg.training.estimate import Estimate, Workload, estimate
from floorseg.training.keys import check_keys
from floorseg.training.setup import on_cluster

LOOKED_AT = 12  # plans of each split that are opened
DATASET = "FloorplanRawDataset"


@dataclass(frozen=True, slots=True)
class Preflight:
    """What was found, where nothing stands in the way.

    Attributes:
        warnings: what one should know.
        plans: plans of each folder and split.
        needs: memory, disk and time, or None where the model is not one we know.
        steps: optimizer steps of the whole run, or None where minutes decide.
    """

    warnings: tuple[str, ...]
    plans: dict[str, int]
    needs: Estimate | None
    steps: int | None

    def in_words(self) -> str:
        """A few lines for a person."""
        lines = [f"{where}: {count} plans" for where, count in self.plans.items()]
        if self.needs:
            lines.append(
                f"needs about {self.needs.memory_gb:.1f} GB of memory and "
                f"{2 * self.needs.checkpoint_gb:.2f} GB of disk for checkpoints"
            )
        if self.needs and self.steps:
            hours = self.steps * self.needs.cpu_seconds / 3600
            lines.append(f"{self.steps} steps, on two CPU cores about {_duration(hours)}")
        return "\n".join([*lines, "everything a run needs is there"])


def preflight(config: DictConfig, *, source: Path, runs: Path) -> Preflight:
    """Look at everything a run needs.

    Args:
        config: composed and settled.
        source: the file it came from, for messages.
        runs: where the run folder will be made.

    Raises:
        FloorsegError: with what stands in the way and what to do.
    """
    warnings = check_keys(config)
    resolved = _resolved(config, source)
    plans = {
        place({"folder": folder, "split": split}): _check_split(folder, split)
        for folder, split in sorted(set(_splits(resolved)), key=str)
    }
    check_batches(resolved, plans)
    shapes = _check_weights(resolved)
    _check_writable(runs)
    load = _workload(resolved, shapes)
    needs = estimate(load) if load else None
    if needs and not on_cluster(config):
        warnings += _check_room(needs, runs, resolved)
    return Preflight(tuple(warnings), plans, needs, count_steps(resolved, plans))


def _resolved(config: DictConfig, source: Path) -> DictConfig:
    copy = config.copy()
    OmegaConf.set_struct(copy, False)
    OmegaConf.update(copy, "launcher.experiment_log_dir", "run", force_add=True)
    try:
        OmegaConf.resolve(copy)
    except OmegaConfBaseException as problem:
        said = " ".join(str(problem).split())
        raise ConfigError(f"{source} cannot be used: {said}") from problem
    return copy


def _splits(config: DictConfig) -> Iterator[tuple[str, str | None]]:
    trainer = OmegaConf.to_container(config.trainer)
    for node in nodes(trainer):
        if str(node.get("_target_", "")).endswith(DATASET):
            if not node.get("folder"):
                raise ConfigError(
                    "the configuration names no dataset folder; add dataset.folder=FOLDER"
                )
            yield str(node["folder"]), node.get("split")


def _check_split(folder: str, split: str | None) -> int:
    """How many plans a split has; a few of them are opened."""
    try:
        dataset = open_dataset(Path(folder).expanduser(), split)
        count = len(dataset)
        step = max(1, count // LOOKED_AT)
        usable = sum(_is_usable(dataset[index]) for index in range(0, count, step))
    except FloorsegError as problem:
        raise DatasetError(f"{problem} (the configuration asks for {folder})") from problem
    if not usable:
        raise DatasetError(
            f"{folder} ({split or 'everything'}): none of {min(count, LOOKED_AT)} plans looked at "
            f'has a usable annotation; see "python -m floorseg data check {folder}"'
        )
    return count


def _is_usable(sample: Sample) -> bool:
    if not sample.image_path.is_file():
        raise DatasetError(f"{sample.image_path} is missing")
    found = [annotation.mask() for annotation in sample.annotations[:1]]
    size = (sample.height, sample.width)
    if any(mask.shape != size for mask in found):
        raise DatasetError(
            f"{sample.image_path} is {sample.width} x {sample.height} pixels, its first annotation "
            f"{found[0].shape[1]} x {found[0].shape[0]}; re-export it at the picture's size"
        )
    return any(mask.any() for mask in found)


def _check_weights(config: DictConfig) -> dict[str, tuple[int, ...]] | None:
    """Shapes of the initial weights, which must be of the architecture that will be trained."""
    start = OmegaConf.select(config, "trainer.checkpoint.model_weight_initializer")
    path = start and (
        start.get("checkpoint") or OmegaConf.select(start, "state_dict.checkpoint_path")
    )
    if not path:
        return None
    file = read_checkpoint(Path(path).expanduser())
    found = recognise(file.shapes)
    trunk = config.trainer.model.image_encoder.trunk
    blocks = sum(trunk.get("stages") or (2, 3, 16, 3))  # Hiera's own default
    wanted = (trunk.get("embed_dim", 96), blocks)
    if found is not None and (found.embed_dim, found.blocks) != wanted:
        fitting = [a.name for a in ARCHITECTURES.values() if (a.embed_dim, a.blocks) == wanted]
        can = DEEPER.get(found.name) in fitting
        deeper = "; floorseg checkpoints deepen makes one of it" if can else ""
        raise CheckpointError(
            f"{path} holds {found.title}, the configuration trains {' or '.join(fitting) or wanted}"
            f"; choose architecture={found.name}, or a checkpoint that fits{deeper}"
        )
    return file.shapes


def _check_writable(runs: Path) -> None:
    probe = runs / f".can-write-{os.getpid()}"
    try:
        runs.mkdir(parents=True, exist_ok=True)
        probe.write_text("")
        probe.unlink()
    except OSError as problem:
        raise RunError(
            f"{runs} cannot be written: {problem.strerror}; choose another folder with --runs"
        ) from problem


def _workload(config: DictConfig, shapes: dict[str, tuple[int, ...]] | None) -> Workload | None:
    model = config.trainer.model
    weights = _weights(config, shapes)
    if weights is None:
        return None
    data = next(
        (n for n in nodes(OmegaConf.to_container(config.trainer.data)) if "max_num_objects" in n),
        {},
    )
    trained = str(model.get("trained") or "all")
    share = {"all": 1.0, "decoder": 0.14, "decoder+neck": 0.17, "lora": 0.16}.get(trained, 1.0)
    size, batch = _largest(config)
    return Workload(
        weights=weights,
        trained=int(weights * share),
        embed_dim=int(model.image_encoder.trunk.get("embed_dim", 96)),
        width=int(model.image_encoder.neck.get("d_model", 256)),
        image_size=size,
        batch=batch,
        objects=int(data.get("max_num_objects") or 4),
        clicks=int(model.get("num_correction_pt_per_frame") or 0) if "prompts" not in model else 1,
        frozen=trained in ("decoder", "decoder+neck"),
        half=_half(config),
    )


def _half(config: DictConfig) -> bool:
    """Whether activations will take half the memory, as far as it can be told before the run."""
    amp = OmegaConf.select(config, "trainer.optim.amp") or {}
    if not amp.get("enabled") or on_cluster(config):
        return bool(amp.get("enabled"))
    device = resolve_device(str(config.trainer.get("accelerator") or "auto"))
    return not only_emulates(str(amp.get("amp_dtype")), device)


def _weights(config: DictConfig, shapes: dict[str, tuple[int, ...]] | None) -> int | None:
    """How many numbers the model has."""
    if shapes is None:
        known = ARCHITECTURES.get(str(config.trainer.get("architecture")))
        if known is None:
            return None
        return sum(p.numel() for p in known.build(empty=True).state_dict().values())
    total = 0
    for shape in shapes.values():
        count = 1
        for side in shape:
            count *= side
        total += count
    return total


def _largest(config: DictConfig) -> tuple[int, int]:
    """The most demanding image size and batch of the run."""
    data = OmegaConf.select(config, "trainer.data.train.batch_sizes") or [1]
    found = [
        (
            int(stage.get("image_size") or config.trainer.model.image_size),
            max(stage.get("batch_sizes") or data),
        )
        for stage in config.trainer.get("stages") or []
    ]
    found = found or [(int(config.trainer.model.image_size), max(data))]
    return max(found, key=lambda stage: stage[0] ** 2 * stage[1])


def _check_room(needs: Estimate, runs: Path, config: DictConfig) -> list[str]:
    free = shutil.disk_usage(runs).free / 1e9
    if free < 2 * needs.checkpoint_gb:
        raise RunError(
            f"{runs} has {free:.1f} GB left, checkpoints need {2 * needs.checkpoint_gb:.1f} GB; "
            "make room or choose another disk with --runs"
        )
    room, what = _memory(config)
    if needs.memory_gb > room:
        return [
            f"about {needs.memory_gb:.1f} GB of memory will be needed, {what} has {room:.1f} GB; "
            "choose a smaller preset (memory=8GB), fewer objects, or a lower resolution"
        ]
    return []


def _memory(config: DictConfig) -> tuple[float, str]:
    import torch

    if torch.cuda.is_available() and str(config.trainer.get("accelerator")) != "cpu":
        return torch.cuda.mem_get_info()[1] / 1e9, "the GPU"
    return psutil.virtual_memory().available / 1e9, "this machine"


def _duration(hours: float) -> str:
    return f"{hours:.1f} h" if hours >= 1 else f"{60 * hours:.0f} min"
