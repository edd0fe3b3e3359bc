"""Every pain of people's datasets is found and named; PAINS.md D1 to D16 and more."""

import json

import numpy as np
import orjson
import pytest
from PIL import Image

from floorseg.core import rle
from floorseg.data.checks.findings import RULES, Severity
from floorseg.data.checks.run import check_dataset
from floorseg.data.dataset import open_dataset
from floorseg.data.mend import mend_dataset
from floorseg.data.sa1b import write_sample
from tests.core.test_rle import pack, pairs_of
from tests.data.conftest import annotation, drawing, png, room


def found(folder, code):
    """The findings of one kind; everything else is not asked about."""
    report = check_dataset(folder, workers=1, find_look_alikes=False)
    return [one for one in report.findings if one.code == code]


def edit(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_bytes(orjson.dumps(content))


@pytest.fixture
def first(rooms):
    return rooms / "train" / "plan.v0.json"


def test_a_sound_dataset_has_no_error_and_no_warning(rooms):
    report = check_dataset(rooms, workers=1)
    assert report.count(Severity.ERROR) == report.count(Severity.WARNING) == 0
    assert (report.samples, report.masks) == (4, 8)
    assert not report.fails(Severity.WARNING)


def test_every_kind_of_finding_says_what_to_do():
    assert all(rule.title and rule.fix for rule in RULES.values())


def test_names_that_sam2s_trainer_cannot_read_are_told(rooms):  # D1, D2, D3
    (one,) = found(rooms, "name-portable")
    assert one.count == 4
    assert "plan.v0.jpg" in one.sentence


def test_an_image_without_annotations_is_told(rooms):  # D5
    Image.fromarray(drawing()).save(rooms / "train" / "spare.png")
    (one,) = found(rooms, "image-unannotated")
    assert one.file == "train/spare.png"


def test_an_annotation_file_without_masks_is_told(rooms):  # D5
    write_sample(rooms / "train", "bare", drawing(), [])
    (one,) = found(rooms, "image-empty")
    assert one.file == "train/bare.json"


def test_polygons_where_sam2_needs_rle_are_told(first, rooms):  # D6
    edit(first, lambda c: c["annotations"][0].update(segmentation=[[5, 5, 25, 5, 25, 15, 5, 15]]))
    (one,) = found(rooms, "mask-encoding")
    assert "1 of 2 masks are written as polygons" in one.sentence


def test_a_missing_area_is_an_error_because_sam2_drops_the_mask(first, rooms):  # D7
    edit(first, lambda c: c["annotations"][0].pop("area"))
    (one,) = found(rooms, "area-missing")
    assert one.severity is Severity.ERROR


def test_a_size_written_width_first_is_told(first, rooms):  # D9
    edit(first, lambda c: c["annotations"][0]["segmentation"].update(size=[60, 40]))
    (one,) = found(rooms, "mask-size-swapped")
    assert "[60, 40]" in one.sentence


def test_runs_along_the_rows_are_told_by_their_box(first, rooms):  # D10
    along = rle.from_runs(rle.runs(rle.encode(room().T)), (40, 60))
    edit(first, lambda c: c["annotations"][0].update(segmentation=along))
    (one,) = found(rooms, "mask-row-major")
    assert "read along the rows" in one.sentence


def test_a_mask_relative_to_its_box_is_told(first, rooms):  # D10
    relative = {"size": [40, 60], "counts": [0, 200]}
    edit(first, lambda c: c["annotations"][0].update(segmentation=relative))
    (one,) = found(rooms, "mask-unreadable")
    assert "CVAT" in one.sentence


def test_an_image_of_another_size_than_stated_is_told_with_both(rooms):  # D12
    Image.fromarray(drawing((20, 30))).save(rooms / "train" / "plan.v0.jpg")
    (one,) = found(rooms, "image-size")
    assert "60 x 40" in one.sentence
    assert "30 x 20" in one.sentence


def test_masks_of_another_size_than_the_image_are_told(first, rooms):  # D12
    edit(first, lambda c: c["annotations"][0].update(segmentation=rle.encode(room((80, 90)))))
    (one,) = found(rooms, "mask-size")
    assert "90 x 80" in one.sentence


def test_roboflows_pairs_are_named(first, rooms):  # D15
    packed = pack(pairs_of(room()), (40, 60))
    edit(first, lambda c: c["annotations"][0].update(segmentation=packed, area=999))
    assert found(rooms, "mask-pairs")[0].severity is Severity.ERROR
    assert "stated 999, counted 200" in found(rooms, "area")[0].sentence


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        (lambda a, b: b.update(segmentation=a["segmentation"], category_id=1,
                               category_name="kitchen"), "mask-twice", "the same mask"),
        (lambda a, b: b.update(segmentation=a["segmentation"]), "mask-two-classes", "two classes"),
        (lambda a, b: b.update(id=a["id"]), "id-twice", "id 0"),
        (lambda a, b: a.update(bbox=[0, 0, 9, 9]), "bbox", "measured [5, 5, 20, 10]"),
        (lambda a, b: a.update(bbox=[50, 30, 20, 10]), "mask-outside", "outside the image"),
        (lambda a, b: a.update(segmentation=rle.encode(room(extent=(0, 0)))), "mask-empty",
         "no pixel"),
        (lambda a, b: a.update(segmentation=rle.encode(room(extent=(2, 3)))), "mask-tiny", "6 px"),
        (lambda a, b: a.update(segmentation=rle.encode(room(extent=(1, 30)))), "mask-sliver",
         "slivers"),
        (lambda a, b: a.update(segmentation=rle.encode(np.ones((40, 60), bool))), "mask-huge",
         "75%"),
        (lambda a, b: a.update(segmentation={"size": [40, 60], "counts": [3]}), "mask-unreadable",
         "add up to 3"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_wrong_masks_are_told(first, rooms, change, code, said):  # D16
    edit(first, lambda c: change(*c["annotations"]))
    sentences = [one.sentence for one in found(rooms, code)]
    assert len(sentences) == 1
    assert said.replace("6 px", "6 pixels") in sentences[0]


def test_rooms_that_overlap_are_told_with_the_worst_pair(tmp_path):
    masks = [annotation(1, room()), annotation(2, room(at=(8, 10))), annotation(3, room((40, 60)))]
    write_sample(tmp_path, "plan", drawing(), masks[:2])
    (one,) = found(tmp_path, "mask-overlap")
    assert "annotations 1 and 2 overlap (105 pixels)" in one.sentence


def test_class_names_that_differ_by_case_or_a_letter_are_told(first, rooms):  # D16
    edit(first, lambda c: c["annotations"][0].update(category_name="Kitchen"))
    edit(first, lambda c: c["annotations"][1].update(category_name="kitchem"))
    assert len(found(rooms, "class-spelling")) == 3


def test_a_class_that_training_never_sees_is_told(rooms):
    edit(rooms / "test" / "plan.v3.json", lambda c: c["annotations"][0].update(category_id=9))
    (one,) = found(rooms, "class-split")
    assert "occurs in test and never in train" in one.sentence


def test_a_mask_far_from_its_classs_usual_size_is_told(tmp_path):
    for number in range(30):
        extent = (100, 150) if number == 7 else (4, 5 + number % 3)
        mask = annotation(1, room((120, 160), at=(1, 1), extent=extent), category_name="door")
        write_sample(tmp_path, f"p_{number}", drawing((120, 160), number), [mask], image_id=number)
    (one,) = found(tmp_path, "class-size")
    assert "1 of 30 masks of class 'door'" in one.sentence
    assert "p_7.json" in one.sentence


def test_damaged_pictures_are_told(rooms):
    path = rooms / "train" / "plan.v0.jpg"
    path.write_bytes(path.read_bytes()[:-300])
    (rooms / "train" / "plan.v1.jpg").write_bytes(b"not a picture")
    (rooms / "train" / "plan.v2.jpg").unlink()

    assert [one.file for one in found(rooms, "image-unreadable")] == [
        "train/plan.v0.json",
        "train/plan.v1.json",
    ]
    assert len(found(rooms, "image-missing")) == 1


def test_turned_grey_and_misnamed_pictures_are_told(rooms):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(drawing((60, 40))).save(rooms / "train" / "plan.v0.jpg", exif=exif)
    Image.fromarray(drawing()).convert("L").save(rooms / "train" / "plan.v1.jpg")
    Image.fromarray(drawing()).save(rooms / "train" / "plan.v2.jpg", format="PNG")

    for code in ("image-rotated", "image-not-rgb", "image-kind"):
        assert len(found(rooms, code)) == 1


def test_damaged_annotation_files_are_told_and_the_rest_is_checked(first, rooms):
    first.write_text('{"image": ')
    report = check_dataset(rooms, workers=1)
    assert [one.file for one in report.findings if one.severity is Severity.ERROR] == [
        "train/plan.v0.json"
    ]
    assert report.masks == 6


def test_image_ids_used_twice_are_told(first, rooms):
    edit(first, lambda c: c["image"].update(image_id=101))
    (one,) = found(rooms, "image-id-twice")
    assert "101" in one.sentence


def test_one_plan_in_two_splits_is_an_error(tmp_path):  # D13
    for number in range(4):
        picture = plan(number)
        write_sample(tmp_path / "train", f"p_{number}", picture, [], image_id=number)
    write_sample(tmp_path / "test", "copy_1", np.rot90(plan(2))[:, ::-1].copy(), [])

    report = check_dataset(tmp_path, workers=1)

    (leak,) = [one for one in report.findings if one.code == "split-leak"]
    assert leak.severity is Severity.ERROR
    assert "train/p_2.json" in leak.sentence
    assert "test/copy_1.json" in leak.sentence


def plan(seed):
    """A drawing with enough corners to be recognised."""
    rng = np.random.default_rng(seed)
    picture = np.full((300, 400, 3), 255, dtype=np.uint8)
    for _ in range(40):
        y, x = rng.integers(0, 280), rng.integers(0, 380)
        h, w = rng.integers(10, 90), rng.integers(10, 120)
        picture[y : y + h, x : x + w] = rng.integers(0, 2) * 255
        picture[y : y + 3, x : x + w] = picture[y : y + h, x : x + 3] = 0
    return picture


def test_coco_files_are_checked_too(tmp_path):
    content = {
        "images": [{"id": 1, "file_name": "plan.jpg", "width": 60, "height": 40}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "segmentation": [[0, 0, 1]]}],
        "categories": [{"id": 1, "name": "room"}],
    }
    png(tmp_path / "train" / "plan.jpg", drawing())
    (tmp_path / "train" / "annotations.json").write_bytes(orjson.dumps(content))
    assert len(found(tmp_path, "mask-unreadable")) == 1


def test_several_processes_find_the_same(tmp_path):
    for number in range(60):
        write_sample(tmp_path, f"p_{number}", drawing(seed=number), [annotation(1, room())])
    alone = check_dataset(tmp_path, workers=1, find_look_alikes=False)
    together = check_dataset(tmp_path, workers=2, find_look_alikes=False)
    assert alone.as_json() == together.as_json()


# --- mending -------------------------------------------------------------------------------------


def spoil(rooms):
    """Everything that --fix promises to put right, in one dataset."""
    first, second = rooms / "train" / "plan.v0.json", rooms / "train" / "plan.v1.json"
    edit(
        first,
        lambda c: c["annotations"][0].update(
            segmentation=pack(pairs_of(room()), (40, 60)), area=1, category_name="Kitchen"
        ),
    )
    edit(second, lambda c: c["annotations"].extend([
        {**c["annotations"][1], "bbox": [1, 2, 3, 4]},
        {**c["annotations"][1], "segmentation": rle.encode(room(extent=(0, 0)))},
    ]))  # fmt: skip
    third = rooms / "train" / "plan.v2.json"
    along = rle.from_runs(rle.runs(rle.encode(room().T)), (40, 60))
    edit(third, lambda c: c["annotations"][0].update(segmentation=along))
    exif = Image.Exif()
    exif[0x0112] = 3
    Image.fromarray(drawing()[::-1, ::-1]).convert("L").save(
        rooms / "train" / "plan.v1.jpg", exif=exif
    )


def test_mending_leaves_nothing_that_can_be_mended(rooms, tmp_path):
    spoil(rooms)
    before = {path: path.read_bytes() for path in rooms.rglob("*.*")}

    mended = mend_dataset(rooms, tmp_path / "mended", workers=1)

    report = check_dataset(tmp_path / "mended", workers=1, find_look_alikes=False)
    assert [one for one in report.findings if one.fixable] == []
    assert report.count(Severity.ERROR) == report.count(Severity.WARNING) == 0
    assert all(
        np.array_equal(sample.annotations[0].mask(), room())
        for sample in open_dataset(tmp_path / "mended")
    )
    assert {path: path.read_bytes() for path in rooms.rglob("*.*")} == before
    assert any("plan.v0" in said and "COCO's RLE" in said for said in mended.conversion.changes)


def test_mending_a_sound_dataset_changes_nothing(rooms, tmp_path):
    mended = mend_dataset(rooms, tmp_path / "mended", workers=1)
    assert mended.conversion.changes == ()
    for path in rooms.rglob("*.*"):
        assert (tmp_path / "mended" / path.relative_to(rooms)).read_bytes() == path.read_bytes()


def test_the_real_export_is_mended(shared_data, tmp_path):
    mend_dataset(shared_data / "rooms" / "valid", tmp_path / "mended", workers=1)
    report = check_dataset(tmp_path / "mended", workers=1, find_look_alikes=False)
    assert report.count(Severity.ERROR) == report.count(Severity.WARNING) == 0
