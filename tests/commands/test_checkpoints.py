"""``python -m floorseg checkpoints``."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from floorseg.commands.checkpoints import app
from floorseg.core.checkpoint_file import digest, read_checkpoint, save_checkpoint
from floorseg.core.model import build_model, load_model
from floorseg.data.dataset import open_dataset
from floorseg.data.synth.writer import Order, write_plans
from floorseg.errors import CheckpointError

SHIPPED = Path(__file__).parents[2] / "checkpoints" / "floorseg-nano-rooms.pt"


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
    facts = ("mine", "SAM 2.1 nano", "4.7 M", "19.0 MB", "64 px")
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
    assert "is whole: nano, 384 weights" in run("verify", "mine")


def test_a_name_that_is_not_here_is_an_error_for_people(folder):
    with pytest.raises(CheckpointError, match="did you mean mine"):
        run("show", "mime")


def test_scores_are_fitted_on_as_many_plans_of_each_split_as_one_says(tmp_path):
    plans, target = tmp_path / "plans", tmp_path / "fitted.pt"
    write_plans(plans, Order(5, seed=3, size=(256, 256), split={"train": 0.6, "valid": 0.4}))
    wanted = [open_dataset(plans, split)[1] for split in ("valid", "train")]  # amid three, or two
    masks = sum(a.area() > 0 for sample in wanted for a in sample.annotations)

    said = run(
        "calibrate", str(SHIPPED), str(target), "--data", str(plans),
        "--split", "valid", "--split", "train", "--limit", "1",
    )  # fmt: skip

    assert f"over {2 * masks} clicks and boxes" in said.replace("\n", " ")
    assert "without odds of rooms" in said
    assert target.is_file()


def test_odds_of_rooms_are_fitted_to_plans_and_kept_with_the_weights(tmp_path):
    plans, target = tmp_path / "plans", tmp_path / "fitted.pt"
    write_plans(plans, Order(10, seed=11, size=(256, 256), split={"train": 0.9, "valid": 0.1}))

    said = run("odds", str(SHIPPED), str(target), "--data", str(plans), "--labels", "room")

    assert "regions of 10 plans" in said.replace("\n", " ")
    assert "regions of 10 plans" in run("show", str(target))
    assert read_checkpoint(target).room_odds["known"]
