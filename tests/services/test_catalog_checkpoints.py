"""What the list of checkpoints shows, and that it reads no more than it must."""

import torch

from floorseg.core import checkpoint_info
from floorseg.core.checkpoint_file import digest, save_checkpoint
from floorseg.core.model import build_model
from floorseg.services.catalog import list_checkpoints


def save_nano(path, **notes):
    save_checkpoint(path, build_model("nano", 64), architecture="nano", image_size=64, **notes)


def test_a_checkpoint_is_listed_with_architecture_parameters_size_and_origin(tmp_path):
    save_nano(tmp_path / "mine.pt", origin={"data": "rooms"})

    (info,) = list_checkpoints([tmp_path])

    expected = sum(parameter.numel() for parameter in build_model("nano").parameters())
    assert info.name == "mine"
    assert (info.architecture, info.title) == ("nano", "SAM 2.1 nano")
    assert info.parameters == expected
    assert info.bytes == (tmp_path / "mine.pt").stat().st_size
    assert (info.image_size, info.precision) == (64, "float16")
    assert info.origin == {"data": "rooms"}
    assert info.usable


def test_runs_are_listed_by_run_and_file(tmp_path):
    save_nano(tmp_path / "runs/r1/checkpoints/best.pt")

    assert [info.name for info in list_checkpoints([tmp_path / "runs"])] == ["r1/best"]


def test_a_damaged_file_is_listed_with_its_problem(tmp_path):
    (tmp_path / "page.pt").write_text("<!DOCTYPE html>")

    (info,) = list_checkpoints([tmp_path])

    assert not info.usable
    assert "is a web page" in info.problem


def test_another_models_weights_are_listed_with_their_problem(tmp_path):
    torch.save({"fc.weight": torch.ones(2, 3)}, tmp_path / "other.pt")

    (info,) = list_checkpoints([tmp_path])

    assert info.architecture is None
    assert info.parameters == 6
    assert "another model" in info.problem


def test_unfinished_downloads_and_other_files_are_not_listed(tmp_path):
    for name in ("x.pt.part", ".x.pt.abc.part", "README.md", "download_ckpts.sh"):
        (tmp_path / name).touch()

    assert list_checkpoints([tmp_path, tmp_path / "missing"]) == []


def test_a_file_is_read_once_as_long_as_it_stays_the_same(tmp_path, monkeypatch):
    read = []
    honest = checkpoint_info.read_checkpoint
    monkeypatch.setattr(
        checkpoint_info, "read_checkpoint", lambda path: read.append(path) or honest(path)
    )
    save_nano(tmp_path / "mine.pt")

    list_checkpoints([tmp_path])
    list_checkpoints([tmp_path])
    assert len(read) == 1

    save_nano(tmp_path / "mine.pt", half=False)
    (info,) = list_checkpoints([tmp_path])
    assert len(read) == 2
    assert info.precision == "float32"


def test_the_digest_follows_the_bytes(tmp_path):
    path = tmp_path / "x.pt"
    path.write_bytes(b"abc")
    before = digest(path)

    path.write_bytes(b"abcd")

    assert before == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert digest(path) != before
