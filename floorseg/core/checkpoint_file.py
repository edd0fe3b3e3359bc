"""Checkpoint files: what lies in them, whoever wrote them. Knows nothing of models.

Reads official files, the sam2 trainer's (with optimizer), raw state dicts, ``module.`` prefixes and
safetensors. Pickles are only ever read with ``weights_only=True``: no code in a file runs.
"""

import os
import pickle
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from floorseg.errors import CheckpointError

_ANCHOR = "image_encoder.trunk.patch_embed.proj.weight"  # every SAM 2 has it


@dataclass(frozen=True, slots=True, eq=False)
class CheckpointFile:
    """What a file holds, tensors still on disk where the format allows it.

    Attributes:
        path: the file.
        weights: each tensor by its name in the model, wrappings and prefixes removed.
        image_size: pixels the weights were made for, or None where the file does not say.
        origin: what the writer noted about where the weights come from.
        extras: names of what else the file holds ("optimizer", "epoch", ...).
    """

    path: Path
    weights: Mapping[str, Tensor]
    image_size: int | None = None
    origin: Mapping[str, Any] = field(default_factory=dict)
    extras: tuple[str, ...] = ()

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of each tensor by its name."""
        return {key: tuple(value.shape) for key, value in self.weights.items()}


def read_checkpoint(path: Path) -> CheckpointFile:
    """Open a checkpoint without copying its tensors into memory.

    Raises:
        CheckpointError: if the file is missing, empty, damaged or no checkpoint.
    """
    if path.suffix == ".safetensors":
        return _read_safetensors(path)
    content = _unpickle(path)
    if not isinstance(content, Mapping):
        raise CheckpointError(
            f"{path} holds a {type(content).__name__}, not weights by name; "
            f"save model.state_dict() instead"
        )
    ours = content.get("floorseg")
    notes = ours if isinstance(ours, Mapping) else {}
    inner = next((k for k in ("model", "state_dict") if isinstance(content.get(k), Mapping)), None)
    weights = content[inner] if inner else content
    extras = tuple(str(k) for k in content if k not in {inner, "floorseg"}) if inner else ()
    return CheckpointFile(
        path, _plain(weights), notes.get("image_size"), notes.get("origin") or {}, extras
    )


def save_checkpoint(
    path: Path,
    model: nn.Module | Mapping[str, Tensor],
    *,
    architecture: str,
    image_size: int,
    half: bool = True,
    origin: Mapping[str, Any] | None = None,
) -> None:
    """Write weights for inference; the file appears whole or not at all.

    Args:
        path: the file; its folder is made where it is missing.
        model: a module, or its state dict.
        architecture: a name of ``ARCHITECTURES``.
        image_size: pixels the weights were made for.
        half: store floats in half precision: half the size; loading gives float32 again.
        origin: where the weights come from; plain strings, numbers and lists of them.
    """
    weights = model.state_dict() if isinstance(model, nn.Module) else model
    stored = {
        key: value.detach().cpu().to(torch.float16 if half else torch.float32)
        if value.is_floating_point()
        else value.detach().cpu()
        for key, value in weights.items()
    }
    notes = {"architecture": architecture, "image_size": image_size, "origin": dict(origin or {})}
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            torch.save({"model": stored, "floorseg": notes}, file)
        os.chmod(name, 0o644)
        os.replace(name, path)
    finally:
        Path(name).unlink(missing_ok=True)


def _unpickle(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except FileNotFoundError:
        raise CheckpointError(f"{path} does not exist") from None
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise CheckpointError(f"{path} cannot be read as a checkpoint: {error}") from error


def _read_safetensors(path: Path) -> CheckpointFile:
    from safetensors.torch import load_file

    return CheckpointFile(path, _plain(load_file(path)))


def _plain(weights: Mapping[Any, Any]) -> dict[str, Tensor]:
    """Only the tensors, without the prefix that wrappers put before every name."""
    tensors = {str(key): value for key, value in weights.items() if isinstance(value, Tensor)}
    anchor = next((key for key in tensors if key.endswith(_ANCHOR)), _ANCHOR)
    prefix = anchor.removesuffix(_ANCHOR)
    return {
        key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)
    }
