from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from floorseg.core.calibration import calibration_error
from floorseg.core.checkpoint_file import digest, read_checkpoint, save_checkpoint
from floorseg.core.closeup import make_predictor
from floorseg.core.model import load_model
from floorseg.core.room_odds import GENERAL
from floorseg.core.score_fit import ScoreFit, rescale_scores
from floorseg.data.dataset import open_dataset
from floorseg.data.synth.writer import Order, write_plans
from floorseg.errors import CheckpointError
from floorseg.training.score_calibration import answers, calibrate

SHIPPED = Path(__file__).parents[2] / "checkpoints" / "floorseg-nano-rooms.pt"


@pytest.fixture(scope="module")
def plans(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plans")
    write_plans(folder, Order(images=6, seed=5, size=(256, 256), styles=("furnished",)))
    return list(open_dataset(folder))


@pytest.fixture(scope="module")
def samples(plans):
    return [
        replace(
            sample, annotations=tuple(a for a in sample.annotations if a.category_name == "room")
        )
        for sample in plans
    ]


def test_every_mask_is_asked_for_by_a_click_and_a_box(samples):
    found = answers(make_predictor(load_model(SHIPPED)), samples)
    score, iou = found.score, found.iou

    masks = sum(annotation.area() > 0 for sample in samples for annotation in sample.annotations)
    assert len(found) == len(iou) == 2 * masks
    assert ((score >= 0) & (score <= 1) & (iou >= 0) & (iou <= 1)).all()


def test_masks_of_some_classes_may_be_asked_for_alone(plans, samples):
    predictor = make_predictor(load_model(SHIPPED))

    some = answers(predictor, plans, ["room"])
    same = answers(predictor, samples)

    assert some.score.tolist() == same.score.tolist()


@pytest.fixture(scope="module")
def doubting(tmp_path_factory):
    """The shipped weights, but their scores promise far too little."""
    path = tmp_path_factory.mktemp("doubting") / "doubting.pt"
    model = load_model(SHIPPED, device="cpu")
    with torch.no_grad():
        rescale_scores(model, ScoreFit(scale=1.0, shift=-4.0))  # half of it is in a click's score
    save_checkpoint(
        path, model, architecture="nano", image_size=512, half=False,
        origin=read_checkpoint(SHIPPED).origin, room_odds=GENERAL.notes(),
    )  # fmt: skip
    return path


def test_scores_that_were_far_off_tell_what_is_reached(doubting, samples, tmp_path):
    target = tmp_path / "calibrated.pt"
    done = calibrate(doubting, target, samples, half=False)
    found = answers(make_predictor(load_model(target)), samples)
    score, iou = found.score, found.iou

    assert score.mean() == pytest.approx(iou.mean(), abs=1e-3)
    assert done.before > 0.2
    assert done.after == pytest.approx(calibration_error(score, iou), abs=1e-3)
    assert done.after < done.before / 3


def test_a_fit_explains_no_answers_worse_than_the_scores_did(samples):
    """Also of scores that fit already, where sixty answers cannot tell much."""
    found = answers(make_predictor(load_model(SHIPPED)), samples)
    iou = found.iou

    def entropy(fit):
        scores = found.scores_after(fit)
        return -(iou * np.log(scores) + (1 - iou) * np.log(1 - scores)).mean()

    as_it_is = ScoreFit(scale=1.0, shift=0.0)
    np.testing.assert_allclose(found.scores_after(as_it_is), found.score, rtol=1e-4)
    assert entropy(found.fit()) <= entropy(as_it_is) + 1e-6


def test_the_copy_says_where_it_comes_from(doubting, samples, tmp_path):
    target = tmp_path / "calibrated.pt"
    calibrate(doubting, target, samples, half=False)

    before, after = read_checkpoint(doubting).origin, read_checkpoint(target).origin
    noted = {"scores_fitted_from_sha256", "scores_fitted_on"}  # anew, by every fit
    assert after["scores_fitted_from_sha256"] == digest(doubting)
    kept = before.keys() - noted
    assert kept
    assert all(after[key] == before[key] for key in kept)
    assert read_checkpoint(doubting).room_odds
    assert read_checkpoint(target).room_odds == {}


def test_a_file_that_is_there_is_kept(samples):
    with pytest.raises(CheckpointError, match="exists already"):
        calibrate(SHIPPED, SHIPPED, samples)
