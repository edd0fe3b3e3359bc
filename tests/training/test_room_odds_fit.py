"""A checkpoint learns which of the regions it finds are rooms, and takes that along."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from floorseg.core.checkpoint_file import digest, read_checkpoint, save_checkpoint
from floorseg.core.closeup import make_predictor
from floorseg.core.everything import everything
from floorseg.core.find_checkpoint import SHIPPED as SHIPPED_FOLDER
from floorseg.core.model import load_model, slim_checkpoint, verify_checkpoint
from floorseg.core.room_odds import GENERAL, odds_of
from floorseg.core.soup import average_checkpoints
from floorseg.data.dataset import open_dataset
from floorseg.data.synth.writer import Order, write_plans
from floorseg.errors import CheckpointError
from floorseg.training.room_odds_fit import Judged, fit, fit_odds, rightness

SHIPPED = SHIPPED_FOLDER / "floorseg-nano.pt"


@pytest.fixture(scope="module")
def plans(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plans")
    write_plans(folder, Order(images=10, seed=11, size=(256, 256)))
    return list(open_dataset(folder))


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """The shipped weights without odds of their own."""
    path = tmp_path_factory.mktemp("plain") / "plain.pt"
    file = read_checkpoint(SHIPPED)
    save_checkpoint(path, file.weights, architecture="nano", image_size=512, origin=file.origin)
    return path


@pytest.fixture(scope="module")
def fitted(plain, plans, tmp_path_factory):
    target = tmp_path_factory.mktemp("fitted") / "fitted.pt"
    return target, fit_odds(plain, target, plans, labels=["room"])


def test_it_tells_rooms_from_others_better_than_before(fitted):
    _, done = fitted

    assert done.plans == 10
    assert done.after < done.before


def test_the_copy_has_the_odds_and_the_same_weights(plain, fitted):
    target, done = fitted
    before, after = load_model(plain), load_model(target)

    assert odds_of(before) is GENERAL
    np.testing.assert_allclose(odds_of(after).known, done.odds.known)
    np.testing.assert_allclose(odds_of(after).seen, done.odds.seen)
    assert all(map(torch.equal, before.state_dict().values(), after.state_dict().values()))
    notes = read_checkpoint(target).room_odds
    assert notes["fitted_from_sha256"] == digest(plain)
    assert notes["fitted_on"] == f"{done.regions} regions of 10 plans"


def test_rooms_are_chosen_by_them(fitted, plans):
    model = load_model(fitted[0])
    found = everything(make_predictor(model), plans[0].image())
    model.room_odds = replace(odds_of(model), known=np.array([0.0] * 8 + [-20.0]))
    none = everything(make_predictor(model), plans[0].image())

    assert found
    assert none == []


def test_they_stay_with_the_same_weights_and_leave_others(fitted, plain, tmp_path):
    slim, mean = tmp_path / "slim.pt", tmp_path / "mean.pt"
    slim_checkpoint(fitted[0], slim)
    average_checkpoints([fitted[0], plain], mean)

    assert read_checkpoint(slim).room_odds == read_checkpoint(fitted[0]).room_odds
    assert read_checkpoint(mean).room_odds == {}


def test_odds_that_do_not_fit_the_weights_are_refused_in_words(plain, tmp_path):
    path = tmp_path / "odd.pt"
    save_checkpoint(
        path, read_checkpoint(plain).weights, architecture="nano", image_size=512,
        room_odds={"known": [1.0] * 9, "seen": [1.0] * 5},
    )  # fmt: skip

    with pytest.raises(CheckpointError, match=r"do not fit its weights .* fit them anew"):
        load_model(path)
    with pytest.raises(CheckpointError, match="do not fit its weights"):
        verify_checkpoint(path)


def test_few_plans_tell_too_little(plain, plans, tmp_path):
    target = tmp_path / "fitted.pt"

    with pytest.raises(CheckpointError, match=r"plans given \(1\) .* take more plans"):
        fit_odds(plain, target, plans[:1])

    assert not target.exists()


def test_a_file_that_is_there_is_kept(plain):
    with pytest.raises(CheckpointError, match="exists already"):
        fit_odds(plain, plain, [])


def test_what_is_seen_counts_by_how_much_it_varies_and_not_by_where_it_lies():
    """Features in other units, or moved by a constant, give the same odds."""
    rng = np.random.default_rng(0)
    known = np.concatenate([rng.normal(size=(400, 8)), np.ones((400, 1))], axis=1)
    seen = rng.normal(size=(400, 3))
    right = (seen[:, 0] + known[:, 0] + rng.normal(size=400) > 0).astype(float)
    found = Judged(known, seen, odds=np.full(400, 0.5), right=right, plans=4)

    odds = fit(found)
    moved = fit(replace(found, seen=seen * 50 + 7))

    assert odds.seen[0] > 0.3
    assert abs(odds.seen[1:]).max() < 0.1
    np.testing.assert_allclose(
        known @ odds.known + seen @ odds.seen,
        known @ moved.known + (seen * 50 + 7) @ moved.seen,
        atol=1e-4,
    )


def test_a_badly_drawn_room_counts_half():
    room = np.zeros((40, 40), dtype=bool)
    room[10:30, 10:30] = True
    cut, other = room.copy(), ~room
    cut[:, 24:] = False  # an IoU of 0.7

    assert rightness(np.stack([room, cut, other]), [room]).tolist() == [1.0, 0.5, 0.0]
    assert rightness(room[None], []).tolist() == [0.0]
