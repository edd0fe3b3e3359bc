"""A nano of nine blocks made one of twelve that answers the same, to be trained on.

The added blocks add nothing to what passes through them until they are trained: the output layers
of their attention and of their perceptron are zero. After T. Chen and others, "Net2Net", 2016
(arXiv:1511.05641), for residual blocks.
"""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from floorseg.core.architectures import ARCHITECTURES
from floorseg.core.checkpoint_file import (
    digest,
    read_checkpoint,
    refuse_existing,
    save_checkpoint,
)
from floorseg.core.model import verify_checkpoint
from floorseg.errors import CheckpointError

DEEPER = {"nano_9": "nano"}  # by name: what can be made deeper, and what it becomes

_BLOCKS = "image_encoder.trunk.blocks."
_ADDED = range(8, 11)  # at the end of the third stage, of eight blocks then; one block follows
_OUTPUTS = ("attn.proj.", "mlp.layers.1.")


def deepen_checkpoint(source: Path, target: Path, *, half: bool = True, seed: int = 0) -> None:
    """Write a twelve-block nano that answers what a nine-block one does.

    Args:
        source: a checkpoint of a "nano_9".
        target: the file to write; it must not exist.
        half: in half precision.
        seed: of the added blocks' other weights.

    Raises:
        CheckpointError: if the source cannot be read or is something else, or the target exists.
    """
    refuse_existing(target)
    found = ARCHITECTURES[verify_checkpoint(source).architecture]
    if found.name not in DEEPER:
        raise CheckpointError(
            f"{source} holds {found.title}; only a nano of 9 blocks can be made deeper"
        )
    file = read_checkpoint(source)
    save_checkpoint(
        target,
        _deeper(file.weights, DEEPER[found.name], seed),
        architecture=DEEPER[found.name],
        image_size=file.image_size or found.image_size,
        half=half,
        origin={**file.origin, "deepened_from_sha256": digest(source)},
        room_odds=file.room_odds,  # what it sees is the same
    )


def _deeper(weights: Mapping[str, Tensor], name: str, seed: int) -> dict[str, Tensor]:
    """The old weights at their new places, and what the added blocks begin with."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        fresh = ARCHITECTURES[name].build().state_dict()
    return {key: _begin(key, weight, weights) for key, weight in fresh.items()}


def _begin(name: str, fresh: Tensor, weights: Mapping[str, Tensor]) -> Tensor:
    if not name.startswith(_BLOCKS):
        return weights[name]
    number, _, layer = name.removeprefix(_BLOCKS).partition(".")
    if int(number) in _ADDED:
        return torch.zeros_like(fresh) if layer.startswith(_OUTPUTS) else fresh
    before = int(number) - (len(_ADDED) if int(number) >= _ADDED.stop else 0)
    return weights[f"{_BLOCKS}{before}.{layer}"]
