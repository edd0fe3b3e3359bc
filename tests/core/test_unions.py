"""A corridor that was found in two halves is offered as one; neighbours with a wall are not."""

import numpy as np
import pytest
import torch

from floorseg.core.consensus import Regions
from floorseg.core.edge_smoothing import Edges
from floorseg.core.unions import with_unions

SIDE = 64  # cells
LEFT, RIGHT = slice(8, 34), slice(30, 56)  # columns


def corridor(*walls):
    """White paper with a corridor, rows 24 to 40, and walls across it at some columns of cells."""
    image = np.full((2 * SIDE, 2 * SIDE, 3), 255, dtype=np.uint8)
    image[46:84, 14:114] = 0
    image[48:82, 16:112] = 255
    for column in walls:
        image[48:82, 2 * column : 2 * column + 2] = 0
    return Edges.of(image, SIDE)


def regions(edges, *parts, quality=0.9):
    """Regions of the corridor's height from column to column."""
    logits = np.full((len(parts), SIDE, SIDE), -4, dtype=np.float32)
    for logit, columns in zip(logits, parts, strict=True):
        logit[24:41, columns] = 4
    known = np.full(len(parts), quality, dtype=np.float32)
    return Regions(
        logits=logits,
        scores=known,
        stability=np.ones_like(known),
        agreement=np.ones_like(known),
        points=np.array([[part.start, 32.0] for part in parts], dtype=np.float32),
        followed=edges.followed(torch.from_numpy(logits > 0)).numpy(),
    )


def test_two_halves_of_a_corridor_are_offered_as_one():
    edges = corridor()
    halves = regions(edges, LEFT, RIGHT)

    found = with_unions(halves, edges)

    assert len(found) == 3
    whole = found.logits[2] > 0
    assert (whole == (halves.logits > 0).any(axis=0)).all()
    assert found.followed[2] > 0.95 > halves.followed.max() + 0.05
    assert found.scores[2] == pytest.approx(0.9)
    np.testing.assert_array_equal(found.logits[:2], halves.logits)


def test_two_rooms_with_a_wall_between_them_are_not():
    edges = corridor(32)
    rooms = regions(edges, slice(8, 32), slice(33, 56))

    assert len(with_unions(rooms, edges)) == 2


def test_what_lies_inside_another_or_is_hardly_trusted_adds_nothing():
    edges = corridor()

    assert len(with_unions(regions(edges, LEFT, slice(10, 20)), edges)) == 2
    assert len(with_unions(regions(edges, LEFT, RIGHT, quality=0.01), edges)) == 2


@pytest.mark.parametrize("parts", [(), (LEFT,), (slice(8, 20), slice(40, 56))])
def test_what_has_no_neighbours_makes_no_unions(parts):
    edges = corridor()

    assert len(with_unions(regions(edges, *parts), edges)) == len(parts)


def test_two_halves_agree_as_much_as_the_clicks_in_them():
    edges = corridor()

    found = with_unions(regions(edges, slice(8, 32), slice(32, 56)), edges)

    assert found.agreement[2] == pytest.approx(1, abs=0.01)
