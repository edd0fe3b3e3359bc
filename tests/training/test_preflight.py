"""What is looked at before the first step, and the sentence each mistake is answered with."""

import os
import shutil

import pytest
import torch
from omegaconf import OmegaConf

from floorseg.core.model import build_model, save_checkpoint
from floorseg.errors import CheckpointError, ConfigError, DatasetError, RunError
from floorseg.training.config import read_config
from floorseg.training.estimate import Workload, estimate
from floorseg.training.keys import check_keys
from floorseg.training.preflight import preflight
from floorseg.training.setup import Launch, device_of, settle

CONFIG = "configs/nano_finetune.yaml"


@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    """Weights of the nano model, random."""
    path = tmp_path_factory.mktemp("weights") / "nano.pt"
    save_checkpoint(path, build_model("nano", 128), architecture="nano", image_size=128)
    return path


@pytest.fixture
def look(plans, weights, tmp_path):
    """Preflight of the nano config on tiny plans, with overrides."""

    def preflighted(*overrides, runs=tmp_path / "runs"):
        enough = "scratch.multiplier=8"  # plans for a batch of 32
        shipped = [f"dataset.folder={plans}", f"dataset.base_model={weights}", enough]
        config = settle(read_config(CONFIG, [*shipped, *overrides]), Launch())
        return preflight(config, source=CONFIG, runs=runs)

    return preflighted


def test_a_config_with_everything_in_place_passes_and_says_what_it_needs(look, plans):
    found = look()

    assert found.plans == {f"{plans} (train)": 4, f"{plans} (valid)": 2}
    assert "GB of memory" in found.in_words()


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("scratch.base_Ir=1e-4", "unknown key 'scratch.base_Ir'; did you mean 'base_lr'"),
        ("trainer.optim.amp.enable=true", "unknown key .*did you mean 'enabled'"),
        ("trainer.max_epoch=3", "did you mean 'max_epochs'"),
    ],
)
def test_a_misspelt_override_is_answered_with_the_right_key(override, words):
    with pytest.raises(ConfigError, match=words):
        read_config(CONFIG, [override])


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("scratch.base_Ir", "base_lr"),
        ("trainer.keep_bst", "keep_best"),
        ("trainer.logging.log_frq", "log_freq"),
        ("trainer.model.num_maskmemm", "num_maskmem"),
        ("trainer.optim.gradient_clip.max_nrm", "max_norm"),
        ("submitit.partitoin", "partition"),
        ("augmentation.rotaton", "rotation"),
    ],
)
def test_a_misspelt_key_in_a_file_is_answered_with_the_right_one(key, meant):
    config = read_config(CONFIG)
    OmegaConf.set_struct(config, False)
    OmegaConf.update(config, key, 1, force_add=True)

    with pytest.raises(ConfigError, match=f"unknown key '{key}'.*did you mean '{meant}'"):
        check_keys(config)


def test_a_number_that_nothing_reads_is_a_warning():
    config = read_config(CONFIG, ["+scratch.my_note=7"])

    assert check_keys(config) == ["nothing reads 'scratch.my_note'"]


def test_a_class_that_is_not_there_is_named():
    config = read_config(CONFIG, ["trainer.model._target_=floorseg.training.plans.PlanTrane"])

    with pytest.raises(ConfigError, match=r"PlanTrane.*cannot be imported"):
        check_keys(config)


def test_the_upstream_config_has_no_unknown_key():
    from importlib.resources import files

    upstream = files("sam2") / "configs/sam2.1_training/sam2.1_hiera_b+_MOSE_finetune.yaml"

    assert check_keys(read_config(str(upstream))) == []


@pytest.mark.parametrize(
    "overrides",
    [
        ["configs/Set1_finetune.yaml"],
        ["configs/Set2_finetune.yaml", "trained=decoder", "memory=cpu", "length=smoke"],
        ["configs/Set2_finetune.yaml", "architecture=sam2.1_large", "memory=40GB"],
        ["configs/mixed_finetune.yaml", "trained=decoder+neck", "memory=8GB", "length=short"],
        ["configs/mixed_finetune.yaml", "trained=lora", "architecture=sam2.1_base_plus"],
        ["configs/nano_finetune.yaml", "trained=decoder"],
        ["configs/nano_pretrain.yaml"],
        ["configs/nano_rooms.yaml"],
    ],
    ids=" ".join,
)
def test_every_shipped_config_and_preset_composes_without_unknown_keys(overrides):
    assert check_keys(read_config(overrides[0], overrides[1:])) == []


