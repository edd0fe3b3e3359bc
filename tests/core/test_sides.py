"""A picture seen from many sides: mirrored, the answers are mirrored, and they are better."""

from itertools import product

import numpy as np
import pytest
import torch

from floorseg.core.candidates import click_grid
from floorseg.core.enlarge import enlarge_mask
from floorseg.core.metrics import mask_iou
from floorseg.core.model import build_model, load_model
from floorseg.core.predictor import Predictor
from floorseg.core.prompts import box_of, centre_click
from floorseg.core.sides import OTHERS, STRAIGHT, ManySidedPredictor, Side, _side_asked
from floorseg.core.structures import Point, Prompt
from floorseg.data.synth.plan import draw_plan

SIZE = (420, 300)
EVERY = [Side(*turned) for turned in product((False, True), repeat=2)]
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
    return draw_plan(3, SIZE[::-1]).image


def seen_from(side, image):
    planes = torch.from_numpy(image.transpose(2, 0, 1).copy())
    return np.ascontiguousarray(side.of(planes).numpy().transpose(1, 2, 0))


@pytest.mark.parametrize("side", EVERY)
def test_what_is_seen_from_a_side_finds_back(side):
    plane = torch.arange(24.0).reshape(2, 3, 4)

    there = side.of(plane)

    assert torch.equal(side.back(there), plane)
    assert side.size((3, 4)) == tuple(there.shape[1:])


@pytest.mark.parametrize("side", EVERY)
def test_a_prompt_points_at_the_same_pixels_from_every_side(side):
    plane = torch.zeros(30, 40)
    plane[5, 7], plane[10:21, 12:34] = 1, 2
    prompt = Prompt(points=(Point(7, 5, inside=False),), box=(12, 10, 33, 20))

    seen = side.prompt(prompt, (30, 40))

    (point,), (x0, y0, x1, y1) = seen.points, seen.box
    assert not point.inside
    assert side.of(plane)[int(point.y), int(point.x)] == 1
    inside = side.of(plane)[int(y0) : int(y1) + 1, int(x0) : int(x1) + 1]
    assert inside.numel() == 11 * 22
    assert (inside == 2).all()


@pytest.mark.parametrize("prompt", PROMPTS)
def test_an_answer_is_the_mean_of_what_is_said_to_every_side(model, picture, prompt):
    plain, all_sides = Predictor(model), ManySidedPredictor(model)

    found = all_sides.decode_logits(all_sides.encode(picture), [prompt])

    logits, scores = [], []
    for side in (STRAIGHT, *OTHERS):
        asked = side.prompt(prompt, SIZE)
        seen = plain.decode_logits(plain.encode(seen_from(side, picture)), [asked])
        logits.append(side.back(seen.logits))
        scores.append(seen.scores)
    torch.testing.assert_close(found.logits, torch.stack(logits).mean(0), atol=0.05, rtol=0)
    torch.testing.assert_close(found.scores, torch.stack(scores).mean(0), atol=5e-3, rtol=0)


def test_the_mirrored_picture_gets_the_mirrored_answer(model, picture):
    side = Side(reversed_x=True)
    predictor = ManySidedPredictor(model)
    embedding, turned = (predictor.encode(p) for p in (picture, seen_from(side, picture)))
    asked = [side.prompt(prompt, SIZE) for prompt in PROMPTS]

    found = predictor.decode_logits(embedding, PROMPTS)
    other = predictor.decode_logits(turned, asked)
    torch.testing.assert_close(found.logits, side.back(other.logits), atol=0.05, rtol=0)

    earlier = found.chosen()[:1]
    found = predictor.decode_logits(embedding, PROMPTS[1:2], multimask=False, previous=earlier)
    other = predictor.decode_logits(turned, asked[1:2], multimask=False, previous=side.of(earlier))
    torch.testing.assert_close(found.logits, side.back(other.logits), atol=0.05, rtol=0)


def test_many_sides_see_more_than_one(model):
    ious = {Predictor: [], ManySidedPredictor: []}
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

    assert np.mean(ious[ManySidedPredictor]) > np.mean(ious[Predictor])


def test_a_counted_click_is_put_to_one_side_whatever_else_is_asked(model, picture):
    # in bfloat16, where a processor has it, rounding depends on how many are asked at once
    plain = Predictor(model, precision="float32")
    predictor = ManySidedPredictor(model, precision="float32")
    embedding = predictor.encode(picture)
    prompts = [Prompt(points=(Point(x, 150),)) for x in range(100, 116)]

    found = predictor.decode_logits(embedding, prompts, rough=True)

    off = []
    for side in (STRAIGHT, *OTHERS):
        asked = [side.prompt(prompt, SIZE) for prompt in prompts]
        seen = plain.decode_logits(plain.encode(seen_from(side, picture)), asked, rough=True)
        off.append((found.logits - side.back(seen.logits)).abs().amax(dim=(1, 2, 3)))
    nearest = torch.stack(off).min(dim=0)
    assert (nearest.values < 0.05).all(), "it is the answer of one side"
    assert len(set(nearest.indices.tolist())) == len(off)
    alone = [predictor.decode_logits(embedding, [prompt], rough=True) for prompt in prompts]
    torch.testing.assert_close(
        found.logits, torch.cat([one.logits for one in alone]), atol=0.05, rtol=0
    )


@pytest.mark.parametrize("side", [512, 700, 1024, 1080, 2048])
@pytest.mark.parametrize("per_side", [16, 32])
def test_every_side_is_put_its_part_of_a_grid_and_of_each_quarter_of_it(side, per_side):
    grid = click_grid(per_side, (side, side))
    sides = 1 + len(OTHERS)
    asked = [_side_asked(Prompt(points=(Point(*map(float, p)),)), sides) for p in grid]
    asked = np.array(asked).reshape(per_side, per_side)

    half = per_side // 2
    for quarter in (
        asked[:half, :half],
        asked[:half, half:],
        asked[half:, :half],
        asked[half:, half:],
    ):
        assert all(0.1 <= (quarter == number).mean() <= 0.4 for number in range(sides))


def test_memory_is_counted_for_every_side():
    torch.manual_seed(0)
    model = build_model("nano", 64)
    image = np.zeros((60, 60, 3), np.uint8)

    sides, one = ManySidedPredictor(model).encode(image), Predictor(model).encode(image)

    assert sides.nbytes == (1 + len(OTHERS)) * one.nbytes
