"""Ours against sam2's own model and loss, on the same batch, weights and random numbers."""

import numpy as np
import pytest
import torch
from hydra.utils import instantiate
from sam2.modeling.sam2_utils import sample_one_point_from_error_center
from training.loss_fns import MultiStepMultiMasksAndIous as OfficialLoss
from training.utils.data_utils import collate_fn

from floorseg.training import sampling
from floorseg.training.dataset import FloorplanRawDataset, PlanDataset
from floorseg.training.official_loss import MultiStepMultiMasksAndIous
from tests.training.conftest import tiny_model

WEIGHTS = {"loss_mask": 20, "loss_dice": 1, "loss_iou": 1, "loss_class": 1}
LOSS = {
    "supervise_all_iou": True, "iou_use_l1_loss": True, "pred_obj_scores": True,
    "focal_gamma_obj_score": 0.0, "focal_alpha_obj_score": -1.0,
}  # fmt: skip


@pytest.fixture
def batch(plans):
    dataset = PlanDataset(FloorplanRawDataset(plans, "train"), 64, 2)
    return collate_fn([dataset[index] for index in range(3)], dict_key="all")


SEED = 22  # of 24 the one whose masks lie farthest from the brink, where rounding moves a click


def model_of(target, **more):
    settings = {
        "num_correction_pt_per_frame": 3, "prob_to_use_pt_input_for_train": 1.0, **more
    }  # fmt: skip
    torch.manual_seed(SEED)
    model = instantiate(tiny_model(target=target, **settings), _convert_="all")
    with torch.no_grad():  # random weights see nothing anywhere: make them say something
        model.sam_mask_decoder.pred_obj_score_head.layers[-1].bias.fill_(3.0)
    return model.train()


def loss_and_gradients(model, loss, batch):
    model.rng = np.random.default_rng(7)
    losses = loss(model(batch), batch.masks)
    losses["core_loss"].backward()
    used = {
        name: p.grad.clone() for name, p in model.named_parameters()
        if p.grad is not None and float(p.grad.abs().max()) > 0
    }  # fmt: skip
    return {name: float(value.detach()) for name, value in losses.items()}, used


@pytest.mark.parametrize("boxes", [0.0, 1.0], ids=["click first", "box first"])
def test_losses_and_gradients_equal_sam2s_on_the_same_batch(batch, boxes, monkeypatch):
    official = model_of("training.model.sam2.SAM2Train", prob_to_use_box_input_for_train=boxes)
    ours = model_of("floorseg.training.model.SAM2Train", prob_to_use_box_input_for_train=boxes)
    ours.load_state_dict(official.state_dict())
    # both draw "uniform" clicks from the same generator in different ways: give both the centre
    monkeypatch.setattr(
        "training.model.sam2.get_next_point",
        lambda gt_masks, pred_masks, method: sample_one_point_from_error_center(
            gt_masks, pred_masks
        ),
    )
    monkeypatch.setattr("floorseg.training.model.pixel_of_errors", sampling.centre_of_errors)

    torch.manual_seed(1)
    expected = loss_and_gradients(official, OfficialLoss(dict(WEIGHTS), **LOSS), batch)
    torch.manual_seed(1)
    got = loss_and_gradients(ours, MultiStepMultiMasksAndIous(dict(WEIGHTS), **LOSS), batch)

    assert got[0] == pytest.approx(expected[0], rel=1e-4)
    assert set(got[1]) <= set(expected[1])
    largest = max(float(gradient.abs().max()) for gradient in expected[1].values())
    for name, gradient in got[1].items():
        scale = 1e-4 * float(expected[1][name].abs().max()) + 1e-6 * largest
        assert torch.allclose(gradient, expected[1][name], rtol=1e-3, atol=scale), name


def test_our_loss_equals_sam2s_where_an_object_is_absent():
    torch.manual_seed(0)
    truth = torch.rand(1, 3, 32, 32) > 0.6
    truth[0, 1] = False
    low = [torch.randn(3, 3, 8, 8, requires_grad=True), torch.randn(3, 1, 8, 8, requires_grad=True)]
    outputs = [{
        "multistep_pred_multimasks": low,
        "multistep_pred_multimasks_high_res": [
            torch.nn.functional.interpolate(each, 32, mode="bilinear") for each in low
        ],
        "multistep_pred_ious": [torch.rand(3, 3), torch.rand(3, 1)],
        "multistep_object_score_logits": [torch.randn(3, 1), torch.randn(3, 1)],
    }]  # fmt: skip

    answers = []
    for kind in (OfficialLoss, MultiStepMultiMasksAndIous):
        losses = kind(dict(WEIGHTS), **LOSS)(outputs, truth)
        gradients = torch.autograd.grad(losses["core_loss"], low, retain_graph=True)
        answers.append(({k: float(v.detach()) for k, v in losses.items()}, gradients))

    assert answers[1][0] == pytest.approx(answers[0][0], rel=1e-5)
    for ours, official in zip(answers[1][1], answers[0][1], strict=True):
        assert torch.allclose(ours, official, atol=1e-6)


def test_clicks_fall_on_every_wrong_pixel_alike_and_nowhere_else():
    torch.manual_seed(0)
    truth = torch.zeros(1, 1, 4, 4, dtype=torch.bool)
    truth[..., 1:3, 1:3] = True
    predicted = torch.zeros_like(truth)
    predicted[..., 1, 1] = predicted[..., 0, 0] = True  # one pixel found, one too many

    counts = np.zeros((4, 4))
    labels = np.full((4, 4), -1)
    for _ in range(2000):
        points, kinds = sampling.pixel_of_errors(truth, predicted)
        x, y = points[0, 0].int().tolist()
        counts[y, x] += 1
        labels[y, x] = int(kinds)

    wrong = [(0, 0), (1, 2), (2, 1), (2, 2)]
    assert sum(counts[place] for place in wrong) == 2000
    assert all(400 < counts[place] < 600 for place in wrong)
    assert [labels[place] for place in wrong] == [0, 1, 1, 1]


def test_with_nothing_wrong_the_click_falls_on_the_background_as_in_sam2():
    truth = torch.zeros(1, 1, 4, 4, dtype=torch.bool)
    truth[..., 1:3, 1:3] = True

    points, labels = sampling.pixel_of_errors(truth, truth)
    x, y = points[0, 0].int().tolist()

    assert int(labels) == 0
    assert not truth[0, 0, y, x]


def test_centre_clicks_are_sam2s_pixel_for_pixel(batch):
    truth = batch.masks[0].unsqueeze(1)
    shifted = torch.roll(truth, (3, 5), dims=(2, 3))
    for predicted in (None, shifted):
        expected = sample_one_point_from_error_center(truth, predicted)
        got = sampling.centre_of_errors(truth, predicted)
        assert torch.equal(got[0], expected[0])
        assert torch.equal(got[1], expected[1])
