"""The mean of several checkpoints' weights: often better than each of them.

M. Wortsman and others, "Model soups", 2022 (arXiv:2203.05482). It works for weights that went on
from one another or from the same ones; means of unrelated weights are worth nothing.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from floorseg.core.architectures import find_architecture
from floorseg.core.checkpoint_file import (
    CheckpointFile,
    digest,
    read_checkpoint,
    refuse_existing,
    save_checkpoint,
)
from floorseg.core.model import verify_checkpoint
from floorseg.errors import CheckpointError


def average_checkpoints(sources: Sequence[Path], target: Path, *, half: bool = True) -> None:
    """Write the mean of checkpoints; one that is named twice counts twice.

    Args:
        sources: two or more files with weights of one architecture.
        target: the file to write; it must not exist.
        half: in half precision.

    Raises:
        CheckpointError: if a file cannot be read, they do not fit together, or the target exists.
    """
    refuse_existing(target)
    if len(sources) < 2:
        raise CheckpointError(f"a mean needs two or more checkpoints, got {len(sources)}")
    first, *others = [read_checkpoint(source) for source in sources]
    architecture = find_architecture(verify_checkpoint(sources[0]).architecture)
    for other in others:
        _check_alike(first, other)
    files = [first, *others]
    save_checkpoint(
        target,
        {name: _mean([file.weights[name] for file in files]) for name in first.weights},
        architecture=architecture.name,
        image_size=first.image_size or architecture.image_size,
        half=half,
        origin={"mean_of_sha256": [digest(source) for source in sources]},
    )


def _check_alike(first: CheckpointFile, other: CheckpointFile) -> None:
    shapes = {name: tuple(weight.shape) for name, weight in first.weights.items()}
    if shapes != {name: tuple(weight.shape) for name, weight in other.weights.items()}:
        raise CheckpointError(
            f"{first.path} and {other.path} are not of one architecture; only weights that went "
            "on from one another have a mean worth having"
        )
    if first.image_size != other.image_size:
        raise CheckpointError(
            f"{first.path} looks at {first.image_size} px, {other.path} at {other.image_size} px; "
            "a mean needs the same of both"
        )


def _mean(weights: list[Tensor]) -> Tensor:
    if not weights[0].is_floating_point():
        return weights[0]
    return torch.stack([weight.float() for weight in weights]).mean(dim=0)
