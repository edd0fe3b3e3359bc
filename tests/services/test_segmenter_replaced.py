"""A file of weights is replaced by another of the same name: the new ones answer from then on."""

import os

import pytest
import torch

from floorseg.core.model import build_model, save_checkpoint
from floorseg.core.structures import Point, Prompt
from floorseg.errors import CheckpointError
from floorseg.services.segmenter import Segmenter
from floorseg.settings import Settings
from tests.services.test_segmenter import png

NAME = "mine"
CLICK = Prompt().with_point(Point(30, 20))


def write(folder, seed: int) -> None:
    """Random weights of this seed, put in place as a trainer does it."""
    torch.manual_seed(seed)
    save_checkpoint(folder / "new.pt", build_model("nano", 64), architecture="nano", image_size=64)
    os.replace(folder / "new.pt", folder / f"{NAME}.pt")


@pytest.fixture
def segmenter(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    write(tmp_path / "checkpoints", seed=1)
    return Segmenter(
        Settings(
            checkpoints=tmp_path / "checkpoints", checkpoint=NAME, runs=tmp_path / "runs",
            device="cpu",
        )
    )  # fmt: skip


def test_new_weights_of_the_same_name_answer_as_if_the_page_had_just_started(segmenter):
    folder = segmenter.settings.checkpoints
    plan = segmenter.open_plan(png(10), "a.png", "me")
    old = segmenter.segment(plan.token, NAME, CLICK)
    write(folder, seed=2)

    new = segmenter.segment(plan.token, NAME, CLICK)

    fresh = Segmenter(segmenter.settings)
    expected = fresh.segment(fresh.open_plan(png(10), "a.png", "me").token, NAME, CLICK)
    assert new.patches == expected.patches
    assert new.scores == expected.scores != old.scores
    assert len(segmenter.embeddings) == 1  # what the old ones saw is gone


def test_a_second_click_is_not_mended_with_a_mask_of_the_old_weights(segmenter):
    plan = segmenter.open_plan(png(10), "a.png", "me")
    both = CLICK.with_point(Point(60, 40))
    segmenter.segment(plan.token, NAME, CLICK)
    write(segmenter.settings.checkpoints, seed=2)

    mended = segmenter.segment(plan.token, NAME, both)

    fresh = Segmenter(segmenter.settings)
    expected = fresh.segment(fresh.open_plan(png(10), "a.png", "me").token, NAME, both)
    assert mended.patches == expected.patches


def test_a_removed_or_half_written_file_is_answered_in_words_and_mends_itself(segmenter):
    file = segmenter.settings.checkpoints / f"{NAME}.pt"
    plan = segmenter.open_plan(png(10), "a.png", "me")
    before = segmenter.segment(plan.token, NAME, CLICK)
    whole = file.read_bytes()

    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CheckpointError):
        segmenter.segment(plan.token, NAME, CLICK)
    file.unlink()
    with pytest.raises(CheckpointError, match="no checkpoint"):
        segmenter.segment(plan.token, NAME, CLICK)
    file.write_bytes(whole)

    assert segmenter.segment(plan.token, NAME, CLICK).patches == before.patches
