"""Checkpoint file -> SAM 2 model: the only builder of models.

The architecture is read from the weights, never asked from the user.
"""

from pathlib import Path

import torch
from sam2.modeling.sam2_base import SAM2Base

from floorseg.core.architectures import find_architecture, recognise
from floorseg.core.checkpoint_file import CheckpointFile, read_checkpoint, save_checkpoint
from floorseg.errors import CheckpointError

__all__ = ["build_model", "load_model", "resolve_device", "save_checkpoint"]


def load_model(
    checkpoint: str | Path,
    device: str | torch.device = "auto",
    *,
    image_size: int | None = None,
) -> SAM2Base:
    """The model of a checkpoint, ready for inference: float32, evaluation mode.

    Args:
        checkpoint: a file.
        device: "auto", "cpu", "cuda", "cuda:1", "mps".
        image_size: pixels to work at, a multiple of 32; None for what the file says, else for the
            architecture's own.

    Raises:
        CheckpointError: if the file cannot be used; the message says what to do.
    """
    target = resolve_device(device)
    file = read_checkpoint(Path(checkpoint))
    architecture = recognise(file.shapes)
    if architecture is None:
        raise CheckpointError(f"{file.path} does not hold the weights of a SAM 2 model")
    model = architecture.build(image_size or file.image_size, empty=True)
    _fill(model, file)
    return model.to(target).eval()


def build_model(
    architecture: str, image_size: int | None = None, *, device: str | torch.device = "cpu"
) -> SAM2Base:
    """A model with random weights, for training and tests (in evaluation mode).

    Args:
        architecture: a name of ``ARCHITECTURES``: "nano", "sam2.1_small", ...
        image_size: pixels, a multiple of 32; None for the architecture's own.
        device: as for ``load_model``.

    Raises:
        ConfigError: if there is no such architecture or image size.
    """
    model = find_architecture(architecture).build(image_size)
    return model.to(resolve_device(device)).eval()


def resolve_device(device: str | torch.device = "auto") -> torch.device:
    """The device that is meant: "auto" is the first of CUDA, MPS, CPU that is there."""
    if str(device) != "auto":
        return torch.device(device)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def _fill(model: SAM2Base, file: CheckpointFile) -> None:
    """Copy the file's weights into the model, as float32."""
    weights = {
        key: value.to(torch.float32, copy=True) if value.is_floating_point() else value.clone()
        for key, value in file.weights.items()
    }
    try:
        model.load_state_dict(weights, assign=True)
    except RuntimeError as error:
        raise CheckpointError(f"{file.path} does not fit: {error}") from error
