"""Each format is found by looking and read as the masks its author drew."""

import json

import numpy as np
import orjson
import pytest
from PIL import Image

from floorseg.core import rle
from floorseg.data.dataset import open_dataset
from floorseg.data.sa1b import read_sample, write_sample
from floorseg.errors import DatasetError
from tests.data.conftest import annotation, drawing, png, room


def write_json(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(orjson.dumps(content))
    return path


# --- SA-1B ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["12_png.rf.9f3a", "-leading", "with space", "wand_größe", "a.b.c.d", "x" * 200],
)
def test_any_file_name_works(tmp_path, name):
    path = write_sample(tmp_path, name, drawing(), [annotation(1, room())])
    sample = read_sample(path)
    assert sample.image_path.name == f"{name}.jpg"
    assert np.array_equal(sample.annotations[0].mask(), room())


@pytest.mark.parametrize(
    "suffix", [".png", ".PNG", ".JPG", ".jpeg", ".webp", ".bmp", ".tif", ".TIFF"]
)
def test_any_kind_of_image_is_found_beside_its_json(tmp_path, suffix):
    path = write_sample(tmp_path, "plan", drawing(), [annotation(1, room())])
    (tmp_path / "plan.jpg").unlink()
    Image.fromarray(drawing()).save(tmp_path / f"plan{suffix}")

    assert read_sample(path).image_path.name == f"plan{suffix}"
    assert read_sample(path).image().shape == (40, 60, 3)


def test_the_name_inside_the_file_finds_an_image_of_another_name(tmp_path):
    path = write_sample(tmp_path, "plan", drawing(), [])
    (tmp_path / "plan.jpg").rename(tmp_path / "other.jpg")
    content = json.loads(path.read_text())
    content["image"]["file_name"] = "other.jpg"
    path.write_text(json.dumps(content))

    assert read_sample(path).image_path.name == "other.jpg"


def test_a_file_name_that_leads_outside_the_folder_is_not_followed(tmp_path):
    Image.fromarray(drawing()).save(tmp_path / "secret.jpg")
    inner = tmp_path / "data"
    path = write_sample(inner, "plan", drawing(), [])
    (inner / "plan.jpg").unlink()
    content = json.loads(path.read_text())
    content["image"]["file_name"] = "../secret.jpg"
    path.write_text(json.dumps(content))

    with pytest.raises(DatasetError, match="no image"):
        read_sample(path)


def test_writing_fills_in_every_field_of_sa1b(rooms):
    content = json.loads((rooms / "train" / "plan.v0.json").read_text())
    assert content["image"] == {
        "image_id": 100, "width": 60, "height": 40, "file_name": "plan.v0.jpg",
    }  # fmt: skip
    first = content["annotations"][0]
    assert first["bbox"] == [5, 5, 20, 10]
    assert first["area"] == 200
    assert first["crop_box"] == [0, 0, 60, 40]
    assert {"predicted_iou", "stability_score", "segmentation", "id"} <= set(first)
    (x, y), *_ = first["point_coords"]
    assert room()[int(y), int(x)]


def test_a_dataset_is_opened_by_split_and_sliced(rooms):
    dataset = open_dataset(rooms)
    assert dataset.format == "sa1b"
    assert dataset.splits == ("train", "test")
    assert len(dataset) == 4
    assert len(open_dataset(rooms, "test")) == 1
    assert [s.image_id for s in dataset[1:3]] == [101, 102]
    with pytest.raises(DatasetError, match="no split 'valid'; it has train, test"):
        open_dataset(rooms, "valid")


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_masks_drawn_on_the_stored_picture_are_turned_with_it(tmp_path, orientation):
    stored = np.full((40, 60, 3), 255, dtype=np.uint8)
    stored[5:15, 5:25] = 0
    path = write_sample(tmp_path, "plan", stored, [annotation(1, room())])
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(stored).save(tmp_path / "plan.png", exif=exif)
    (tmp_path / "plan.jpg").unlink()

    sample = read_sample(path)

    assert (sample.width, sample.height) == (40, 60)
    assert np.array_equal(sample.annotations[0].mask(), sample.image()[..., 0] == 0)


