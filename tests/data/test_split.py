"""New splits keep look-alikes together, or say why that cannot be."""

import numpy as np
import pytest

from floorseg.data.checks.run import check_dataset
from floorseg.data.dataset import open_dataset
from floorseg.data.sa1b import write_sample
from floorseg.data.split import plan_split, split_dataset
from floorseg.errors import DatasetError
from tests.data.conftest import annotation, room
from tests.data.test_checks import plan

SHARES = {"train": 0.8, "valid": 0.1, "test": 0.1}


def singles(count, **classes):
    return [[place] for place in range(count)], [dict(classes) for _ in range(count)]


def test_the_shares_are_met_where_every_plan_is_its_own():
    planned = plan_split(*singles(100), shares=SHARES)
    assert planned.sizes == {"train": 80, "valid": 10, "test": 10}
    assert planned.explanation() == ""


def test_a_group_is_never_torn():
    together = [[0, 1, 2, 3, 4], *([place] for place in range(5, 50))]
    planned = plan_split(together, [{}] * 50, shares=SHARES)
    assert len({planned.splits[place] for place in range(5)}) == 1
    assert planned.is_near


def test_classes_are_shared_out():
    together = [[place] for place in range(100)]
    classes = [
        {(1, "room"): 5} | ({(2, "stairs"): 1} if place < 10 else {}) for place in range(100)
    ]
    planned = plan_split(together, classes, shares=SHARES)
    stairs = [planned.splits[place] for place in range(10)]
    assert {"train", "valid", "test"} == set(stairs)
    assert stairs.count("train") in (7, 8)


def test_another_seed_gives_another_split_and_the_same_seed_the_same():
    first, again, other = (plan_split(*singles(50), shares=SHARES, seed=s) for s in (1, 1, 2))
    assert first.splits == again.splits != other.splits


def test_sizes_that_cannot_be_had_are_explained():
    together = [list(range(60)), *([place] for place in range(60, 70))]
    planned = plan_split(together, [{}] * 70, shares={"train": 0.5, "valid": 0.25, "test": 0.25})
    assert not planned.is_near
    assert "60 of 70 images show one plan" in planned.explanation()


def test_shares_must_add_up_to_one():
    with pytest.raises(DatasetError, match="add up to 1"):
        plan_split(*singles(3), shares={"train": 0.8, "test": 0.1})


@pytest.fixture
def augmented(tmp_path):
    """Six plans, each with a turned and a mirrored copy, thrown into splits at random."""
    folder = tmp_path / "augmented"
    for number in range(18):
        base, kind = divmod(number, 3)
        picture = plan(base)
        picture = (picture, np.rot90(picture), picture[:, ::-1])[kind]
        mask = annotation(1, room(picture.shape[:2]), category_name="room")
        split = ("train", "valid", "test")[number % 3]
        write_sample(folder / split, f"p_{number}", np.ascontiguousarray(picture), [mask])
    return folder


def test_a_leaking_dataset_is_split_without_leaks(augmented, tmp_path):
    shares = {"train": 0.66, "valid": 0.17, "test": 0.17}

    planned, done = split_dataset(augmented, tmp_path / "out", shares=shares, workers=1)

    assert planned.sizes == {"train": 12, "valid": 3, "test": 3}
    assert done.samples == 18
    after = check_dataset(tmp_path / "out", workers=1)
    assert "split-leak" not in after.totals
    assert open_dataset(tmp_path / "out").splits == ("train", "valid", "test")


def test_an_impossible_split_is_refused_unless_the_nearest_will_do(tmp_path):
    for number in range(6):
        write_sample(tmp_path / "a", f"p_{number}", plan(0), [])
    with pytest.raises(DatasetError, match="no split of these sizes is free of leaks"):
        split_dataset(tmp_path / "a", tmp_path / "b", shares=SHARES, workers=1)
    _, done = split_dataset(
        tmp_path / "a", tmp_path / "b", shares=SHARES, accept_nearest=True, workers=1
    )
    assert done.samples == 6
