"""Runs of a tiny model on tiny plans, six steps long, for tests of what happens around them."""

import torch
from omegaconf import OmegaConf

from floorseg.runs import RunFolder
from floorseg.training.config import read_config
from floorseg.training.launch import prepare_run, run_here
from tests.training.conftest import tiny_model

STAGES = (
    "trainer.stages=[{length:3,image_size:64,batch_sizes:[2]},"
    "{length:3,image_size:96,batch_sizes:[2]}]"
)


def settings(plans, *more):
    """configs/nano_pretrain.yaml, for a tiny model and six steps."""
    config = read_config(
        "configs/nano_pretrain.yaml",
        [f"dataset.folder={plans}", "trainer.stage_unit=steps", STAGES, "trainer.validate_every=2",
         "trainer.optim.amp.enabled=false", "scratch.max_num_objects=2", *more],
    )  # fmt: skip
    OmegaConf.set_struct(config, False)
    prompts = config.trainer.model.prompts
    config.trainer.model = tiny_model(prompts=prompts)
    return config


def train(config, folder, name):
    """Start a run in this process and wait for its end."""
    run = RunFolder.create(folder, name)
    prepared = prepare_run(config, run, command=["test"], source=folder / "x.yaml")
    return run, run_here(prepared, run)


def saved(run):
    """Everything in a run's last checkpoint."""
    return torch.load(run.checkpoints / "checkpoint.pt", weights_only=True)


def weights(run):
    """The weights in a run's last checkpoint."""
    return saved(run)["model"]


def assert_equal(expected, got):
    """The same weights, bit by bit."""
    assert expected.keys() == got.keys()
    assert [name for name in expected if not torch.equal(expected[name], got[name])] == []
