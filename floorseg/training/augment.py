"""What may happen to a plan between paper and screen, drawn at random: fast, on small arrays.

Geometry is one affine map (turns, mirroring, zoom, shift, mild rotation) applied to picture and
masks alike; everything else changes the picture only.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from floorseg.training.crossings import crossed

Warp = Callable[[np.ndarray], np.ndarray]
Change = Callable[[np.random.Generator, np.ndarray], np.ndarray]
_INK_LEFT = (0.2, 0.5)  # of black, on a faded plan: at a fifth, clicks were 6 points worse
_OBLIQUE = 45.0  # degrees, either way: with the right-angle turns that is every angle
_AMID = 0.7  # part of a view's side, around its middle, where that stands which was approached


@dataclass(frozen=True, slots=True)
class Subject:
    """What a view may be of: its middle (x, y) and its side (root of its area), source pixels."""

    x: float
    y: float
    side: float


@dataclass(frozen=True, slots=True)
class PlanAugmentation:
    """How far a plan may be changed. Each ``p_`` is a probability, in [0, 1].

    Attributes:
        zoom: smallest and largest magnification; below 1 the plan stands small on an empty sheet.
        p_approach: how often the view is of one of the masks instead, however small it is.
        approach: smallest and largest side of that mask then, as parts of the view's.
        closest: largest magnification then.
        stretch: largest difference between the two axes' magnification, as a fraction.
        rotation: largest rotation beside the right angles, degrees.
        p_rotation: how often such a rotation happens.
        p_oblique: how often a plan stands at any angle instead, as wings of real buildings do.
        turns: right-angle turns and mirroring.
        p_crossed: lines across the rooms, such as sections and axes.
        p_fade: lines that are hardly darker than their paper, grey ones least of all; p_shade:
            contrast, brightness and gamma; p_tint: coloured paper or ink; p_invert: white on
            black; p_grey: no colour.
        p_blur, p_noise, p_speckle, p_jpeg, p_low_resolution: bad scans and screenshots.
    """

    zoom: tuple[float, float] = (0.6, 1.5)
    p_approach: float = 0.0
    approach: tuple[float, float] = (0.1, 0.4)
    closest: float = 4.0
    stretch: float = 0.15
    rotation: float = 8.0
    p_rotation: float = 0.3
    p_oblique: float = 0.15
    turns: bool = True
    p_crossed: float = 0.15
    p_fade: float = 0.1
    p_shade: float = 0.7
    p_tint: float = 0.25
    p_invert: float = 0.06
    p_grey: float = 0.25
    p_blur: float = 0.25
    p_noise: float = 0.25
    p_speckle: float = 0.05
    p_jpeg: float = 0.15
    p_low_resolution: float = 0.12

    def geometry(
        self, rng: np.random.Generator, source: int, target: int, subject: Subject | None = None
    ) -> tuple[Warp, Warp]:
        """One random affine map from a square of ``source`` pixels to one of ``target`` pixels.

        Args:
            rng: where chance comes from.
            source: pixels a side.
            target: pixels a side.
            subject: what is approached; None for a view of the plan.

        Returns:
            the map for a picture (uint8 (S, S, 3)), and the map for a mask (uint8 (S, S) of 0 and
            255, answered as uint8 (T, T) of 0 and 1).
        """
        matrix, scale = self._matrix(rng, source, target, subject)
        paper = _paper_colour(rng)

        def warp(array: np.ndarray, border: tuple[int, ...]) -> np.ndarray:
            array, fitted = _shrink_first(array, matrix, scale)
            return cv2.warpAffine(
                array, fitted, (target, target), flags=cv2.INTER_LINEAR, borderValue=border
            )

        def of_image(image: np.ndarray) -> np.ndarray:
            border = paper if paper is not None else _edge_colour(image)
            return warp(image, border)

        def of_mask(mask: np.ndarray) -> np.ndarray:
            return (warp(mask, (0,)) > 127).astype(np.uint8)

        return of_image, of_mask

    def photometry(self, rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
        """The picture (uint8 (T, T, 3), RGB), seen through a random lens, printer and scanner."""
        image = _perhaps(
            rng,
            image,
            (self.p_crossed, crossed),
            (self.p_grey, _greyed),
            (self.p_low_resolution, _low_resolution),
            (self.p_blur, _blurred),
        )
        image = self._toned(rng, image)
        return _perhaps(
            rng, image, (self.p_noise, _noise), (self.p_speckle, _speckle), (self.p_jpeg, _jpeg)
        )

    def _toned(self, rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
        """In other colours. A faded one is not shaded or tinted too, or nothing would be seen."""
        fade, shade, tint, invert = rng.random(4) < (
            self.p_fade, self.p_shade, self.p_tint, self.p_invert
        )  # fmt: skip
        if fade:
            image = cv2.LUT(image, _faded(rng))
        return cv2.LUT(
            image, _tone_table(rng, shade=shade and not fade, tint=tint and not fade, invert=invert)
        )

    def _matrix(
        self, rng: np.random.Generator, source: int, target: int, subject: Subject | None
    ) -> tuple[np.ndarray, float]:
        """The affine map, float64 (2, 3), source to target pixels, and its mean magnification."""
        zoom = _between(rng, self.zoom)
        if subject is not None:
            near = _between(rng, self.approach) * source / subject.side
            zoom = float(np.clip(near, self.zoom[0], self.closest))
        stretch = 1 + rng.uniform(-self.stretch, self.stretch) / 2
        angle = self._angle(rng)
        if self.turns:
            angle += np.pi / 2 * rng.integers(4)
        mirror = -1.0 if self.turns and rng.random() < 0.5 else 1.0
        rotate = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        scale = zoom * target / source
        linear = scale * rotate @ np.diag([mirror * stretch, 1 / stretch])
        # zoomed in, the window slides over the plan; zoomed out, the plan slides over the sheet
        slack = abs(zoom - 1) / 2 * target
        middle = np.full(2, source / 2)
        if subject is not None:
            slack, middle = _AMID / 2 * target, np.array([subject.x, subject.y])
        centre = target / 2 + rng.uniform(-1, 1, size=2) * slack
        # OpenCV counts from the middle of a pixel, hence the halves
        shift = centre - linear @ middle + linear @ np.full(2, 0.5) - 0.5
        return np.hstack([linear, shift[:, None]]), scale

    def _angle(self, rng: np.random.Generator) -> float:
        """Radians between the plan and the nearest of the turns."""
        limit = self.rotation if rng.random() < self.p_rotation else 0.0
        if rng.random() < self.p_oblique:
            limit = _OBLIQUE
        return float(np.deg2rad(rng.uniform(-limit, limit)))


NO_AUGMENTATION = PlanAugmentation(
    zoom=(1.0, 1.0), stretch=0.0, p_rotation=0.0, p_oblique=0.0, turns=False, p_crossed=0.0,
    p_fade=0.0, p_shade=0.0, p_tint=0.0, p_invert=0.0, p_grey=0.0, p_blur=0.0, p_noise=0.0,
    p_speckle=0.0, p_jpeg=0.0, p_low_resolution=0.0,
)  # fmt: skip


def _between(rng: np.random.Generator, limits: tuple[float, float]) -> float:
    """Equally likely to be in any two ranges of equal ratio."""
    return float(np.exp(rng.uniform(np.log(limits[0]), np.log(limits[1]))))


def _shrink_first(
    array: np.ndarray, matrix: np.ndarray, scale: float
) -> tuple[np.ndarray, np.ndarray]:
    """Average pixels before a map that shrinks a lot, which would step over thin lines."""
    if scale > 0.7:
        return array, matrix
    size = max(8, round(array.shape[0] * scale))
    factor = array.shape[0] / size
    fitted = matrix.copy()
    fitted[:, :2] *= factor
    fitted[:, 2] += matrix[:, :2] @ np.full(2, (factor - 1) / 2)
    return cv2.resize(array, (size, size), interpolation=cv2.INTER_AREA), fitted


def _paper_colour(rng: np.random.Generator) -> tuple[int, int, int] | None:
    """Colour beyond the plan's edge: white, black, or None for the colour of its own edge."""
    draw = rng.random()
    if draw < 0.35:
        return (255, 255, 255)
    return (0, 0, 0) if draw < 0.5 else None


