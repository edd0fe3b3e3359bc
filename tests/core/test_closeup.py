"""A second look at what is small: better where it counts, the same everywhere else."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from floorseg.core import rle
from floorseg.core.candidates import stability
from floorseg.core.closeup import SMALL, CloseUpPredictor, Sheet, make_predictor
from floorseg.core.edge_smoothing import USUALLY_FOLLOWED
from floorseg.core.enlarge import enlarge_mask
from floorseg.core.everything import everything
from floorseg.core.matching import count_matches
from floorseg.core.metrics import mask_iou, pairwise_iou
from floorseg.core.model import build_model, load_model
from floorseg.core.predictor import Predictor
from floorseg.core.prompts import box_of, centre_click
from floorseg.core.sides import ManySidedPredictor
from floorseg.core.sprinkles import without_sprinkles
from floorseg.core.structures import Point, Prompt
from floorseg.data.synth.plan import draw_plan

SIDE = 1024  # pixels: twice what the shipped weights look at


@pytest.fixture(scope="module")
def model():
    return load_model("floorseg-nano-rooms", "cpu")


@pytest.fixture(scope="module")
def plans():
    return [draw_plan(seed, (SIDE, SIDE)) for seed in (16, 35, 39)]


def rooms_of(plan):
    return [a.mask() for a in plan.annotations if a.category_name == "room"]


def side_of(mask):
    return float(np.sqrt(mask.mean()))


def answers(predictor, plan, prompts):
    embedding = predictor.encode(plan.image)
    decoded = predictor.decode_logits(embedding, prompts)
    best = decoded.best().tolist()
    return [
        enlarge_mask(decoded.logits[i, choice], embedding.size) for i, choice in enumerate(best)
    ]


@pytest.mark.parametrize("prompt_of", ["click", "box"])
def test_small_rooms_are_found_better(model, plans, prompt_of):
    ious = {Predictor: [], CloseUpPredictor: []}
    for plan in plans:
        rooms = [mask for mask in rooms_of(plan) if 0.01 < side_of(mask) < 0.06]
        prompts = [
            Prompt().with_point(centre_click(room))
            if prompt_of == "click"
            else Prompt(box=box_of(room))
            for room in rooms
        ]
        for kind, found in ious.items():
            masks = answers(kind(model), plan, prompts)
            found += [mask_iou(mask, room) for mask, room in zip(masks, rooms, strict=True)]

    assert len(ious[Predictor]) > 10
    assert np.mean(ious[CloseUpPredictor]) > np.mean(ious[Predictor]) + 0.02


def test_the_rooms_of_a_plan_are_drawn_better_at_once(model, plans):
    found = {Predictor: 0, CloseUpPredictor: 0}
    for plan in [*plans, *(draw_plan(seed, (SIDE, SIDE)) for seed in (3, 21))]:
        truths = [a.segmentation for a in plan.annotations if a.category_name == "room"]
        for kind in found:
            masks = [rle.encode(proposal.mask) for proposal in everything(kind(model), plan.image)]
            found[kind] += count_matches(pairwise_iou(truths, masks), threshold=0.75).matched

    assert found[CloseUpPredictor] > found[Predictor]


def test_large_answers_are_those_of_one_look_only_finer(model, plans):
    plan = plans[0]
    prompts = [Prompt().with_point(centre_click(room)) for room in rooms_of(plan)]
    plain, close = ManySidedPredictor(model), CloseUpPredictor(model)
    before = plain.decode_logits(plain.encode(plan.image), prompts)
    sheet = close.encode(plan.image)
    after = close.decode_logits(sheet, prompts)
    finer = F.interpolate(without_sprinkles(before.logits), scale_factor=2, mode="bilinear")
    best = finer[torch.arange(len(prompts)), before.best()]
    large = (best > 0).flatten(1).float().mean(dim=1) >= SMALL**2

    assert large.any()
    smooth = sheet.edges.smooth(finer[large].flatten(0, 1)).view_as(finer[large])
    torch.testing.assert_close(after.logits[large], smooth)
    followed = sheet.edges.followed(smooth.flatten(0, 1) > 0).view(-1, 3)
    steady = stability(smooth.flatten(0, 1), 1.0).view(-1, 3).logit(1e-3) - 1
    own = before.scores[large].logit(1e-4) + 4 * (followed - USUALLY_FOLLOWED)
    torch.testing.assert_close(
        after.scores[large], ((own + steady) / 2).sigmoid(), atol=1e-3, rtol=0
    )


def test_a_picture_whose_parts_show_nothing_is_looked_at_once(model):
    image = draw_plan(3, (512, 512)).image[200:262, 100:500]
    # a click by itself may be put to the middle of its answer, too; two are not
    clicks = (Point(100, 20), Point(300, 40, inside=False))
    prompts = [Prompt(points=clicks), Prompt(box=(20, 30, 60, 55))]
    plain, close = ManySidedPredictor(model), CloseUpPredictor(model)
    embedding = close.encode(image)

    found = close.decode_logits(embedding, prompts)

    assert isinstance(embedding, Sheet)
    assert not embedding.close_ups
    assert embedding.nbytes < 2 * embedding.overview.nbytes
    once = plain.decode_logits(plain.encode(image), prompts)
    finer = F.interpolate(without_sprinkles(once.logits), scale_factor=2, mode="bilinear")
    smooth = embedding.edges.smooth(finer.flatten(0, 1)).view_as(finer)
    torch.testing.assert_close(found.logits, smooth)


@pytest.mark.parametrize("side", [256, 512])
def test_small_rooms_of_a_small_picture_are_found_better(model, side):
    """What counts are the model's cells, not the pixels that there are."""
    ious = {ManySidedPredictor: [], CloseUpPredictor: []}
    for seed in (16, 35, 39):
        plan = draw_plan(seed, (side, side))
        rooms = [mask for mask in rooms_of(plan) if 0.01 < side_of(mask) < 0.06]
        prompts = [Prompt().with_point(centre_click(room)) for room in rooms]
        for kind, found in ious.items():
            masks = answers(kind(model), plan, prompts)
            found += [mask_iou(mask, room) for mask, room in zip(masks, rooms, strict=True)]

    assert len(ious[CloseUpPredictor]) > 10
    assert np.mean(ious[CloseUpPredictor]) > np.mean(ious[ManySidedPredictor]) + 0.02


