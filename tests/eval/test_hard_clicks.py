"""Hard clicks lie where their names say."""

import cv2
import numpy as np
import pytest

from eval.cutout import Cutout
from eval.hard import HardClicks
from eval.truth import Truth


def truth(mask: np.ndarray, label: str = "room") -> Truth:
    return Truth("1", label, Cutout.of_mask(mask), "")


@pytest.fixture
def plan() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A white plan: an L-shaped room, its corridor to the right, and a door below the corridor."""
    image = np.full((160, 240, 3), 255, dtype=np.uint8)
    room = np.zeros((160, 240), dtype=bool)
    room[20:120, 20:120] = True
    room[20:44, 120:220] = True
    image[~room] = 0
    cv2.rectangle(image, (50, 70), (75, 95), (40, 40, 40), -1)  # a bed
    door = np.zeros((160, 240), dtype=bool)
    door[46:52, 160:180] = True
    return image, room, door


def click(plan, kind: str, seed: int = 0):
    image, room, door = plan
    maker = HardClicks(image, [truth(door, "door")])
    return maker.click(kind, truth(room), np.random.default_rng(seed))


def distance(mask: np.ndarray, point) -> float:
    ys, xs = np.nonzero(~mask)
    return float(np.hypot(xs - point.x, ys - point.y).min())


@pytest.mark.parametrize("seed", range(5))
def test_near_edge_is_three_pixels_from_the_edge(plan, seed):
    assert distance(plan[1], click(plan, "near edge", seed)) == pytest.approx(3, abs=0.5)


@pytest.mark.parametrize("kind", ["centre", "anywhere", "thin part", "on ink", "doorway"])
def test_every_click_lies_in_its_object(plan, kind):
    point = click(plan, kind)

    assert plan[1][int(point.y), int(point.x)]


def test_a_thin_part_is_the_corridor(plan):
    points = [click(plan, "thin part", seed) for seed in range(9)]

    assert all(point.x > 110 and 20 <= point.y < 44 for point in points)
    assert np.median([point.x for point in points]) > 130


def test_ink_is_the_furniture(plan):
    point = click(plan, "on ink")

    assert 45 <= point.x <= 80
    assert 65 <= point.y <= 100


def test_a_doorway_is_beside_the_door(plan):
    assert distance(~plan[2], click(plan, "doorway")) <= 18


def test_a_click_that_has_no_place_is_not_made():
    room = np.zeros((80, 80), dtype=bool)
    room[20:60, 20:60] = True
    maker = HardClicks(np.full((80, 80, 3), 255, np.uint8), [])

    for kind in ("thin part", "on ink", "doorway"):  # nor is a corner a thin part
        assert maker.click(kind, truth(room), np.random.default_rng(0)) is None


def test_the_same_draw_gives_the_same_click(plan):
    assert click(plan, "anywhere", 4) == click(plan, "anywhere", 4)
