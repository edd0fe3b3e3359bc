import numpy as np
import pytest
import torch

from floorseg.core.model import build_model
from floorseg.core.predictor import Predictor
from floorseg.core.score_fit import ScoreFit, fit_scores, rescale_scores
from floorseg.core.structures import Point, Prompt


def test_what_was_stretched_and_shifted_is_found_again():
    true = np.random.default_rng(0).uniform(0.05, 0.95, size=500)
    score = 1 / (1 + np.exp(-(0.5 * np.log(true / (1 - true)) - 0.7)))

    fit = fit_scores(score, true)

    assert fit.scale == pytest.approx(2.0, abs=1e-3)
    assert fit.shift == pytest.approx(1.4, abs=1e-3)
    np.testing.assert_allclose(fit(score), true, atol=1e-3)


def test_fitted_scores_have_the_mean_of_the_truth_even_with_noise():
    rng = np.random.default_rng(1)
    score = rng.uniform(size=400)
    iou = np.clip(score**2 + rng.normal(0, 0.1, size=400), 0, 1)

    assert fit_scores(score, iou)(score).mean() == pytest.approx(iou.mean(), abs=1e-4)


@pytest.mark.parametrize("score", [[0.2, 0.5, 0.9], [0.5, 0.5, 0.5]])
def test_scores_without_a_say_are_refused_or_give_the_mean(score):
    iou = np.array([0.9, 0.5, 0.2])
    if len(set(score)) == 1:
        fit = fit_scores(np.array(score), iou)
        np.testing.assert_allclose(fit(np.array(score)), iou.mean(), atol=1e-3)
    else:
        with pytest.raises(ValueError, match="lower scores than bad ones"):
            fit_scores(np.array(score), iou)


def test_nothing_to_fit_is_said():
    with pytest.raises(ValueError, match="two scores"):
        fit_scores(np.zeros(0), np.zeros(0))


def test_a_folded_fit_changes_the_scores_as_computed_and_no_mask():
    torch.manual_seed(0)
    model = build_model("nano", 64)
    image = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    prompts = [Prompt(points=(Point(20, 30),)), Prompt(points=(Point(50, 10),))]
    predictor = Predictor(model, precision="float32")
    before = predictor.decode_logits(predictor.encode(image), prompts)
    fit = ScoreFit(1.7, -0.3)

    rescale_scores(model, fit)
    after = predictor.decode_logits(predictor.encode(image), prompts)

    torch.testing.assert_close(after.logits, before.logits)
    np.testing.assert_allclose(
        after.scores.numpy(), fit(before.scores.numpy()), rtol=1e-4, atol=1e-5
    )
