"""sam2's training classes -> ours, so that a config written for sam2's trainer runs unchanged."""

from typing import Any

from omegaconf import DictConfig, ListConfig

OURS = {
    "training.trainer.Trainer": "floorseg.training.trainer.Trainer",
    "training.model.sam2.SAM2Train": "floorseg.training.model.SAM2Train",
    "training.loss_fns.MultiStepMultiMasksAndIous": (
        "floorseg.training.official_loss.MultiStepMultiMasksAndIous"
    ),
    "training.dataset.vos_dataset.VOSDataset": "floorseg.training.dataset.StrictVOSDataset",
}


def with_our_classes(config: DictConfig) -> DictConfig:
    """A copy in which every class of sam2's that is mended here is ours; the numbers stay."""
    config = config.copy()
    _replace(config)
    return config


def _replace(node: Any) -> None:
    if isinstance(node, ListConfig):
        for item in node:
            _replace(item)
    if not isinstance(node, DictConfig):
        return
    for key in node:
        if key == "_target_":
            node[key] = OURS.get(node[key], node[key])
        else:
            _replace(node[key])
