"""Datasets are fetched whole, continued when broken off, and never written elsewhere."""

import zipfile
from inspect import signature
from pathlib import Path

import gdown
import pytest

from floorseg.data.fetch import Source, fetch, read_sources, unpack
from floorseg.errors import ConfigError, DatasetError
from floorseg.settings import PROJECT
from tests.file_server import serving


def archive_of(path, files):
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


@pytest.fixture
def server(tmp_path):
    archive_of(
        tmp_path / "served" / "set.zip",
        {"export/train/a.jpg": b"a" * 3_000_000, "export/train/a.json": b"{}"},
    )
    with serving(tmp_path / "served") as running:
        yield running


def test_a_dataset_is_fetched_and_unpacked_without_its_wrapper(server, tmp_path):
    folder = fetch(Source("Set9", url=f"{server.url}/set.zip"), tmp_path / "data")
    assert folder == tmp_path / "data" / "Set9"
    assert (folder / "train" / "a.json").read_bytes() == b"{}"
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["Set9"]


def test_a_fetched_dataset_is_not_fetched_again(server, tmp_path):
    source = Source("Set9", url=f"{server.url}/set.zip")
    fetch(source, tmp_path / "data")
    asked = len(server.asked)
    fetch(source, tmp_path / "data")
    assert len(server.asked) == asked


def test_a_download_that_broke_off_is_continued(server, tmp_path):
    source = Source("Set9", url=f"{server.url}/set.zip")
    server.breaks = 1
    with pytest.raises(DatasetError, match=r"the same command continues|no complete zip"):
        fetch(source, tmp_path / "data")
    assert not (tmp_path / "data" / "Set9").exists()

    folder = fetch(source, tmp_path / "data")

    assert (folder / "train" / "a.jpg").stat().st_size == 3_000_000
    assert server.starts[-1] > 1_000_000


def test_a_drive_id_goes_to_the_library_that_knows_drive(server, tmp_path, monkeypatch):
    asked = {}

    def download(**options):
        asked.update(options)
        options["progress"](1_000_000, 3_000_000)
        Path(options["output"]).write_bytes((server.folder / "set.zip").read_bytes())
        return options["output"]

    download.__signature__ = signature(gdown.download)
    monkeypatch.setattr(gdown, "download", download)
    told = []

    folder = fetch(Source("Set9", drive="16yv"), tmp_path / "data", progress=told.append)

    assert (asked["id"], asked["url"], asked["resume"]) == ("16yv", None, True)
    assert (told[0].done, told[0].total) == (1, 3)
    assert (folder / "train" / "a.json").is_file()


def test_an_answer_that_is_no_archive_is_said(server, tmp_path):
    (server.folder / "set.zip").write_bytes(b"<html>quota exceeded</html>")
    with pytest.raises(DatasetError, match="no complete zip archive"):
        fetch(Source("Set9", url=f"{server.url}/set.zip"), tmp_path / "data")
    assert not (tmp_path / "data" / "Set9").exists()


@pytest.mark.parametrize(
    "name", ["../evil.txt", "/etc/evil.txt", "a/../../evil.txt", "C:\\evil.txt"]
)
def test_an_archive_that_would_write_elsewhere_is_not_unpacked(tmp_path, name):
    archive = archive_of(tmp_path / "bad.zip", {"train/a.json": b"{}", name: b"x"})
    with pytest.raises(DatasetError, match="outside its folder"):
        unpack(archive, tmp_path / "data")
    assert not (tmp_path / "data").exists()
    assert not (tmp_path / "evil.txt").exists()


def test_a_link_in_an_archive_is_refused(tmp_path):
    link = zipfile.ZipInfo("train/link")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(DatasetError, match="outside its folder"):
        unpack(tmp_path / "bad.zip", tmp_path / "data")


def test_the_shipped_list_names_both_sets():
    sources = read_sources(PROJECT / "configs" / "datasets.yaml")
    assert (sources["set1"].folder, sources["set2"].folder) == ("Set1", "Set2")
    assert all(source.drive for source in sources.values())


@pytest.mark.parametrize(
    "text", ["[", "set1: 3", "set1: {folder: ../x, url: u}", "set1: {folder: x}"]
)
def test_a_wrong_list_is_refused_in_a_sentence(tmp_path, text):
    path = tmp_path / "datasets.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError):
        read_sources(path)