def test_one_bad_mask_stops_the_reader_unless_it_is_asked_to_go_on(rooms):
    path = rooms / "train" / "plan.v0.json"
    content = json.loads(path.read_text())
    content["annotations"][0]["segmentation"]["counts"] = [1, 2, 3]
    path.write_text(json.dumps(content))

    with pytest.raises(DatasetError, match=r"annotation 0: .* add up to 6"):
        read_sample(path)
    problems = []
    assert len(read_sample(path, problems=problems).annotations) == 1
    assert len(problems) == 1


# --- COCO ----------------------------------------------------------------------------------------


def coco_content():
    square = [[5, 5, 25, 5, 25, 15, 5, 15]]
    runs = rle.runs(rle.encode(room())).tolist()
    return {
        "categories": [{"id": 3, "name": "kitchen"}, {"id": 4, "name": "x"}],
        "images": [{"id": 9, "file_name": "plan.jpg", "width": 60, "height": 40, "license": 1}],
        "annotations": [
            {"id": 1, "image_id": 9, "category_id": 3, "segmentation": square, "iscrowd": 0},
            {"id": 2, "image_id": 9, "category_id": 3, "iscrowd": 1,
             "segmentation": {"size": [40, 60], "counts": runs}},
            {"id": 3, "image_id": 9, "category_id": 4, "segmentation": rle.encode(room())},
        ],
    }  # fmt: skip


@pytest.mark.parametrize("name", ["annotations.json", "_annotations.coco.json"])
def test_coco_polygons_crowds_and_encodings_are_read_alike(tmp_path, name):
    write_json(tmp_path / "train" / name, coco_content())
    png(tmp_path / "train" / "plan.jpg", drawing())

    (sample,) = open_dataset(tmp_path)

    assert all(np.array_equal(a.mask(), room()) for a in sample.annotations)
    assert [a.category_name for a in sample.annotations] == ["kitchen", "kitchen", "x"]
    assert sample.annotations[1].extra["iscrowd"] == 1
    assert sample.extra["license"] == 1


def test_cocos_own_layout_is_known(tmp_path):
    write_json(tmp_path / "annotations" / "instances_val2017.json", coco_content())
    png(tmp_path / "val2017" / "plan.jpg", drawing())

    dataset = open_dataset(tmp_path)

    assert dataset.splits == ("valid",)
    assert len(dataset[0].annotations) == 3


def test_a_coco_image_outside_the_folder_is_not_followed(tmp_path):
    png(tmp_path / "secret.jpg", drawing())
    content = coco_content()
    content["images"][0]["file_name"] = "../../secret.jpg"
    write_json(tmp_path / "data" / "train" / "annotations.json", content)

    with pytest.raises(DatasetError, match="no image"):
        open_dataset(tmp_path / "data")[0]


# --- multi-class RLE -----------------------------------------------------------------------------


def test_a_multi_class_file_gives_one_mask_a_class(tmp_path):
    content = {
        "size": [4, 5], "values": [0, 3, 0, 3, 1, 0, 1, 0], "counts": [1, 3, 2, 2, 3, 1, 3, 5],
        "categories": {"1": "kitchen", "3": "bath"},
    }  # fmt: skip
    write_json(tmp_path / "train" / "plan.json", content)
    png(tmp_path / "train" / "plan.png", np.zeros((4, 5), np.uint8))

    dataset = open_dataset(tmp_path)
    kitchen, bath = dataset[0].annotations

    assert dataset.format == "multiclass"
    assert (kitchen.category_id, kitchen.category_name) == (1, "kitchen")
    assert kitchen.mask().tolist() == [[c in (2, 3) and r < 3 for c in range(5)] for r in range(4)]
    assert bath.area() == 5