def test_counted_clicks_look_once_where_the_picture_has_no_more_to_show(model):
    plan = draw_plan(16, (512, 512))
    predictor = CloseUpPredictor(model)
    embedding = predictor.encode(plan.image)
    prompts = [Prompt().with_point(centre_click(room)) for room in rooms_of(plan)]
    assert isinstance(embedding, Sheet)

    predictor.decode_logits(embedding, prompts, rough=True)
    assert not embedding.close_ups

    predictor.decode_logits(embedding, prompts)
    assert embedding.close_ups


@pytest.mark.parametrize(("size", "has_more"), [((320, 1400), True), ((320, 900), False)])
def test_counted_clicks_look_closely_where_the_area_is_larger_than_the_models(
    model, size, has_more
):
    """A long flat plan is squeezed: what it loses along its length, a close-up gives back."""
    embedding = CloseUpPredictor(model).encode(np.full((*size, 3), 255, np.uint8))

    assert isinstance(embedding, Sheet)
    assert embedding.closely(counted=True) is has_more
    assert embedding.closely(counted=False)


def test_an_answer_may_be_mended_by_more_clicks(model, plans):
    plan = plans[1]
    room = min(rooms_of(plan), key=side_of)
    predictor = CloseUpPredictor(model)
    embedding = predictor.encode(plan.image)
    first = Prompt().with_point(centre_click(room))
    decoded = predictor.decode_logits(embedding, [first])
    best = decoded.logits[:, int(decoded.best()[0])]
    second = first.with_point(Point(2.0, 2.0, inside=False))

    beside = predictor.decode_logits(embedding, [second], multimask=False, previous=best)
    carried = predictor.decode_logits(
        embedding, [Prompt(second.points, mask=best[0].numpy())], multimask=False
    )

    assert best.shape == beside.logits[0].shape
    torch.testing.assert_close(beside.logits, carried.logits)
    with pytest.raises(ValueError, match="a previous mask must be"):
        predictor.decode_logits(embedding, [second], previous=best[:, :100, :100])