def test_a_dataset_that_is_not_there_is_refused(look, tmp_path):
    with pytest.raises(DatasetError, match="nowhere"):
        look(f"dataset.folder={tmp_path / 'nowhere'}")


def test_a_split_that_is_not_there_is_refused(look):
    with pytest.raises(DatasetError, match="tset"):
        look("dataset.valid=tset")


def test_a_dataset_without_annotations_is_refused(look, plans, tmp_path):
    shutil.copytree(plans, tmp_path / "bare")
    for path in (tmp_path / "bare").rglob("*.json"):
        path.unlink()

    with pytest.raises(DatasetError):
        look(f"dataset.folder={tmp_path / 'bare'}")


def test_weights_of_another_architecture_are_refused(look, weights, tmp_path):
    from floorseg.core.architectures import ARCHITECTURES

    tiny = ARCHITECTURES["sam2.1_tiny"].build(empty=True)
    path = tmp_path / "tiny.pt"
    shapes = {name: torch.zeros(1).expand(w.shape) for name, w in tiny.state_dict().items()}
    torch.save({"model": shapes}, path)

    with pytest.raises(CheckpointError, match=r"SAM 2.1 tiny.*trains.*nano"):
        look(f"dataset.base_model={path}")


def test_a_nano_of_nine_blocks_is_refused_with_what_makes_it_fit(look, tmp_path):
    path = tmp_path / "nine.pt"
    save_checkpoint(path, build_model("nano_9", 128), architecture="nano_9", image_size=128)

    with pytest.raises(CheckpointError, match=r"nano-9.*trains.*checkpoints deepen"):
        look(f"dataset.base_model={path}")


def test_what_would_not_fit_once_deeper_is_not_advised(look, tmp_path):
    path = tmp_path / "nine.pt"
    save_checkpoint(path, build_model("nano_9", 128), architecture="nano_9", image_size=128)
    wider = "trainer.model.image_encoder.trunk.embed_dim=96"

    with pytest.raises(CheckpointError, match=r"nano-9.*trains") as refused:
        look(f"dataset.base_model={path}", wider)
    assert "deepen" not in str(refused.value)


def test_missing_weights_are_refused(look):
    with pytest.raises(CheckpointError, match=r"nothing\.pt"):
        look("dataset.base_model=/nowhere/nothing.pt")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_runs_folder_that_cannot_be_written_is_refused(look, tmp_path):
    (tmp_path / "locked").mkdir(mode=0o500)

    with pytest.raises(RunError, match="cannot be written"):
        look(runs=tmp_path / "locked" / "runs")


def test_a_file_where_the_runs_folder_should_be_is_refused(look, tmp_path):
    (tmp_path / "runs").write_text("")

    with pytest.raises(RunError, match="cannot be written"):
        look()


def work(**changes):
    usual = {
        "weights": 39_000_000, "trained": 39_000_000, "embed_dim": 96, "width": 256,
        "image_size": 1024, "batch": 1, "objects": 4, "clicks": 7, "frozen": False, "half": True,
    }  # fmt: skip
    return Workload(**(usual | changes))


@pytest.mark.parametrize(
    ("less", "more"),
    [
        ({"image_size": 512}, {}),
        ({"objects": 2}, {}),
        ({"clicks": 0}, {}),
        ({}, {"batch": 2}),
        ({"trained": 5_000_000, "frozen": True}, {}),
        ({}, {"half": False}),
    ],
)
def test_more_work_needs_more_memory(less, more):
    assert estimate(work(**less)).memory_gb < estimate(work(**more)).memory_gb


def test_a_relative_dataset_is_found_from_the_project_and_made_absolute(tmp_path, monkeypatch):
    config = read_config(CONFIG, ["dataset.folder=tests/training"])
    monkeypatch.chdir(tmp_path)

    found = settle(config, Launch())

    assert found.dataset.folder.startswith("/")
    assert found.dataset.folder.endswith("tests/training")


def test_a_laptop_runs_one_process_of_a_config_for_eight_gpus(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    config = read_config(CONFIG, ["launcher.gpus_per_node=8", "trainer.accelerator=cpu"])

    found = settle(config, Launch(use_cluster=False))

    assert found.launcher.gpus_per_node == 1
    assert device_of(found) == "cpu"


def test_several_machines_need_a_cluster():
    with pytest.raises(ConfigError, match="--use-cluster 1"):
        settle(read_config(CONFIG), Launch(use_cluster=False, num_nodes=2))
