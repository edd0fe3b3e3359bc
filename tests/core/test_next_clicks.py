"""Where a plan is clicked: coarsely first, and not where nothing is left to find."""

import numpy as np
import pytest

from floorseg.core.candidates import click_grid
from floorseg.core.consensus import Regions
from floorseg.core.edge_smoothing import Edges
from floorseg.core.everything import everything
from floorseg.core.next_clicks import (
    click_levels,
    doubtful_spots,
    enclosed_spots,
    uncovered_spots,
    unsettled,
)
from floorseg.core.presets import PRESETS
from tests.core.painted import PaintedPredictor, rectangle

SIZE = (120, 200)


def regions(*found: tuple[tuple[float, float, float, float], float]) -> Regions:
    """Boxes as parts of the picture, and how sure the clicks in each are of it."""
    sure = np.array([quality for _, quality in found], np.float32)
    ones = np.ones_like(sure)
    logits = np.stack([rectangle(*box) for box, _ in found])
    return Regions(logits, sure, ones, ones, np.zeros((len(found), 2)), ones)


def parts(clicks: np.ndarray) -> np.ndarray:
    return clicks / (SIZE[1], SIZE[0])


@pytest.mark.parametrize("per_side", [1, 2, 5, 16])
def test_the_levels_are_the_grid_each_click_once(per_side):
    levels = click_levels(per_side, SIZE)

    together = np.concatenate(levels)
    assert sorted(map(tuple, together)) == sorted(map(tuple, click_grid(per_side, SIZE)))


def test_each_level_covers_the_whole_picture():
    for level in click_levels(16, SIZE):
        at = parts(level)
        assert (at.min(axis=0) < 0.1).all()
        assert (at.max(axis=0) > 0.9).all()


def test_what_is_sure_is_not_clicked_again_and_what_is_shaky_is():
    grid = click_grid(16, SIZE)
    left, right = (0.0, 0.0, 0.4, 1.0), (0.6, 0.0, 1.0, 1.0)

    open_clicks = parts(unsettled(grid, regions((left, 0.9), (right, 0.4)), SIZE, within=False))

    assert not (open_clicks[:, 0] < 0.38).any()
    assert (open_clicks[:, 0] > 0.62).sum() == (parts(grid)[:, 0] > 0.62).sum()


def test_the_paper_around_the_plan_is_left_out_when_asked_for():
    grid = click_grid(16, SIZE)
    plan = regions(((0.3, 0.3, 0.7, 0.7), 0.2))

    near = parts(unsettled(grid, plan, SIZE, within=True))

    assert len(near)
    assert ((near > 0.2) & (near < 0.8)).all()
    assert len(unsettled(grid, plan, SIZE, within=False)) == len(grid)


def test_without_regions_every_click_is_open():
    grid = click_grid(4, SIZE)
    none = regions(((0, 0, 1, 1), 0.9))[np.zeros(1, bool)]

    assert len(unsettled(grid, none, SIZE, within=True)) == len(grid)


def test_two_rooms_need_fewer_clicks_than_the_grid_has():
    rooms = [(rectangle(0.1, 0.1, 0.45, 0.9), 0.9), (rectangle(0.5, 0.1, 0.9, 0.9), 0.9)]
    predictor = PaintedPredictor(rooms)

    found = everything(predictor, predictor.embedding(), "rooms")

    assert len(found) == 2
    assert len(predictor.clicks) < 16**2  # those in gaps and beside the plan among them


def closets(count: int) -> np.ndarray:
    """bool (64, 64): blank paper but for the lines around closets in a row, 7 cells inside each."""
    image = np.full((128, 128, 3), 255, dtype=np.uint8)
    for number in range(count):
        left = 16 + 18 * number
        image[48:66, left : left + 18] = 0
        image[50:64, left + 2 : left + 16] = 255
    return Edges.of(image, 64).blank


def in_closet(number: int) -> np.ndarray:
    """Its middle, (x, y) in parts of the picture."""
    return np.array([25 + 18 * number, 57]) / 128


def nearest(found: np.ndarray, middle: np.ndarray) -> float:
    """How far the nearest of some spots is, in parts of the picture, along one axis."""
    return float(abs(found - middle).max(axis=1).min(initial=1.0))


