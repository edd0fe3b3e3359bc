"""A picture seen from two sides: mirrored, the answers are mirrored, and they are better."""

import numpy as np
import pytest
import torch

from floorseg.core.candidates import click_grid
from floorseg.core.enlarge import enlarge_mask
from floorseg.core.metrics import mask_iou
from floorseg.core.model import build_model, load_model
from floorseg.core.predictor import Predictor
from floorseg.core.prompts import box_of, centre_click
from floorseg.core.structures import Point, Prompt
from floorseg.core.two_sides import TwoSidedPredictor, _is_of_other_side
from floorseg.data.synth.plan import draw_plan

SIZE = (300, 420)
PROMPTS = (
    Prompt(points=(Point(100, 200),)),
    Prompt(points=(Point(30, 40), Point(200, 60, inside=False))),
    Prompt(box=(20, 30, 160, 180)),
    Prompt(points=(Point(60, 60),), box=(20, 30, 160, 180)),
)


@pytest.fixture(scope="module")
def model():
    return load_model("floorseg-nano-rooms", "cpu")


@pytest.fixture(scope="module")
def picture():
    return draw_plan(3, SIZE).image


def mirrored(prompt):
    points = tuple(Point(p.y, p.x, p.inside) for p in prompt.points)
    box = prompt.box and (prompt.box[1], prompt.box[0], prompt.box[3], prompt.box[2])
    return Prompt(points, box)


@pytest.mark.parametrize("prompt", PROMPTS)
def test_an_answer_is_the_mean_of_what_is_said_to_either_side(model, picture, prompt):
    plain, both = Predictor(model), TwoSidedPredictor(model)
    turned = np.ascontiguousarray(picture.transpose(1, 0, 2))

    found = both.decode_logits(both.encode(picture), [prompt])

    one = plain.decode_logits(plain.encode(picture), [prompt])
    other = plain.decode_logits(plain.encode(turned), [mirrored(prompt)])
    mean = (one.logits + other.logits.mT) / 2
    torch.testing.assert_close(found.logits, mean, atol=0.05, rtol=0)
    torch.testing.assert_close(found.scores, (one.scores + other.scores) / 2, atol=5e-3, rtol=0)


def test_the_mirrored_picture_gets_the_mirrored_answer(model, picture):
    predictor = TwoSidedPredictor(model)
    turned = np.ascontiguousarray(picture.transpose(1, 0, 2))

    found = predictor.decode_logits(predictor.encode(picture), PROMPTS)
    other = predictor.decode_logits(predictor.encode(turned), [mirrored(p) for p in PROMPTS])

    torch.testing.assert_close(found.logits, other.logits.mT, atol=0.05, rtol=0)


def test_an_earlier_answer_is_shown_to_both_sides(model, picture):
    predictor = TwoSidedPredictor(model)
    embedding = predictor.encode(picture)
    turned = predictor.encode(np.ascontiguousarray(picture.transpose(1, 0, 2)))
    earlier = predictor.decode_logits(embedding, PROMPTS[:1]).chosen()

    found = predictor.decode_logits(embedding, PROMPTS[1:2], multimask=False, previous=earlier)
    other = predictor.decode_logits(
        turned, [mirrored(PROMPTS[1])], multimask=False, previous=earlier.mT
    )

    torch.testing.assert_close(found.logits, other.logits.mT, atol=0.05, rtol=0)


def test_two_sides_see_more_than_one(model):
    ious = {Predictor: [], TwoSidedPredictor: []}
    for seed in (16, 35, 39, 41, 42, 43):
        plan = draw_plan(seed, (512, 512))
        rooms = [a.mask() for a in plan.annotations if a.category_name == "room"]
        prompts = [Prompt().with_point(centre_click(room)) for room in rooms]
        prompts += [Prompt(box=box_of(room)) for room in rooms]
        for kind, found in ious.items():
            predictor = kind(model)
            decoded = predictor.decode_logits(predictor.encode(plan.image), prompts)
            found += [
                mask_iou(enlarge_mask(logits, plan.image.shape[:2]), room)
                for logits, room in zip(decoded.chosen(), [*rooms, *rooms], strict=True)
            ]

    assert np.mean(ious[TwoSidedPredictor]) > np.mean(ious[Predictor])


def test_a_counted_click_is_put_to_one_side_whatever_else_is_asked(model, picture):
    # in bfloat16, where a processor has it, rounding depends on how many are asked at once
    predictor, plain = (kind(model, precision="float32") for kind in (TwoSidedPredictor, Predictor))
    embedding = predictor.encode(picture)
    prompts = [Prompt(points=(Point(x, 150),)) for x in range(100, 110)]

    found = predictor.decode_logits(embedding, prompts, rough=True)

    straight = plain.decode_logits(plain.encode(picture), prompts, rough=True)
    mirrors = plain.encode(np.ascontiguousarray(picture.transpose(1, 0, 2)))
    turned = plain.decode_logits(mirrors, [mirrored(p) for p in prompts], rough=True)
    off = (found.logits - straight.logits).abs().amax(dim=(1, 2, 3))
    off_turned = (found.logits - turned.logits.mT).abs().amax(dim=(1, 2, 3))
    assert (torch.minimum(off, off_turned) < 0.05).all(), "it is the answer of one side"
    assert 3 <= (off < off_turned).sum() <= 7
    alone = [predictor.decode_logits(embedding, [prompt], rough=True) for prompt in prompts]
    torch.testing.assert_close(
        found.logits, torch.cat([one.logits for one in alone]), atol=0.05, rtol=0
    )


@pytest.mark.parametrize("side", [512, 700, 1024, 1080, 2048])
@pytest.mark.parametrize("per_side", [16, 32])
def test_either_side_is_put_half_of_a_grid_and_of_each_quarter_of_it(side, per_side):
    grid = click_grid(per_side, (side, side))
    turned = np.array([_is_of_other_side(Prompt(points=(Point(*map(float, p)),))) for p in grid])
    turned = turned.reshape(per_side, per_side)

    half = per_side // 2
    quarters = [
        turned[:half, :half],
        turned[:half, half:],
        turned[half:, :half],
        turned[half:, half:],
    ]
    assert all(0.3 <= quarter.mean() <= 0.7 for quarter in quarters)


def test_memory_is_counted_for_both_sides():
    torch.manual_seed(0)
    model = build_model("nano", 64)
    image = np.zeros((60, 60, 3), np.uint8)

    both, one = TwoSidedPredictor(model).encode(image), Predictor(model).encode(image)

    assert both.nbytes == 2 * one.nbytes
