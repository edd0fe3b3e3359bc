import numpy as np
import pytest
import torch
from hydra.utils import instantiate

from floorseg.training.dataset import FloorplanRawDataset
from floorseg.training.validation import ClickValidation
from tests.training.conftest import draw_rooms, tiny_model, write_plan


@pytest.fixture
def model():
    torch.manual_seed(0)
    return instantiate(tiny_model(), _convert_="all").eval()


class Oracle:
    """A model that knows the two rooms and answers with the one that was pointed at."""

    image_size = 96
    device = torch.device("cpu")

    def __init__(self, masks, knows=3):
        self.masks = torch.as_tensor(masks)
        self.knows = knows  # clicks needed before it answers rightly

    def features(self, images):
        return self

    def of(self, images):
        return self

    def decode(self, features, points, labels, masks=None):
        rows = []
        for each in points:
            centre = each.mean(dim=0) if len(each) == 2 else each[0]
            x, y = centre.int().tolist()
            wanted = self.masks[[bool(mask[y, x]) for mask in self.masks].index(True)]
            right = wanted.float() * 20 - 10
            rows.append(right if points.shape[1] >= self.knows else -torch.ones_like(right))
        logits = torch.stack(rows)[:, None].repeat(1, 4, 1, 1)
        scores = torch.full((len(rows), 4), 0.5)
        return logits, scores, scores[:, :1]


def test_a_model_that_knows_the_rooms_scores_one(tmp_path):
    image, masks = draw_rooms(0)
    write_plan(tmp_path, "a.png", image, masks)
    validation = ClickValidation(FloorplanRawDataset(tmp_path))

    scores = validation(Oracle(masks, knows=1))

    assert scores == pytest.approx(
        {"click1": 1, "click3": 1, "box": 1, "best_of_3": 1, "score_error": 0.5}
    )


def test_clicks_and_boxes_are_scored_apart(tmp_path):
    image, masks = draw_rooms(0)
    write_plan(tmp_path, "a.png", image, masks)

    scores = ClickValidation(FloorplanRawDataset(tmp_path))(Oracle(masks, knows=2))

    assert (scores["click1"], scores["box"], scores["click3"]) == (0, 1, 1)


def test_classes_are_told_apart_where_there_are_several(tmp_path):
    write_plan(tmp_path, "a.png", *draw_rooms(0))
    image, masks = draw_rooms(0)
    write_plan(tmp_path, "b.png", image, masks, category="hall")

    scores = ClickValidation(FloorplanRawDataset(tmp_path))(Oracle(masks, knows=1))

    assert (scores["click1_hall"], scores["click1_room"]) == (1, 1)


def test_the_same_model_has_the_same_scores_each_time(plans, model):
    validation = ClickValidation(FloorplanRawDataset(plans, "valid"))

    first, second = validation(model), validation(model)

    assert first == second
    assert all(np.isfinite(value) for value in first.values())
