"""Checks and copies run as the commands they show, one after another."""

import shlex
import time

import pytest

from floorseg.data.sa1b import write_sample
from floorseg.errors import DatasetError, PermissionRefused
from floorseg.services.dataset_tasks import DatasetTasks
from floorseg.services.datasets import Datasets
from floorseg.settings import Settings
from tests.data.conftest import annotation, drawing, room


@pytest.fixture
def datasets(tmp_path) -> Datasets:
    """A data root with ``flats``: two plans, one of which states a wrong area."""
    for number in range(2):
        folder = tmp_path / "root" / "flats"
        write_sample(folder, f"plan{number}", drawing(seed=number), [annotation(1, room())])
    path = tmp_path / "root" / "flats" / "plan1.json"
    path.write_text(path.read_text().replace('"area":200', '"area":7'))
    return Datasets(Settings(data_root=tmp_path / "root", cache=tmp_path / "cache"))


@pytest.fixture
def tasks(datasets) -> DatasetTasks:
    return DatasetTasks(datasets)


def finished(task):
    """The task once it has ended."""
    deadline = time.monotonic() + 200
    while not task.ended and time.monotonic() < deadline:
        time.sleep(0.05)
    return task


def test_a_mended_copy_is_written_beside_the_dataset_and_its_findings_are_kept(tasks, datasets):
    root = datasets.settings.data_root
    opened = datasets.open("flats")
    task = finished(tasks.mend(opened, "flats_mended"))
    assert (task.state, task.problem) == ("done", "")
    assert shlex.split(task.command)[-4:] == [
        str(root / "flats"), "--fix", str(root / "flats_mended"), "--json",
    ]  # fmt: skip
    assert '"area":200' in (root / "flats_mended" / "plan1.json").read_text()
    assert datasets.findings(opened).codes[opened.rows["plan1.json"]][0] == "area"
    assert task.progress.done == task.progress.total == 2


def test_a_command_that_fails_says_its_sentence(tasks, datasets):
    opened = datasets.open("flats")
    for path in opened.folder.iterdir():
        path.unlink()
    task = finished(tasks.convert(opened, "other", "coco"))
    assert task.state == "failed"
    assert "holds no images" in task.problem
    assert not task.problem.startswith("floorseg:")


def test_a_task_that_waits_can_be_taken_back(tasks, datasets):
    opened = datasets.open("flats")
    first, second = tasks.check(opened), tasks.convert(opened, "other", "coco")
    tasks.stop(second.token)
    tasks.stop(first.token)
    assert second.state == "stopped"
    assert finished(first).state in ("stopped", "done")
    assert not (datasets.settings.data_root / "other").exists()


def test_a_check_that_runs_is_not_started_twice(tasks, datasets):
    opened = datasets.open("flats")
    first = tasks.check(opened)
    assert tasks.check(opened) is first
    tasks.stop(first.token)
    finished(first)


@pytest.mark.parametrize("target", ["", "..", "../x", "a/b", ".hidden", "x" * 65, "-v", "a b"])
def test_copies_have_plain_names(tasks, datasets, target):
    with pytest.raises(DatasetError, match="name is made of letters"):
        tasks.mend(datasets.open("flats"), target)


def test_a_name_that_is_taken_or_a_format_that_is_unknown_is_refused(tasks, datasets):
    opened = datasets.open("flats")
    with pytest.raises(DatasetError, match="exists already"):
        tasks.convert(opened, "flats", "coco")
    with pytest.raises(DatasetError, match="cannot be written; choose sa1b"):
        tasks.convert(opened, "other", "pdf")


def test_a_public_page_starts_nothing(datasets):
    opened = datasets.open("flats")
    public = Datasets(datasets.settings.model_copy(update={"public": True}))
    tasks = DatasetTasks(public)
    for ask in (
        lambda: tasks.check(opened),
        lambda: tasks.mend(opened, "x"),
        lambda: tasks.convert(opened, "x", "coco"),
        lambda: tasks.draw("x", 3),
        lambda: tasks.get("x"),
    ):
        with pytest.raises(PermissionRefused):
            ask()
