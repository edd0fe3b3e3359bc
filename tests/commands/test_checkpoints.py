"""``python -m floorseg checkpoints``."""

import json

import pytest
from typer.testing import CliRunner

from floorseg.commands.checkpoints import app
from floorseg.core.checkpoint_file import digest, save_checkpoint
from floorseg.core.model import build_model, load_model
from floorseg.errors import CheckpointError


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("FLOORSEG_CHECKPOINTS", str(tmp_path / "checkpoints"))
    monkeypatch.setenv("FLOORSEG_RUNS", str(tmp_path / "runs"))
    save_checkpoint(
        tmp_path / "checkpoints/mine.pt",
        build_model("nano", 64),
        architecture="nano",
        image_size=64,
        half=False,
        origin={"data": "rooms [v2]"},
    )
    return tmp_path / "checkpoints"


def run(*arguments):
    done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_the_list_shows_name_architecture_size_and_where_there_is_room_the_origin(
    folder, monkeypatch
):
    facts = ("mine", "SAM 2.1 nano", "4.1 M", "16.6 MB", "64 px")
    monkeypatch.setenv("COLUMNS", "80")
    narrow = run()
    monkeypatch.setenv("COLUMNS", "140")
    wide = run()

    assert all(part in narrow and part in wide for part in facts)
    assert "rooms [v2]" in wide
    assert "rooms" not in narrow


def test_a_damaged_file_is_listed_with_what_is_wrong(folder):
    (folder / "torn.pt").write_bytes(b"<html>not found</html>")

    assert "torn: " in run()


def test_the_list_is_also_json(folder):
    (facts,) = json.loads(run("--json"))

    assert facts["name"] == "mine"
    assert facts["architecture"] == "nano"
    assert facts["origin"] == {"data": "rooms [v2]"}


def test_an_empty_folder_is_answered_with_the_download(tmp_path):
    assert "download_ckpts.sh" in run("--folder", str(tmp_path))


def test_one_checkpoint_is_shown_with_its_digest(folder):
    facts = json.loads(run("show", "mine", "--json"))

    assert facts["sha256"] == digest(folder / "mine.pt")
    assert facts["sha256"][:8] in run("show", "mine")


def test_slimming_writes_half_precision_that_loads(folder):
    said = run("slim", "mine", str(folder / "slim.pt"))

    assert "2.0 times smaller" in said
    assert load_model(folder / "slim.pt", "cpu").image_size == 64


def test_a_mean_of_checkpoints_is_written_and_loads(folder):
    said = run("average", str(folder / "mean.pt"), "mine", "mine")

    assert "the mean of 2 checkpoints" in said
    assert load_model(folder / "mean.pt", "cpu").image_size == 64


def test_slimming_can_keep_full_precision(folder):
    run("slim", "mine", str(folder / "slim.pt"), "--full")

    assert (folder / "slim.pt").stat().st_size > 14_000_000


def test_a_whole_file_is_verified(folder):
    assert "is whole: nano, 348 weights" in run("verify", "mine")


def test_a_name_that_is_not_here_is_an_error_for_people(folder):
    with pytest.raises(CheckpointError, match="did you mean mine"):
        run("show", "mime")
