"""Clicks that people make and centre clicks never do, made from the truth and the picture."""

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from eval.truth import Truth
from floorseg.core.prompts import centre_click, depth_inside
from floorseg.core.structures import Point

EDGE = 3.0  # pixels from the edge that "near edge" is clicked
THIN = 0.5  # parts less wide than this share of the widest are thin
BEYOND = 0.5  # radii from that disc at which a thin part begins
LEAST_THIN = 4.0  # pixels: a thin part must be this deep to be clicked on purpose
INK = 128  # grey below which a pixel is ink
INK_SPOT = 15  # pixels, side of the square whose ink is counted
LEAST_INK = 0.15  # share of that square that must be ink
DOOR_REACH = 12  # pixels around a door in which "doorway" clicks lie

_Maker = Callable[["_Place"], np.ndarray]


class HardClicks:
    """Makes such clicks on one picture.

    Args:
        image: uint8 (H, W, 3), RGB.
        doors: the picture's doors.
    """

    def __init__(self, image: np.ndarray, doors: Sequence[Truth]) -> None:
        self._grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        found = np.zeros(self._grey.shape, dtype=np.uint8)
        for door in doors:
            cut = door.cutout
            found[cut.top : cut.bottom, cut.left : cut.right] |= cut.mask
        side = 2 * DOOR_REACH + 1
        self._near_doors = cv2.dilate(found, np.ones((side, side), np.uint8))
        self._places: dict[str, _Place] = {}

    def click(self, kind: str, truth: Truth, rng: np.random.Generator) -> Point | None:
        """One click on an object, or None where it has no place for that kind.

        Args:
            kind: a trial of the ``hard`` protocol.
            truth: the object.
            rng: picks among equally good pixels.
        """
        cut = truth.cutout
        if kind == "centre":
            point = centre_click(cut.mask)
            return Point(point.x + cut.left, point.y + cut.top)
        place = self._place(truth)
        pixels = np.flatnonzero(_MAKERS[kind](place))
        if pixels.size == 0:
            return None
        y, x = divmod(int(pixels[rng.integers(pixels.size)]), cut.mask.shape[1])
        return Point(float(x + cut.left), float(y + cut.top))

    def _place(self, truth: Truth) -> "_Place":
        """What one object's clicks are made from, computed once."""
        if truth.instance not in self._places:
            cut = truth.cutout
            window = np.s_[cut.top : cut.bottom, cut.left : cut.right]
            self._places[truth.instance] = _Place(
                cut.mask, self._grey[window], self._near_doors[window] > 0
            )
        return self._places[truth.instance]


class _Place:
    """One object and what its clicks are made from, all (h, w), cut to the object's window."""

    def __init__(self, mask: np.ndarray, grey: np.ndarray, near_door: np.ndarray) -> None:
        self.mask = mask
        self.grey = grey
        self.near_door = near_door
        self.depth = depth_inside(mask)


def _near_edge(place: _Place) -> np.ndarray:
    """The pixels 3 px inside the outline, give or take half a pixel."""
    return np.abs(place.depth - EDGE) <= 0.5


def _anywhere(place: _Place) -> np.ndarray:
    """Every pixel."""
    return place.mask


def _thin_part(place: _Place) -> np.ndarray:
    """The deep pixels of what lies well away from wherever a disc of half the depth fits.

    A right-angled corner reaches 0.41 radii from such a disc, a corridor farther.
    """
    radius = float(place.depth.max()) * THIN
    centres = np.pad(place.depth > radius, 1)
    away = cv2.distanceTransform((~centres).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    rest = np.where(away[1:-1, 1:-1] > (1 + BEYOND) * radius, place.depth, 0)
    return rest >= max(0.8 * float(rest.max()), LEAST_THIN)


def _on_ink(place: _Place) -> np.ndarray:
    """The most inked spot well inside: furniture or text."""
    ink = ((place.grey < INK) & place.mask).astype(np.float32)
    share = cv2.blur(ink, (INK_SPOT, INK_SPOT))
    share[place.depth < INK_SPOT] = 0
    return share >= max(float(share.max()), LEAST_INK)


def _doorway(place: _Place) -> np.ndarray:
    """Pixels beside a door, 3 px or more inside the object."""
    return place.near_door & (place.depth >= EDGE)


_MAKERS: dict[str, _Maker] = {
    "near edge": _near_edge,
    "anywhere": _anywhere,
    "thin part": _thin_part,
    "on ink": _on_ink,
    "doorway": _doorway,
}