def _edge_colour(image: np.ndarray) -> tuple[int, ...]:
    edge = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    return tuple(int(value) for value in np.median(edge, axis=0))


def _perhaps(
    rng: np.random.Generator, image: np.ndarray, *changes: tuple[float, Change]
) -> np.ndarray:
    """The picture after those of the changes, each with its probability, that happen."""
    for probability, change in changes:
        if rng.random() < probability:
            image = change(rng, image)
    return image


def _greyed(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    del rng  # nothing is left to chance
    return cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)


def _blurred(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.3, 1.1)))


def _faded(rng: np.random.Generator) -> np.ndarray:
    """uint8 (256,): white stays, black keeps a fifth to a half of its ink, grey less than that."""
    ink = 1 - np.linspace(0, 1, 256)
    left = _between(rng, _INK_LEFT) * ink ** rng.uniform(1, 2)
    return np.round(255 * (1 - left)).astype(np.uint8)


def _tone_table(rng: np.random.Generator, *, shade: bool, tint: bool, invert: bool) -> np.ndarray:
    """uint8 (1, 256, 3): the new value of every value, for each channel."""
    tone = np.repeat(np.linspace(0, 1, 256)[:, None], 3, axis=1)
    if shade:
        tone = tone ** np.exp(rng.uniform(-0.5, 0.5))
        dark, light = rng.uniform(0, 0.3), rng.uniform(0.7, 1.0)
        tone = dark + (light - dark) * tone
    if tint:
        ink, paper = rng.uniform(0, 0.35, size=3), rng.uniform(0.7, 1.0, size=3)
        tone = ink + (paper - ink) * tone
    if invert:
        tone = 1 - tone
    return np.clip(tone * 255 + 0.5, 0, 255).astype(np.uint8)[None]


def _low_resolution(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    size = image.shape[0]
    small = max(8, round(size * rng.uniform(0.45, 0.9)))
    shrunk = cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA)
    how = cv2.INTER_LINEAR if rng.random() < 0.7 else cv2.INTER_NEAREST
    return cv2.resize(shrunk, (size, size), interpolation=how)


def _noise(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    cv2.setRNGSeed(int(rng.integers(2**31)))  # OpenCV's generator is ten times as fast as numpy's
    grain = np.empty(image.shape, dtype=np.int16)
    cv2.randn(grain, np.zeros(3), np.full(3, rng.uniform(2, 20)))
    return cv2.add(image, grain, dtype=cv2.CV_8U)


def _speckle(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    count = int(image.shape[0] * image.shape[1] * rng.uniform(0.002, 0.04))
    rows = rng.integers(image.shape[0], size=count)
    columns = rng.integers(image.shape[1], size=count)
    image = image.copy()
    image[rows, columns] = np.where(rng.random(count) < 0.5, 0, 255)[:, None]
    return image


def _jpeg(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(20, 80))]
    _, blob = cv2.imencode(".jpg", image, quality)
    return np.asarray(cv2.imdecode(blob, cv2.IMREAD_COLOR))
