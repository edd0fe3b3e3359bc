"""Checks of the masks of one image against each other."""

from collections.abc import Iterable

import numpy as np
from pycocotools import mask as coco_mask

from floorseg.data.checks.findings import Finding, finding
from floorseg.data.checks.look import Look, MaskLook

MANY = 600  # masks on one image, beyond which only the first are compared
NEAR = 0.9  # IoU of masks that are almost the same
SHARED = 0.1  # of the smaller mask, from which an overlap is told
CLASHING = 0.5  # of the smaller mask, from which two classes clash


def check_masks_together(look: Look) -> Iterable[Finding]:
    """Twice the same, almost the same, two classes on one place, overlaps."""
    masks = _comparable(look)
    if len(masks) < 2:
        return
    first, second, shared = _overlaps(masks)
    areas = np.array([mask.area for mask in masks], dtype=np.float64)
    smaller = shared / np.minimum(areas[first], areas[second])
    iou = shared / (areas[first] + areas[second] - shared)
    same_class = np.array(
        [masks[a].class_key == masks[b].class_key for a, b in zip(first, second, strict=True)],
        dtype=bool,
    )
    near = same_class & (iou > NEAR)
    kinds = [
        ("mask-twice", same_class & (iou == 1.0), "are the same mask"),
        ("mask-near-twice", near & (iou < 1.0), "are almost the same mask"),
        ("mask-two-classes", ~same_class & (smaller > CLASHING), "are of two classes on one place"),
        ("mask-overlap", same_class & ~near & (smaller > SHARED), "overlap"),
    ]
    for code, where, what in kinds:
        places = np.flatnonzero(where)
        if places.size:
            worst = int(places[np.argmax(shared[places])])
            a, b = masks[int(first[worst])], masks[int(second[worst])]
            said = f"annotations {a.name} and {b.name} {what} ({int(shared[worst]):,} pixels)"
            more = f", and {places.size - 1} more pairs" if places.size > 1 else ""
            yield finding(code, look.file, said + more, count=int(places.size))


def _comparable(look: Look) -> list[MaskLook]:
    """Masks with pixels, all of one size: pycocotools compares no others."""
    sized = [(m, m.segmentation["size"]) for m in look.masks if m.segmentation and m.area][:MANY]
    return [mask for mask, size in sized if size == sized[0][1]]


def _overlaps(masks: list[MaskLook]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs (i < j) that share pixels, and how many."""
    encoded = [dict(mask.segmentation or {}) for mask in masks]
    areas = np.array([mask.area for mask in masks], dtype=np.float64)
    # against a "crowd" pycocotools divides by the first mask's area: the shared pixels follow
    shared = np.asarray(coco_mask.iou(encoded, encoded, [1] * len(encoded))) * areas[:, None]
    first, second = np.nonzero(np.triu(shared, k=1) > 0.5)
    return first, second, np.round(shared[first, second])
