import numpy as np
import pytest
import torch
from hydra.utils import instantiate
from training.utils.data_utils import collate_fn

from floorseg.errors import ConfigError
from floorseg.training.dataset import FloorplanRawDataset, PlanDataset
from floorseg.training.loss import PlanLoss
from tests.training.conftest import tiny_model


def test_clicks_outside_are_answered_once_and_told_to_the_loss(plans):
    torch.manual_seed(0)
    dataset = PlanDataset(FloorplanRawDataset(plans, "train"), 64, 4, outside=1.0)
    batch = collate_fn([dataset[0], dataset[1]], dict_key="all")
    model = instantiate(tiny_model(), _recursive_=True)

    outputs = model(batch)

    answers = outputs[0]["answers"]
    in_vain = [answer for answer in answers if answer.nothing]
    assert len(in_vain) == 1
    paper = np.flatnonzero([key < 0 for key in batch.metadata.unique_objects_identifier[0, :, 1]])
    assert in_vain[0].objects.tolist() == paper.tolist()
    assert len(paper) == 2
    asked = {int(i) for answer in answers if not answer.nothing for i in answer.objects}
    assert asked == set(range(batch.masks.shape[1])) - set(paper.tolist())
    PlanLoss()(outputs, batch.masks)["core_loss"].backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)


def test_sam2s_own_training_model_refuses_clicks_on_nothing(plans):
    dataset = PlanDataset(FloorplanRawDataset(plans, "train"), 64, 4, outside=1.0)
    batch = collate_fn([dataset[0], dataset[1]], dict_key="all")
    model = instantiate(tiny_model(target="floorseg.training.model.SAM2Train"), _recursive_=True)

    with pytest.raises(ConfigError, match="outside above 0"):
        model(batch)
