"""What a checkpoint is, read from its header: for lists and provenance. Builds no model."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from floorseg.core.architectures import recognise
from floorseg.core.checkpoint_file import CheckpointFile, read_checkpoint
from floorseg.errors import CheckpointError

_TABLE = "sam_prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"  # fixed, not learnt


@dataclass(frozen=True, slots=True)
class CheckpointInfo:
    """One checkpoint, as a list shows it.

    Attributes:
        name: what ``load_model`` finds it by, in the folders it was listed from.
        path: the file.
        bytes: its size.
        modified: when it was last written, seconds since 1970.
        architecture: a name of ``ARCHITECTURES``; None where the weights are not a SAM 2's.
        title: the architecture as people write it; "" where there is none.
        parameters: how many learnt numbers it holds.
        image_size: pixels it works at.
        precision: how its weights are stored: "float32", "float16", ...
        trainer: whether training can be resumed from it (it holds the optimizer).
        epoch: epochs trained, where a trainer wrote it.
        origin: what its writer noted about where the weights come from.
        room_odds: what its own odds of rooms were fitted on; "" where it has none.
        problem: why it cannot be used, in one sentence; None where it can.
    """

    name: str
    path: Path
    bytes: int
    modified: float
    architecture: str | None = None
    title: str = ""
    parameters: int = 0
    image_size: int | None = None
    precision: str = ""
    trainer: bool = False
    epoch: int | None = None
    origin: Mapping[str, Any] = field(default_factory=dict)
    room_odds: str = ""
    problem: str | None = None

    @property
    def usable(self) -> bool:
        """Whether ``load_model`` can be expected to load it."""
        return self.problem is None


def describe_checkpoint(path: Path, name: str | None = None) -> CheckpointInfo:
    """What lies in a file; a damaged one is described by its problem.

    Reads the header once as long as the file stays the same.

    Args:
        path: the file.
        name: what to call it; None for the file's name without suffix.

    Raises:
        CheckpointError: if there is no such file.
    """
    try:
        found = path.stat()
    except OSError as problem:
        raise CheckpointError(f"{path} cannot be read: {problem.strerror}") from problem
    return _describe(path, name or path.stem, found.st_size, found.st_mtime_ns)


@lru_cache(maxsize=1024)
def _describe(path: Path, name: str, size: int, modified_ns: int) -> CheckpointInfo:
    modified = modified_ns / 1e9
    try:
        file = read_checkpoint(path)
    except CheckpointError as problem:
        return CheckpointInfo(name, path, size, modified, problem=str(problem))
    architecture = recognise(file.shapes)
    if architecture is None:
        said = f"{path} holds the weights of another model; name a SAM 2 checkpoint"
        return CheckpointInfo(
            name, path, size, modified, parameters=_parameters(file), problem=said
        )
    return CheckpointInfo(
        name,
        path,
        size,
        modified,
        architecture=architecture.name,
        title=architecture.title,
        parameters=_parameters(file),
        image_size=file.image_size or architecture.image_size,
        precision=_precision(file),
        trainer="optimizer" in file.extras,
        epoch=file.epoch,
        origin=file.origin,
        room_odds=str(file.room_odds.get("fitted_on", "its own")) if file.room_odds else "",
    )


def _parameters(file: CheckpointFile) -> int:
    return sum(weight.numel() for name, weight in file.weights.items() if name != _TABLE)


def _precision(file: CheckpointFile) -> str:
    kinds = {str(weight.dtype).removeprefix("torch.") for weight in file.weights.values()}
    return " and ".join(sorted(kinds))