# --- SA-V ----------------------------------------------------------------------------------------


def test_a_video_becomes_its_annotated_frames(video):
    dataset = open_dataset(video)

    assert dataset.format == "sav"
    assert [len(s.annotations) for s in dataset] == [2, 3, 2]
    assert [a.id for a in dataset[1].annotations] == [0, 1, "auto-0"]
    assert [s.frame for s in dataset] == [0, 4, 8]
    assert abs(int(dataset[2].image().mean()) - 160) < 8


# --- YOLO ----------------------------------------------------------------------------------------


def test_yolo_boxes_and_polygons_are_read_from_one_file(tmp_path):
    png(tmp_path / "train" / "images" / "plan.a.jpg", drawing())
    labels = tmp_path / "train" / "labels" / "plan.a.txt"
    labels.parent.mkdir()
    labels.write_text(
        "0 0.25 0.25 0.3333333333 0.25\n"
        f"1 {5 / 60} {5 / 40} {25 / 60} {5 / 40} {25 / 60} {15 / 40} {5 / 60} {15 / 40}\n"
    )
    (tmp_path / "data.yaml").write_text("names: [door, window]\n")

    dataset = open_dataset(tmp_path)
    box, polygon = dataset[0].annotations

    assert dataset.format == "yolo"
    assert (box.category_name, box.extra["shape"]) == ("door", "box")
    assert np.array_equal(box.mask(), room())
    assert np.array_equal(polygon.mask(), room())


# --- label pictures ------------------------------------------------------------------------------


def coloured(labels):
    colours = np.array([[0, 0, 0], [255, 0, 0], [0, 0, 255]], dtype=np.uint8)
    return colours[labels]


@pytest.mark.parametrize("kind", ["grey", "palette", "16 bits", "colour"])
def test_label_pictures_of_every_kind_are_read(tmp_path, kind):
    labels = room().astype(np.uint8)
    labels[30:] = 2
    path = tmp_path / "train" / "masks" / "plan.png"
    path.parent.mkdir(parents=True)
    picture = Image.fromarray(labels)
    if kind == "palette":
        picture.putpalette([0, 0, 0, 9, 9, 9, 50, 50, 50])
    elif kind == "16 bits":
        picture = Image.fromarray(labels.astype(np.uint16) * 300)
    elif kind == "colour":
        picture = Image.fromarray(coloured(labels))
    picture.save(path)
    png(tmp_path / "train" / "images" / "plan.jpg", drawing())

    (sample,) = open_dataset(tmp_path)

    assert sorted(a.area() for a in sample.annotations) == [200, 600]
    assert any(np.array_equal(a.mask(), room()) for a in sample.annotations)


def test_pictures_without_annotations_are_a_dataset_without_masks(tmp_path):
    png(tmp_path / "a.png", drawing())
    dataset = open_dataset(tmp_path)
    assert dataset.format == "images"
    assert dataset[0].annotations == ()


# --- the real ones -------------------------------------------------------------------------------


def test_the_masks_of_the_real_roboflow_export_agree_with_its_boxes(shared_data):
    found = [
        a for sample in open_dataset(shared_data / "rooms", "test") for a in sample.annotations
    ]
    off = [np.abs(np.subtract(a.bbox(), a.extra["bbox"])).max() for a in found if a.area()]

    assert len(off) == len(found) - 1  # one mask of the export is empty
    assert np.mean(np.array(off) <= 2) > 0.99
    assert max(off) < 8


@pytest.mark.parametrize(
    ("name", "format_", "samples", "masks"),
    [
        ("walls", "png", 10, 2),
        ("yolo", "yolo", 9, 12),
        ("odd", "images", 7, 0),
        ("big", "images", 6, 0),
    ],
)
def test_real_folders_are_understood(shared_data, name, format_, samples, masks):
    dataset = open_dataset(shared_data / name)
    assert (dataset.format, len(dataset)) == (format_, samples)
    assert len(dataset[0].annotations) >= masks
