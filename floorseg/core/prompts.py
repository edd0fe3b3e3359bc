"""Clicks and boxes drawn from the truth: training, validation, evaluation and demos use these.

The click rule is the one interactive segmentation is measured with: the next click goes to the
point deepest inside the largest error, "inside" where something was missed and "outside" where too
much was taken (RITM, Sofiiuk et al. 2021; sam2's ``get_next_point(method="center")`` picks the same
pixel; of several equally deep ones, here always the first). People do not click that well (RClicks,
Antonov et al. 2024, 475,000 real clicks), so the jittered click is drawn from the same region with
a chance that grows with the depth: the distance-transform clickability that RClicks takes as its
baseline.

Clicks are pixel indices and a box ends on the last pixel inside, as in sam2's own training.
"""

from typing import NamedTuple

import cv2
import numpy as np

from floorseg.core.structures import Point

Box = tuple[float, float, float, float]

_MARGIN = 1  # one ring of background: the picture's border counts as an edge, as in RITM
_ROUNDING = 1e-5  # relative error of a distance, generously


def centre_click(mask: np.ndarray) -> Point:
    """The first click on an object: the pixel deepest inside it.

    Args:
        mask: bool array of shape (H, W).

    Raises:
        ValueError: if the mask is empty.
    """
    spot = _deepest(np.ascontiguousarray(mask, dtype=np.uint8))
    if spot.depth == 0:
        raise ValueError("an empty mask has no centre to click")
    return Point(float(spot.x), float(spot.y))


def next_click(truth: np.ndarray, predicted: np.ndarray) -> Point | None:
    """The click that corrects the largest error: the pixel deepest inside it.

    Args:
        truth: bool array of shape (H, W).
        predicted: bool array of the same shape.

    Returns:
        ``inside`` where the truth was missed, outside where too much was taken (also when both
        are equally deep, as in sam2); None where the answer is perfect.
    """
    missed, extra = _errors(truth, predicted)
    if _most_depth(missed) >= _most_depth(extra):
        miss = _deepest(missed)
        over = _deepest(extra, at_least=miss.depth)
    else:
        over = _deepest(extra)
        miss = _deepest(missed, at_least=over.depth)
    inside = miss.depth > over.depth
    spot = miss if inside else over
    return Point(float(spot.x), float(spot.y), inside=inside) if spot.depth > 0 else None


def jittered_click(
    truth: np.ndarray, predicted: np.ndarray | None = None, *, rng: np.random.Generator
) -> Point | None:
    """A click as a person makes it: somewhere in the largest error, rather deep than at its edge.

    The chance of a pixel is proportional to its distance to the edge of that error region.

    Args:
        truth: bool array of shape (H, W).
        predicted: bool array of the same shape, or None for a first click.
        rng: where the scatter comes from; the same state gives the same click.

    Returns:
        A click in the connected region that :func:`next_click` picks; None where the answer is
        perfect.
    """
    answer = np.zeros_like(truth) if predicted is None else predicted
    centre = next_click(truth, answer)
    if centre is None:
        return None
    missed, extra = _errors(truth, answer)
    error, left, top = _crop(missed if centre.inside else extra)
    _, regions = cv2.connectedComponents(error, connectivity=8)
    seed = regions[int(centre.y) - top + _MARGIN, int(centre.x) - left + _MARGIN]
    depth = _exact(_depth(error))
    depth[regions != seed] = 0
    cumulative = np.cumsum(depth)
    picked = int(np.searchsorted(cumulative, rng.random() * cumulative[-1], side="right"))
    y, x = divmod(picked, depth.shape[1])
    return Point(float(x + left - _MARGIN), float(y + top - _MARGIN), inside=centre.inside)


def depth_inside(mask: np.ndarray) -> np.ndarray:
    """Distance of every pixel to the nearest one outside, the picture's border counting as outside.

    Args:
        mask: bool array of shape (H, W).

    Returns:
        float64 (H, W), pixels, exact; 0 outside.
    """
    framed = np.pad(np.ascontiguousarray(mask, dtype=np.uint8), _MARGIN)
    return _exact(_depth(framed))[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN]


