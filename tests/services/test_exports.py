"""What a visitor takes home, read by programs that know nothing of this project."""

import csv
import io
import json
import zipfile
from xml.etree import ElementTree

import numpy as np
import pytest
import shapely
from PIL import Image
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from shapely.geometry import shape

from floorseg.core.patch import Patch
from floorseg.services.exports import export_work
from floorseg.services.plans import PlanStore
from floorseg.services.uploads import Picture
from floorseg.services.work import Work, read_work

HEIGHT, WIDTH, PER_METRE = 90, 130, 20.0
NAMES = ["Küche, groß", "Hall <1>", '"Ring" & co']
COLOURS = [[219, 68, 100], [46, 160, 90], [148, 96, 214]]


def drawn() -> list[np.ndarray]:
    """A rectangle; two parts that touch at a corner; a ring with a room inside it left out."""
    masks = [np.zeros((HEIGHT, WIDTH), bool) for _ in range(3)]
    masks[0][10:40, 5:55] = True
    masks[1][50:60, 10:20] = True
    masks[1][60:70, 20:35] = True
    masks[2][20:80, 70:120] = True
    masks[2][40:60, 85:105] = False
    return masks


@pytest.fixture(scope="module")
def work() -> Work:
    picture = Picture(np.full((HEIGHT, WIDTH, 3), 250, np.uint8), "Erdgeschoß 1.png")
    plan = PlanStore(10**9).add(picture, "me")
    wires = [
        {"id": 2 * i + 1, "name": NAMES[i], "cls": "room" if i else "kitchen", "score": 0.75,
         "checkpoint": "nano", "edited": i == 1, "colour": COLOURS[i]} | Patch.of(mask).wire()
        for i, mask in enumerate(drawn())
    ]  # fmt: skip
    return read_work(plan, wires, PER_METRE)


@pytest.fixture(scope="module")
def files(work) -> dict[str, bytes]:
    """Content by suffix, out of the zip."""
    archive = zipfile.ZipFile(io.BytesIO(export_work(work, "zip").content))
    assert archive.testzip() is None
    return {name.removeprefix("Erdgeschoß 1"): archive.read(name) for name in archive.namelist()}


def test_the_zip_holds_each_file_as_it_is_downloaded_by_itself(work, files):
    kinds = {".json": "sa1b", ".csv": "csv", ".svg": "svg", ".labels.png": "labels"}

    assert all(files[suffix] == export_work(work, kind).content for suffix, kind in kinds.items())


def test_pycocotools_reads_the_coco_file(files, tmp_path, capsys):
    (tmp_path / "coco.json").write_bytes(files[".coco.json"])

    coco = COCO(tmp_path / "coco.json")

    found = [coco.annToMask(a).astype(bool) for a in coco.loadAnns(coco.getAnnIds())]
    assert all(np.array_equal(a, b) for a, b in zip(found, drawn(), strict=True))
    classes = coco.loadCats([a["category_id"] for a in coco.loadAnns(coco.getAnnIds())])
    assert [c["name"] for c in classes] == ["kitchen", "room", "room"]
    [image] = coco.loadImgs(coco.getImgIds())
    assert (image["width"], image["height"]) == (WIDTH, HEIGHT)


def test_the_sa1b_file_has_the_fields_and_masks_of_the_real_one(files):
    content = json.loads(files[".json"])

    for row, mask in zip(content["annotations"], drawn(), strict=True):
        assert np.array_equal(coco_mask.decode(row["segmentation"]).astype(bool), mask)
        assert row["area"] == mask.sum()
        assert {"id", "bbox", "predicted_iou", "stability_score", "point_coords", "crop_box"} <= (
            row.keys()
        )
    assert content["image"]["file_name"] == "Erdgeschoß 1.png"
    assert content["image"]["pixels_per_metre"] == PER_METRE


def test_the_label_picture_holds_numbers_and_the_colours_of_the_page(files):
    labels = Image.open(io.BytesIO(files[".labels.png"]))

    numbers = np.asarray(labels)
    assert labels.mode == "P"
    assert all(np.array_equal(numbers == i + 1, mask) for i, mask in enumerate(drawn()))
    assert labels.convert("RGB").getpixel((10, 20)) == tuple(COLOURS[0])


def test_the_overlay_and_the_plan_have_the_size_of_the_picture(files):
    overlay = Image.open(io.BytesIO(files[".overlay.png"])).convert("RGB")

    assert overlay.size == Image.open(io.BytesIO(files[".plan.png"])).size == (WIDTH, HEIGHT)
    assert overlay.getpixel((2, 2)) == (250, 250, 250)
    assert overlay.getpixel((12, 15)) != (250, 250, 250)


def test_the_table_has_names_areas_and_who_proposed_what(files):
    rows = list(csv.DictReader(io.StringIO(files[".csv"].decode("utf-8-sig"))))

    assert [row["name"] for row in rows] == NAMES
    assert [int(row["area_px"]) for row in rows] == [int(mask.sum()) for mask in drawn()]
    assert float(rows[0]["area_m2"]) == pytest.approx(30 * 50 / PER_METRE**2)
    assert [row["checkpoint"] for row in rows] == ["nano"] * 3
    assert [row["edited"] for row in rows] == ["False", "True", "False"]


def test_shapely_reads_the_polygons_in_metres_with_their_holes(files):
    content = json.loads(files[".geojson"])

    shapes = [shape(feature["geometry"]) for feature in content["features"]]
    assert all(one.is_valid for one in shapes)
    for one, mask in zip(shapes, drawn(), strict=True):
        assert one.area == pytest.approx(mask.sum() / PER_METRE**2, rel=0.02)
    assert len(shapes[2].interiors) == 1
    assert shapes[0].bounds == pytest.approx((5 / 20, 50 / 20, 55 / 20, 80 / 20), abs=0.06)
    assert shapely.intersects(shapes[0], shapes[2]) == np.False_
    assert [f["properties"]["name"] for f in content["features"]] == NAMES


def test_an_xml_parser_reads_the_drawing_in_metres(files):
    root = ElementTree.fromstring(files[".svg"])

    paths = root.findall("{http://www.w3.org/2000/svg}path")
    assert [path.get("data-name") for path in paths] == NAMES
    assert root.get("viewBox") == f"0 0 {WIDTH / PER_METRE:g} {HEIGHT / PER_METRE:g}"
    assert root.get("data-unit") == "m"
    assert paths[2].get("d").count("M") == 2  # the hole is a path of its own
