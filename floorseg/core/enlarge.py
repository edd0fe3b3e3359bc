"""Logits at a quarter of the model's size -> masks of the original image's size."""

import numpy as np
from torch import Tensor
from torch.nn import functional as F

_STRIP_PIXELS = 4_000_000  # of a mask enlarged at a time: 16 MB as floats


def enlarge(logits: Tensor, size: tuple[int, int]) -> Tensor:
    """Logits at the original image's size, bilinear, as sam2 does it; above 0 is inside.

    Args:
        logits: float32 (..., h, w).
        size: (H, W) in pixels.

    Returns:
        float32 (..., H, W).
    """
    flat = logits.reshape(-1, 1, *logits.shape[-2:])
    large = F.interpolate(flat, size, mode="bilinear", align_corners=False)
    return large.reshape(*logits.shape[:-2], *size)


def enlarge_mask(logits: Tensor, size: tuple[int, int]) -> np.ndarray:
    """What of one mask is inside at the original image's size, in bounded memory.

    Args:
        logits: float32 (h, w).
        size: (H, W) in pixels.

    Returns:
        bool (H, W): where ``enlarge`` is above 0.
    """
    height, width = size
    if height * width <= _STRIP_PIXELS:
        return (enlarge(logits, size) > 0).cpu().numpy()
    tall = enlarge(logits, (height, logits.shape[1]))  # bilinear: one direction, then the other
    mask = np.empty(size, dtype=bool)
    rows = max(1, _STRIP_PIXELS // width)
    for top in range(0, height, rows):
        strip = tall[top : top + rows]
        mask[top : top + rows] = (enlarge(strip, (len(strip), width)) > 0).cpu().numpy()
    return mask
