"""A visitor's files, in a real browser: opened, pasted, dropped, saved, reopened, kept, refused."""

import json
import zipfile
from pathlib import Path

import pillow_heif
import pytest
from PIL import Image

from floorseg.data.dataset import open_dataset

from .desk import hand_over

pytestmark = pytest.mark.browser


def test_the_zip_holds_every_file(desk, tmp_path):
    desk.paint((60, 100), (160, 100))

    names = zipfile.ZipFile(save(desk, "zip", tmp_path / "all.zip")).namelist()

    assert {name.split(".", 1)[1] for name in names} == {
        "json", "coco.json", "labels.png", "overlay.png", "csv", "geojson", "svg", "plan.png",
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["sa1b", "coco"])
def test_saved_regions_come_back_exactly(desk, tmp_path, kind):
    desk.paint((60, 100), (160, 100))
    desk.paint((340, 300), (420, 380))
    desk.page.get_by_label("Name", exact=True).first.fill("Küche <1>")
    desk.page.keyboard.press("Enter")
    before = desk.regions()
    saved = save(desk, kind, tmp_path / "regions.json")
    desk.page.get_by_role("button", name="Remove all").click()
    assert desk.regions() == []

    desk.page.set_input_files(".fs-card input[type=file]", str(saved))
    desk.until("now.regions.length === 2")

    assert desk.regions() == before


def test_after_a_split_every_region_comes_back_with_its_own_number(desk, tmp_path):
    desk.paint((60, 100), (260, 100))
    desk.paint((340, 300), (420, 380))
    desk.key("s")
    desk.drag((160, 60), (160, 140))
    before = desk.regions()
    assert [region["id"] for region in before] == [1, 3, 2]
    saved = save(desk, "sa1b", tmp_path / "regions.json")
    desk.page.get_by_role("button", name="Remove all").click()

    desk.page.set_input_files(".fs-card input[type=file]", str(saved))
    desk.until("now.regions.length === 3")

    assert desk.regions() == before
    assert desk.value("now.nextId") == 4


def test_regions_of_another_plan_are_refused_in_a_sentence(desk, tmp_path):
    image = {"image_id": 1, "width": 10, "height": 10, "file_name": "x.png"}
    other = tmp_path / "other.json"
    other.write_text(json.dumps({"image": image, "annotations": []}))

    desk.page.set_input_files(".fs-card input[type=file]", str(other))

    assert "10 x 10" in desk.said()


def test_work_is_added_to_a_dataset_that_can_be_opened(desk, served):
    desk.paint((60, 100), (160, 100))
    desk.page.get_by_label("Dataset").fill("mine")

    desk.page.get_by_role("button", name="Add to dataset").click()

    assert "mine/train/three-rooms.json" in desk.said()
    [sample] = open_dataset(served.settings.data_root / "mine", "train")
    assert sample.annotations[0].area() == desk.regions()[0]["area"]


def test_a_picture_from_a_phone_opens(desk, tmp_path):
    photo = tmp_path / "IMG_1.HEIC"
    pillow_heif.from_pillow(Image.new("RGB", (320, 240), "white")).save(photo, quality=50)

    desk.open(photo)

    assert desk.value("[plan.name, plan.width, plan.height]") == ["IMG_1.HEIC", 320, 240]


def test_a_pdf_opens_and_its_pages_are_turned(desk, tmp_path):
    file = tmp_path / "plans.pdf"
    pages = [Image.new("RGB", size, "white") for size in ((400, 200), (200, 400))]
    pages[0].save(file, "PDF", save_all=True, append_images=pages[1:])
    desk.open(file)
    assert "page 1 of 2" in desk.page.locator(".fs-pages:visible").inner_text()
    assert desk.value("plan.width > plan.height")

    desk.page.get_by_role("button", name="Next page").click()
    desk.until("plan.width < plan.height")

    assert "page 2 of 2" in desk.page.locator(".fs-pages:visible").inner_text()


@pytest.mark.parametrize("way", ["paste", "drop"])
def test_a_picture_is_pasted_or_dropped_in(desk, tmp_path, way):
    picture = tmp_path / "other.png"
    Image.new("RGB", (300, 200), "white").save(picture)

    hand_over(desk.page.locator(".fs-stage").first, way, picture)
    desk.until("plan.width === 300")

    assert desk.value("plan.name") == "other.png"


def test_a_plan_and_its_regions_are_dropped_in_together(desk, plan, tmp_path):
    desk.paint((60, 100), (160, 100))
    before = desk.regions()
    saved = save(desk, "sa1b", tmp_path / "regions.json")
    desk.page.locator(".fs-example").nth(1).click()
    desk.until("plan.name === facts.examples[1].name + '.png'")

    hand_over(desk.page.locator(".fs-stage").first, "drop", saved, plan)
    desk.until("plan.name === 'three rooms.png' && now.regions.length")

    assert desk.regions() == before


PNG = b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize(
    ("name", "content", "part"),
    [
        pytest.param("plan.png", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG", id="svg"),
        pytest.param("plan.jpg", b"<!doctype html><script>1</script>", "HTML", id="html"),
        pytest.param("plan.png", b"hello, I am no picture", "not a picture", id="lying name"),
        pytest.param("plan.png", b"", "empty", id="empty"),
        pytest.param("plan.png", PNG + bytes(200), "not a picture", id="only a head"),
        pytest.param("plan.png", PNG + bytes(6_000_000), "limit of 5 MB", id="too large"),
        pytest.param("plan.pdf", b"%PDF-1.7 nothing more", "damaged or locked", id="broken pdf"),
        pytest.param("plan.png", b"PK\x03\x04....", "zip archive", id="zip"),
    ],
)
def test_a_bad_upload_is_refused_in_a_sentence(desk, tmp_path, name, content, part):
    bad = tmp_path / name
    bad.write_bytes(content)

    desk.page.set_input_files(".fs-open input[type=file]", str(bad))

    assert part in desk.said()
    assert desk.value("plan.name") == "three rooms.png"


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"annotations": 3}', b"\x00"])
def test_a_file_that_holds_no_regions_is_refused_in_a_sentence(desk, tmp_path, content):
    bad = tmp_path / "regions.json"
    bad.write_bytes(content)

    desk.page.set_input_files(".fs-card input[type=file]", str(bad))

    assert "JSON" in desk.said()


def save(desk, kind: str, path: Path) -> Path:
    """Download the regions as a file of this kind."""
    desk.page.get_by_label("File to download").select_option(kind)
    with desk.page.expect_download() as coming:
        desk.page.get_by_role("button", name="Download").click()
    coming.value.save_as(path)
    return path
