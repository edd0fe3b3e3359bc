"""A click near a wall is put once more to the middle of its answer.

People click anywhere in a room; a small model understands the middle best. Where the answer to a
single click has a middle that the click is not near, that is clicked, too, and of both answers the
one counts that the model holds for better, if it holds the click that was made. (On the 35 valid
plans one click anywhere in a room went from 0.79 to 0.82, one at its centre stayed at 0.86.)
"""

import cv2
import numpy as np
import torch
from torch import Tensor

from floorseg.core.decoded import Decoded
from floorseg.core.prompts import centre_click
from floorseg.core.structures import Point, Prompt

_NEAR = 0.5  # of the depth of an answer's deepest place: clicks that are as deep are near it


def middle_of(prompt: Prompt, answer: Tensor, size: tuple[int, int]) -> Prompt | None:
    """A click in the middle of what a click was answered with.

    Args:
        prompt: what was asked.
        answer: float32 (h, w), logits over the whole picture.
        size: (H, W) of the picture, in whose pixels prompts are.

    Returns:
        None where the click is near the middle, or outside its answer, or where more was asked.
    """
    if len(prompt.points) != 1 or prompt.box is not None or not prompt.points[0].inside:
        return None
    mask = (answer > 0).cpu().numpy()
    row, column = _cell(prompt.points[0], mask.shape, size)
    if not mask[row, column]:
        return None
    _, parts = cv2.connectedComponents(mask.view(np.uint8), connectivity=4)
    part = parts == parts[row, column]
    depth = cv2.distanceTransform(np.pad(part.view(np.uint8), 1), cv2.DIST_L2, 5)[1:-1, 1:-1]
    if depth[row, column] >= _NEAR * depth.max():
        return None
    deepest = centre_click(part)
    scale_y, scale_x = size[0] / mask.shape[0], size[1] / mask.shape[1]
    return Prompt((Point((deepest.x + 0.5) * scale_x, (deepest.y + 0.5) * scale_y),))


def take_if_better(
    answers: Decoded, seen: Decoded, asked: list[int], clicks: list[Point], size: tuple[int, int]
) -> None:
    """Put answers to middles in the place of those to clicks: where they are better, and hold them.

    Args:
        answers: to all prompts; some are replaced.
        seen: to the middles.
        asked: for each of those, the place of its prompt among all.
        clicks: and what had been clicked.
        size: (H, W) of the picture.
    """
    better = seen.scores.amax(dim=1) > answers.scores[asked].amax(dim=1)
    chosen = seen.chosen()
    for i in torch.nonzero(better).flatten().tolist():
        row, column = _cell(clicks[i], chosen[i].shape, size)
        if chosen[i, row, column] > 0:
            answers.logits[asked[i]] = seen.logits[i]
            answers.scores[asked[i]] = seen.scores[i]


def _cell(point: Point, shape: tuple[int, ...], size: tuple[int, int]) -> tuple[int, int]:
    """Row and column of a point in pixels of a picture (H, W), on a grid (h, w)."""
    row, column = int(point.y * shape[0] / size[0]), int(point.x * shape[1] / size[1])
    return min(max(row, 0), shape[0] - 1), min(max(column, 0), shape[1] - 1)
