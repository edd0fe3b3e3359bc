"""How sure one must be of a room depends on the plan."""

from dataclasses import replace

import numpy as np
import pytest

from floorseg.core.consensus import Regions
from floorseg.core.presets import PRESETS
from floorseg.core.room_choice import choose

SETTINGS = PRESETS["rooms"]


def rooms_kept(odds, **settings):
    """The odds of those that are chosen, of regions side by side that have these."""
    count, side = len(odds), 64
    masks = np.zeros((count, side, side), dtype=bool)
    for place in range(count):
        masks[place, 4 : side - 4, 4 * place + 4 : 4 * place + 7] = True
    regions = Regions(
        logits=np.where(masks, 4.0, -4.0).astype(np.float32),
        scores=np.array(odds, np.float32),
        agreement=np.ones(count, np.float32),
        stability=np.ones(count, np.float32),
        points=np.zeros((count, 2), np.float32),
        followed=np.ones(count, np.float32),
    )
    chosen = choose(
        regions, replace(SETTINGS, **settings), lambda some, _: some.scores.astype(np.float64)
    )
    return chosen.scores.round(2).tolist()


def test_where_most_are_sure_the_doubtful_ones_are_left_out():
    odds = [0.9, 0.3, 0.9, 0.9, 0.9, 0.3, 0.9, 0.9]

    assert rooms_kept(odds) == pytest.approx([0.9] * 6)


def test_where_none_is_sure_the_likeliest_are_kept():
    odds = [0.3, 0.27, 0.16, 0.3, 0.05, 0.27, 0.3]

    assert rooms_kept(odds) == pytest.approx([0.3, 0.3, 0.3, 0.27, 0.27])
    assert rooms_kept(odds, least_odds=0.4) == []


def test_the_bar_never_falls_below_the_least_nor_rises_above_what_is_asked():
    assert rooms_kept([0.1, 0.14, 0.12]) == []
    sure = [0.99] * 8
    assert rooms_kept(sure + [0.41] * 3) == pytest.approx(sure + [0.41] * 3)
    assert rooms_kept(sure + [0.39] * 3) == pytest.approx(sure)
