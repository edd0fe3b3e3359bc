"""What a run shows of itself, when it ends early, and what stands in its folder at the end."""

import json

import cv2
import numpy as np
import pytest
import torch

from floorseg.core.model import build_model, save_checkpoint
from floorseg.runs import RunFolder, RunState
from floorseg.services.final_scores import in_words, score
from floorseg.training.portions import portions
from floorseg.training.reporting import log_interval
from floorseg.training.schedule import Schedule
from floorseg.training.trainer import Trainer
from tests.training.conftest import draw_rooms, write_plan
from tests.training.tiny_runs import saved, settings, train


def test_after_each_validation_there_is_a_picture_of_four_fixed_plans(plans, tmp_path):
    run, _ = train(settings(plans), tmp_path, "pictures")

    found = sorted((run.path / "pictures").glob("*.jpg"))
    assert [path.stem for path in found] == [
        f"step-{event['step']:07d}" for event in run.events("validation")
    ]
    first, last = (cv2.imread(str(path)) for path in (found[0], found[-1]))
    assert first.shape == last.shape
    assert np.abs(first.astype(int) - last).mean() < 128, "the same plans, other predictions"


def test_a_run_that_gets_no_better_ends_early(plans, tmp_path, monkeypatch):
    worse = iter(range(100, 0, -1))
    monkeypatch.setattr(
        "floorseg.training.validation.ClickValidation.__call__",
        lambda *_: {"click1": next(worse) / 100, "box": 0.0},
    )

    run, outcome = train(settings(plans, "scratch.patience=1"), tmp_path, "early")

    assert outcome is RunState.FINISHED
    assert [event["step"] for event in run.events("validation")] == [2, 4]
    assert saved(run)["position"]["best_score"] == 1.0


def test_a_batch_in_portions_teaches_what_it_teaches_whole(plans, tmp_path, monkeypatch):
    gradients = {}
    learn = Trainer._learn

    def noting(self, batch):
        """One prompt an object, the same whatever the portions are: no random numbers."""
        found = {}
        for at_once in (None, 1):
            self.images_at_once = at_once
            self.optim.zero_grad(set_to_none=True)
            self.model.rng = np.random.default_rng(0)
            losses = learn(self, batch)
            found[at_once] = (
                losses,
                [p.grad.clone() for p in self.model.parameters() if p.grad is not None],
            )
        gradients.update(found)
        return losses

    monkeypatch.setattr(Trainer, "_learn", noting)
    stages = "trainer.stages=[{length:1,image_size:64,batch_sizes:[2]}]"
    config = settings(plans, stages)
    config.trainer.model.prompts.update(
        p_box=0.0, p_centre=1.0, p_edge=0.0, p_corrections=[1.0], p_error_centre=1.0
    )
    monkeypatch.setattr(
        "floorseg.training.prompting._near_centre",
        lambda rng, region: tuple(np.argwhere(region)[0][::-1].astype(float)),
    )
    train(config, tmp_path, "portions")

    (whole, one), (parts, many) = gradients[None], gradients[1]
    for name, value in whole.items():
        torch.testing.assert_close(parts[name], value, rtol=1e-4, atol=1e-6)
    for mine, theirs in zip(one, many, strict=True):
        torch.testing.assert_close(theirs, mine, rtol=1e-3, atol=1e-6)


def test_portions_share_a_batch_by_its_objects(plans, tmp_path):
    class Batch:
        img_batch = torch.zeros(1, 3, 3, 8, 8)

    (whole,) = portions(Batch, None)

    assert (whole.batch, whole.share) == (Batch, 1.0)


@pytest.mark.parametrize(("steps", "interval"), [(10, 1), (500, 10), (100_000, 20)])
def test_the_shorter_a_run_the_more_often_it_reports(steps, interval):
    class Short:
        class logging_conf:  # noqa: N801
            log_freq = 20

        schedule = Schedule.read([{"length": steps}], "steps", 1)

    assert log_interval(Short) == interval


def test_where_minutes_count_the_pace_tells_how_often_to_report():
    class Short:
        class logging_conf:  # noqa: N801
            log_freq = 20

        schedule = Schedule.read([{"length": 2}], "minutes", 1)
        steps = {"train": 100}  # noqa: RUF012
        minutes = staticmethod(lambda: 1.0)

    assert log_interval(Short) == 4


@pytest.fixture
def scored(tmp_path):
    """A run that has ended, with its base beside it and a test split."""
    for seed in range(3):
        write_plan(tmp_path / "data" / "test", f"{seed}.png", *draw_rooms(seed))
    run = RunFolder.create(tmp_path, "scored")
    for number, path in enumerate((tmp_path / "base.pt", run.checkpoints / "best.pt")):
        torch.manual_seed(number)
        save_checkpoint(path, build_model("nano", 64), architecture="nano", image_size=64)
    dataset = {"folder": str(tmp_path / "data"), "test": "test"}
    dataset["base_model"] = str(tmp_path / "base.pt")
    run.write("config.yaml", json.dumps({"dataset": dataset, "trainer": {"max_epochs": 1}}))
    return run


def test_the_best_weights_are_scored_beside_their_base_as_a_user_would_load_them(scored):
    found = score(scored)

    assert set(found) == {"1 click", "3 clicks", "box"}
    for facts in found.values():
        assert facts["low"] <= facts["gain"] <= facts["high"]
        assert facts["gain"] == pytest.approx(facts["tuned"] - facts["base"], abs=1e-6)
    assert scored.read_json("test.json")["scores"] == found
    assert "95 % interval" in in_words("1 click", found["1 click"])


def test_without_a_test_split_nothing_is_scored(scored):
    text = scored.config.read_text().replace('"test": "test"', '"test": null')
    scored.write("config.yaml", text)

    assert score(scored) == {}
