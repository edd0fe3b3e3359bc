"""When a training ends, its best weights learn on its own plans what rooms are."""

import json

import pytest
import torch

from floorseg.core.checkpoint_file import read_checkpoint, save_checkpoint
from floorseg.core.find_checkpoint import SHIPPED
from floorseg.data.synth.writer import Order, write_plans
from floorseg.errors import CheckpointError, RunError
from floorseg.runs import RunFolder
from floorseg.training.final_odds import fit_final_odds
from floorseg.training.finale import finish


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plans")
    write_plans(folder, Order(images=10, seed=11, size=(256, 256), split={"train": 1.0}))
    return folder


@pytest.fixture
def run(data, tmp_path):
    """A run that has ended with weights that find rooms, and knows of no odds."""
    run = RunFolder.create(tmp_path, "ended")
    weights = read_checkpoint(SHIPPED / "floorseg-nano.pt").weights
    save_checkpoint(
        run.checkpoints / "best.pt", weights, architecture="nano", image_size=512, half=False,
        origin={"run": "ended"},
    )  # fmt: skip
    configure(run, folder=str(data), odds="train")
    return run


def configure(run, **dataset):
    run.write("config.yaml", json.dumps({"dataset": dataset}))


def test_the_best_weights_stay_and_know_their_rooms(run):
    best = run.checkpoints / "best.pt"
    before = {name: weight.clone() for name, weight in read_checkpoint(best).weights.items()}

    finish(run)

    after = read_checkpoint(best)
    assert all(torch.equal(after.weights[name], weight) for name, weight in before.items())
    assert after.origin == {"run": "ended"}
    (told,) = run.events("odds")
    assert told["after"] < told["before"]
    assert after.room_odds["fitted_on"] == f"{told['regions']} regions of 10 plans"
    assert [path.name for path in run.checkpoints.iterdir()] == ["best.pt"]


@pytest.mark.parametrize(("named", "asked"), [([], ["room"]), (["wall", "door"], ["wall", "door"])])
def test_walls_are_no_rooms_where_there_are_rooms(run, data, monkeypatch, named, asked):
    """The drawn plans have both."""
    labels = []

    def noting(*_, **settings):
        labels.append(set(settings["labels"]))
        raise CheckpointError("noted")

    monkeypatch.setattr("floorseg.training.final_odds.fit_odds", noting)
    configure(run, folder=str(data), odds="train", room_classes=named)
    with pytest.raises(CheckpointError, match="noted"):
        fit_final_odds(run)

    assert labels == [set(asked)]


def test_without_time_for_enough_plans_the_weights_stay_as_they_are(run):
    best = run.checkpoints / "best.pt"
    before = best.read_bytes()

    with pytest.raises(CheckpointError, match="take more plans"):
        fit_final_odds(run, minutes=0.0)

    assert best.read_bytes() == before
    assert list(run.events("odds")) == []


def test_better_weights_that_came_meanwhile_are_not_lost(run, monkeypatch):
    """A person may type the command while the run goes on."""
    best = run.checkpoints / "best.pt"

    def overtaken(source, target, *_, **__):
        target.write_bytes(source.read_bytes())
        source.write_bytes(b"better weights")

    monkeypatch.setattr("floorseg.training.final_odds.fit_odds", overtaken)
    with pytest.raises(RunError, match="better weights since the fit began"):
        fit_final_odds(run)

    assert best.read_bytes() == b"better weights"
    assert [path.name for path in run.checkpoints.iterdir()] == ["best.pt"]


def test_so_many_plans_are_looked_at_and_no_more(run):
    with pytest.raises(CheckpointError, match=r"plans given \(2\)"):
        fit_final_odds(run, plans=2)


def test_plans_that_were_not_trained_on_are_not_looked_at(run, data):
    configure(run, folder=str(data), odds="train", limit=1)

    with pytest.raises(CheckpointError, match=r"plans given \(1\)"):
        fit_final_odds(run)


def test_a_mixed_training_learns_from_both_datasets(run, data, tmp_path, monkeypatch):
    """Also where only one of them calls rooms what they are called elsewhere."""
    other = tmp_path / "other"
    write_plans(other, Order(images=3, seed=12, size=(256, 256), split={"train": 1.0}))
    for file in (other / "train").glob("*.json"):
        told = file.read_text().replace('"room"', '"space"').replace('"wall"', '"space"')
        file.write_text(told)
    asked = []

    def noting(_, __, samples, **settings):
        asked.append([sample.image_path.parent for sample in samples])
        asked.append(settings["labels"])
        raise CheckpointError("noted")

    monkeypatch.setattr("floorseg.training.final_odds.fit_odds", noting)
    configure(run, folder=str(data), second=str(other), odds="train")
    with pytest.raises(CheckpointError, match="noted"):
        fit_final_odds(run, plans=3)

    plans, labels = asked
    assert plans == [data / "train", other / "train", data / "train"]
    assert {"room", "space"} <= labels
    assert "wall" not in labels


def test_a_run_that_names_no_plans_for_it_is_left_alone(run, data):
    configure(run, folder=str(data), odds=None)

    assert fit_final_odds(run) is None
    finish(run)
    assert read_checkpoint(run.checkpoints / "best.pt").room_odds == {}


def test_there_must_be_weights(run):
    (run.checkpoints / "best.pt").unlink()

    with pytest.raises(RunError, match="no best weights yet"):
        fit_final_odds(run)
