"""Where a plan is clicked next, given what earlier clicks agreed on.

A grid of clicks spends most of them inside rooms that a few have settled already, and on the paper
around the plan. So the grid is gone through from coarse to fine, and what is settled is left out;
then what nothing covers is clicked, in its middle.
"""

import cv2
import numpy as np

from floorseg.core.candidates import click_grid
from floorseg.core.consensus import Regions
from floorseg.core.presets import EverythingSettings

MORE_CLICKS = 64  # in each round after the grid
_SETTLED = 0.6  # quality of regions in which no more clicks are needed
_MARGIN = 0.06  # of the picture's side, around the rooms found: where more may be


def click_levels(per_side: int, size: tuple[int, int]) -> list[np.ndarray]:
    """A grid in three parts, float32 (N, 2) each, (x, y) in pixels: a quarter, a quarter, a half.

    The first is every other row and column; with the second it is a chessboard's black squares.

    Args:
        per_side: clicks in each direction.
        size: (H, W) of the picture, pixels.
    """
    points = click_grid(per_side, size)
    row, column = np.divmod(np.arange(len(points)), per_side)
    is_white = (row + column) % 2 == 1
    is_first = (row % 2 == 0) & (column % 2 == 0)
    return [points[part] for part in (is_first, ~is_first & ~is_white, is_white)]


def unsettled(
    clicks: np.ndarray, regions: Regions, size: tuple[int, int], *, within: bool
) -> np.ndarray:
    """Those of the clicks, float32 (N, 2), that may still find something.

    Args:
        clicks: float32 (N, 2), (x, y) in pixels of the picture.
        regions: what earlier clicks agreed on.
        size: (H, W) of the picture.
        within: leave out those beyond the hull of all regions, too.
    """
    if len(regions) == 0:
        return clicks
    masks = regions.logits > 0
    useful = ~_union(masks[regions.quality > _SETTLED])
    if within:
        useful &= _around(_union(masks))
    x, y = _cells(clicks, masks.shape[1], size)
    return clicks[useful[y, x]]


def uncovered_spots(
    rooms: Regions, clicked: np.ndarray, size: tuple[int, int], settings: EverythingSettings
) -> np.ndarray:
    """Where to click next: float32 (N, 2), the middles of what no room covers and no click tried.

    Args:
        rooms: what was chosen so far.
        clicked: float (N, 2), (x, y) in pixels of the picture.
        size: (H, W) of the picture.
        settings: ``min_area`` says how small a gap may be.
    """
    side = rooms.logits.shape[1]
    covered = _union(rooms.logits > 0)
    free = _around(covered) & ~covered
    x, y = _cells(clicked, side, size)
    free[y, x] = False
    radius = max(1.5, side * float(np.sqrt(settings.min_area)) / 2)
    spots: list[tuple[int, int]] = []
    depth = cv2.distanceTransform(np.pad(free.view(np.uint8), 1), cv2.DIST_L2, 3)[1:-1, 1:-1]
    while len(spots) < MORE_CLICKS:
        row, column = divmod(int(depth.argmax()), side)
        if depth[row, column] < radius:
            break
        spots.append((column, row))
        reach = max(2, round(2 * float(depth[row, column])))
        cv2.circle(depth, (column, row), reach, 0.0, -1)
    scale = np.array([side / size[1], side / size[0]])
    return ((np.array(spots, np.float32).reshape(-1, 2) + 0.5) / scale).astype(np.float32)


def _cells(points: np.ndarray, side: int, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Columns and rows, int64 (N,), of points in pixels of a picture (H, W) on a square grid."""
    scale = np.array([side / size[1], side / size[0]])
    cells = np.clip(points * scale, 0, side - 1).astype(int)
    return cells[:, 0], cells[:, 1]


def _union(masks: np.ndarray) -> np.ndarray:
    """bool (h, w) of bool (K, h, w)."""
    return np.asarray(masks.any(axis=0))


def _around(covered: np.ndarray) -> np.ndarray:
    """bool (h, w): where the plan is: the hull of its rooms and a margin; not the paper."""
    side = covered.shape[0]
    if not covered.any():
        return ~covered
    places = np.argwhere(covered)[:, ::-1].astype(np.int32)
    hull = np.zeros(covered.shape, dtype=np.uint8)
    cv2.fillConvexPoly(hull, cv2.convexHull(places), 1)
    margin = 2 * round(side * _MARGIN) + 1
    return cv2.dilate(hull, np.ones((margin, margin), np.uint8)).view(bool)