NOWHERE = np.zeros((0, 2), np.float32)
CLOSETS = (16 / 128, 48 / 128, 88 / 128, 66 / 128)


def test_a_room_that_lines_part_is_clicked_in_every_part():
    settled = regions((CLOSETS, 0.95))

    found = parts(doubtful_spots(settled, click_grid(2, SIZE), SIZE, closets(4)))

    assert len(found) == 4
    for number in range(4):
        assert nearest(found, in_closet(number)) < 1 / 64


def test_no_room_is_clicked_more_than_eight_times():
    boxes = np.zeros((64, 64), bool)
    for row, column in np.ndindex(3, 4):
        boxes[8 + 16 * row : 18 + 16 * row, 2 + 16 * column : 12 + 16 * column] = True
    twelve = regions(((0.0, 0.0, 1.0, 1.0), 0.95))

    assert len(doubtful_spots(twelve, NOWHERE, SIZE, boxes)) == 8


@pytest.mark.parametrize(("inside", "is_clicked"), [(7, True), (3, False)])
def test_a_room_is_clicked_for_a_closet_in_it_and_not_for_a_chair(inside, is_clicked):
    blank = np.ones((64, 64), bool)
    blank[20 : 24 + inside, 20 : 24 + inside] = False
    blank[22 : 22 + inside, 22 : 22 + inside] = True
    hall = regions(((0.0, 0.0, 1.0, 1.0), 0.95))

    found = parts(doubtful_spots(hall, NOWHERE, SIZE, blank))

    assert len(found)
    assert (nearest(found, np.full(2, 22 + inside / 2) / 64) < 1 / 64) is is_clicked


def test_what_lines_enclose_between_the_rooms_is_clicked_piece_by_piece():
    above, below = (0.1, 0.1, 0.9, 46 / 128), (0.1, 68 / 128, 0.9, 0.9)
    rooms = regions((above, 0.9), (below, 0.9))

    found = parts(enclosed_spots(rooms, NOWHERE, SIZE, closets(4)))

    for number in range(4):
        assert nearest(found, in_closet(number)) < 1 / 64
    assert ((found[:, 1] > above[3]) & (found[:, 1] < below[1])).all()


@pytest.mark.parametrize(("wide", "is_clicked"), [(3, False), (6, True)])
def test_a_hollow_wall_between_rooms_is_not_clicked_and_what_is_wider_is(wide, is_clicked):
    rooms = regions(((0.1, 0.1, 0.9, 0.4), 0.9), ((0.1, 0.6, 0.9, 0.9), 0.9))
    blank = np.zeros((64, 64), bool)
    blank[29 : 29 + wide, 10:50] = True

    assert (len(enclosed_spots(rooms, NOWHERE, SIZE, blank)) > 0) is is_clicked


def test_nothing_is_sought_between_no_rooms_or_where_a_click_was():
    row = regions(((0.1, 0.1, 0.9, 46 / 128), 0.9), ((0.1, 68 / 128, 0.9, 0.9), 0.9))
    tried = np.array([in_closet(n) * (SIZE[1], SIZE[0]) for n in range(4)], np.float32)

    found = parts(enclosed_spots(row, tried, SIZE, closets(4)))

    assert min(nearest(found, in_closet(n)) for n in range(4)) > 2 / 64
    assert len(enclosed_spots(row[np.zeros(2, bool)], tried, SIZE, closets(4))) == 0


def test_what_was_tried_is_not_clicked_again():
    first = (in_closet(0) * (SIZE[1], SIZE[0])).astype(np.float32)[None]

    found = parts(doubtful_spots(regions((CLOSETS, 0.9)), first, SIZE, closets(4)))

    assert nearest(found, in_closet(0)) > 2 / 64
    assert nearest(found, in_closet(1)) < 1 / 64


def test_what_nothing_covers_is_clicked_where_no_click_was():
    left = regions(((0.0, 0.0, 0.5, 1.0), 0.9))

    found = parts(uncovered_spots(left, click_grid(2, SIZE), SIZE, PRESETS["rooms"]))

    assert len(found)
    assert (found[:, 0] > 0.5).all()
    assert min(nearest(found, click) for click in parts(click_grid(2, SIZE))) > 1 / 64
