"""Checkpoint file -> SAM 2 model: the only builder of models.

The architecture is read from the weights, never asked from the user.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from sam2.modeling.sam2_base import SAM2Base

from floorseg.core.architectures import ARCHITECTURES, Architecture, find_architecture, recognise
from floorseg.core.checkpoint_file import (
    CheckpointFile,
    check_bytes,
    digest,
    read_checkpoint,
    refuse_existing,
    save_checkpoint,
)
from floorseg.core.device import check_memory, resolve_device
from floorseg.core.find_checkpoint import SHIPPED, find_checkpoint
from floorseg.core.room_odds import RoomOdds
from floorseg.errors import CheckpointError

__all__ = [
    "build_model",
    "find_checkpoint",
    "load_model",
    "resolve_device",
    "save_checkpoint",
    "slim_checkpoint",
    "verify_checkpoint",
]

Shapes = Mapping[str, tuple[int, ...]]


def load_model(
    checkpoint: str | Path,
    device: str | torch.device = "auto",
    *,
    image_size: int | None = None,
    folders: Sequence[Path] = (SHIPPED,),
) -> SAM2Base:
    """The model of a checkpoint, ready for inference: float32, evaluation mode.

    Where the checkpoint brings odds of rooms, they are the model's ``room_odds``.

    Args:
        checkpoint: a file; a name in one of the folders ("floorseg-nano-rooms"); or a Hugging Face
            id ("facebook/sam2.1-hiera-small").
        device: "auto", "cpu", "cuda", "cuda:1" or "mps".
        image_size: pixels to work at, a multiple of 32; None for what the file says, else for the
            architecture's own.
        folders: where names are looked up.

    Raises:
        CheckpointError: if the weights are missing, damaged, another model's, or do not fit into
            memory.
        ConfigError: if the device or the image size cannot be used.
    """
    target = resolve_device(device)
    file = read_checkpoint(find_checkpoint(checkpoint, folders))
    architecture = _recognised(file)
    size = image_size or file.image_size or architecture.image_size
    check_memory(_memory(file, architecture, size), target, f"{file.path.name} at {size} px")
    model = architecture.build(size, empty=True)
    _check_match(file, architecture, _shapes(model))
    model.load_state_dict(_float32(file.weights), assign=True)
    if file.room_odds:
        model.room_odds = _room_odds(file, model)
    try:
        return model.to(target).eval()
    except torch.OutOfMemoryError as problem:
        raise CheckpointError(
            f"{file.path.name} does not fit into the memory of {target}; choose a smaller "
            "checkpoint or --device cpu"
        ) from problem


def build_model(
    architecture: str, image_size: int | None = None, *, device: str | torch.device = "cpu"
) -> SAM2Base:
    """A model with random weights, for training and tests (in evaluation mode).

    Args:
        architecture: a name of ``ARCHITECTURES``: "nano", "sam2.1_small", ...
        image_size: pixels, a multiple of 32; None for the architecture's own.
        device: as for ``load_model``.

    Raises:
        ConfigError: if there is no such architecture, image size or device.
    """
    model = find_architecture(architecture).build(image_size)
    return model.to(resolve_device(device)).eval()


@dataclass(frozen=True, slots=True)
class Verified:
    """A checkpoint that was read to its last byte and is whole.

    Attributes:
        architecture: its name in ``ARCHITECTURES``.
        tensors: how many weights were compared with the architecture, all of which match.
        sha256: digest of the file.
    """

    architecture: str
    tensors: int
    sha256: str


def verify_checkpoint(path: Path) -> Verified:
    """Read a whole file: its own check sums, every name and shape, no weight that is not finite.

    Raises:
        CheckpointError: if anything is wrong with it.
    """
    check_bytes(path)
    file = read_checkpoint(path)
    architecture = _recognised(file)
    model = architecture.build(empty=True)
    _check_match(file, architecture, _shapes(model))
    if file.room_odds:
        _room_odds(file, model)
    for name, weight in file.weights.items():
        if weight.is_floating_point() and not torch.isfinite(weight).all():
            raise CheckpointError(
                f"{path} holds NaN or infinite numbers in {name}: its training went wrong; "
                "use an earlier checkpoint"
            )
    return Verified(architecture.name, len(file.weights), digest(path))


def slim_checkpoint(source: Path, target: Path, *, half: bool = True) -> None:
    """Keep what inference needs: weights, architecture, image size, and where they come from.

    Args:
        source: any checkpoint ``load_model`` reads, most often a trainer's.
        target: the file to write; it must not exist.
        half: in half precision.

    Raises:
        CheckpointError: if the source is no SAM 2 checkpoint or the target exists.
    """
    refuse_existing(target)
    file = read_checkpoint(source)
    architecture = _recognised(file)
    _check_match(file, architecture, _shapes(architecture.build(empty=True)))
    origin = {**file.origin, "slimmed_from": source.name, "slimmed_from_sha256": digest(source)}
    if file.epoch is not None:
        origin["epoch"] = file.epoch
    save_checkpoint(
        target,
        file.weights,
        architecture=architecture.name,
        image_size=file.image_size or architecture.image_size,
        half=half,
        origin=origin,
        room_odds=file.room_odds,
    )


def _room_odds(file: CheckpointFile, model: SAM2Base) -> RoomOdds:
    try:
        return RoomOdds.from_notes(file.room_odds, model.hidden_dim)
    except (TypeError, ValueError) as problem:
        raise CheckpointError(
            f"the odds of rooms in {file.path} do not fit its weights ({problem}); fit them anew: "
            "python -m floorseg checkpoints odds"
        ) from problem


def _recognised(file: CheckpointFile) -> Architecture:
    """The file's architecture; where there is none, the error tells how near the nearest is."""
    shapes = file.shapes
    found = recognise(shapes)
    if found is not None:
        return found
    models = {known: _shapes(known.build(empty=True)) for known in ARCHITECTURES.values()}
    nearest = max(models, key=lambda known: _matching(shapes, models[known]))
    _check_match(file, nearest, models[nearest])
    raise CheckpointError(f"{file.path} is {nearest.title} in all but its name; report this")


