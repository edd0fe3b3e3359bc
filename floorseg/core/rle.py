"""Run-length encoding of masks, on pycocotools.

COCO's RLE counts runs down the columns (column-major), starting with a run of zeros.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

Segmentation = Mapping[str, Any]


def encode(mask: np.ndarray) -> dict[str, Any]:
    """Compressed COCO RLE of a mask.

    Args:
        mask: bool or 0/1 array of shape (H, W).

    Returns:
        ``{"size": [H, W], "counts": str}``, ready for JSON.
    """
    encoded = coco_mask.encode(np.asfortranarray(mask, dtype=np.uint8))
    return {"size": [int(n) for n in encoded["size"]], "counts": encoded["counts"].decode("ascii")}


def decode(segmentation: Segmentation) -> np.ndarray:
    """bool array of shape (H, W) of a compressed COCO RLE."""
    return coco_mask.decode(dict(segmentation)).astype(bool)


def area(segmentation: Segmentation) -> int:
    """Number of pixels of a compressed COCO RLE, without decoding it."""
    return int(coco_mask.area(dict(segmentation)))


def bbox(segmentation: Segmentation) -> tuple[float, float, float, float]:
    """(x, y, width, height) in pixels of a compressed COCO RLE, without decoding it."""
    x, y, width, height = (float(v) for v in coco_mask.toBbox(dict(segmentation)))
    return x, y, width, height