def test_some_prompts_may_carry_a_mask_and_others_none(model, plans):
    plan = plans[1]
    rooms = sorted(rooms_of(plan), key=side_of)[:2]
    predictor = CloseUpPredictor(model)
    embedding = predictor.encode(plan.image)
    prompts = [Prompt().with_point(centre_click(room)) for room in rooms]
    mask = predictor.decode_logits(embedding, prompts).chosen()[0]
    carrying = Prompt(prompts[0].points, mask=mask.numpy())

    mixed = predictor.decode_logits(embedding, [carrying, prompts[1]])

    alone = [predictor.decode_logits(embedding, [prompt]) for prompt in (carrying, prompts[1])]
    torch.testing.assert_close(
        mixed.logits, torch.cat([one.logits for one in alone]), atol=2e-3, rtol=0
    )


def test_progress_never_says_more_than_all(model, plans):
    said = []

    everything(CloseUpPredictor(model), plans[-1].image, progress=said.append)

    assert all(0 < step.done <= step.total for step in said)
    assert said[-1].done == said[-1].total


# the seeds' clicks leave no crumb on the brink of falling, which a rounding error would decide
@pytest.mark.parametrize(("seed", "rough"), [(5, True), (5, False)])
def test_an_answer_does_not_depend_on_what_else_is_asked(model, plans, seed, rough):
    predictor = CloseUpPredictor(model, precision="float32")  # bfloat16 rounds by the batch
    embedding = predictor.encode(plans[2].image)
    rng = np.random.default_rng(seed)
    prompts = [Prompt(points=(Point(*map(float, rng.uniform(0, SIDE, 2))),)) for _ in range(20)]
    small = sorted(rooms_of(plans[2]), key=side_of)[:6]
    prompts += [Prompt().with_point(centre_click(room)) for room in small]

    together = predictor.decode_logits(embedding, prompts, rough=rough)
    alone = [predictor.decode_logits(embedding, [prompt], rough=rough) for prompt in prompts]

    assert embedding.close_ups, "some were looked at closely"
    torch.testing.assert_close(
        together.logits, torch.cat([one.logits for one in alone]), atol=2e-3, rtol=0
    )


def test_a_part_is_encoded_once_however_many_ask():
    torch.manual_seed(0)
    predictor = CloseUpPredictor(build_model("nano", 64))
    encoded = []
    encode_tensor = predictor.encode_tensor
    predictor.encode_tensor = lambda *given: encoded.append(1) or encode_tensor(*given)
    sheet = predictor.encode(np.zeros((200, 300, 3), np.uint8))
    assert isinstance(sheet, Sheet)

    with ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(lambda _: predictor._part(sheet, (1, 1)), range(8)))

    assert len(encoded) == 2  # the whole, and the part
    assert all(part is parts[0] for part in parts)
    assert parts[0].size == (100, 150)
    assert sheet.nbytes >= sheet.overview.nbytes + parts[0].nbytes


@pytest.mark.parametrize(("size", "kind"), [(512, CloseUpPredictor), (1024, Predictor)])
def test_official_models_are_left_as_sam2_has_them(size, kind):
    assert type(make_predictor(build_model("nano", size))) is kind


def test_counted_clicks_do_not_depend_on_what_was_clicked_before(model, plans):
    predictor = CloseUpPredictor(model)
    rooms = sorted(rooms_of(plans[2]), key=side_of)[:8]
    prompts = [Prompt().with_point(centre_click(room)) for room in rooms]
    fresh, used = predictor.encode(plans[2].image), predictor.encode(plans[2].image)
    predictor.decode_logits(used, prompts)
    assert used.close_ups, "small rooms were looked at closely"

    first = predictor.decode_logits(fresh, prompts, rough=True)
    again = predictor.decode_logits(used, prompts, rough=True)

    torch.testing.assert_close(first.logits, again.logits)
