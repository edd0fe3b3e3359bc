"""Clicks counted little by little agree on what they would agree on all at once."""

from dataclasses import fields

import numpy as np
import torch

from floorseg.core.candidates import Candidates
from floorseg.core.consensus import Ballot, Regions
from tests.core.painted import SIDE, rectangle

SIZE = (300, 400)
ROOMS = [
    rectangle(0.1, 0.1, 0.4, 0.5),
    rectangle(0.5, 0.1, 0.9, 0.5),
    rectangle(0.1, 0.6, 0.9, 0.9),
]
CLICKS = [(100, 90), (280, 90), (200, 225), (120, 60), (260, 120), (240, 240), (60, 60)]
SEEN = [0, 1, 2, 0, 1, 2, 0]


def answers(numbers):
    """A click and its ragged answer each, better ones first."""
    clicked = np.array([CLICKS[number] for number in numbers], np.float32)
    noise = np.random.default_rng(5).normal(size=(len(CLICKS), SIDE, SIDE))
    logits = np.stack([ROOMS[SEEN[number]] + noise[number] for number in numbers])
    return clicked, Candidates(
        torch.from_numpy(logits).half(),
        torch.tensor([0.9 - number / 100 for number in numbers]),
        torch.tensor([0.95 - number / 100 for number in numbers]),
        torch.from_numpy(clicked),
    )


def assert_same(first: Regions, second: Regions):
    for each in fields(Regions):
        np.testing.assert_array_equal(getattr(first, each.name), getattr(second, each.name))


def test_clicks_counted_in_lots_agree_on_the_same_regions_as_all_at_once():
    by_and_by = Ballot(SIZE)
    for lot in ([0, 1], [2, 3], [4, 5, 6]):
        by_and_by.add(*answers(lot))
        by_and_by.regions()
    at_once = Ballot(SIZE)
    at_once.add(*answers(range(len(CLICKS))))

    assert len(at_once.regions()) == len(ROOMS)
    assert_same(by_and_by.regions(), at_once.regions())


def test_only_regions_that_new_answers_joined_are_finished_again():
    finished = []

    def finish(logits):
        finished.append(len(logits))
        return logits + 1, torch.full((len(logits),), 0.25)

    ballot = Ballot(SIZE, finish)
    ballot.add(*answers([0, 1, 2]))
    ballot.regions()
    ballot.add(*answers([4]))
    regions = ballot.regions()

    assert finished == [3, 1]
    assert regions.followed.tolist() == [0.25] * 3


def test_votes_are_counted_where_the_mean_lies_and_not_where_the_finish_put_it():
    as_it_is, grown = Ballot(SIZE), Ballot(SIZE, lambda logits: (logits + 100, logits[:, 0, 0]))
    for ballot in (as_it_is, grown):
        ballot.add(*answers(range(len(CLICKS))))

    np.testing.assert_array_equal(grown.regions().agreement, as_it_is.regions().agreement)
    assert (grown.regions().logits > 0).all()


def test_a_ballot_without_answers_has_no_regions():
    ballot = Ballot(SIZE)
    clicked, found = answers([0])
    ballot.add(clicked, found[torch.zeros(1, dtype=torch.bool)])

    assert len(ballot.regions()) == 0
    assert len(ballot.clicked) == 1
