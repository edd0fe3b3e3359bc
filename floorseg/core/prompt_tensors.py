"""Prompts as SAM 2's prompt encoder takes them: coordinates, labels, earlier masks."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from floorseg.core.structures import Prompt

_OUTSIDE, _INSIDE, _UPPER_LEFT, _LOWER_RIGHT = range(4)  # sam2's point labels


def count_points(prompt: Prompt) -> int:
    """How many points a prompt comes to; a box is two."""
    return len(prompt.points) + (0 if prompt.box is None else 2)


def point_tensors(
    prompts: Sequence[Prompt], size: tuple[int, int], side: int, device: torch.device
) -> tuple[Tensor, Tensor] | None:
    """Coordinates float32 (N, P, 2) in pixels of the model's square, and labels int32 (N, P).

    Args:
        prompts: of equally many points each; None is returned where they have none.
        size: (H, W) of the image that they are given in.
        side: of the model's square, in pixels.
        device: where the model is.
    """
    if count_points(prompts[0]) == 0:
        return None
    coordinates = np.array([_coordinates(p) for p in prompts], dtype=np.float32)
    labels = np.array([_labels(p) for p in prompts], dtype=np.int32)
    height, width = size
    coordinates *= side / np.array([width, height], dtype=np.float32)
    return torch.from_numpy(coordinates).to(device), torch.from_numpy(labels).to(device)


def masks_of(prompts: Sequence[Prompt], previous: Tensor | None, side: int) -> list[Tensor | None]:
    """The earlier mask that goes with each prompt, float32 (side, side), or None.

    Args:
        prompts: may carry masks of their own.
        previous: (N, side, side), in the place of every ``Prompt.mask``.
        side: of the logits, in pixels.

    Raises:
        ValueError: if a mask has another size than the logits.
    """
    if previous is not None:
        found: list[Tensor | None] = list(previous)
    else:
        found = [None if p.mask is None else torch.as_tensor(p.mask) for p in prompts]
    for mask in found:
        if mask is not None and tuple(mask.shape) != (side, side):
            raise ValueError(
                f"a previous mask must be the logits of an earlier answer, ({side}, {side}), "
                f"got {tuple(mask.shape)}"
            )
    return found


def _coordinates(prompt: Prompt) -> list[tuple[float, float]]:
    """A box is two points that come first."""
    corners = [] if prompt.box is None else [prompt.box[:2], prompt.box[2:]]
    return [*corners, *((point.x, point.y) for point in prompt.points)]


def _labels(prompt: Prompt) -> list[int]:
    corners = [] if prompt.box is None else [_UPPER_LEFT, _LOWER_RIGHT]
    return [*corners, *(_INSIDE if point.inside else _OUTSIDE for point in prompt.points)]
