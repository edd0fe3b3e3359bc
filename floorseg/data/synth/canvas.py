"""A sheet of paper that knows metres, and the truth drawn along with the ink.

``picture`` holds the ink, ``truth`` the number of the object each pixel belongs to (rooms, walls,
doors, windows: none overlap), ``over`` a second layer for what stands inside rooms (stairs,
columns).
"""

from dataclasses import dataclass, field
from itertools import pairwise
from random import Random

import cv2
import numpy as np

Colour = tuple[int, int, int]
SHIFT = 4  # fractional bits of cv2's coordinates


@dataclass(slots=True)
class Thing:
    """One object of the truth: what it is, and the use of a room."""

    category: str
    room_type: str | None = None
    name: str | None = None


@dataclass(slots=True)
class Canvas:
    """Paper, ink and truth of one sheet.

    Attributes:
        picture: uint8 (H, W, 3) RGB.
        truth, over: uint16 (H, W); 0 is nothing, n is ``things[n - 1]``.
        things: the objects drawn so far.
        to_pixels: 3 x 3, metres -> pixels, of the plan being drawn; see :meth:`set_map`.
        middle: its middle, metres.
        scale: pixels a metre around there, the mean of both directions.
        smooth: whether lines are antialiased.
        wobble: pixels by which a hand's lines stray; 0 for a plotter.
    """

    picture: np.ndarray
    truth: np.ndarray
    over: np.ndarray
    rng: Random
    things: list[Thing] = field(default_factory=list)
    to_pixels: np.ndarray = field(default_factory=lambda: np.eye(3))
    middle: tuple[float, float] = (0.0, 0.0)
    scale: float = 1.0
    smooth: bool = True
    wobble: float = 0.0

    @classmethod
    def blank(cls, size: tuple[int, int], paper: Colour, rng: Random) -> "Canvas":
        """An empty sheet of (width, height) pixels."""
        width, height = size
        picture = np.empty((height, width, 3), np.uint8)
        cv2.rectangle(picture, (0, 0), (width, height), paper, cv2.FILLED)
        empty = np.zeros((height, width), np.uint16)
        return cls(picture, empty, empty.copy(), rng)

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.picture.shape[1], self.picture.shape[0]

    def set_map(self, to_pixels: np.ndarray, middle: tuple[float, float]) -> None:
        """Draw in these metres from now on; the scale is that around ``middle``, (x, y) metres."""
        self.to_pixels, self.middle = to_pixels, middle
        x, y = middle
        origin, right, below = self.pixels([(x, y), (x + 0.1, y), (x, y + 0.1)])
        (a, b), (c, d) = right - origin, below - origin
        self.scale = 10 * float(np.sqrt(abs(a * d - b * c)))

    def add(self, thing: Thing) -> int:
        """Register an object; its number in the truth."""
        self.things.append(thing)
        return len(self.things)

    def is_kind(self, *categories: str) -> np.ndarray:
        """bool (H, W): where objects of these categories lie."""
        chosen = [False, *(thing.category in categories for thing in self.things)]
        return np.array(chosen)[self.truth]

    def pixels(self, points: np.ndarray | list[tuple[float, float]]) -> np.ndarray:
        """Metres -> pixels, float (N, 2)."""
        points = np.asarray(points, float).reshape(-1, 2)
        mapped = points @ self.to_pixels[:, :2].T + self.to_pixels[:, 2]
        return mapped[:, :2] / mapped[:, 2:]

    def line(
        self,
        points: np.ndarray | list[tuple[float, float]],
        colour: Colour,
        weight: int = 1,
        *,
        closed: bool = False,
    ) -> None:
        """Draw a polyline given in metres."""
        self.pixel_line(self.pixels(points), colour, weight, closed=closed)

    def pixel_line(
        self, points: np.ndarray, colour: Colour, weight: int = 1, *, closed: bool = False
    ) -> None:
        """Draw a polyline given in pixels."""
        if self.wobble:
            points = self._strayed(np.vstack([points, points[:1]]) if closed else points)
        kind = cv2.LINE_AA if self.smooth else cv2.LINE_8
        cv2.polylines(self.picture, [_fixed(points)], closed, colour, weight, kind, SHIFT)

    def dashes(
        self,
        points: np.ndarray | list[tuple[float, float]],
        colour: Colour,
        weight: int = 1,
        *,
        dash: float = 6.0,
    ) -> None:
        """Draw a dashed polyline given in metres; ``dash`` in pixels."""
        corners = self.pixels(points)
        for a, b in pairwise(corners):
            count = max(1, int(np.hypot(*(b - a)) / (2 * dash)))
            for k in range(count):
                piece = np.array([a + (b - a) * (k / count), a + (b - a) * ((k + 0.55) / count)])
                self.pixel_line(piece, colour, weight)

    def fill(self, points: np.ndarray | list[tuple[float, float]], colour: Colour) -> None:
        """Fill a polygon given in metres."""
        kind = cv2.LINE_AA if self.smooth else cv2.LINE_8
        cv2.fillPoly(self.picture, [_fixed(self.pixels(points))], colour, kind, SHIFT)

    def shape(
        self,
        points: np.ndarray | list[tuple[float, float]],
        ink: Colour,
        weight: int = 1,
        inside: Colour | None = None,
    ) -> None:
        """A closed outline in metres, its inside filled where a colour is given."""
        if inside is not None:
            self.fill(points, inside)
        self.line(points, ink, weight, closed=True)

    def mark(self, points: np.ndarray | list[tuple[float, float]], number: int) -> None:
        """Say that a polygon given in metres belongs to an object."""
        cv2.fillPoly(self.truth, [_fixed(self.pixels(points))], number, cv2.LINE_8, SHIFT)

    def mark_over(self, points: np.ndarray | list[tuple[float, float]], number: int) -> None:
        """The same on the layer of things that stand inside rooms."""
        cv2.fillPoly(self.over, [_fixed(self.pixels(points))], number, cv2.LINE_8, SHIFT)

    def _strayed(self, points: np.ndarray) -> np.ndarray:
        """A line as a hand draws it: a little bent, a little too long."""
        parts = []
        for a, b in pairwise(points):
            steps = max(2, int(np.hypot(*(b - a)) / 40) + 1)
            along = np.linspace(0, 1, steps)[:, None]
            noise = [
                (self.rng.gauss(0, self.wobble), self.rng.gauss(0, self.wobble))
                for _ in range(steps)
            ]
            parts.append(a + (b - a) * along + noise)
        return np.vstack(parts)


def _fixed(points: np.ndarray) -> np.ndarray:
    """Pixels as cv2's fixed-point numbers; a pixel's centre is a whole number there."""
    return np.round((points - 0.5) * (1 << SHIFT)).astype(np.int32)


def circle(
    x: float, y: float, radius: float, *, flat: float = 1.0, count: int = 20
) -> list[tuple[float, float]]:
    """Corners of a round shape; ``flat`` is height over width."""
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return [(x + radius * float(np.cos(a)), y + radius * flat * float(np.sin(a))) for a in angles]


def arc(
    centre: tuple[float, float], first: tuple[float, float], angle: float, *, count: int = 10
) -> np.ndarray:
    """Points (count, 2) from ``first`` around ``centre`` through ``angle`` radians."""
    angles = np.linspace(0, angle, count)
    dx, dy = first[0] - centre[0], first[1] - centre[1]
    return np.stack(
        [
            centre[0] + dx * np.cos(angles) - dy * np.sin(angles),
            centre[1] + dx * np.sin(angles) + dy * np.cos(angles),
        ],
        axis=1,
    )
