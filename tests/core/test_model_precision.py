"""bfloat16 keeps the tolerance that ``floorseg.core.device`` states: a mean IoU of 0.98."""

import numpy as np
import pytest
import torch

from floorseg.core.find_checkpoint import SHIPPED
from floorseg.core.images import read_image
from floorseg.core.model import build_model, load_model
from floorseg.core.predictor import Predictor
from floorseg.core.structures import Point, Prompt

TOLERANCE = 0.98


def agreement(model, images) -> float:
    """Mean IoU of the masks of 25 clicks an image, encoded in float32 and in bfloat16."""
    exact, quick = (Predictor(model, precision=name) for name in ("float32", "bfloat16"))
    clicks = [Prompt((Point(x, y),)) for x in range(16, 256, 48) for y in range(16, 256, 48)]
    found = []
    for image in images:
        answers = [p.decode_logits(p.encode(image), clicks) for p in (exact, quick)]
        best = answers[0].best()
        one, other = (a.logits[torch.arange(len(clicks)), best] > 0 for a in answers)
        union = (one | other).sum((1, 2))
        iou = (one & other).sum((1, 2)) / union.clamp(min=1)
        found += torch.where(union > 0, iou, torch.ones(())).tolist()
    return float(np.mean(found))


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
