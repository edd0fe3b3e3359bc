"""Where close-ups lie: nine parts of a picture, half as wide and half as high, that overlap.

What is asked of a part, and what comes back from it, is moved to it and back here.
"""

import numpy as np
import torch
from torch import Tensor

from floorseg.core.decoded import Decoded
from floorseg.core.decoder import LOGIT_LIMIT
from floorseg.core.structures import Point, Prompt

QUARTERS = (0, 1, 2)  # a close-up begins at so many quarters of the picture's side
_MARGIN = 0.03  # of the picture's side: a prompt nearer to a close-up's edge is not put there

Place = tuple[int, int]  # a close-up: quarters from the left, quarters from the top


def window(place: Place, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """x0, y0, x1, y1 in pixels of the picture: half of each of its sides."""
    height, width = size
    x0, y0 = round(place[0] * width / 4), round(place[1] * height / 4)
    return x0, y0, x0 + round(width / 2), y0 + round(height / 2)


def place_of(prompt: Prompt, size: tuple[int, int], amid: float) -> Place | None:
    """The close-up that shows a prompt best; None where it does not fit into any.

    Args:
        prompt: a click, or more, or a box.
        size: (H, W) of the picture.
        amid: how near to the picture's middle, in parts of its side, is neither left nor right.
    """
    at = [(point.x, point.y) for point in prompt.points]
    if prompt.box is not None:
        at += [prompt.box[:2], prompt.box[2:]]
    if not at:
        return None
    spots = np.array(at) / (size[1], size[0])
    low, high = spots.min(axis=0), spots.max(axis=0)
    middle = (low + high) / 2 - 0.5
    first = np.where(abs(middle) < amid, 1, np.where(middle < 0, 0, max(QUARTERS)))
    begin, end = first / 4, first / 4 + 0.5
    fits = ((low >= begin + _MARGIN) | (begin == 0)) & ((high <= end - _MARGIN) | (end == 1))
    return (int(first[0]), int(first[1])) if fits.all() else None


def moved(prompt: Prompt, place: Place, size: tuple[int, int]) -> Prompt:
    """The prompt in pixels of a close-up."""
    left, top, _, _ = window(place, size)
    points = tuple(Point(point.x - left, point.y - top, point.inside) for point in prompt.points)
    if prompt.box is None:
        return Prompt(points)
    x0, y0, x1, y1 = prompt.box
    return Prompt(points, (x0 - left, y0 - top, x1 - left, y1 - top))


def _cells(place: Place, side: int) -> tuple[slice, slice]:
    left, top = (quarters * side // 4 for quarters in place)
    return slice(top, top + side // 2), slice(left, left + side // 2)


def cut(mask: Tensor | None, place: Place) -> Tensor | None:
    """The part of a mask (2h, 2w) that a close-up shows, (h, w)."""
    if mask is None:
        return None
    rows, columns = _cells(place, mask.shape[-1])
    return mask[rows, columns]


def placed(seen: Decoded, place: Place) -> Decoded:
    """A close-up's answers where they lie in the whole picture."""
    side = 2 * seen.logits.shape[-1]
    logits = torch.full(
        (*seen.logits.shape[:2], side, side), -LOGIT_LIMIT, device=seen.logits.device
    )
    rows, columns = _cells(place, side)
    logits[:, :, rows, columns] = seen.logits
    return Decoded(logits, seen.scores)


def cut_off(masks: Tensor, place: Place) -> Tensor:
    """bool (N,): masks (N, h, w) that reach an edge of a close-up which is none of the picture."""
    inside, side = masks > 0, masks.shape[-1]
    rows, columns = _cells(place, side)
    found = torch.zeros(len(masks), dtype=torch.bool, device=masks.device)
    edges = (
        (rows.start > 0, inside[:, rows.start]), (rows.stop < side, inside[:, rows.stop - 1]),
        (columns.start > 0, inside[:, :, columns.start]),
        (columns.stop < side, inside[:, :, columns.stop - 1]),
    )  # fmt: skip
    for is_inner, edge in edges:
        if is_inner:
            found |= edge.any(dim=1)
    return found
