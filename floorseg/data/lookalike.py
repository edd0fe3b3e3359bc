"""Copies of one plan: turned, mirrored, noisy, cropped, as augmentation makes them.

Three steps, as in image retrieval: local features that do not care about rotation (ORB, Rublee et
al. 2011), words of a visual vocabulary to find the few pictures worth comparing (Sivic and
Zisserman 2003), and a check that one picture, moved onto the other, really shows the same. Mirrored
copies are found because every picture is also described as seen in a mirror.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from floorseg.core.structures import Progress, ProgressCallback, ignore_progress
from floorseg.data.parallel import map_in_order

FEATURES = 220
WORDS = 2048
WORDS_EACH = 2  # words a feature stands for: a feature between two words is both
CANDIDATES = 12  # pictures compared with each
BLOCK = 512  # pictures whose similarities are in memory at once
MATCH = 64  # bits of 256 in which matching features may differ
AGREEING = 14  # features that one movement must explain
MANY = 85  # features that leave little doubt
SAME = 0.8  # correlation of the drawings, one moved onto the other, where many features agree
ALIKE = 0.89  # the same where few agree: two plans of one drawing style reach 0.88
OVERLAP = 0.8  # of the smaller picture, that must lie on the other
BLUR = 0.6  # pixels of a thumb; more would make walls at other places look alike
SCALES = (0.5, 2.0)
THUMB = 96  # pixels


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """Where the features lie, float32 (N, 2) in (x, y), and what they look like, uint8 (N, 32)."""

    points: np.ndarray
    bits: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Fingerprint:
    """What is kept of a picture to recognise its copies, about 20 kB.

    Attributes:
        size: (width, height) in pixels of the picture the features were found on.
        seen: its features.
        mirrored: the features of its mirror image.
        thumb: uint8 (h, w), ink is bright.
    """

    size: tuple[int, int]
    seen: Features
    mirrored: Features
    thumb: np.ndarray


def fingerprint(picture: np.ndarray) -> Fingerprint:
    """Describe a picture.

    Args:
        picture: uint8 grey (h, w), about 320 pixels long.
    """
    cv2.setNumThreads(1)
    calm = cv2.GaussianBlur(cv2.medianBlur(np.ascontiguousarray(picture), 3), (3, 3), 0)
    height, width = calm.shape
    scale = THUMB / max(height, width)
    small = (max(1, round(width * scale)), max(1, round(height * scale)))
    thumb = cv2.resize(255 - calm, small, interpolation=cv2.INTER_AREA)
    return Fingerprint((width, height), _features(calm), _features(calm[:, ::-1]), thumb)


def find_look_alikes(
    prints: Sequence[Fingerprint | None],
    *,
    workers: int | None = None,
    progress: ProgressCallback = ignore_progress,
) -> list[tuple[int, int]]:
    """Pairs of pictures that show one plan.

    Not every pair of a group of copies is found, but the group hangs together: use :func:`groups`.

    Args:
        prints: one a picture; None where a picture could not be read.
        workers: processes; None for one a processor.
        progress: told after every comparison.

    Returns:
        (i, j) with i < j, sorted.
    """
    known = [place for place, one in enumerate(prints) if one is not None]
    usable = [one for one in prints if one is not None]
    pairs = _candidates(usable)
    jobs = [(usable[i], usable[j], mirrored) for (i, j), mirrored in pairs.items()]
    places = list(pairs)
    found = []
    for place, same in enumerate(map_in_order(_same_plan, jobs, workers=workers), start=1):
        progress(Progress(place, len(jobs), "comparing look-alikes"))
        if same:
            i, j = places[place - 1]
            found.append((known[i], known[j]))
    return sorted(found)


def same_plan(first: Fingerprint, second: Fingerprint, *, mirrored: bool = False) -> bool:
    """Whether two pictures show one plan, one of them perhaps turned, noisy or cropped.

    Args:
        first: of one picture.
        second: of the other.
        mirrored: compare the first as seen in a mirror.
    """
    movement = _movement(first.mirrored if mirrored else first.seen, second.seen)
    if movement.matrix is None or movement.agreeing < AGREEING:
        return False
    thumb = first.thumb[:, ::-1] if mirrored else first.thumb
    needed = SAME if movement.agreeing >= MANY else ALIKE
    return _correlation(thumb, first.size, second, movement.matrix) >= needed


def groups(count: int, pairs: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Pictures that hang together through pairs; a picture without a look-alike is its own group.

    Args:
        count: how many pictures there are.
        pairs: of :func:`find_look_alikes`.

    Returns:
        Groups in order of their first picture, members ascending.
    """
    parent = list(range(count))

    def root(place: int) -> int:
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    for first, second in pairs:
        a, b = sorted((root(first), root(second)))
        parent[b] = a
    found: dict[int, list[int]] = {}
    for place in range(count):
        found.setdefault(root(place), []).append(place)
    return list(found.values())


@dataclass(frozen=True, slots=True, eq=False)
class _Movement:
    agreeing: int
    matrix: np.ndarray | None


def _features(picture: np.ndarray) -> Features:
    orb = cv2.ORB.create(nfeatures=FEATURES, scaleFactor=1.2, nlevels=8, fastThreshold=8)
    points, bits = orb.detectAndCompute(np.ascontiguousarray(picture), None)
    if bits is None:
        return Features(np.zeros((0, 2), np.float32), np.zeros((0, 32), np.uint8))
    return Features(np.array([p.pt for p in points], dtype=np.float32), bits)


