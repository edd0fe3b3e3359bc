"""sam2's two ways of choosing the next click, without a random number or a transform a pixel.

Same distribution, same points, as ``sam2.modeling.sam2_utils.get_next_point``.
"""

import numpy as np
import torch

from floorseg.core.prompts import next_click


def pixel_of_errors(
    truth: torch.Tensor, predicted: torch.Tensor | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """A click on any wrong pixel, each as likely as the others ("uniform").

    Where nothing is wrong it falls, as in sam2, on the background with label 0.

    Args:
        truth: bool (N, 1, H, W).
        predicted: bool (N, 1, H, W), or None for nothing yet.

    Returns:
        points, float (N, 1, 2), (x, y), and labels, int32 (N, 1).
    """
    wanted = truth[:, 0].flatten(1)
    wrong = wanted if predicted is None else wanted ^ predicted[:, 0].flatten(1)
    places = torch.empty(len(truth), dtype=torch.int64)
    draws = torch.rand(len(truth), dtype=torch.float64).tolist()
    for index, draw in enumerate(draws):
        candidates = wrong[index].nonzero()[:, 0]
        if not len(candidates):
            candidates = (~wanted[index]).nonzero()[:, 0]
        if len(candidates):
            places[index] = candidates[int(draw * len(candidates))]
        else:
            places[index] = 0  # the object is the whole picture, and found
    places = places.to(truth.device)
    labels = wanted.gather(1, places[:, None]).to(torch.int32)
    width = truth.shape[-1]
    points = torch.stack([places % width, places // width], dim=1).float()
    return points[:, None], labels


def centre_of_errors(
    truth: torch.Tensor, predicted: torch.Tensor | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """A click deepest inside what is wrong ("center").

    Args:
        truth: bool (N, 1, H, W).
        predicted: bool (N, 1, H, W), or None for nothing yet.

    Returns:
        points, float (N, 1, 2), (x, y), and labels, int32 (N, 1).
    """
    wanted = truth[:, 0].cpu().numpy()
    got = np.zeros_like(wanted) if predicted is None else predicted[:, 0].cpu().numpy()
    points = torch.zeros(len(wanted), 1, 2)
    labels = torch.zeros(len(wanted), 1, dtype=torch.int32)
    for index, pair in enumerate(zip(wanted, got, strict=True)):
        click = next_click(*pair)
        if click is not None:
            points[index, 0] = torch.tensor([click.x, click.y])
            labels[index, 0] = int(click.inside)
    return points.to(truth.device), labels.to(truth.device)
