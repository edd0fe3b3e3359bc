"""An RGB picture -> the square of numbers that SAM 2's image encoder takes."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

MEAN = (0.485, 0.456, 0.406)  # of ImageNet, red green blue, as SAM 2 was trained with
STD = (0.229, 0.224, 0.225)
_STRIP_PIXELS = 2_000_000  # pixels scaled at a time: 24 MB as floats


def prepare_image(image: np.ndarray, side: int, device: torch.device | str = "cpu") -> Tensor:
    """Scale to a square, without keeping the proportions, and normalise: as sam2 does it.

    A large picture is scaled in strips, so that memory stays bounded whatever its size.

    Args:
        image: uint8 (H, W, 3), RGB.
        side: pixels, the model's image size.
        device: where the result shall lie.

    Returns:
        float32 (3, side, side).

    Raises:
        ValueError: if the array is not such a picture.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape:
        raise ValueError(
            f"an image must be a uint8 array of shape (H, W, 3), RGB, "
            f"got {image.dtype} of shape {image.shape}"
        )
    height, width = image.shape[:2]
    rows = max(1, _STRIP_PIXELS // width)
    strips = [
        _resize(_planes(image[top : top + rows]), (min(rows, height - top), side))
        for top in range(0, height, rows)
    ]
    square = _resize(torch.cat(strips, dim=1), (side, side)).to(device)
    mean = torch.tensor(MEAN, device=square.device).reshape(3, 1, 1)
    std = torch.tensor(STD, device=square.device).reshape(3, 1, 1)
    return square.sub_(mean).div_(std)


def _planes(rows: np.ndarray) -> Tensor:
    """float32 (3, h, w) in [0, 1]."""
    planes = torch.from_numpy(np.ascontiguousarray(rows.transpose(2, 0, 1)))
    return planes.to(torch.float32).div_(255.0)


def _resize(planes: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinear with antialiasing, one direction after the other (which is how torch does both)."""
    if tuple(planes.shape[1:]) == size:
        return planes
    return F.interpolate(planes[None], size, mode="bilinear", align_corners=False, antialias=True)[
        0
    ]