def _same_plan(pair: tuple[Fingerprint, Fingerprint, bool]) -> bool:
    first, second, mirrored = pair
    return same_plan(first, second, mirrored=mirrored)


def _candidates(prints: Sequence[Fingerprint]) -> dict[tuple[int, int], bool]:
    """Pairs that share most of their rarer words, and whether they do so in a mirror."""
    bits = [one.seen.bits for one in prints if len(one.seen.bits)]
    if len(prints) < 2 or not bits:
        return {}
    every = np.concatenate(bits)
    chosen = np.random.default_rng(0).choice(len(every), min(WORDS, len(every)), replace=False)
    words = _signs(every[np.sort(chosen)])
    seen = np.stack([_histogram(one.seen.bits, words) for one in prints])
    mirrored = np.stack([_histogram(one.mirrored.bits, words) for one in prints])
    rarity = np.log((len(seen) + 1) / (1 + (seen > 0).sum(axis=0))).astype(np.float32)
    seen, mirrored = _weighted(seen, rarity), _weighted(mirrored, rarity)
    pairs: dict[tuple[int, int], bool] = {}
    kept = min(CANDIDATES, len(prints) - 1)
    for start in range(0, len(seen), BLOCK):
        block = seen[start : start + BLOCK]
        straight, turned = block @ seen.T, block @ mirrored.T
        likeness = np.maximum(straight, turned)
        likeness[np.arange(len(block)), start + np.arange(len(block))] = -1
        best = np.argpartition(-likeness, kept - 1, axis=1)[:, :kept]
        is_turned = np.take_along_axis(turned > straight, best, axis=1)
        for row, (others, flags) in enumerate(zip(best.tolist(), is_turned.tolist(), strict=True)):
            here = start + row
            pairs |= {
                (min(here, other), max(here, other)): flag
                for other, flag in zip(others, flags, strict=True)
            }
    return dict(sorted(pairs.items()))


def _signs(bits: np.ndarray) -> np.ndarray:
    """Bits as float32 -1 and 1, so that a product counts how many agree."""
    return np.unpackbits(bits, axis=1).astype(np.float32) * 2 - 1


def _histogram(bits: np.ndarray, words: np.ndarray) -> np.ndarray:
    if len(bits) == 0 or len(words) <= WORDS_EACH:
        return np.zeros(len(words), dtype=np.float32)
    likeness = _signs(bits) @ words.T
    nearest = np.argpartition(-likeness, WORDS_EACH, axis=1)[:, :WORDS_EACH]
    return np.bincount(nearest.ravel(), minlength=len(words)).astype(np.float32)


def _weighted(histograms: np.ndarray, rarity: np.ndarray) -> np.ndarray:
    weighted = np.sqrt(histograms) * rarity
    return weighted / np.maximum(np.linalg.norm(weighted, axis=1, keepdims=True), 1e-9)


def _movement(first: Features, second: Features) -> _Movement:
    """The rotation, scale and shift that takes most features of the first onto the second."""
    nothing = _Movement(0, None)
    if min(len(first.bits), len(second.bits)) < AGREEING:
        return nothing
    matcher = cv2.BFMatcher(cv2.NORM_HAMMING, crossCheck=True)
    matches = [m for m in matcher.match(first.bits, second.bits) if m.distance < MATCH]
    if len(matches) < AGREEING:
        return nothing
    here = first.points[[m.queryIdx for m in matches]]
    there = second.points[[m.trainIdx for m in matches]]
    cv2.setRNGSeed(0)
    matrix, inliers = cv2.estimateAffinePartial2D(
        here, there, ransacReprojThreshold=4, maxIters=500
    )
    if matrix is None or not SCALES[0] < float(np.hypot(matrix[0, 0], matrix[1, 0])) < SCALES[1]:
        return nothing
    return _Movement(int(inliers.sum()), matrix)


def _correlation(
    thumb: np.ndarray, size: tuple[int, int], second: Fingerprint, matrix: np.ndarray
) -> float:
    """Correlation of two drawings where they overlap, the first moved onto the second."""
    up = np.diag([size[0] / thumb.shape[1], size[1] / thumb.shape[0], 1.0])
    other = second.thumb
    down = np.diag([other.shape[1] / second.size[0], other.shape[0] / second.size[1], 1.0])
    moved = (down @ np.vstack([matrix, [0, 0, 1]]) @ up)[:2]
    shape = (other.shape[1], other.shape[0])
    inside = cv2.warpAffine(np.ones(thumb.shape, np.float32), moved, shape) > 0.99
    smaller = min(abs(float(np.linalg.det(moved[:, :2]))) * thumb.size, other.size)
    if inside.sum() < OVERLAP * smaller:
        return 0.0
    first = cv2.GaussianBlur(thumb.astype(np.float32), (0, 0), BLUR)
    a = cv2.warpAffine(first, moved, shape)[inside]
    b = cv2.GaussianBlur(other.astype(np.float32), (0, 0), BLUR)[inside]
    a, b = a - a.mean(), b - b.mean()
    return float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum() + 1e-6))
