"""Candidates are judged by what their masks are like, too."""

import math

import numpy as np
import pytest
import torch

from floorseg.core.decoded import Decoded, Wanted
from floorseg.core.edge_smoothing import Edges
from floorseg.core.mask_scores import masks_say, own_part, steadied, to_edges

SIDE = 32


@pytest.fixture(scope="module")
def edges():
    """Of a picture with one room, drawn in black."""
    image = np.full((64, 64, 3), 255, np.uint8)
    image[14:50, 14:50] = 0
    image[18:46, 18:46] = 255
    return Edges.of(image, SIDE)


def room(begin, end, *, height=6.0, rim=6.0):
    """Logits above 0 in a square of cells, whose outermost cells are less sure than its middle."""
    logits = torch.full((SIDE, SIDE), -6.0)
    logits[begin:end, begin:end] = rim
    logits[begin + 1 : end - 1, begin + 1 : end - 1] = height
    return logits


def test_of_two_alike_the_steadier_is_worth_more(edges):
    steady, shaky = masks_say(torch.stack([room(9, 23), room(9, 23, rim=0.5)]), edges)

    assert steady > shaky


def test_of_two_alike_the_one_that_follows_lines_is_worth_more(edges):
    along, amid = masks_say(torch.stack([room(9, 23), room(12, 20)]), edges)

    assert along > amid


def test_alone_an_answer_is_worth_what_the_model_and_the_lines_say(edges):
    logits = torch.stack([room(9, 23), room(9, 23, height=0.5, rim=0.5)])[:, None]
    wanted = Wanted(multimask=False, rough=False, above=-math.inf)

    drawn = to_edges(Decoded(logits, torch.full((2, 1), 0.8)), edges, wanted)
    found = steadied(drawn, wanted)

    assert torch.equal(found.scores, drawn.scores)
    assert found.scores[0, 0] == pytest.approx(float(found.scores[1, 0]), abs=1e-3)


def test_where_nobody_looks_for_edges_the_models_own_score_stands():
    assert own_part(None) == 1
    assert masks_say(torch.stack([room(9, 23)]), None).tolist() == [0]


def test_a_steady_candidate_is_chosen_before_a_shaky_one_that_the_model_likes_as_much(edges):
    logits = torch.stack([room(9, 23, height=0.5, rim=0.5), room(9, 23), room(12, 20)])[None]
    wanted = Wanted(multimask=True, rough=False, above=-math.inf)

    drawn = to_edges(Decoded(logits, torch.full((1, 3), 0.8)), edges, wanted)
    found = steadied(drawn, wanted)

    assert found.best().tolist() == [1]
    assert drawn.scores[0, 0] == pytest.approx(float(drawn.scores[0, 1]), abs=1e-3)
    assert ((found.scores > 0) & (found.scores < 1)).all()


def test_clicks_that_are_counted_keep_their_scores(edges):
    given = Decoded(torch.stack([room(9, 23)])[None], torch.tensor([[0.8]]))

    wanted = Wanted(multimask=True, rough=True, above=0.5)
    found = steadied(to_edges(given, edges, wanted), wanted)

    assert torch.equal(found.scores, given.scores)
    assert torch.equal(found.logits, given.logits)
