"""``floorseg runs``: what a person types about runs, and what it answers."""

import json

import pytest
import torch
from typer.testing import CliRunner

from floorseg.commands.runs import app
from floorseg.core.checkpoint_file import read_checkpoint
from floorseg.core.model import build_model, save_checkpoint
from floorseg.errors import RunError
from floorseg.runs import RunFolder, RunState


@pytest.fixture
def run(tmp_path):
    """A finished run with weights and scores."""
    run = RunFolder.create(tmp_path / "runs", "doors")
    run.write(
        "config.yaml", "dataset: {folder: plans, base_model: base.pt}\ntrainer: {max_epochs: 2}\n"
    )
    run.write_json("provenance.json", {"command": ["python", "-m", "floorseg"], "seed": 7})
    run.record(
        "step", step=3, epoch=1, where=0.5, lr=1e-4, images_per_second=3.0, minutes=1, loss=2
    )
    run.record("validation", step=4, epoch=2, minutes=2, click1=0.5, click3=0.6, box=0.7, best=0.5)
    run.record("odds", plans=100, regions=2310, before=0.4, after=0.3)
    facts = {"base": 0.41, "tuned": 0.56, "gain": 0.15, "low": 0.12, "high": 0.18}
    run.write_json("test.json", {"scores": {"1 click": facts}})
    torch.manual_seed(0)
    save_checkpoint(
        run.checkpoints / "best.pt", build_model("nano", 64), architecture="nano", image_size=64,
        half=False,
    )  # fmt: skip
    run.leave(RunState.FINISHED)
    return run


def ask(*words):
    return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)


def test_runs_are_listed_with_how_they_are_doing(run):
    (found,) = json.loads(ask("--runs", run.path.parent, "--json").stdout)

    assert (found["name"], found["state"], found["share"]) == (run.name, "finished", 1.0)
    assert (found["length"], found["unit"]) == (2, "epochs")


def test_a_run_is_shown_by_the_end_of_its_name(run):
    said = ask("show", "doors", "--runs", run.path.parent).stdout

    assert run.name in said
    assert "finished" in said


def test_an_export_is_half_the_size_and_says_what_it_is(run, tmp_path):
    target = tmp_path / "out" / "doors.pt"
    ask("export", "doors", "--runs", run.path.parent, "--to", target)

    assert target.stat().st_size < 0.6 * (run.checkpoints / "best.pt").stat().st_size
    assert read_checkpoint(target).image_size == 64
    card = target.with_suffix(".md").read_text()
    assert "| 1 click | 0.4100 | 0.5600 | +0.1500 (+0.1200 to +0.1800) |" in card
    assert "| seed | 7 |" in card
    assert "| odds of rooms | fitted on 2310 regions of 100 plans |" in card


def test_a_run_without_plans_to_learn_rooms_from_says_which_setting_names_them(run):
    said = ask("odds", "doors", "--runs", run.path.parent).stdout

    assert "name a split: dataset.odds=train" in said


def test_deleting_asks_first(run):
    runs = ["--runs", run.path.parent]

    CliRunner().invoke(app, ["delete", "doors", *map(str, runs)], input="n\n")
    assert run.path.is_dir()
    ask("delete", "doors", *runs, "--yes")
    assert not run.path.exists()


def test_a_name_that_nothing_has_is_answered_with_the_newest(run):
    with pytest.raises(RunError, match=r"is called 'windows'; the newest: .*-doors"):
        ask("show", "windows", "--runs", run.path.parent)
