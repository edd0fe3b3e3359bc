import os
from pathlib import Path

import pytest
from hydra import compose, initialize_config_module
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf

from floorseg.errors import ConfigError
from floorseg.runs import RunFolder, RunState
from floorseg.training.config import PROJECT, read_config
from floorseg.training.launch import prepare_run, run_here
from tests.training.conftest import tiny_model

MOSE = "configs/sam2.1_training/sam2.1_hiera_b+_MOSE_finetune.yaml"


@pytest.mark.parametrize("name", ["nano_pretrain.yaml", "nano_rooms.yaml"])
def test_a_shipped_config_is_read_from_any_folder_by_any_path(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    relative = os.path.relpath(PROJECT / "configs" / name, tmp_path)

    for path in (PROJECT / "configs" / name, relative):
        assert read_config(path).trainer.model._target_ == "floorseg.training.plans.PlanTrain"


def test_overrides_reach_what_they_name():
    config = read_config("configs/nano_pretrain.yaml", ["scratch.base_lr=0.5"])

    schedulers = config.trainer.optim.options.lr[0].scheduler.schedulers
    assert schedulers[1].start_value == 0.5


def test_a_config_elsewhere_builds_on_the_shipped_ones(tmp_path):
    path = tmp_path / "mine.v2.yaml"
    path.write_text(
        "# @package _global_\ndefaults: [nano_pretrain, _self_]\nscratch: {minutes: 1}\n"
    )

    assert sum(stage.length for stage in read_config(path).trainer.stages) == pytest.approx(1)


@pytest.mark.parametrize(
    ("text", "overrides", "message"),
    [
        pytest.param(None, [], "there is no configuration at", id="missing"),
        pytest.param("a: [1", [], "cannot be used", id="not YAML"),
        pytest.param("a: 1", [], "no 'trainer' section", id="not a training configuration"),
        pytest.param("trainer: {a: '${b}'}", [], "'b' not found", id="interpolation to nowhere"),
        pytest.param("trainer: {a: 1}", ["trainer.aa=2"], "aa", id="override of nothing"),
    ],
)
def test_what_is_wrong_with_a_config_is_one_sentence(tmp_path, text, overrides, message):
    path = tmp_path / "run.yaml"
    if text is not None:
        path.write_text(text)

    with pytest.raises(ConfigError, match=message) as caught:
        read_config(path, overrides)
    assert "\n" not in str(caught.value)


def test_sam2s_own_mose_config_trains_here_unchanged_but_for_its_data(plans, tmp_path):
    """The upstream file, with a tiny model, one frame a sample and our plans as its images."""
    GlobalHydra.instance().clear()
    with initialize_config_module("sam2", version_base="1.2"):
        config = compose(MOSE)
    OmegaConf.set_struct(config, False)
    config.scratch.update(resolution=64, num_frames=1, num_epochs=1, num_train_workers=0)
    config.trainer.accelerator = "cpu"
    config.trainer.distributed.backend = "gloo"
    config.trainer.checkpoint.model_weight_initializer = None
    source = tiny_model(target="training.model.sam2.SAM2Train")
    for key in ("image_encoder", "memory_attention", "memory_encoder"):
        config.trainer.model[key] = source[key]
    dataset = config.trainer.data.train.datasets[0].dataset.datasets[0]
    dataset.video_dataset = {
        "_target_": "floorseg.training.dataset.FloorplanRawDataset",
        "folder": str(plans), "split": "train",
    }  # fmt: skip
    path = tmp_path / "mose.yaml"
    path.write_text(OmegaConf.to_yaml(config))
    run = RunFolder.create(tmp_path, "mose")

    outcome = run_here(
        prepare_run(read_config(path), run, command=["test"], source=Path(path)), run
    )

    assert outcome is RunState.FINISHED
    steps = list(run.events("step"))
    assert len(steps) == 8  # four plans, twice an epoch, one a batch
    assert {"loss_mask", "loss_dice", "loss_iou", "loss_class"} <= set(steps[0])


def test_an_override_reaches_into_a_list_by_place():
    config = read_config("configs/nano_rooms.yaml", ["trainer.data.train.datasets.0.outside=0.7"])

    assert config.trainer.data.train.datasets[0].outside == 0.7


def test_a_slip_inside_a_list_is_named_where_it_is():
    with pytest.raises(ConfigError, match=r"datasets\.1\.outsid'; did you mean 'outside'"):
        read_config("configs/nano_rooms.yaml", ["trainer.data.train.datasets.1.outsid=0.7"])
