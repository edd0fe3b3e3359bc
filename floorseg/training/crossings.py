"""Lines that a drawing puts across its rooms: sections, axes, match lines. They bound nothing."""

from collections.abc import Iterator

import cv2
import numpy as np

_SIDE = 512  # pixels of the plan that the sizes below are of
_MOST = 3  # lines on a plan
_SLANTED = 0.25  # of the lines; the others run along the sheet
_SHIFT = 4  # OpenCV draws to a sixteenth of a pixel
_SOLID, _DASHED = 0.35, 0.75  # of the lines, the rest have a dot between two dashes
_COLOURED = 0.2


def crossed(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """The picture (uint8 (S, S, 3), RGB) with one to three lines from edge to edge of the view."""
    drawn = image.copy()
    for _ in range(rng.integers(1, _MOST + 1)):
        _draw(rng, drawn)
    return drawn


def _draw(rng: np.random.Generator, image: np.ndarray) -> None:
    size = image.shape[0]
    slanted = rng.random() < _SLANTED
    angle = float(rng.uniform(0, np.pi) if slanted else np.pi / 2 * rng.integers(2))
    along = np.array([np.cos(angle), np.sin(angle)])
    middle = rng.uniform(0.1, 0.9, size=2) * size
    runs, width = _pattern(rng)
    ink, thickness = _ink(rng), max(1, round(width * size / _SIDE))
    for begin, end in _dashes(runs * size / _SIDE, 1.5 * size):
        cv2.line(
            image, _fixed(middle + along * begin), _fixed(middle + along * end), ink, thickness,
            cv2.LINE_AA, _SHIFT,
        )  # fmt: skip


def _pattern(rng: np.random.Generator) -> tuple[np.ndarray, int]:
    """Lengths of ink and gap in turn, and width, in pixels of a plan of ``_SIDE``.

    What is not broken is thin: a bold line is a wall.
    """
    draw = rng.random()
    if draw < _SOLID:
        return np.array([4.0 * _SIDE, 0.0]), int(rng.integers(1, 3))
    dash, gap, width = rng.uniform(6, 24), rng.uniform(3, 8), int(rng.choice([1, 1, 2, 2, 3, 4]))
    if draw < _DASHED:
        return np.array([dash, gap + width]), width
    return np.array([1.5 * dash, gap + width, 2.0, gap + width]), width


def _dashes(runs: np.ndarray, reach: float) -> Iterator[tuple[float, float]]:
    """Where ink begins and ends, from ``-reach`` to ``reach``; ``runs`` over and over."""
    at = -reach
    while at < reach:
        for ink, gap in runs.reshape(-1, 2):
            yield at, min(at + ink, reach)
            at += ink + gap


def _fixed(point: np.ndarray) -> tuple[int, int]:
    x, y = np.round(point * 2**_SHIFT)
    return int(x), int(y)


def _ink(rng: np.random.Generator) -> tuple[int, int, int]:
    """Black to grey, or a colour."""
    if rng.random() < _COLOURED:
        red, green, blue = (int(v) for v in rng.integers(0, 200, size=3))
        return red, green, blue
    grey = int(rng.integers(0, 130))
    return grey, grey, grey
