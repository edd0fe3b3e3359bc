"""What the Dataset tab's script may ask, and what it is told."""

import csv
import io
import json

import orjson
import pytest

from floorseg.data.sa1b import write_sample
from floorseg.errors import PermissionRefused
from floorseg.services.dataset_tasks import DatasetTasks
from floorseg.services.datasets import Datasets
from floorseg.settings import Settings
from floorseg.ui.dataset_calls import DatasetCalls
from floorseg.ui.dataset_plots import figures
from floorseg.ui.rle_inspector import rle_calls
from tests.data.conftest import annotation, drawing, room

FLATS = {"name": "flats"}


@pytest.fixture
def settings(tmp_path) -> Settings:
    """A data root with ``flats``: thirty plans with one room each."""
    for number in range(30):
        folder = tmp_path / "root" / "flats" / "train"
        found = [annotation(number, room(), category_id=1, category_name="=HYPERLINK(1)")]
        write_sample(folder, f"plan{number:02}", drawing(seed=1), found)
    return Settings(data_root=tmp_path / "root", cache=tmp_path / "cache")


@pytest.fixture
def datasets(settings) -> Datasets:
    return Datasets(settings)


@pytest.fixture
def calls(datasets):
    """The handlers, called as the page calls them."""
    named = DatasetCalls(datasets, DatasetTasks(datasets)).by_name()
    return lambda call, **payload: named[call](payload, "session")


def test_opening_says_what_there_is(calls):
    answer = calls("open_dataset", **FLATS)
    assert answer["ready"]
    assert (answer["format"], answer["splits"], answer["images"]) == ("sa1b", ["train"], 30)
    assert answer["check_now"]


def test_the_overview_counts_and_draws(calls):
    calls("open_dataset", **FLATS)
    answer = calls("overview", **FLATS)
    assert (answer["images"], answer["masks"], answer["size"]) == (30, 30, [60, 40])
    assert answer["checked"] is None
    for figure in answer["figures"]:
        assert figure["title"]
        assert figure["layout"]["xaxis"]["title"]["text"]
        assert len(figure["table"]) > 1


def test_every_chart_is_plain_json(datasets):
    counted = datasets.open("flats").statistics()
    kinds = {figure["id"] for figure in json.loads(orjson.dumps(figures(counted)))}
    assert kinds == {"masks", "areas", "classes", "sizes", "positions"}


def test_the_gallery_comes_in_pages(calls):
    first, last = calls("gallery", **FLATS), calls("gallery", **FLATS, page=99)
    assert (first["total"], first["pages"], len(first["samples"])) == (30, 2, 24)
    assert (last["page"], len(last["samples"])) == (1, 6)


def test_a_sample_knows_its_neighbours_in_the_gallery(calls):
    answer = calls("sample", **FLATS, row=3, descending=True)
    assert (answer["previous"], answer["next"], answer["at"]) == (4, 2, 26)
    assert answer["masks"][0]["patch"]["w"] == 20


def test_a_broken_picture_is_told_in_its_place(calls, settings):
    (settings.data_root / "flats" / "train" / "plan00.jpg").write_bytes(b"no picture")
    answer = calls("thumbnails", **FLATS, rows=[0, 1])["thumbnails"]
    assert answer[0]["problem"]
    assert str(settings.data_root) not in answer[0]["problem"]
    assert answer[1]["picture"]


def test_findings_are_taken_home_as_a_table_without_formulas(calls, datasets):
    opened = datasets.open("flats")
    one = {"code": "area", "severity": "warning", "file": "train/plan00.json", "sentence": "=1+1"}
    datasets.keep_findings(opened, {"findings": [one], "kinds": [], "counts": {"warning": 1}})
    text = calls("findings_file", **FLATS)["text"]
    assert next(csv.DictReader(io.StringIO(text)))["sentence"] == "'=1+1"
    assert calls("findings", **FLATS)["findings"][0]["row"] == 0
    assert calls("findings", **FLATS, code="bbox")["total"] == 0


def test_a_public_page_tells_nothing_but_that(settings):
    public = Datasets(settings.model_copy(update={"public": True}))
    named = DatasetCalls(public, DatasetTasks(public), plotly="/secret").by_name()
    answer = named.pop("hello_datasets")({}, "")
    assert (answer["public"], answer["datasets"], answer["root"], answer["plotly"]) == (
        True, [], "", "",
    )  # fmt: skip
    whole = {**FLATS, "row": 0, "rows": [0], "target": "x", "task": "x", "images": 3}
    for name, call in named.items():
        with pytest.raises(PermissionRefused):
            call(whole, name)


def test_the_inspector_needs_no_folder():
    named = rle_calls()
    answer = named["encode_cells"]({"cells": [[0, 1], [1, 1]], "multiclass": False}, "")
    assert json.loads(answer["text"]) == {"size": [2, 2], "counts": [1, 3]}
    assert named["inspect_encoding"]({"text": answer["text"]}, "")["grid"] == [[0, 1], [1, 1]]


def test_findings_are_those_of_the_split_that_is_looked_at(calls, datasets, settings):
    write_sample(settings.data_root / "flats" / "test", "other", drawing(seed=2), [])
    opened = datasets.open("flats")
    found = [
        _finding("area", "train/plan00.json"), _finding("area", "test/other.json"),
        _finding("split-leak", "train/plan01.json"), _finding("class-rare", ""),
    ]  # fmt: skip
    kinds = [
        {"code": code, "severity": "warning", "findings": n, "concerned": n}
        for code, n in (("area", 2), ("split-leak", 1), ("class-rare", 1))
    ]
    report = {"findings": found, "kinds": kinds, "counts": {"warning": 4}}
    datasets.keep_findings(opened, report)
    asked = {"name": "flats", "split": "test"}

    listed = calls("findings", **asked)
    checked = calls("overview", **asked)["checked"]

    assert [one["file"] for one in listed["findings"]] == [
        "test/other.json", "train/plan01.json", "",
    ]  # fmt: skip
    assert checked["counts"]["warning"] == 3
    assert {kind["code"]: kind["findings"] for kind in checked["kinds"]}["area"] == 1
    assert "plan00" not in calls("findings_file", **asked)["text"]
    assert calls("findings", name="flats")["total"] == 4


def _finding(code, file):
    return {
        "code": code, "severity": "warning", "file": file, "sentence": "", "fix": "",
        "fixable": False, "count": 1,
    }  # fmt: skip
