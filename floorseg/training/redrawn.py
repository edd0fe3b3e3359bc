"""A plan as another draughtsman would draw it: finer or bolder lines, walls that are hollow.

Six hundred real plans are in few hands. What a hand does to every line of a sheet can be done after
it, to the pixels; the rooms stay where they are.
"""

import cv2
import numpy as np

_FINER, _BOLDER = 0.25, 0.5  # the rest has hollow walls
_INK = 60  # levels darker than the paper, or more
_WALL = (3, 6)  # pixels that a line is wide, or more, to be hollowed
_NEAR = cv2.getStructuringElement(cv2.MORPH_RECT, (3, 3))


def redrawn(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """The picture (uint8 (S, S, 3), RGB) with all lines finer, all bolder, or all walls hollow."""
    draw = rng.random()
    if draw < _FINER:
        return _mixed(rng, image, cv2.dilate(image, _NEAR))
    if draw < _BOLDER:
        return _mixed(rng, image, cv2.erode(image, _NEAR))
    return _hollow(rng, image)


def _mixed(rng: np.random.Generator, image: np.ndarray, changed: np.ndarray) -> np.ndarray:
    """Between both: the finest lines would be gone in whole, or touch each other."""
    share = float(rng.uniform(0.3, 0.9))
    return cv2.addWeighted(changed, share, image, 1 - share, 0)


def _hollow(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """What is dark and wide keeps its rim, a pixel or two of it; within, it is paper or grey."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    paper = int(np.median(grey))
    dark = (grey < paper - _INK).astype(np.uint8)
    wide = int(rng.integers(_WALL[0], _WALL[1] + 1))
    walls = cv2.morphologyEx(
        dark, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_RECT, (wide, wide))
    )
    within = cv2.erode(walls, _NEAR).astype(bool)
    filled = image.copy()
    filled[within] = rng.integers(paper // 2, paper + 1) if rng.random() < 0.5 else paper
    return filled
