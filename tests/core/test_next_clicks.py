"""Where a plan is clicked: coarsely first, and not where nothing is left to find."""

import numpy as np
import pytest

from floorseg.core.candidates import click_grid
from floorseg.core.consensus import Regions
from floorseg.core.everything import everything
from floorseg.core.next_clicks import click_levels, unsettled
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
