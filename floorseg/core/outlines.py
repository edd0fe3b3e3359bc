"""Outlines of masks along the edges of their pixels, exact enough to draw the same mask again."""

import cv2
import numpy as np


def pixel_outlines(mask: np.ndarray) -> list[np.ndarray]:
    """Closed outlines of a mask, outer ones and holes alike, corners only.

    Args:
        mask: bool array of shape (H, W).

    Returns:
        int64 arrays of shape (N, 2), (x, y) on the lattice of pixel corners: the upper left pixel
        alone gives (0, 0), (1, 0), (1, 1), (0, 1) in some order.
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if rows.size == 0:
        return []
    top, left = int(rows[0]), int(columns[0])
    cut = mask[top : rows[-1] + 1, left : columns[-1] + 1].astype(np.uint8)
    doubled = np.repeat(np.repeat(cut, 2, axis=0), 2, axis=1)
    contours, _ = cv2.findContours(doubled, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    # in the doubled mask an even coordinate is a pixel's near half, an odd one its far half
    offset = np.array([left, top])
    return [_corners((c[:, 0].astype(np.int64) + 1) // 2) + offset for c in contours]


def bridged_outline(mask: np.ndarray) -> np.ndarray:
    """One outline through all parts and holes of a mask, joined by bridges of no width.

    Args:
        mask: bool array of shape (H, W).

    Returns:
        int64 array of shape (N, 2), (x, y); empty for an empty mask.
    """
    outlines = pixel_outlines(mask)
    if not outlines:
        return np.zeros((0, 2), dtype=np.int64)
    joined = outlines[0]
    for outline in outlines[1:]:
        joined = _join(joined, outline)
    return joined


def _join(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Walk the first outline, cross over at its start, walk the second, cross back."""
    return np.concatenate((first, first[:1], second, second[:1], first[:1]))


def _corners(outline: np.ndarray) -> np.ndarray:
    """The points where a closed outline turns."""
    fresh = outline[np.any(outline != np.roll(outline, 1, axis=0), axis=1)]
    before, after = fresh - np.roll(fresh, 1, axis=0), np.roll(fresh, -1, axis=0) - fresh
    return fresh[before[:, 0] * after[:, 1] != before[:, 1] * after[:, 0]]
