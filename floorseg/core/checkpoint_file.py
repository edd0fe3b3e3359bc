"""Checkpoint files: what lies in them, whoever wrote them. Knows nothing of models.

Reads official files, the sam2 trainer's (with optimizer), raw state dicts, ``module.`` prefixes and
safetensors. Pickles are only ever read with ``weights_only=True``: no code in a file runs.
"""

import hashlib
import os
import pickle
import tempfile
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from floorseg.core.checkpoint_damage import diagnose
from floorseg.errors import CheckpointError

_ANCHOR = "image_encoder.trunk.patch_embed.proj.weight"  # every SAM 2 has it
_WRAPPINGS = ("model", "state_dict", "model_state_dict")
# Trainers leave numpy numbers beside the weights; to read them is harmless.
_SCALAR = np.float64(0).__reduce__()[0]
_NUMBERS: list[Any] = [
    (_SCALAR, "numpy.core.multiarray.scalar"),  # as numpy 1 writes it
    (_SCALAR, "numpy._core.multiarray.scalar"),  # as numpy 2 does
    np.dtype,
    *(type(np.dtype(kind)) for kind in ("float64", "float32", "int64", "int32", "bool")),
]
_READING = Lock()  # what torch allows in a pickle is one list for all threads


@dataclass(frozen=True, slots=True, eq=False)
class CheckpointFile:
    """What a file holds, tensors still on disk where the format allows it.

    Attributes:
        path: the file.
        weights: each tensor by its name in the model, wrappings and prefixes removed; where a
            trainer kept a moving average of it, the average, which is what it validated.
        image_size: pixels the weights were made for, or None where the file does not say.
        origin: what the writer noted about where the weights come from.
        room_odds: what the writer noted for ``core.room_odds``; empty where nothing was.
        extras: names of what else the file holds ("optimizer", "epoch", ...).
        epoch: epochs trained, where a trainer wrote it.
    """

    path: Path
    weights: Mapping[str, Tensor]
    image_size: int | None = None
    origin: Mapping[str, Any] = field(default_factory=dict)
    room_odds: Mapping[str, Any] = field(default_factory=dict)
    extras: tuple[str, ...] = ()
    epoch: int | None = None

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of each tensor by its name."""
        return {key: tuple(value.shape) for key, value in self.weights.items()}


def read_checkpoint(path: Path) -> CheckpointFile:
    """Open a checkpoint without copying its tensors into memory.

    Raises:
        CheckpointError: if the file is missing, empty, damaged, no checkpoint, or a pickle that
            wants to run code; the sentence says which and what to do.
    """
    content = _read(path)
    if not isinstance(content, Mapping):
        raise CheckpointError(
            f"{path} holds a {type(content).__name__}, not weights by name; "
            "save model.state_dict() instead"
        )
    inner = next((key for key in _WRAPPINGS if isinstance(content.get(key), Mapping)), None)
    weights = _plain(content[inner] if inner else content)
    weights |= {key: value for key, value in _averaged(content).items() if key in weights}
    if not weights:
        raise CheckpointError(
            f"{path} holds no weights, only {_names(content)}; save model.state_dict() instead"
        )
    ours = content.get("floorseg")
    notes = ours if isinstance(ours, Mapping) else {}
    size, origin, odds = (notes.get(name) for name in ("image_size", "origin", "room_odds"))
    epoch = content.get("epoch") if inner else None
    return CheckpointFile(
        path,
        weights,
        image_size=size if isinstance(size, int) else None,
        origin=origin if isinstance(origin, Mapping) else {},
        room_odds=odds if isinstance(odds, Mapping) else {},
        extras=tuple(str(key) for key in content if key not in {inner, "floorseg"} and inner),
        epoch=epoch if isinstance(epoch, int) else None,
    )


def save_checkpoint(
    path: str | Path,
    model: nn.Module | Mapping[str, Tensor],
    *,
    architecture: str,
    image_size: int,
    half: bool = True,
    origin: Mapping[str, Any] | None = None,
    room_odds: Mapping[str, Any] | None = None,
) -> None:
    """Write weights for inference; the file appears whole or not at all.

    Args:
        path: the file; its folder is made where it is missing.
        model: a module, or its state dict.
        architecture: a name of ``ARCHITECTURES``.
        image_size: pixels the weights were made for.
        half: store floats in half precision: half the size; loading gives float32 again.
        origin: where the weights come from; plain strings, numbers, lists and dicts of them.
        room_odds: of these very weights, see ``RoomOdds.notes``; and what they were fitted on.

    Raises:
        CheckpointError: if the file cannot be written, or a weight is too large for half precision.
    """
    weights = model.state_dict() if isinstance(model, nn.Module) else model
    stored = {key: _stored(key, value, half=half) for key, value in weights.items()}
    notes: dict[str, Any] = {
        "architecture": architecture, "image_size": image_size, "origin": dict(origin or {})
    }  # fmt: skip
    if room_odds:
        notes["room_odds"] = dict(room_odds)
    _write_whole(Path(path), {"model": stored, "floorseg": notes})


def refuse_existing(target: Path) -> None:
    """What is changed is written beside what it was made of, never over it.

    Raises:
        CheckpointError: if the file to write exists already.
    """
    if target.exists():
        raise CheckpointError(f"{target} exists already; remove it or choose another name")


def digest(path: str | Path) -> str:
    """SHA-256 of a file's bytes, hexadecimal; read once as long as the file stays the same.

    Raises:
        CheckpointError: if the file cannot be read.
    """
    try:
        found = Path(path).stat()
        return _digest(str(path), found.st_mtime_ns, found.st_size)
    except OSError as problem:
        raise CheckpointError(f"{path} cannot be read: {problem.strerror}") from problem


def check_bytes(path: Path) -> None:
    """Read every byte of a checkpoint and compare it with the sums that lie in the file.

    Safetensors and the pickles of very old torch versions carry no sums: nothing to compare.

    Raises:
        CheckpointError: if a part of the file does not match its sum.
    """
    if not zipfile.is_zipfile(path):
        return
    try:
        with zipfile.ZipFile(path) as archive:
            broken = archive.testzip()
    except (zipfile.BadZipFile, OSError, EOFError) as problem:
        raise CheckpointError(f"{path} is damaged ({problem}); get it once more") from problem
    if broken:
        raise CheckpointError(f"{path} is damaged in {broken}; get it once more")


def _read(path: Path) -> Any:
    try:
        if path.suffix == ".safetensors":
            return _read_safetensors(path)
        with _READING, torch.serialization.safe_globals(_NUMBERS):
            return torch.load(
                path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path)
            )
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError) as problem:
        raise CheckpointError(diagnose(path, problem)) from problem
    except (KeyError, IndexError, TypeError, AttributeError, UnicodeDecodeError) as problem:
        # what the unpickler stumbles into on arbitrary bytes
        raise CheckpointError(diagnose(path, problem)) from problem


def _read_safetensors(path: Path) -> dict[str, Any]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as problem:
        raise ValueError(str(problem)) from problem


def _plain(weights: Mapping[Any, Any]) -> dict[str, Tensor]:
    """Only the tensors, without the prefix that wrappers put before every name."""
    tensors = {str(key): value for key, value in weights.items() if isinstance(value, Tensor)}
    anchor = next((key for key in tensors if key.endswith(_ANCHOR)), _ANCHOR)
    prefix = anchor.removesuffix(_ANCHOR)
    return {
        key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)
    }


def _averaged(content: Mapping[Any, Any]) -> dict[str, Tensor]:
    """The moving average that our trainer keeps beside the weights, of those that were trained."""
    kept = content.get("average")
    inner = kept.get("average") if isinstance(kept, Mapping) else None
    return _plain(inner) if isinstance(inner, Mapping) else {}


def _names(content: Mapping[Any, Any]) -> str:
    names = [repr(str(key)) for key in list(content)[:5]]
    return ", ".join(names) + (", ..." if len(content) > len(names) else "") or "nothing"


def _stored(name: str, weight: Tensor, *, half: bool) -> Tensor:
    weight = weight.detach().cpu()
    if not weight.is_floating_point():
        return weight
    stored = weight.to(torch.float16 if half else torch.float32)
    if half and not torch.isfinite(stored).all() and torch.isfinite(weight).all():
        raise CheckpointError(
            f"{name} holds {weight.abs().max():.3g}, more than half precision can; "
            "keep full precision (--full, or half=False)"
        )
    return stored.contiguous()


def _write_whole(path: Path, content: Mapping[str, Any]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                torch.save(content, file)
            os.chmod(name, 0o644)
            os.replace(name, path)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(name)
    except OSError as problem:
        raise CheckpointError(f"{path} cannot be written: {problem.strerror}") from problem


@lru_cache(maxsize=256)
def _digest(path: str, modified: int, size: int) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
