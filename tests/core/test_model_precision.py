"""bfloat16 keeps the tolerance that ``floorseg.core.device`` states: a mean IoU of 0.98."""

import numpy as np
import pytest
import torch

from floorseg.core.find_checkpoint import SHIPPED
from floorseg.core.images import read_image
from floorseg.core.model import build_model, load_model
from floorseg.core.predictor import Predictor
from floorseg.core.structures import Point, Prompt
from floorseg.data.synth.plan import draw_plan

TOLERANCE = 0.98


CLICKS = [Prompt((Point(x, y),)) for x in range(16, 256, 48) for y in range(16, 256, 48)]


def agreement(model, images) -> float:
    """Mean IoU of the masks of 25 clicks an image, encoded in float32 and in bfloat16."""
    exact, quick = (Predictor(model, precision=name) for name in ("float32", "bfloat16"))
    found = []
    for image in images:
        found += alike(*(p.decode_logits(p.encode(image), CLICKS) for p in (exact, quick)))
    return float(np.mean(found))


def alike(one, other) -> list[float]:
    """IoU of the masks that the first holds for best."""
    best = one.best()
    ours, theirs = (a.logits[torch.arange(len(best)), best] > 0 for a in (one, other))
    union = (ours | theirs).sum((1, 2))
    iou = (ours & theirs).sum((1, 2)) / union.clamp(min=1)
    return torch.where(union > 0, iou, torch.ones(())).tolist()


def test_clicks_that_are_counted_may_be_decoded_roughly():
    predictor = Predictor(load_model("floorseg-nano-rooms", "cpu"))
    embedding = predictor.encode(draw_plan(3, (256, 256)).image)

    exact = predictor.decode_logits(embedding, CLICKS)
    rough = predictor.decode_logits(embedding, CLICKS, rough=True)

    assert rough.logits.dtype == torch.float32
    assert np.mean(alike(exact, rough)) > TOLERANCE
    torch.testing.assert_close(rough.scores, exact.scores, atol=0.02, rtol=0)


def test_float32_is_kept_where_it_is_asked_for():
    predictor = Predictor(load_model("floorseg-nano-rooms", "cpu"), precision="float32")
    embedding = predictor.encode(draw_plan(3, (256, 256)).image)

    exact = predictor.decode_logits(embedding, CLICKS)

    assert torch.equal(exact.logits, predictor.decode_logits(embedding, CLICKS, rough=True).logits)


def test_random_weights_answer_alike_in_bfloat16():
    torch.manual_seed(0)
    image = np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8)

    assert agreement(build_model("nano", 256), [image]) > TOLERANCE


def test_the_shipped_model_answers_alike_on_real_plans_in_bfloat16(shared_data):
    checkpoint = SHIPPED / "floorseg-nano-rooms.pt"
    if not checkpoint.is_file():
        pytest.skip("checkpoints/floorseg-nano-rooms.pt is not there yet")
    plans = sorted((shared_data / "rooms/test").glob("*.jpg"))[:4]

    assert agreement(load_model(checkpoint, "cpu"), [read_image(p) for p in plans]) > TOLERANCE
