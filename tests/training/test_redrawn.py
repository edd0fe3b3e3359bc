import numpy as np
import pytest

from floorseg.training.redrawn import redrawn

_PAPER = 240


@pytest.fixture
def plan():
    """A wall 10 px wide, and a line of 2 px such as furniture is drawn with."""
    plan = np.full((96, 96, 3), _PAPER, np.uint8)
    plan[40:50, 10:86] = 0
    plan[70:72, 10:86] = 0
    return plan


def _across(image):
    """Grey values from the top to the bottom, through the wall and the line."""
    return image[:, 48].mean(axis=1)


def _hands(plan, count=60):
    return [redrawn(np.random.default_rng(seed), plan) for seed in range(count)]


def test_no_hand_paints_beyond_the_next_pixel_or_changes_what_was_given(plan):
    before = plan.copy()
    for drawn in _hands(plan):
        untouched = np.ones(96, bool)
        untouched[39:51] = untouched[69:73] = False
        assert (_across(drawn)[untouched] == _PAPER).all()
        assert drawn.dtype == np.uint8
        assert drawn.shape == plan.shape
    assert (plan == before).all()


def test_hands_differ_and_every_kind_of_them_comes(plan):
    ink = _PAPER - _across(plan)
    kinds = set()
    for drawn in _hands(plan):
        column = _PAPER - _across(drawn)
        if column[45] < ink[45]:
            kinds.add("hollow")
            assert column[40] == ink[40], "the rim stays"
            assert column[70] == ink[70], "a thin line stays as it is"
        elif column.sum() > ink.sum():
            kinds.add("bolder")
        elif column.sum() < ink.sum():
            kinds.add("finer")
            assert column[70] > 0, "a fine line is still to be seen"
    assert kinds == {"hollow", "bolder", "finer"}


def test_a_sheet_without_walls_stays_as_it_is_or_nearly():
    blank = np.full((64, 64, 3), _PAPER, np.uint8)
    assert all((drawn == _PAPER).all() for drawn in _hands(blank))
    dark = np.zeros((64, 64, 3), np.uint8)
    assert all((drawn == 0).all() for drawn in _hands(dark))
