"""How likely a region is a room: more where the model and its clicks are sure, less for unions."""

import numpy as np
import pytest

from floorseg.core import room_odds as judged
from floorseg.core.consensus import Regions
from floorseg.core.edge_smoothing import USUALLY_FOLLOWED
from floorseg.core.overlap import Overlap

SIDE = 40


def mask(x0, y0, x1, y1):
    found = np.full((SIDE, SIDE), -4.0, np.float32)
    found[y0:y1, x0:x1] = 4.0
    return found


def regions(*masks, scores=None, agreement=None, followed=None):
    count = len(masks)
    return Regions(
        logits=np.stack(masks),
        scores=np.array(scores or [0.8] * count, np.float32),
        stability=np.ones(count, np.float32),
        agreement=np.array(agreement or [0.9] * count, np.float32),
        points=np.zeros((count, 2), np.float32),
        followed=np.array(followed or [USUALLY_FOLLOWED] * count, np.float32),
    )


def room_odds(found):
    return judged.room_odds(found, Overlap.of(found.logits > 0))


def features(found):
    return judged.features(found, Overlap.of(found.logits > 0))


LEFT, RIGHT = mask(5, 5, 18, 35), mask(20, 5, 35, 35)


def test_odds_are_chances():
    odds = room_odds(regions(LEFT, RIGHT, scores=[0.0, 1.0], agreement=[0.0, 1.0]))

    assert ((odds > 0) & (odds < 1)).all()
    assert odds[0] < 0.1 < 0.8 < odds[1]


@pytest.mark.parametrize("what", ["scores", "agreement"])
def test_what_the_model_and_its_clicks_are_surer_of_is_likelier(what):
    low, high = room_odds(regions(LEFT, RIGHT, **{what: [0.6, 0.9]}))

    assert low < high


def test_what_takes_the_edge_of_the_sheet_is_the_outside():
    inside = mask(1, 1, SIDE - 1, SIDE - 1)
    outside = mask(0, 0, SIDE, SIDE)

    at_edge, within = room_odds(regions(outside)), room_odds(regions(inside))

    assert at_edge < 0.1 < within


def test_what_follows_the_plan_s_lines_is_likelier_than_what_ends_in_white_space():
    along, across = room_odds(regions(LEFT, RIGHT, followed=[0.99, 0.6]))

    assert along > across + 0.2


def test_each_is_judged_beside_the_others():
    """What it overlaps, and what it is made of, are seen; what lies elsewhere is not."""
    alone = features(regions(LEFT))[0]
    both = features(regions(LEFT, mask(5, 5, 18, 20), RIGHT))[0]
    apart = features(regions(LEFT, RIGHT))[0]

    np.testing.assert_allclose(alone, apart)
    assert (both[5:7] > alone[5:7]).all()


def test_no_regions_have_no_odds():
    none = np.zeros(0, np.float32)
    empty = Regions(np.zeros((0, SIDE, SIDE), np.float32), none, none, none, np.zeros((0, 2)), none)

    assert room_odds(empty).shape == (0,)
