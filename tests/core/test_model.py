"""Any checkpoint people have becomes the right model, without being told which."""

import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from floorseg.core.architectures import ARCHITECTURES, recognise
from floorseg.core.checkpoint_file import read_checkpoint
from floorseg.core.model import build_model, load_model, save_checkpoint, slim_checkpoint
from floorseg.errors import CheckpointError, ConfigError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def nano():
    torch.manual_seed(0)
    return build_model("nano", 64)


@pytest.fixture
def saved(nano, tmp_path):
    path = tmp_path / "nano.pt"
    save_checkpoint(path, nano, architecture="nano", image_size=64, half=False)
    return path


def same_weights(first, second) -> bool:
    ours, theirs = first.state_dict(), second.state_dict()
    return ours.keys() == theirs.keys() and all(torch.equal(ours[k], theirs[k]) for k in ours)


def trainer_content(model) -> dict:
    """What sam2's trainer saves, momentum and all."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5)
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    optimizer.zero_grad()
    return {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "epoch": 12,
        "loss": {},
        "steps": {"train": 480, "val": 0},
        "time_elapsed": 61.5,
        "best_meter_values": {"iou": np.float64(0.5)},
        "scaler": {},
    }


@pytest.mark.parametrize(
    "wrap",
    [
        pytest.param(lambda weights: {"model": weights}, id="official"),
        pytest.param(lambda weights: weights, id="raw state dict"),
        pytest.param(lambda weights: {"state_dict": weights}, id="state_dict"),
        pytest.param(lambda weights: {f"module.{k}": v for k, v in weights.items()}, id="module."),
        pytest.param(
            lambda weights: {"model": {f"module._orig_mod.{k}": v for k, v in weights.items()}},
            id="wrapped twice",
        ),
        pytest.param(
            lambda weights: {
                "state_dict": {f"model.{k}": v for k, v in weights.items()}
                | {"head": torch.ones(3)}
            },
            id="inside a larger module",
        ),
    ],
)
def test_every_wrapping_loads_to_the_same_model(wrap, nano, tmp_path):
    torch.save(wrap(nano.state_dict()), tmp_path / "x.pt")

    loaded = load_model(tmp_path / "x.pt", "cpu")

    assert same_weights(loaded, nano)


def test_a_trainer_checkpoint_with_its_optimizer_loads(nano, tmp_path):
    torch.save(trainer_content(nano), tmp_path / "checkpoint.pt")

    assert same_weights(load_model(tmp_path / "checkpoint.pt", "cpu"), nano)


def test_the_moving_average_of_a_trainer_s_weights_is_what_loads(nano, tmp_path):
    content = trainer_content(nano)
    name, weight = next(iter(nano.named_parameters()))
    average = {name: weight.detach() + 1, "of.an.adapter": torch.zeros(2)}
    content["average"] = {"updates": 40, "average": average}
    torch.save(content, tmp_path / "checkpoint.pt")

    loaded = load_model(tmp_path / "checkpoint.pt", "cpu").state_dict()

    expected = nano.state_dict() | {name: average[name]}
    assert loaded.keys() == expected.keys()
    assert all(torch.equal(loaded[key], expected[key]) for key in expected)


def test_safetensors_load(nano, tmp_path):
    from safetensors.torch import save_file

    save_file(nano.state_dict(), tmp_path / "x.safetensors")

    assert same_weights(load_model(tmp_path / "x.safetensors", "cpu"), nano)


def test_the_old_file_format_of_torch_loads(nano, tmp_path):
    torch.save(nano.state_dict(), tmp_path / "x.pt", _use_new_zipfile_serialization=False)

    assert same_weights(load_model(tmp_path / "x.pt", "cpu"), nano)


def test_half_precision_on_disk_is_float32_in_memory(nano, tmp_path):
    save_checkpoint(tmp_path / "half.pt", nano, architecture="nano", image_size=64)

    loaded = load_model(tmp_path / "half.pt", "cpu")

    assert {parameter.dtype for parameter in loaded.parameters()} == {torch.float32}
    assert (tmp_path / "half.pt").stat().st_size < 10_000_000
    for ours, theirs in zip(loaded.parameters(), nano.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-6)


def test_a_weight_too_large_for_half_precision_is_not_turned_into_infinity(nano, tmp_path):
    weights = dict(nano.state_dict())
    weights["no_mem_embed"] = torch.full_like(weights["no_mem_embed"], 1e6)

    with pytest.raises(CheckpointError, match=r"no_mem_embed holds 1e\+06.*--full"):
        save_checkpoint(tmp_path / "x.pt", weights, architecture="nano", image_size=64)

    assert list(tmp_path.iterdir()) == []


def test_the_image_size_comes_back_from_the_file(saved):
    assert load_model(saved, "cpu").image_size == 64


def test_without_a_note_the_image_size_is_the_architectures_own(nano, tmp_path):
    torch.save({"model": nano.state_dict()}, tmp_path / "x.pt")

    assert load_model(tmp_path / "x.pt", "cpu").image_size == 512


@pytest.mark.parametrize("size", [32, 96, 160, 256])
def test_nano_works_at_any_multiple_of_32(size, saved):
    model = load_model(saved, "cpu", image_size=size)

    with torch.no_grad():
        features = model.forward_image(torch.zeros(1, 3, size, size))["backbone_fpn"]

    assert [f.shape[-1] for f in features] == [size // 4, size // 8, size // 16]
    assert model.sam_prompt_encoder.input_image_size == (size, size)


def test_memory_attention_knows_the_image_size(saved):
    model = load_model(saved, "cpu", image_size=96)
    tokens, width = (96 // 16) ** 2, 128

    with torch.no_grad():
        answer = model.memory_attention(
            curr=torch.zeros(tokens, 1, width),
            memory=torch.zeros(tokens, 1, 64),
            curr_pos=torch.zeros(tokens, 1, width),
            memory_pos=torch.zeros(tokens, 1, 64),
        )

    assert answer.shape == (tokens, 1, width)


def test_an_impossible_image_size_is_answered_with_a_possible_one(saved):
    with pytest.raises(ConfigError, match="multiple of 32 pixels, got 500; try 512"):
        load_model(saved, "cpu", image_size=500)


def test_a_model_is_ready_for_inference_and_wholly_in_memory(saved):
    model = load_model(saved, "cpu")

    assert not model.training
    assert not any(tensor.is_meta for tensor in [*model.parameters(), *model.buffers()])


def test_a_model_outlives_its_file(saved, nano):
    model = load_model(saved, "cpu")

    saved.write_bytes(b"")

    assert same_weights(model, nano)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_architecture_is_recognised_by_its_weights(name):
    weights = ARCHITECTURES[name].build(empty=True).state_dict()

    assert recognise({key: tuple(value.shape) for key, value in weights.items()}).name == name


def test_an_unknown_architecture_is_answered_with_one_that_comes_close():
    with pytest.raises(ConfigError, match=r"did you mean sam2\.1_large"):
        build_model("sam2.1_larg")


def test_hydra_is_left_as_it_was(saved):
    from hydra.core.global_hydra import GlobalHydra

    before = GlobalHydra.instance().hydra

    load_model(saved, "cpu")

    assert GlobalHydra.instance().hydra is before


def test_saving_leaves_no_half_written_file_when_it_fails(nano, tmp_path):
    with pytest.raises(AttributeError):
        save_checkpoint(
            tmp_path / "x.pt",
            nano,
            architecture="nano",
            image_size=64,
            origin={"cannot be pickled": lambda: None},
        )

    assert list(tmp_path.iterdir()) == []


def test_a_slim_checkpoint_is_the_same_model_without_the_optimizer(nano, tmp_path):
    torch.save(trainer_content(nano), tmp_path / "checkpoint.pt")

    slim_checkpoint(tmp_path / "checkpoint.pt", tmp_path / "slim.pt", half=False)

    slim = read_checkpoint(tmp_path / "slim.pt")
    assert same_weights(load_model(tmp_path / "slim.pt", "cpu"), nano)
    assert slim.extras == ()
    assert slim.origin["epoch"] == 12
    assert slim.origin["slimmed_from"] == "checkpoint.pt"
    ratio = (tmp_path / "checkpoint.pt").stat().st_size / (tmp_path / "slim.pt").stat().st_size
    assert ratio > 2.9


def test_slimming_never_overwrites(saved):
    with pytest.raises(CheckpointError, match="exists already"):
        slim_checkpoint(saved, saved)


def test_the_nano_config_lies_in_the_package_and_is_installed_with_it():
    packaging = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    config = ROOT / "floorseg" / "core" / "nano.yaml"

    assert config.is_file()
    assert not config.is_symlink()
    assert "*.yaml" in packaging["tool"]["setuptools"]["package-data"]["floorseg.core"]


def test_the_nano_config_has_one_source():
    shown = ROOT / "configs" / "models" / "floorseg_nano.yaml"

    assert shown.resolve() == ROOT / "floorseg" / "core" / "nano.yaml"


def test_many_threads_load_at_once(saved, nano):
    with ThreadPoolExecutor(4) as pool:
        models = list(pool.map(lambda _: load_model(saved, "cpu"), range(8)))

    assert all(same_weights(model, nano) for model in models)
