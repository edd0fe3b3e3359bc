"""``floorseg data``: what a person types, and what a script reads."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from floorseg.commands.data import app
from tests.data.conftest import rooms  # noqa: F401

run = CliRunner()


def answer(*words):
    result = run.invoke(app, [str(word) for word in words], catch_exceptions=False)
    return result.exit_code, result.stdout


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("FLOORSEG_CACHE", str(tmp_path / "cache"))


def test_info_counts(rooms):  # noqa: F811
    code, text = answer("info", rooms, "--json")
    assert code == 0
    assert json.loads(text)["masks"] == 8
    assert "8" in answer("info", rooms)[1]


def test_check_names_each_kind_of_finding_with_its_fix(rooms):  # noqa: F811
    (rooms / "train" / "plan.v0.jpg").unlink()
    code, text = answer("check", rooms, "--workers", 1)
    assert code == 0
    assert "annotations without an image (image-missing)" in text
    assert "put the image beside them" in text


def test_check_gates_on_severity(rooms):  # noqa: F811
    assert answer("check", rooms, "--fail-on", "warning", "--workers", 1)[0] == 0
    (rooms / "train" / "plan.v0.jpg").unlink()
    assert answer("check", rooms, "--fail-on", "error", "--workers", 1)[0] == 1


def test_check_mends_and_says_what_it_changed(rooms, tmp_path):  # noqa: F811
    path = rooms / "train" / "plan.v0.json"
    content = json.loads(path.read_text())
    content["annotations"][0]["area"] = 1
    path.write_text(json.dumps(content))

    code, text = answer("check", rooms, "--fix", tmp_path / "mended", "--json", "--workers", 1)

    mended = json.loads(text)["mended"]
    assert code == 0
    assert any("counted 200" in said for said in mended["changes"])
    assert (tmp_path / "mended" / "train" / "plan.v0.json").is_file()


def test_convert_and_split_write_datasets(rooms, tmp_path):  # noqa: F811
    assert answer("convert", rooms, tmp_path / "coco", "--to", "coco", "--workers", 1)[0] == 0
    code, text = answer(
        "split", tmp_path / "coco", tmp_path / "split", "--train", 0.5, "--valid", 0.25,
        "--test", 0.25, "--nearest", "--json", "--workers", 1,
    )  # fmt: skip
    assert code == 0
    assert sum(json.loads(text)["split"]["sizes"].values()) == 4


def test_what_a_person_can_fix_is_one_sentence_on_standard_error(tmp_path):
    asked = subprocess.run(
        [sys.executable, "-m", "floorseg", "data", "check", str(tmp_path / "nothing")],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        check=False,
    )
    assert asked.returncode == 2
    assert "there is no dataset folder" in asked.stderr
    assert "Traceback" not in asked.stderr
