"""A click near a wall is answered as one in the middle is, where that is better."""

import numpy as np
import pytest
import torch

from floorseg.core.closeup import CloseUpPredictor
from floorseg.core.decoded import Decoded
from floorseg.core.enlarge import enlarge_mask
from floorseg.core.metrics import mask_iou
from floorseg.core.middle import middle_of, take_if_better
from floorseg.core.model import load_model
from floorseg.core.prompts import centre_click
from floorseg.core.structures import Point, Prompt
from floorseg.data.synth.plan import draw_plan

SIZE = (40, 80)  # of the picture; answers have 20 x 20 cells


def answer(*rooms):
    """Logits that are above 0 in rooms (x0, y0, x1, y1), in cells."""
    logits = torch.full((20, 20), -4.0)
    for x0, y0, x1, y1 in rooms:
        logits[y0:y1, x0:x1] = 4.0
    return logits


def test_a_click_near_a_wall_is_put_to_the_middle_of_its_answer():
    middle = middle_of(Prompt((Point(9.0, 5.0),)), answer((2, 2, 13, 13)), SIZE)

    assert middle is not None
    assert middle.points == (Point(7.5 * 4, 7.5 * 2),)  # pixels: cells are 4 wide and 2 high


def test_a_click_near_the_middle_stays():
    assert middle_of(Prompt((Point(26.0, 14.0),)), answer((2, 2, 13, 13)), SIZE) is None


def test_the_middle_is_that_of_the_part_that_was_clicked():
    logits = answer((1, 1, 6, 6), (8, 8, 19, 19))  # the other part is larger

    middle = middle_of(Prompt((Point(5.0, 3.0),)), logits, SIZE)

    assert middle is not None
    assert middle.points == (Point(3.5 * 4, 3.5 * 2),)


@pytest.mark.parametrize(
    "prompt",
    [
        Prompt((Point(9.0, 5.0), Point(30.0, 20.0))),
        Prompt((Point(9.0, 5.0),), (8.0, 4.0, 52.0, 26.0)),
        Prompt(box=(8.0, 4.0, 52.0, 26.0)),
        Prompt((Point(9.0, 5.0, inside=False),)),
        Prompt((Point(70.0, 35.0),)),  # outside its answer
    ],
)
def test_what_more_was_said_about_is_asked_as_it_is(prompt):
    assert middle_of(prompt, answer((2, 2, 13, 13)), SIZE) is None


def test_a_click_at_the_pictures_last_pixel_has_a_middle_too():
    assert middle_of(Prompt((Point(79.0, 39.0),)), answer((10, 10, 20, 20)), SIZE) is not None


@pytest.mark.parametrize(
    ("score", "room", "taken"),
    [(0.9, (1, 1, 9, 9), True), (0.5, (1, 1, 9, 9), False), (0.9, (5, 5, 9, 9), False)],
    ids=["better", "worse", "without the click"],
)
def test_the_better_answer_counts_if_it_holds_the_click(score, room, taken):
    click = Point(9.0, 5.0)
    given = Decoded(answer((1, 1, 4, 4)).repeat(2, 3, 1, 1), torch.full((2, 3), 0.6))
    seen = Decoded(answer(room).repeat(1, 3, 1, 1), torch.full((1, 3), score))
    first, before = given.logits[0].clone(), given.logits[1].clone()

    take_if_better(given, seen, [1], [click], SIZE)

    assert torch.equal(given.logits[0], first)
    assert torch.equal(given.logits[1], seen.logits[0] if taken else before)
    assert given.scores[1].tolist() == pytest.approx([score if taken else 0.6] * 3)


def test_rooms_are_found_better_by_clicks_near_their_walls(monkeypatch):
    """And by clicks in their middles as well as before."""
    predictor = CloseUpPredictor(load_model("floorseg-nano-rooms", "cpu"))
    reached = {}
    for seed in (16, 35):
        plan = draw_plan(seed, (512, 512))
        rooms = [a.mask() for a in plan.annotations if a.category_name == "room"]
        embedding = predictor.encode(plan.image)
        clicks = {
            "middle": [centre_click(room) for room in rooms],
            "wall": [_near_wall(room) for room in rooms],
        }
        for asked in ("again", "once"):
            with monkeypatch.context() as patch:
                if asked == "once":
                    patch.setattr("floorseg.core.closeup.middle_of", lambda *_: None)
                for kind, points in clicks.items():
                    decoded = predictor.decode_logits(embedding, [Prompt((p,)) for p in points])
                    found = reached.setdefault((kind, asked), [])
                    found += [
                        mask_iou(enlarge_mask(logits, embedding.size), room)
                        for logits, room in zip(decoded.chosen(), rooms, strict=True)
                    ]

    mean = {key: float(np.mean(ious)) for key, ious in reached.items()}
    assert len(reached["wall", "once"]) > 10
    assert mean["wall", "again"] > mean["wall", "once"] + 0.01
    assert mean["middle", "again"] > mean["middle", "once"] - 0.01


def _near_wall(room):
    """The first pixel, row by row, that is two pixels from the room's edge."""
    inner = room.copy()
    for _ in range(2):
        around = np.pad(inner, 1)
        inner = inner & around[2:, 1:-1] & around[:-2, 1:-1] & around[1:-1, 2:] & around[1:-1, :-2]
    y, x = np.argwhere(inner if inner.any() else room)[0]
    return Point(float(x), float(y))
