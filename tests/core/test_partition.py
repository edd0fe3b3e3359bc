"""The rooms preset: a partition, whatever the answers overlap."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floorseg.core.everything import PRESETS, everything
from floorseg.core.next_clicks import MORE_CLICKS
from floorseg.core.partition import tidy
from floorseg.core.room_choice import best_set
from floorseg.core.structures import MaskProposal, Progress
from floorseg.errors import Stopped
from tests.core.painted import SIDE, PaintedPredictor, rectangle

LEFT, RIGHT = (0.1, 0.1, 0.45, 0.9), (0.5, 0.1, 0.9, 0.9)


def rooms_of(*things: tuple[tuple[float, float, float, float], float]) -> list[MaskProposal]:
    predictor = PaintedPredictor([(rectangle(*box), score) for box, score in things])
    return everything(predictor, predictor.embedding(), "rooms")


def iou(proposal: MaskProposal, box: tuple[float, float, float, float]) -> float:
    truth = np.zeros(proposal.mask.shape, dtype=bool)
    height, width = truth.shape
    truth[
        round(box[1] * height) : round(box[3] * height),
        round(box[0] * width) : round(box[2] * width),
    ] = True
    return (truth & proposal.mask).sum() / (truth | proposal.mask).sum()


def test_each_room_comes_out_once():
    found = rooms_of((LEFT, 0.9), (RIGHT, 0.8))

    assert len(found) == 2
    assert iou(found[0], LEFT) > 0.9
    assert iou(found[1], RIGHT) > 0.9


def test_furniture_gives_way_to_the_room_it_stands_in():
    table = (0.2, 0.3, 0.3, 0.5)

    found = rooms_of((LEFT, 0.85), (table, 0.95))

    assert len(found) == 1
    assert iou(found[0], LEFT) > 0.9


def test_a_closet_that_a_room_leaks_into_is_cut_out_of_it():
    closet = (0.35, 0.4, 0.55, 0.6)  # reaches out of the room

    found = rooms_of(((0.1, 0.1, 0.47, 0.9), 0.9), (closet, 0.9))

    assert len(found) == 2
    assert max(iou(proposal, closet) for proposal in found) > 0.85
    assert not (found[0].mask & found[1].mask).any()


def test_two_rooms_are_preferred_to_the_union_of_both():
    found = rooms_of((LEFT, 0.9), (RIGHT, 0.9), ((0.1, 0.1, 0.9, 0.75), 0.8))

    assert len(found) == 2
    assert max(iou(proposal, LEFT) for proposal in found) > 0.9


def test_a_room_found_across_lines_is_asked_again_and_comes_out_as_the_rooms_it_is():
    """The grid of clicks misses the inside of all of them; what it finds has settled by then."""
    sides = [(0.12 + 0.19 * i, 0.39, 0.31 + 0.19 * i, 0.6) for i in range(4)]
    image = np.full((512, 512, 3), 255, dtype=np.uint8)
    for x0, y0, x1, y1 in (tuple(round(512 * part) for part in box) for box in sides):
        cv2.rectangle(image, (x0, y0), (x1, y1), (0, 0, 0), 4)
    row_of_rooms = (sides[0][0], sides[0][1] - 0.02, sides[-1][2], sides[0][3])
    things = [(rectangle(*row_of_rooms), 0.9), *((rectangle(*box), 0.95) for box in sides)]
    predictor = PaintedPredictor(things, size=(512, 512))

    found = everything(
        predictor, predictor.sheet(image), replace(PRESETS["rooms"], points_per_side=4)
    )

    assert len(found) == 4
    for box in sides:
        assert max(iou(proposal, box) for proposal in found) > 0.85


def test_the_whole_sheet_is_no_room():
    found = rooms_of((LEFT, 0.8), ((0.01, 0.01, 0.99, 0.99), 0.95))

    assert len(found) == 1
    assert iou(found[0], LEFT) > 0.9


def test_rooms_that_overlap_share_no_pixel_afterwards():
    found = rooms_of(((0.1, 0.1, 0.55, 0.9), 0.9), ((0.47, 0.1, 0.9, 0.9), 0.9))

    assert len(found) == 2
    assert not (found[0].mask & found[1].mask).any()


def test_a_closet_between_the_grid_points_is_found_by_a_further_click():
    closet = (0.47, 0.47, 0.53, 0.53)
    things = [(rectangle(*closet), 0.9)]
    coarse = replace(PRESETS["rooms"], points_per_side=4)
    predictor = PaintedPredictor(things)

    without = everything(predictor, predictor.embedding(), replace(coarse, extra_rounds=0))
    found = everything(predictor, predictor.embedding(), coarse)

    assert without == []
    assert len(found) == 1


def test_a_sheet_is_searched_for_as_long_as_more_is_found():
    """A storey of a hundred closets: each round clicks in the middles of what is left."""
    at = [0.04 + 0.092 * i for i in range(10)]
    closets = [(rectangle(x, y, x + 0.07, y + 0.07), 0.9) for x in at for y in at]
    coarse = replace(PRESETS["rooms"], points_per_side=8)
    storey, hall = PaintedPredictor(closets), PaintedPredictor([(rectangle(*LEFT), 0.9)])

    few = everything(storey, storey.embedding(), replace(coarse, extra_rounds=1))
    many = everything(storey, storey.embedding(), coarse)
    everything(hall, hall.embedding(), coarse)

    assert len(few) < 60
    assert len(many) > 75
    assert len(hall.clicks) <= 64 + MORE_CLICKS


def test_an_empty_sheet_has_no_rooms():
    assert rooms_of() == []


def test_masks_of_a_large_sheet_have_its_size_and_do_not_overlap():
    boxes = [LEFT, (0.45, 0.1, 0.9, 0.9)]
    predictor = PaintedPredictor([(rectangle(*box), 0.9) for box in boxes], size=(1500, 2100))

    found = everything(predictor, predictor.embedding(), "rooms")

    assert [proposal.mask.shape for proposal in found] == [(1500, 2100)] * 2
    assert not (found[0].mask & found[1].mask).any()


def test_the_stop_button_ends_the_search_with_a_sentence():
    predictor = PaintedPredictor([(rectangle(*LEFT), 0.9)])

    with pytest.raises(Stopped, match="before the plan was searched to its end"):
        everything(
            predictor, predictor.embedding(), "rooms", stop=lambda: len(predictor.clicks) >= 64
        )

    assert len(predictor.clicks) == 64


def test_progress_reaches_its_total():
    predictor = PaintedPredictor([(rectangle(*LEFT), 0.9)])
    seen: list[Progress] = []

    everything(predictor, predictor.embedding(), "rooms", progress=seen.append)

    assert [step.done for step in seen] == sorted(step.done for step in seen)
    assert seen[-1].done == seen[-1].total


def test_holes_are_filled_unless_another_room_is_in_them():
    room = np.zeros((40, 40), dtype=bool)
    room[5:35, 5:35] = True
    room[10:15, 10:15] = room[20:30, 20:30] = False
    free = ~room
    free[20:30, 20:30] = False

    tidied = tidy(room, free)

    assert tidied[12, 12]
    assert not tidied[25, 25]


def test_crumbs_are_dropped_and_two_halves_of_a_room_stay():
    room = np.zeros((40, 40), dtype=bool)
    room[5:15, 5:35] = room[20:28, 5:35] = True
    room[35:37, 35:37] = True

    tidied = tidy(room, ~room)

    assert tidied[22, 10]
    assert not tidied[36, 36]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6))
def test_the_chosen_set_has_no_conflicts_is_full_and_beats_plain_greed(seed):
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, 14))
    worth = rng.uniform(0.1, 1, count)
    conflicts = np.triu(rng.random((count, count)) < 0.4, 1)
    conflicts |= conflicts.T

    chosen = best_set(worth, conflicts)

    greedy: list[int] = []
    for item in np.argsort(-worth):
        if not conflicts[item][greedy].any():
            greedy.append(int(item))
    assert not conflicts[np.ix_(chosen, chosen)].any()
    assert all(conflicts[item][chosen].any() for item in set(range(count)) - set(chosen.tolist()))
    assert worth[chosen].sum() >= worth[greedy].sum() - 1e-9


def test_the_painted_scene_is_as_large_as_the_tests_think():
    assert rectangle(*LEFT).shape == (SIDE, SIDE)
