"""A deeper nano answers what the one it is made of does, until it is trained."""

import pytest
import torch

from floorseg.core.checkpoint_file import digest, read_checkpoint, save_checkpoint
from floorseg.core.deepen import deepen_checkpoint
from floorseg.core.model import build_model, load_model
from floorseg.errors import CheckpointError


@pytest.fixture
def nine(tmp_path):
    torch.manual_seed(4)
    path = tmp_path / "nine.pt"
    save_checkpoint(
        path,
        build_model("nano_9", 96),
        architecture="nano_9",
        image_size=96,
        half=False,
        origin={"run": "one"},
    )
    return path


def encoded(model, picture):
    with torch.inference_mode():
        return model.forward_image(picture)["backbone_fpn"]


def test_it_answers_what_the_nine_blocks_did(nine, tmp_path):
    target = tmp_path / "twelve.pt"

    deepen_checkpoint(nine, target, half=False)

    before, after = load_model(nine), load_model(target)
    assert [len(model.image_encoder.trunk.blocks) for model in (before, after)] == [9, 12]
    assert after.image_size == 96
    picture = torch.rand(1, 3, 96, 96, generator=torch.Generator().manual_seed(1))
    for old, new in zip(encoded(before, picture), encoded(after, picture), strict=True):
        torch.testing.assert_close(new, old)
    assert read_checkpoint(target).origin == {"run": "one", "deepened_from_sha256": digest(nine)}


def test_all_that_was_added_learns(nine, tmp_path):
    deepen_checkpoint(nine, tmp_path / "twelve.pt", half=False)
    model = load_model(tmp_path / "twelve.pt").train()
    added = [model.image_encoder.trunk.blocks[number] for number in (8, 9, 10)]
    step = torch.optim.SGD(model.parameters(), lr=0.1)
    picture = torch.rand(1, 3, 96, 96, generator=torch.Generator().manual_seed(1))
    before = [weight.detach().clone() for block in added for weight in block.parameters()]

    for _ in range(2):  # the first step moves the layers that were zero, the second the rest
        step.zero_grad()
        levels = model.forward_image(picture)["backbone_fpn"]
        sum(level.square().sum() for level in levels).backward()
        step.step()

    after = [weight for block in added for weight in block.parameters()]
    assert not any(torch.equal(old, new) for old, new in zip(before, after, strict=True))


def test_only_a_nano_of_nine_blocks_is_taken(nine, tmp_path):
    deepen_checkpoint(nine, tmp_path / "twelve.pt")

    with pytest.raises(CheckpointError, match="only a nano of 9 blocks"):
        deepen_checkpoint(tmp_path / "twelve.pt", tmp_path / "fifteen.pt")
    assert not (tmp_path / "fifteen.pt").exists()


def test_no_file_is_written_over(nine, tmp_path):
    (tmp_path / "twelve.pt").write_text("mine")

    with pytest.raises(CheckpointError, match="exists already"):
        deepen_checkpoint(nine, tmp_path / "twelve.pt")
    assert (tmp_path / "twelve.pt").read_text() == "mine"