def _check_match(file: CheckpointFile, architecture: Architecture, expected: Shapes) -> None:
    """Refuse weights that are not exactly the model's."""
    found = file.shapes
    if found == expected:
        return
    matching = _matching(found, expected)
    if not matching:
        raise CheckpointError(
            f"{file.path} holds another model's weights: none of its {len(found)} names is one of "
            f"a SAM 2 (its first is {next(iter(found))!r}){_guess(found)}"
        )
    raise CheckpointError(
        f"{file.path} does not hold {architecture.title}: {matching} of {len(expected)} weights "
        f"match, the first that does not is {_first_difference(found, expected)}"
    )


def _first_difference(found: Shapes, expected: Shapes) -> str:
    for name, shape in expected.items():
        if name not in found:
            return f"{name!r}, which the file lacks"
        if found[name] != shape:
            return f"{name!r}: {found[name]} in the file, {shape} in the model"
    extra = next(name for name in found if name not in expected)
    return f"{extra!r}, which the model does not have"


def _guess(found: Shapes) -> str:
    """Whose weights these are, where the names give it away."""
    names = list(found)
    if any(name.startswith(("vision_encoder.", "sam2.vision_encoder.")) for name in names):
        return "; these are transformers' names, take the .pt file of the same repository"
    if any(name.startswith("image_encoder.blocks.") for name in names):
        return "; these look like the first Segment Anything, take a SAM 2 checkpoint"
    return "; take a SAM 2 checkpoint"


def _matching(found: Shapes, expected: Shapes) -> int:
    return sum(found.get(name) == shape for name, shape in expected.items())


def _shapes(model: SAM2Base) -> Shapes:
    return {name: tuple(weight.shape) for name, weight in model.state_dict().items()}


def _float32(weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Copies in memory: the file may be replaced while the model lives."""
    return {
        name: weight.to(torch.float32 if weight.is_floating_point() else weight.dtype, copy=True)
        for name, weight in weights.items()
    }


def _memory(file: CheckpointFile, architecture: Architecture, image_size: int) -> int:
    """Bytes of the weights in float32 and of one image on its way through the encoder.

    The first stage is the widest: tokens of 4 x 4 px. Measured at 1024 px on a CPU, tiny takes 0.47
    GB beside its weights and large as much: less than 20 arrays of the first stage.
    """
    weights = sum(weight.numel() for weight in file.weights.values()) * 4
    return weights + 20 * 4 * architecture.embed_dim * (image_size // 4) ** 2
