"""What visitors send, what they take home, and what becomes training data."""

import io
import json
import struct
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image

from floorseg.core.patch import Patch
from floorseg.data.dataset import open_dataset
from floorseg.errors import DatasetError, FloorsegError, ImageError, PermissionRefused
from floorseg.services.collect import add_to_dataset, list_datasets
from floorseg.services.exports import KINDS, export_work
from floorseg.services.plans import PlanStore
from floorseg.services.uploads import plain_name, read_picture
from floorseg.services.work import read_saved, read_work
from floorseg.settings import Settings

SETTINGS = Settings(max_upload_mb=1, max_upload_megapixels=1)


def encoded(kind: str, size: tuple[int, int] = (40, 30)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, "white").save(buffer, kind)
    return buffer.getvalue()


def bomb() -> bytes:
    """A PNG of a few bytes that says it has 60,000 x 60,000 pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\0" * 10_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("content", "part"),
    [
        pytest.param(b"", "is empty", id="empty"),
        pytest.param(b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG", id="svg"),
        pytest.param(b"<?xml version='1.0'?>\n<svg/>", "SVG", id="svg with a prologue"),
        pytest.param(b"\xef\xbb\xbf  <!DOCTYPE html><p>", "HTML", id="html with a mark"),
        pytest.param(b"PK\x03\x04....", "zip", id="zip"),
        pytest.param(b"\x7fELF....", "program", id="program"),
        pytest.param(b"hello", "not a picture", id="text"),
        pytest.param(encoded("PNG", (400, 300))[:-40], "damaged", id="truncated"),
        pytest.param(bomb(), "megapixels|too large", id="bomb"),
        pytest.param(b"\x89PNG" + bytes(1_000_001), "limit of 1 MB", id="too many bytes"),
        pytest.param(encoded("PNG", (1200, 1000)), "limit of 1 megapixels", id="too many pixels"),
        pytest.param(b"%PDF-1.7 nothing more", "damaged or locked PDF", id="broken pdf"),
    ],
)
def test_what_is_no_plan_is_refused_in_a_sentence(content, part):
    with pytest.raises(ImageError, match=part) as refusal:
        read_picture(content, "plan.png", SETTINGS)

    assert "plan.png" in str(refusal.value)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "TIFF"])
def test_a_picture_is_known_by_its_content_whatever_its_name(kind):
    picture = read_picture(encoded(kind), "x.exe", SETTINGS)

    assert picture.pixels.shape == (30, 40, 3)


def test_a_page_of_a_pdf_is_drawn_in_its_colours():
    buffer = io.BytesIO()
    pages = [Image.new("RGB", (200, 100), colour) for colour in ("white", "red")]
    pages[0].save(buffer, "PDF", save_all=True, append_images=pages[1:])

    picture = read_picture(buffer.getvalue(), "plan.pdf", SETTINGS, page=2)

    assert (picture.page, picture.pages) == (2, 2)
    assert picture.pixels.shape[0] * 2 == pytest.approx(picture.pixels.shape[1], abs=2)
    assert picture.pixels[5, 5, 0] > 200
    assert picture.pixels[5, 5, 2] < 60


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\plans\\a b.png", "a b.png"),
        ("<img src=x>.png", "img src=x.png"),
        ("\0..", "plan"),
        ("", "plan"),
    ],
)
def test_a_name_never_is_a_path(given, plain):
    assert plain_name(given) == plain


@pytest.fixture
def plan():
    store = PlanStore(10**9)
    picture = read_picture(encoded("PNG", (120, 80)), "My plan.png", SETTINGS)
    return store.add(picture, "me")


def region(x0: int, y0: int, x1: int, y1: int, **more) -> dict:
    mask = np.zeros((80, 120), bool)
    mask[y0:y1, x0:x1] = True
    return {"name": "Hall", "cls": "room", "score": 0.8, "checkpoint": "nano", **more} | Patch.of(
        mask
    ).wire()


def test_every_file_is_in_the_zip_and_opens(plan):
    work = read_work(plan, [region(10, 10, 50, 40), region(60, 5, 100, 70, id=7)], 20.0)

    archive = zipfile.ZipFile(io.BytesIO(export_work(work, "zip").content))

    assert len(archive.namelist()) == len(KINDS) + 1
    labels = Image.open(io.BytesIO(archive.read("My plan.labels.png")))
    assert labels.mode == "P"
    assert np.bincount(np.asarray(labels).ravel()).tolist()[1:] == [1200, 2600]
    rows = archive.read("My plan.csv").decode("utf-8-sig").splitlines()
    assert rows[0].startswith("id,name,class,area_px")
    assert ",3.0," in rows[1]  # 1200 px at 20 px a metre
    polygons = json.loads(archive.read("My plan.geojson"))
    assert polygons["unit"] == "m"
    assert archive.read("My plan.svg").startswith(b"<svg")


@pytest.mark.parametrize("kind", ["sa1b", "coco"])
def test_a_saved_file_gives_the_same_regions_again(plan, kind):
    wires = [region(10, 10, 50, 40, id=3, edited=True), region(60, 5, 100, 70, id=9, score=None)]
    saved = export_work(read_work(plan, wires, 20.0), kind)

    back, per_metre = read_saved(plan, saved.content)

    assert per_metre == pytest.approx(20.0)
    for before, after in zip(wires, back, strict=True):
        assert {
            k: after[k] for k in ("x", "y", "w", "h", "counts", "name", "cls", "score", "id")
        } == {k: before[k] for k in ("x", "y", "w", "h", "counts", "name", "cls", "score", "id")}
    assert [wire["edited"] for wire in back] == [True, False]


def test_a_sheet_worked_on_scaled_down_is_saved_at_full_size_and_comes_back_exactly():
    from floorseg.services import plans

    big = Settings(max_upload_megapixels=40)
    picture = read_picture(encoded("PNG", (plans.WORKING_SIDE + 1234, 700)), "big.png", big)
    plan = PlanStore(10**9).add(picture, "me")
    rng = np.random.default_rng(0)
    mask = np.zeros(plan.size, bool)
    mask[50:200, 300:900] = rng.random((150, 600)) > 0.5
    wire = {"name": "a", "cls": "room", "score": 1.0} | Patch.of(mask).wire()

    saved = json.loads(export_work(read_work(plan, [wire], None), "sa1b").content)
    back, _ = read_saved(plan, json.dumps(saved).encode())

    assert saved["image"]["width"] == plans.WORKING_SIDE + 1234
    assert back[0]["counts"] == wire["counts"]


@pytest.mark.parametrize(
    ("change", "part"),
    [
        pytest.param({"x": 110}, "outside", id="beyond the edge"),
        pytest.param({"x": -1}, "expected form", id="negative"),
        pytest.param({"x": 1.5}, "expected form", id="fraction"),
        pytest.param({"counts": "~~~"}, "code", id="garbage"),
        pytest.param({"counts": "0"}, "add up", id="too short"),
    ],
)
def test_a_hostile_region_is_refused_in_a_sentence(plan, change, part):
    with pytest.raises(DatasetError, match=part):
        read_work(plan, [region(10, 10, 50, 40) | change], None)


def test_a_formula_in_a_name_stays_text_in_a_spreadsheet(plan):
    work = read_work(plan, [region(1, 1, 9, 9, name="=HYPERLINK(1)")], None)

    assert b"'=HYPERLINK" in export_work(work, "csv").content


def test_a_name_with_markup_stays_text_in_the_drawing(plan):
    work = read_work(plan, [region(1, 1, 9, 9, name='"><script>')], None)

    assert b"<script>" not in export_work(work, "svg").content


def test_corrected_work_becomes_a_sample_with_its_provenance_beside(plan, tmp_path):
    settings = Settings(data_root=tmp_path / "data")
    work = read_work(plan, [region(10, 10, 50, 40, edited=True)], None)

    first = add_to_dataset(work, "mine", "train", settings)
    second = add_to_dataset(work, "mine", "train", settings)

    assert (first.path, second.path) == ("mine/train/My-plan.json", "mine/train/My-plan-2.json")
    assert list_datasets(settings) == ["mine"]
    samples = list(open_dataset(tmp_path / "data" / "mine", "train"))
    assert [s.annotations[0].area() for s in samples] == [1200, 1200]
    noted = json.loads((tmp_path / "data/mine/provenance/train-My-plan.json").read_text())
    assert noted["regions"][0]["proposed_by"] == "nano"
    assert noted["regions"][0]["corrected_by_hand"] is True
    assert not list(tmp_path.rglob("*.claim"))


@pytest.mark.parametrize("name", ["../up", "/etc", "a/b", "", ".", "x" * 80, "a\0"])
def test_a_dataset_outside_the_data_root_is_refused(plan, tmp_path, name):
    work = read_work(plan, [region(10, 10, 50, 40)], None)

    with pytest.raises(DatasetError, match="name is made of"):
        add_to_dataset(work, name, "train", Settings(data_root=tmp_path / "data"))


def test_a_link_out_of_the_data_root_is_not_followed(plan, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "data" / "link").symlink_to(tmp_path / "outside")
    work = read_work(plan, [region(10, 10, 50, 40)], None)

    with pytest.raises(DatasetError, match="outside the data root"):
        add_to_dataset(work, "link", "train", Settings(data_root=tmp_path / "data"))


def test_nothing_is_written_in_public_mode(plan, tmp_path):
    settings = Settings(data_root=tmp_path / "data", public=True)
    work = read_work(plan, [region(10, 10, 50, 40)], None)

    with pytest.raises(PermissionRefused, match="public"):
        add_to_dataset(work, "mine", "train", settings)
    assert not (tmp_path / "data").exists()
    assert list_datasets(settings) == []


def test_no_regions_and_an_unknown_kind_are_answered_in_words(plan):
    with pytest.raises(DatasetError, match="no regions yet"):
        read_work(plan, [], None)
    with pytest.raises(FloorsegError, match="no file kind"):
        export_work(read_work(plan, [region(1, 1, 9, 9)], None), "exe")
