"""A dataset is counted once; the count is kept until a file changes."""

import json
import os

import numpy as np
import orjson
import pytest
from PIL import Image

from floorseg.core import rle
from floorseg.data.convert import convert
from floorseg.data.dataset import open_dataset
from floorseg.data.index import read_index
from floorseg.data.sa1b import read_sample, write_sample
from floorseg.data.statistics import statistics_of
from floorseg.data.thumbnails import draw_thumbnail, sweep, thumbnail_file
from tests.core.test_rle import pack, pairs_of
from tests.data.conftest import annotation, drawing, room


def test_an_index_counts_what_is_there(rooms):
    index = read_index(open_dataset(rooms), workers=1)
    assert len(index) == 4
    assert index.masks.tolist() == [2, 2, 2, 2]
    assert index.area.tolist() == [200, 216] * 4
    assert index.classes == ((1, "kitchen"), (2, "bath"))
    assert index.x[0] == pytest.approx(15 / 60)
    assert index.y[0] == pytest.approx(10 / 40)
    assert index.share()[0] == pytest.approx(200 / 2400)


@pytest.mark.parametrize("to", ["coco", "multiclass", "yolo", "png"])
def test_every_format_is_counted_alike(rooms, tmp_path, to):
    convert(rooms, tmp_path / "out", to=to, workers=1)
    counted = statistics_of(read_index(open_dataset(tmp_path / "out"), workers=1))
    assert counted.masks == 8
    assert sorted(name for _, name in counted.classes) == ["bath", "kitchen"]


def test_areas_are_the_masks_and_not_the_files(rooms):
    path = rooms / "train" / "plan.v0.json"
    content = json.loads(path.read_text())
    content["annotations"][0]["area"] = 7
    content["annotations"][1]["segmentation"] = pack(pairs_of(room()), (40, 60))
    path.write_bytes(orjson.dumps(content))

    assert read_index(open_dataset(rooms), workers=1).area[:2].tolist() == [200, 200]


def test_a_damaged_file_is_an_image_without_masks(rooms):
    (rooms / "train" / "plan.v1.json").write_text("{")
    assert read_index(open_dataset(rooms), workers=1).masks.tolist() == [2, 0, 2, 2]


def test_the_second_look_reads_no_annotation_until_one_changes(rooms, tmp_path):
    dataset = open_dataset(rooms)
    first = read_index(dataset, cache=tmp_path / "cache", workers=1)
    path = rooms / "train" / "plan.v0.json"
    written = path.stat()
    path.write_bytes(b" " * written.st_size)
    os.utime(path, ns=(written.st_atime_ns, written.st_mtime_ns))  # as if nothing had changed

    again = read_index(dataset, cache=tmp_path / "cache", workers=1)
    assert np.array_equal(again.area, first.area)
    assert again.classes == first.classes

    os.utime(path)
    assert read_index(dataset, cache=tmp_path / "cache", workers=1).masks[0] == 0


def test_a_damaged_cache_is_built_again(rooms, tmp_path):
    dataset = open_dataset(rooms)
    read_index(dataset, cache=tmp_path / "cache", workers=1)
    (stored,) = (tmp_path / "cache").iterdir()
    stored.write_bytes(b"PK damaged")
    assert len(read_index(dataset, cache=tmp_path / "cache", workers=1)) == 4


def test_statistics_say_where_masks_lie_and_how_large_they_are(rooms):
    counted = statistics_of(read_index(open_dataset(rooms), workers=1))
    assert (counted.images, counted.masks, counted.empty) == (4, 8, 0)
    assert counted.splits == {"train": 3, "test": 1}
    assert counted.sizes == {(60, 40): 4}
    assert counted.heat.sum() == 8
    assert counted.heat[8, 8] == 4
    assert json.loads(json.dumps(counted.as_json()))["classes"] == {
        "class 'kitchen'": 4,
        "class 'bath'": 4,
    }


def test_a_thumbnail_shows_the_masks_in_bounds(tmp_path):
    path = write_sample(tmp_path, "plan", np.full((400, 900, 3), 255, np.uint8), [
        annotation(1, room((400, 900), at=(100, 100), extent=(200, 300)))
    ])  # fmt: skip
    drawn = draw_thumbnail(read_sample(path), side=90)
    assert drawn.shape == (40, 90, 3)
    assert drawn[20, 20].tolist() != [255, 255, 255]
    assert drawn[2, 80].min() > 250


def test_thumbnails_are_kept_until_the_picture_changes(rooms, tmp_path):
    path = rooms / "train" / "plan.v0.json"
    cache = tmp_path / "thumbs"
    first = thumbnail_file(read_sample(path), cache)
    assert thumbnail_file(read_sample(path), cache) == first
    Image.fromarray(drawing(seed=9)).save(rooms / "train" / "plan.v0.jpg")
    assert thumbnail_file(read_sample(path), cache) != first


def test_the_cache_of_thumbnails_stays_small(tmp_path):
    for number in range(5):
        (tmp_path / f"{number}.jpg").write_bytes(b"x" * 1000)
        os.utime(tmp_path / f"{number}.jpg", (number, number))
    sweep(tmp_path, max_megabytes=0.0025)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["3.jpg", "4.jpg"]


def test_areas_are_counted_where_a_file_states_boxes_areas(tmp_path):
    masks = [annotation(n, room(at=(5, n))) for n in range(6)]
    path = write_sample(tmp_path, "plan", drawing(), masks)
    content = json.loads(path.read_text())
    for row in content["annotations"]:
        row["area"] = 999.5
    path.write_bytes(orjson.dumps(content))
    assert read_index(open_dataset(tmp_path), workers=1).area.tolist() == [200] * 6


@pytest.mark.parametrize("spoil", ["pairs", "no area", "no size", "a class by another kind"])
def test_an_odd_file_is_counted_like_its_sound_neighbours(tmp_path, spoil):
    for name in ("odd", "sound"):
        masks = [annotation(n, room(at=(5, n)), category_id=1, category_name="r") for n in range(6)]
        path = write_sample(tmp_path, name, drawing(), masks)
    path = tmp_path / "odd.json"
    content = json.loads(path.read_text())
    for row in content["annotations"]:
        if spoil == "pairs":
            row["segmentation"] = pack(pairs_of(rle.decode(row["segmentation"])), (40, 60))
        elif spoil == "no area":
            del row["area"]
        elif spoil == "no size":
            del row["segmentation"]["size"]
        else:
            row["category_name"] = 7
    path.write_bytes(orjson.dumps(content))

    index = read_index(open_dataset(tmp_path), workers=1)

    assert index.masks.tolist() == [6, 6]
    assert index.area.tolist() == [200] * 12
    assert index.x[:6].tolist() == index.x[6:].tolist()
