"""The mean of checkpoints, and what has none."""

import pytest
import torch

from floorseg.core.checkpoint_file import digest, read_checkpoint, save_checkpoint
from floorseg.core.model import build_model, load_model
from floorseg.core.soup import average_checkpoints
from floorseg.errors import CheckpointError


def written(path, seed, *, side=64, architecture="nano"):
    torch.manual_seed(seed)
    model = build_model(architecture, side)
    save_checkpoint(path, model, architecture=architecture, image_size=side, half=False)
    return path


def test_one_that_is_named_twice_counts_twice(tmp_path):
    one, other = written(tmp_path / "a.pt", 1), written(tmp_path / "b.pt", 2)
    target = tmp_path / "mean.pt"

    average_checkpoints([one, other, other], target, half=False)

    found, a, b = (read_checkpoint(path) for path in (target, one, other))
    for name, weight in found.weights.items():
        torch.testing.assert_close(weight, (a.weights[name] + 2 * b.weights[name]) / 3)
    assert found.origin["mean_of_sha256"] == [digest(one), digest(other), digest(other)]
    assert load_model(target).image_size == 64


def test_weights_that_do_not_say_what_they_look_at_have_a_mean_too(tmp_path):
    torch.manual_seed(3)
    model = build_model("nano", 64)
    torch.save({"model": model.state_dict()}, tmp_path / "raw.pt")

    average_checkpoints([tmp_path / "raw.pt"] * 2, tmp_path / "mean.pt")

    raw, mean = load_model(tmp_path / "raw.pt"), load_model(tmp_path / "mean.pt")
    assert mean.image_size == raw.image_size > 0


def test_what_does_not_fit_together_has_no_mean(tmp_path):
    one = written(tmp_path / "a.pt", 1)
    larger = written(tmp_path / "b.pt", 1, side=96)
    model = torch.nn.Linear(2, 2)
    save_checkpoint(tmp_path / "c.pt", model, architecture="nano", image_size=64)

    with pytest.raises(CheckpointError, match="96 px"):
        average_checkpoints([one, larger], tmp_path / "mean.pt")
    with pytest.raises(CheckpointError, match="not of one architecture"):
        average_checkpoints([one, tmp_path / "c.pt"], tmp_path / "mean.pt")
    with pytest.raises(CheckpointError, match="two or more"):
        average_checkpoints([one], tmp_path / "mean.pt")
    with pytest.raises(CheckpointError, match="exists already"):
        average_checkpoints([one, one], one)
    assert not (tmp_path / "mean.pt").exists()
