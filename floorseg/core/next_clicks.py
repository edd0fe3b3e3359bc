"""Where a plan is clicked next, given what earlier clicks agreed on.

A grid of clicks spends most of them inside rooms that a few have settled already, and on the paper
around the plan. So the grid is gone through from coarse to fine, and what is settled is left out;
then what nothing covers is clicked, in its middle, and what lines enclose, between the rooms found
and in them: one that a click or two have settled may be two rooms that the model takes for one.
"""

import cv2
import numpy as np

from floorseg.core.candidates import click_grid
from floorseg.core.consensus import Regions
from floorseg.core.presets import EverythingSettings

MORE_CLICKS = 64  # of a kind, in each round after the grid
_SETTLED = 0.6  # quality of regions in which no more clicks are needed
_RADIUS = 1.5  # cells, of the smallest place in a room that is clicked
_CLOSET_RADIUS = 2.0  # cells, and between rooms: hollow walls are narrower
_PLACES = 8  # in a room, at most
_DEEP = 0.15  # of the deepest place's depth: less is left by chairs; closets are hardly deeper
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
    radius = max(_RADIUS, side * float(np.sqrt(settings.min_area)) / 2)
    return _in_pixels(_middles(free, radius)[:MORE_CLICKS, :2], side, size)


def enclosed_spots(
    rooms: Regions, clicked: np.ndarray, size: tuple[int, int], blank: np.ndarray
) -> np.ndarray:
    """Where closets may be: float32 (N, 2), the middles of what lines enclose between the rooms.

    What no room covers is all of one piece, along the walls; the lines part it.

    Args:
        rooms: what was chosen so far.
        clicked: float (N, 2), (x, y) in pixels of the picture.
        size: (H, W) of the picture.
        blank: bool (h, w), where no line is, see ``Edges.blank``.
    """
    covered = _union(rooms.logits > 0)
    spots = _middles(_hull(covered) & ~covered & blank, _CLOSET_RADIUS)
    spots = _untried(spots, clicked, size, len(blank))
    return _in_pixels(spots[:MORE_CLICKS, :2], len(blank), size)


def doubtful_spots(
    rooms: Regions, clicked: np.ndarray, size: tuple[int, int], blank: np.ndarray
) -> np.ndarray:
    """Where rooms are clicked once more: float32 (N, 2), the middles of what lines enclose in them.

    Args:
        rooms: what was chosen so far.
        clicked: float (N, 2), (x, y) in pixels of the picture.
        size: (H, W) of the picture.
        blank: bool (h, w), where no line is, see ``Edges.blank``.
    """
    found = [np.zeros((0, 3), np.float32)]
    for mask in rooms.logits > 0:
        spots = _middles(mask & blank, _RADIUS)
        spots = spots[spots[:, 2] >= _DEEP * spots[:, 2].max(initial=0)]
        found.append(_untried(spots, clicked, size, len(blank))[:_PLACES])
    spots = np.concatenate(found)
    deepest = np.argsort(-spots[:, 2], kind="stable")[:MORE_CLICKS]
    return _in_pixels(spots[deepest, :2], len(blank), size)


def _middles(free: np.ndarray, radius: float) -> np.ndarray:
    """float32 (N, 3): column and row of the middles of free places, and how far it is to their end.

    The deepest first, and in one place each as far from the others as it is deep.

    Args:
        free: bool (h, w).
        radius: of the smallest of these places, in cells.
    """
    spots: list[tuple[float, float, float]] = []
    depth = cv2.distanceTransform(np.pad(free.view(np.uint8), 1), cv2.DIST_L2, 3)[1:-1, 1:-1]
    _, places = cv2.connectedComponents(free.view(np.uint8), connectivity=4)
    while True:
        row, column = divmod(int(depth.argmax()), depth.shape[1])
        end = float(depth[row, column])
        if end < radius:
            return np.array(spots, np.float32).reshape(-1, 3)
        spots.append((column, row, end))
        near = _disc(column, row, max(2, round(2 * end)), depth.shape)
        depth[near] *= places[near] != places[row, column]  # not across a line


def _disc(column: int, row: int, radius: int, shape: tuple[int, ...]) -> tuple[np.ndarray, ...]:
    """Rows and columns, int64 (K,), of the cells at most a radius away."""
    down, across = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    rows, columns = row + down, column + across
    inside = (
        (down**2 + across**2 <= radius**2)
        & (rows >= 0) & (rows < shape[0]) & (columns >= 0) & (columns < shape[1])
    )  # fmt: skip
    return rows[inside], columns[inside]


def _untried(
    spots: np.ndarray, clicked: np.ndarray, size: tuple[int, int], side: int
) -> np.ndarray:
    """Those of the spots (N, 3) that are nearer to their end than to any click."""
    x, y = _cells(clicked, side, size)
    away = np.hypot(spots[:, :1] - x, spots[:, 1:2] - y).min(axis=1, initial=side)
    return spots[away >= spots[:, 2]]


def _in_pixels(spots: np.ndarray, side: int, size: tuple[int, int]) -> np.ndarray:
    """Middles of cells, float32 (N, 2), in pixels of a picture (H, W)."""
    scale = np.array([side / size[1], side / size[0]])
    return ((spots + 0.5) / scale).astype(np.float32)


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
    if not covered.any():
        return ~covered
    margin = 2 * round(covered.shape[0] * _MARGIN) + 1
    hull = _hull(covered).view(np.uint8)
    return cv2.dilate(hull, np.ones((margin, margin), np.uint8)).view(bool)


def _hull(covered: np.ndarray) -> np.ndarray:
    """bool (h, w): what lies between cells that are covered, and they themselves."""
    hull = np.zeros(covered.shape, dtype=np.uint8)
    if covered.any():
        places = np.argwhere(covered)[:, ::-1].astype(np.int32)
        cv2.fillConvexPoly(hull, cv2.convexHull(places), 1)
    return hull.view(bool)
