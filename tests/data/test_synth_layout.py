"""Layouts and walls: what stands where, before anything is drawn."""

from random import Random

import numpy as np
import pytest

from floorseg.data.synth.changes import in_one_piece
from floorseg.data.synth.families import FAMILIES
from floorseg.data.synth.layout import Rect, blank, neighbours
from floorseg.data.synth.openings import place_openings
from floorseg.data.synth.schools import bare
from floorseg.data.synth.walls import build_walls


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("seed", range(3))
def test_every_family_lays_out_rooms_with_walls_all_around(family, seed):
    rng = Random(seed)
    plan = FAMILIES[family](rng)
    edges = build_walls(rng, plan, (0.3, 0.12))

    assert plan.labels()
    sides = {label for edge in edges for label in (edge.left, edge.right)}
    assert set(plan.labels()) <= sides | _clipped_away(plan)
    assert all(edge.length > 0 and edge.thickness > 0 for edge in edges)


def _clipped_away(plan):
    if plan.clip is None:
        return set()
    return {
        label
        for label in plan.labels()
        if not any(
            plan.label_at((x + 0.5) * 0.1, (y + 0.5) * 0.1) == label
            for y, x in np.argwhere(plan.grid == label)
        )
    }


def test_an_edge_has_its_rooms_on_the_stated_sides():
    plan = blank(4, 3)
    left = plan.add("living", Rect(0, 0, 20, 30))
    right = plan.add("kitchen", Rect(20, 0, 40, 30))
    edges = build_walls(Random(0), plan, (0.3, 0.1))

    (between,) = [edge for edge in edges if not edge.outer]
    for aside, label in ((0.3, between.right), (-0.3, between.left)):
        assert plan.label_at(*between.at(1.0, aside)) == label
    assert {between.left, between.right} == {left, right}
    assert neighbours(plan.grid, 1.0) == {(left, right): pytest.approx(3.0)}


def test_openings_lie_inside_their_piece_of_wall():
    for seed in range(12):
        rng = Random(seed)
        plan = FAMILIES["flat"](rng)
        edges = build_walls(rng, plan, (0.3, 0.12))
        for opening in place_openings(rng, plan, edges, bare(rng)):
            assert -1e-6 <= opening.begin < opening.stop <= opening.edge.length + 1e-6


def test_two_buildings_apart_are_not_one_piece():
    built = np.zeros((9, 9), bool)
    built[1:3, 1:3] = True
    assert in_one_piece(built)
    built[6:8, 6:8] = True
    assert not in_one_piece(built)
