"""How likely a region is a room: more where the model and its clicks are sure, less for unions."""

import numpy as np
import pytest
import torch

from floorseg.core.consensus import Regions
from floorseg.core.decoder import ImageSide
from floorseg.core.edge_smoothing import USUALLY_FOLLOWED
from floorseg.core.overlap import Overlap
from floorseg.core.room_odds import GENERAL, RoomOdds, features, inside

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


def image(tokens=None):
    """Features of a plan of 4 x 4 cells, two of each; zeros by default."""
    tokens = torch.zeros(16, 2) if tokens is None else tokens
    return ImageSide(
        tokens=tokens, position=torch.zeros(16, 2), middle=None, fine=None, grid=(4, 4)
    )


def room_odds(found):
    return GENERAL.on(image())(found, Overlap.of(found.logits > 0))


def known(found):
    return features(found, Overlap.of(found.logits > 0))


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
    alone = known(regions(LEFT))[0]
    both = known(regions(LEFT, mask(5, 5, 18, 20), RIGHT))[0]
    apart = known(regions(LEFT, RIGHT))[0]

    np.testing.assert_allclose(alone, apart)
    assert (both[5:7] > alone[5:7]).all()


def test_no_regions_have_no_odds():
    none = np.zeros(0, np.float32)
    empty = Regions(np.zeros((0, SIDE, SIDE), np.float32), none, none, none, np.zeros((0, 2)), none)

    assert room_odds(empty).shape == (0,)


def test_what_is_seen_in_a_region_is_the_mean_of_the_cells_that_it_covers():
    """Cells are 10 pixels wide here; each counts by how much of it is covered."""
    column = torch.arange(4.0).repeat(4)
    tokens = torch.stack([column, torch.ones(16)], dim=1)

    seen = inside(
        regions(mask(0, 0, 10, 40), mask(10, 10, 30, 20), mask(0, 0, 15, 40)), image(tokens)
    )

    np.testing.assert_allclose(seen, [[0, 1], [1.5, 1], [1 / 3, 1]], atol=1e-6)


def test_odds_of_a_model_s_own_count_what_it_sees():
    left = torch.tensor([1.0, 1.0, 0.0, 0.0]).repeat(4)
    plan = image(torch.stack([left, torch.zeros(16)], dim=1))
    found = regions(LEFT, RIGHT)
    likes_left = RoomOdds(GENERAL.known, np.array([3.0, 0.0]))

    before = room_odds(found)
    after = likes_left.on(plan)(found, Overlap.of(found.logits > 0))

    assert after[0] > before[0] + 0.02
    assert after[1] == pytest.approx(before[1])


def test_odds_are_kept_as_plain_numbers():
    odds = RoomOdds(GENERAL.known, np.array([3.0, -1.0]))

    again = RoomOdds.from_notes(odds.notes(), channels=2)

    np.testing.assert_array_equal(again.known, odds.known)
    np.testing.assert_array_equal(again.seen, odds.seen)


@pytest.mark.parametrize(
    ("notes", "said"),
    [
        ({}, "numbers are needed"),
        ({"known": [1.0] * 9, "seen": [1.0] * 3}, "2 numbers are needed"),
        ({"known": [1.0] * 9, "seen": [1.0, float("nan")]}, "not finite"),
        ({"known": ["a room"] * 9}, "could not convert"),
    ],
)
def test_odds_that_fit_no_model_are_refused(notes, said):
    with pytest.raises(ValueError, match=said):
        RoomOdds.from_notes(notes, channels=2)
