import json
import os
import signal
import threading

import cv2
import pytest
import torch

from floorseg.core.checkpoint_file import read_checkpoint
from floorseg.errors import CheckpointError, ConfigError, RunError
from floorseg.runs import RunFolder, RunState
from floorseg.training.config import read_config
from floorseg.training.launch import run_here
from floorseg.training.staged import StagedTrainer
from tests.training.tiny_runs import assert_equal, saved, settings, train, weights


def stop_after(run_folder_name, tmp_path, steps):
    """Ask this process to stop as soon as the run reports so many steps."""

    def watch():
        while True:
            found = list(tmp_path.glob(f"*-{run_folder_name}"))
            if found and sum(1 for _ in RunFolder(found[0]).events("step")) >= steps:
                os.kill(os.getpid(), signal.SIGTERM)
                return
            threading.Event().wait(0.02)

    threading.Thread(target=watch, daemon=True).start()


@pytest.fixture(scope="module")
def finished(plans, tmp_path_factory):
    """One whole run that nothing disturbed."""
    folder = tmp_path_factory.mktemp("runs")
    return train(settings(plans), folder, "whole")


def test_a_run_leaves_everything_one_needs_to_know_in_its_folder(finished):
    run, outcome = finished

    assert outcome is run.state() is RunState.FINISHED
    facts = json.loads((run.path / "provenance.json").read_text())
    assert facts["command"] == ["test"]
    assert facts["seed"] == 123
    assert {"python", "torch", "sam2"} <= set(facts["versions"])
    (data,) = json.loads((run.path / "data.json").read_text())["train"]
    assert (data["plans"], data["masks"], data["left_out"]) == (4, 8, 0)
    assert len(data["digest"]) == 32
    assert read_config(run.config).trainer.model.image_size == 64
    assert "validation after step 6" in run.log.read_text()
    assert list((run.path / "tensorboard").glob("events*"))


def test_where_bfloat16_is_only_emulated_it_trains_in_float32(plans, tmp_path, monkeypatch):
    """Emulated, a step takes many times as long: a laptop's first training would seem to hang."""
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False, raising=False)
    on_cpu = "trainer.accelerator=cpu"
    asked = settings(plans, "trainer.optim.amp.enabled=true", on_cpu)
    run, _ = train(asked, tmp_path, "emulated")
    plain, _ = train(settings(plans, on_cpu), tmp_path, "plain")  # without the processor's own, too

    assert "only emulates bfloat16: training in float32" in run.log.read_text()
    assert "only emulates" not in plain.log.read_text()
    assert_equal(weights(plain), weights(run))


def test_progress_tells_losses_speed_and_validation(finished):
    events = list(finished[0].events())

    step = next(e for e in events if e["event"] == "step")
    assert {"loss", "loss_mask", "loss_dice", "loss_iou", "lr", "images_per_second"} <= set(step)
    validations = [e for e in events if e["event"] == "validation"]
    assert [e["step"] for e in validations] == [2, 4, 6]
    assert {"click1", "click3", "box", "best_of_3"} <= set(validations[0])
    assert [e["image_size"] for e in events if e["event"] == "stage"] == [64, 96]


def test_best_and_last_are_kept_and_the_best_says_what_it_is(finished):
    run = finished[0]
    best = read_checkpoint(run.checkpoints / "best.pt")

    assert best.image_size in (64, 96)
    assert best.origin["run"] == run.name
    assert "valid_click1" in best.origin
    assert (run.checkpoints / "checkpoint.pt").is_file()
    assert len(list(run.checkpoints.iterdir())) == 2


def test_the_same_seed_gives_the_same_weights(finished, plans, tmp_path):
    again, _ = train(settings(plans), tmp_path, "again")

    assert_equal(weights(finished[0]), weights(again))


def test_a_stopped_and_resumed_run_ends_with_the_weights_of_an_undisturbed_one(
    finished, plans, tmp_path
):
    stop_after("stopped", tmp_path, steps=3)
    run, outcome = train(settings(plans), tmp_path, "stopped")
    steps = torch.load(run.checkpoints / "checkpoint.pt", weights_only=True)["steps"]["train"]
    assert outcome is run.state() is RunState.STOPPED
    assert steps < 6

    assert run_here(read_config(run.config), run) is RunState.FINISHED

    assert_equal(weights(finished[0]), weights(run))


def test_a_signal_that_comes_while_the_processes_agree_is_not_lost(plans, tmp_path, monkeypatch):
    agree = StagedTrainer._agree

    def interrupted(trainer, mine):
        agreed = agree(trainer, mine)
        if trainer.steps["train"] == 3:
            trainer._ask_to_stop(signal.SIGTERM, None)
        return agreed

    monkeypatch.setattr(StagedTrainer, "_agree", interrupted)

    run, state = train(settings(plans), tmp_path, "signalled")

    assert state is RunState.STOPPED
    assert saved(run)["steps"]["train"] <= 4


def test_a_time_limit_stops_and_saves(plans, tmp_path):
    run, outcome = train(settings(plans, "++trainer.max_minutes=0.0001"), tmp_path, "short")

    assert outcome is RunState.STOPPED
    assert (run.checkpoints / "checkpoint.pt").is_file()


def test_a_loss_that_is_no_number_stops_the_run_and_names_the_plans(plans, tmp_path):
    config = settings(plans)
    config.trainer.loss.all.mask = float("nan")
    with pytest.raises(RunError, match=r"loss is nan at step 0, on .*/train/"):
        train(config, tmp_path, "nan")

    run = next(tmp_path.glob("*-nan"))
    assert RunFolder(run).state() is RunState.FAILED
    assert "loss is nan" in RunFolder(run).exit_message()


def test_a_batch_larger_than_the_dataset_is_explained(plans, tmp_path):
    stages = "trainer.stages=[{length:3,image_size:64,batch_sizes:[64]}]"
    with pytest.raises(ConfigError, match="fewer plans than batch_sizes"):
        train(settings(plans, stages), tmp_path, "few")


def test_a_checkpoint_of_another_model_is_refused_with_the_first_difference(
    finished, plans, tmp_path
):
    config = settings(plans)
    config.trainer.checkpoint.model_weight_initializer = {
        "_target_": "floorseg.training.state.start_from",
        "_partial_": True,
        "checkpoint": str(finished[0].checkpoints / "best.pt"),
    }
    config.trainer.model.image_encoder.trunk.embed_dim = 16
    config.trainer.model.image_encoder.neck.backbone_channel_list = [128, 64, 32, 16]

    with pytest.raises(CheckpointError, match=r"does not fit .* the first is"):
        train(config, tmp_path, "other")


def test_processes_that_load_plans_have_one_thread_each(finished, plans, tmp_path):
    """OpenCV's threads, which only the process may set that they are forked from."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(4)
    try:
        run, _ = train(settings(plans, "scratch.num_train_workers=2"), tmp_path, "loaded")

        assert cv2.getNumThreads() == 1
        assert_equal(weights(finished[0]), weights(run))
    finally:
        cv2.setNumThreads(before)
