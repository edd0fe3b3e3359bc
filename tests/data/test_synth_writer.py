"""The folder of plans: the same bytes, resumed, refused; and what people type."""

import json

import pytest
from pycocotools import mask as coco_mask

from floorseg.data.dataset import open_dataset
from floorseg.data.synth.contact import write_contact_sheet
from floorseg.data.synth.options import parse_names, parse_size, parse_split
from floorseg.data.synth.writer import Order, split_of_each, write_plans
from floorseg.errors import ConfigError, DatasetError

ORDER = Order(images=10, seed=7, size=(192, 192), split={"train": 0.8, "valid": 0.1, "test": 0.1})


def content(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def plans(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plans")
    assert write_plans(folder, ORDER) == 10
    return folder


def test_two_workers_write_the_same_bytes_as_one(plans, tmp_path):
    write_plans(tmp_path, ORDER, workers=2)

    assert content(tmp_path) == content(plans)


def test_splits_have_exactly_their_shares(plans):
    assert len(list((plans / "train").glob("*.json"))) == 8
    assert len(list((plans / "valid").glob("*.json"))) == 1
    assert len(list((plans / "test").glob("*.jpg"))) == 1
    assert sorted(split_of_each(ORDER)) == ["test", "train", "train"] + ["train"] * 6 + ["valid"]


def test_the_json_is_sa_1b_with_categories_and_metres(plans):
    for path in sorted(plans.rglob("*.json")):
        sample = json.loads(path.read_text())
        assert sample["image"]["pixels_per_metre"] > 0
        assert sample["image"]["width"] == sample["image"]["height"] == 192
        for row in sample["annotations"]:
            mask = coco_mask.decode(row["segmentation"])
            assert mask.shape == (192, 192)
            assert row["area"] == mask.sum()
            assert row["category_name"] in ("room",) or "room_type" not in row
            assert {"bbox", "predicted_iou", "stability_score", "crop_box", "point_coords"} <= set(
                row
            )


def test_the_dataset_reader_finds_all_splits(plans):
    dataset = open_dataset(plans)

    assert set(dataset.splits) == {"train", "valid", "test"}
    assert len(open_dataset(plans, "train")) == 8


def test_a_stopped_run_goes_on_where_it_was(plans, tmp_path):
    write_plans(tmp_path, ORDER)
    for path in sorted((tmp_path / "train").glob("*.json"))[:3]:
        path.unlink()

    assert write_plans(tmp_path, ORDER) == 3
    assert content(tmp_path) == content(plans)


def test_a_folder_of_other_plans_is_refused(plans):
    with pytest.raises(DatasetError, match="another seed"):
        write_plans(plans, Order(images=10, seed=8, size=ORDER.size, split=ORDER.split))


def test_a_contact_sheet_is_written(plans, tmp_path):
    write_contact_sheet(tmp_path / "sheets" / "sheet.png", plans, ORDER, masks=True)

    assert (tmp_path / "sheets" / "sheet.png").read_bytes().startswith(b"\x89PNG")


def test_sizes_splits_and_names_are_read():
    assert parse_size("640") == (640, 640)
    assert parse_size("1280x960") == (1280, 960)
    assert parse_split("train=0.9, valid=0.1") == {"train": 0.9, "valid": 0.1}
    assert parse_split("") is None
    assert parse_names(["text,fills", "text"], ("text", "fills"), "trait") == ("text", "fills")


@pytest.mark.parametrize("text", ["", "x", "64", "1280x", "1x2x3", "-640", "640.5", "99999"])
def test_a_wrong_size_is_explained(text):
    with pytest.raises(ConfigError, match="size must be pixels"):
        parse_size(text)


@pytest.mark.parametrize("text", ["train", "train=x", "=1", "train=-1", "a/b=1", "train=0"])
def test_a_wrong_split_is_explained(text):
    with pytest.raises(ConfigError, match=r"split|shares"):
        parse_split(text)


def test_an_unknown_trait_is_named_with_the_known_ones():
    with pytest.raises(ConfigError, match="no trait 'chairs'; choose from text, fills"):
        parse_names(["chairs"], ("text", "fills"), "trait")
