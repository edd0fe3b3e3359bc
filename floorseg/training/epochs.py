"""How many plans, batches and steps a configuration makes, before anything is loaded."""

from collections.abc import Iterator
from typing import Any

from omegaconf import DictConfig, OmegaConf

from floorseg.errors import ConfigError


def check_batches(config: DictConfig, plans: dict[str, int]) -> None:
    """Refuse batches that no dataset of the run can fill."""
    each = _plans_an_epoch(config, plans)
    usual = OmegaConf.select(config, "trainer.data.train.batch_sizes") or []
    stages = [stage.get("batch_sizes") or usual for stage in config.trainer.get("stages") or []]
    for sizes in stages or [usual]:
        pairs = list(zip(each, sizes, strict=False))
        if pairs and not any(count >= int(size) for count, size in pairs):
            count, size = pairs[0]
            raise ConfigError(
                f"an epoch has no batch: a batch takes {size} plans, the dataset has {count}; "
                "lower the batch size (batch_sizes), or raise scratch.multiplier"
            )


def _plans_an_epoch(config: DictConfig, plans: dict[str, int]) -> list[int]:
    """Plans that each dataset of a run shows in an epoch; none where that is not known."""
    data = OmegaConf.to_container(config.trainer.data)
    found = []
    for node in nodes(data):
        raw = node.get("video_dataset")
        if not isinstance(raw, dict) or place(raw) not in plans:
            continue
        count = min(plans[place(raw)], raw.get("limit") or plans[place(raw)])
        found.append(int((node.get("plans_per_epoch") or count) * (node.get("multiplier") or 1)))
    return found


def count_steps(config: DictConfig, plans: dict[str, int]) -> int | None:
    """Optimizer steps of a whole run; None where minutes or stages decide."""
    trainer = config.trainer
    if trainer.get("stages"):
        return None
    each = _plans_an_epoch(config, plans)
    sizes = OmegaConf.select(trainer, "data.train.batch_sizes") or [1]
    batches = sum(count // int(size) for count, size in zip(each, sizes, strict=False))
    return int(batches * float(trainer.max_epochs)) or None


def nodes(node: Any) -> Iterator[dict[str, Any]]:
    """Every mapping of a configuration."""
    if isinstance(node, dict):
        yield node
        node = list(node.values())
    if isinstance(node, list):
        for each in node:
            yield from nodes(each)


def place(dataset: dict[str, Any]) -> str:
    """A folder and its split, in words."""
    return f"{dataset.get('folder')} ({dataset.get('split') or 'everything'})"