def box_of(mask: np.ndarray) -> Box:
    """(x0, y0, x1, y1) of a mask: its first and last column and row, in pixels.

    Args:
        mask: bool array of shape (H, W).

    Raises:
        ValueError: if the mask is empty.
    """
    x, y, width, height = cv2.boundingRect(np.ascontiguousarray(mask, dtype=np.uint8))
    if width == 0:
        raise ValueError("an empty mask has no box")
    return float(x), float(y), float(x + width - 1), float(y + height - 1)


def jittered_box(mask: np.ndarray, *, rng: np.random.Generator, scatter: float = 0.1) -> Box:
    """A box as a person drags it: every side off by up to ``scatter`` of the box's own size.

    Each side moves by a uniform amount, as in SAM's training, and stays on the picture.

    Args:
        mask: bool array of shape (H, W).
        rng: where the scatter comes from; the same state gives the same box.
        scatter: largest shift of a side, as a part of the box's width or height; 0 gives
            :func:`box_of`.

    Raises:
        ValueError: if the mask is empty.
    """
    x0, y0, x1, y1 = box_of(mask)
    shift = rng.uniform(-scatter, scatter, size=4)
    width, height = x1 - x0 + 1, y1 - y0 + 1
    right, bottom = mask.shape[1] - 1, mask.shape[0] - 1
    return (
        float(np.clip(x0 + shift[0] * width, 0, right)),
        float(np.clip(y0 + shift[1] * height, 0, bottom)),
        float(np.clip(x1 + shift[2] * width, 0, right)),
        float(np.clip(y1 + shift[3] * height, 0, bottom)),
    )


class _Spot(NamedTuple):
    """A pixel and its distance to the nearest background pixel."""

    depth: float
    x: int
    y: int


def _errors(truth: np.ndarray, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(missed, taken too much), both uint8 (H, W)."""
    different = np.logical_xor(truth, predicted)
    return (different & truth).view(np.uint8), (different & predicted).view(np.uint8)


def _most_depth(mask: np.ndarray) -> float:
    """An upper bound of the depth any pixel of the mask can have, from its bounding box."""
    _, _, width, height = cv2.boundingRect(mask)
    return (min(width, height) + 1) / 2 if width else 0.0


def _deepest(mask: np.ndarray, *, at_least: float = 0.0) -> _Spot:
    """The first pixel farthest from the background; depth 0 where there is none.

    A mask too small to reach ``at_least`` is not measured: it counts as depth 0, too.
    """
    if _most_depth(mask) < at_least:
        return _Spot(0.0, 0, 0)
    crop, left, top = _crop(mask)
    if crop.size == 0:
        return _Spot(0.0, 0, 0)
    depth = _depth(crop)
    near = np.flatnonzero(depth >= depth.max() * (1 - _ROUNDING))
    depths = _exact(depth.ravel()[near])
    place = int(np.argmax(depths))
    y, x = divmod(int(near[place]), depth.shape[1])
    return _Spot(float(depths[place]), x + left - _MARGIN, y + top - _MARGIN)


def _crop(mask: np.ndarray) -> tuple[np.ndarray, int, int]:
    """The mask's bounding box with a margin of background, and where the box lies.

    Outside its bounding box a mask is background anyway, so distances inside do not change.
    """
    x, y, width, height = cv2.boundingRect(mask)
    if width == 0:
        return mask[:0, :0], 0, 0
    return np.pad(mask[y : y + height, x : x + width], _MARGIN), x, y


def _depth(mask: np.ndarray) -> np.ndarray:
    """Euclidean distance to the nearest background pixel, float32.

    Its square is a whole number, but OpenCV's last bit depends on how its threads cut the picture:
    whoever picks a pixel by it takes ``_exact`` of it, or the same mask gives different clicks.
    """
    return cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)


def _exact(depth: np.ndarray) -> np.ndarray:
    """Distances whose squares are whole numbers again, float64."""
    return np.sqrt(np.rint(np.square(depth, dtype=np.float64)))
