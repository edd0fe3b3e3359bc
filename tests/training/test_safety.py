"""What may go wrong in the middle of a run, and what is left of it then."""

import os
import resource
import shutil
import signal
import subprocess
import sys
import time

import pytest
import torch
from omegaconf import OmegaConf

from floorseg.errors import CheckpointError, ConfigError, RunError
from floorseg.runs import RunFolder, RunState
from floorseg.services.run_summary import curves
from floorseg.settings import PROJECT
from floorseg.training.config import read_config
from floorseg.training.launch import change_run, run_here
from floorseg.training.trainer import Trainer
from tests.training.tiny_runs import assert_equal, saved, settings, train, weights


@pytest.fixture(scope="module")
def whole(plans, tmp_path_factory):
    """A run that nothing disturbed."""
    return train(settings(plans), tmp_path_factory.mktemp("runs"), "whole")[0]


@pytest.fixture
def half(plans, tmp_path, monkeypatch):
    """The same run, which failed in its fifth step: its last checkpoint is of step 4."""
    step = Trainer._train_step

    def failing(self, batch, terms):
        if self.steps["train"] == 4:
            raise RunError("the plug was pulled")
        step(self, batch, terms)

    with monkeypatch.context() as patched:
        patched.setattr(Trainer, "_train_step", failing)
        with pytest.raises(RunError, match="plug"):
            train(settings(plans), tmp_path, "half")
    (folder,) = tmp_path.glob("*-half")
    return RunFolder(folder)


def test_a_disk_that_is_full_leaves_the_previous_checkpoint_and_says_so(whole, half):
    before = (half.checkpoints / "checkpoint.pt").read_bytes()
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, limit[1]))
    try:
        with pytest.raises(RunError, match=r"cannot be written.*untouched.*make room"):
            run_here(read_config(half.config), half)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)

    assert half.state() is RunState.FAILED
    assert "make room on the disk" in half.exit_message()
    assert (half.checkpoints / "checkpoint.pt").read_bytes() == before
    assert sorted(path.name for path in half.checkpoints.iterdir()) == ["best.pt", "checkpoint.pt"]
    assert run_here(read_config(half.config), half) is RunState.FINISHED
    assert_equal(weights(whole), weights(half))


def test_weights_that_are_no_numbers_are_never_saved(plans, half, monkeypatch):
    step = Trainer._train_step

    def spoiling(self, batch, terms):
        step(self, batch, terms)
        next(iter(self.model.parameters())).data.fill_(float("nan"))

    monkeypatch.setattr(Trainer, "_train_step", spoiling)
    monkeypatch.setattr(Trainer, "_check_finite", lambda *_: None)

    with pytest.raises(RunError, match="no numbers any more after step 6"):
        run_here(read_config(half.config), half)

    assert saved(half)["steps"]["train"] == 4
    assert all(torch.isfinite(w).all() for w in weights(half).values() if w.is_floating_point())


def test_a_damaged_checkpoint_is_told_in_a_sentence(half):
    for damage in (b"", b"\x80\x05not a checkpoint", b"PK\x03\x04 cut off"):
        (half.checkpoints / "checkpoint.pt").write_bytes(damage)

        with pytest.raises(CheckpointError, match=r"cannot be read.*cannot be resumed from it"):
            run_here(read_config(half.config), half)


def test_steps_that_were_done_twice_stand_once_in_the_curves(whole, half):
    half.record("step", step=4, loss=99.0)  # said before it died, after its last checkpoint
    run_here(read_config(half.config), half)

    assert curves(half).terms["loss"] == curves(whole).terms["loss"]
    assert curves(half).scores["click1"] == curves(whole).scores["click1"]


def test_settings_said_while_resuming_are_what_every_process_reads(half):
    change_run(half, ["trainer.patience=3"])

    assert read_config(half.config).trainer.patience == 3
    assert next(half.events("changed"))["overrides"] == ["trainer.patience=3"]


def test_settings_that_have_been_put_into_effect_cannot_be_said_while_resuming(half):
    with pytest.raises(ConfigError, match=r"changes nothing.*trainer\.max_epochs"):
        change_run(half, ["scratch.base_lr=1"])


# -- real processes -------------------------------------------------------------------------------


def floorseg(*arguments, **more):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    for name in ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"):
        environment.pop(name, None)
    command = [sys.executable, "-m", "floorseg", *map(str, arguments)]
    return subprocess.Popen(command, cwd=PROJECT, env=environment, text=True, **more)


def until(condition, patience=400):
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def test_killed_at_any_moment_a_run_is_resumed_with_the_numbers_of_an_undisturbed_one(
    plans, tmp_path
):
    stages = "[{length: 12, image_size: 64, batch_sizes: [2]}]"
    config = OmegaConf.merge(settings(plans, f"trainer.stages={stages}"), {})
    (tmp_path / "tiny.yaml").write_text("# @package _global_\n" + OmegaConf.to_yaml(config))
    start = ["train", "-c", tmp_path / "tiny.yaml", "--runs", tmp_path / "runs", "--name"]
    assert floorseg(*start, "whole").wait(timeout=280) == 0
    killed = floorseg(*start, "killed")
    until(lambda: any((tmp_path / "runs").glob("*-killed/config.yaml")))
    (folder,) = (tmp_path / "runs").glob("*-killed")
    run = RunFolder(folder)
    until(lambda: len(list(run.events("step"))) >= 4)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert run.state() is RunState.INTERRUPTED

    assert floorseg("runs", "resume", run.name, "--runs", tmp_path / "runs").wait(timeout=120) == 0
    until(lambda: run.state() is RunState.FINISHED)

    (undisturbed,) = map(RunFolder, (tmp_path / "runs").glob("*-whole"))
    assert_equal(weights(undisturbed), weights(run))
    assert curves(run).terms["loss"] == curves(undisturbed).terms["loss"]
    resumed = next(run.events("resumed"))["step"]
    assert resumed >= 2, "no more than one interval of checkpoints was lost"
    shutil.rmtree(tmp_path / "runs")
