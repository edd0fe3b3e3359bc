"""Datasets are opened under the data root only, kept, looked at sample by sample."""

import base64
import io
import os

import numpy as np
import orjson
import pytest
from PIL import Image

from floorseg.data.dataset import Dataset
from floorseg.data.layout import Entry
from floorseg.data.sa1b import write_sample
from floorseg.errors import DatasetError, PermissionRefused
from floorseg.services.dataset_gallery import Wanted, choose
from floorseg.services.dataset_paths import dataset_folder, refuse_samples_outside
from floorseg.services.dataset_samples import annotation_text, thumbnail, view_sample
from floorseg.services.datasets import Datasets
from floorseg.settings import Settings
from tests.data.conftest import annotation, drawing, room

NAMES = ("kitchen", "bath", "hall")


@pytest.fixture
def settings(tmp_path) -> Settings:
    """A data root with one dataset, ``flats``: plan i of three has i + 1 masks."""
    for number, split in enumerate(("train", "train", "test")):
        masks = [
            annotation(
                10 * number + place,
                room(at=(3, 3 + 14 * place), extent=(6 + 4 * number, 10)),
                category_id=place,
                category_name=NAMES[place],
                note="drawn by hand",
            )
            for place in range(number + 1)
        ]
        folder = tmp_path / "root" / "flats" / split
        write_sample(folder, f"plan {number}", drawing(seed=number), masks)
    return Settings(data_root=tmp_path / "root", cache=tmp_path / "cache")


@pytest.fixture
def datasets(settings) -> Datasets:
    return Datasets(settings)


@pytest.fixture
def opened(datasets):
    return datasets.open("flats")


def names(opened, rows) -> list[str]:
    return [opened.dataset.entries[row].name for row in rows]


def report(*found) -> dict:
    """What a check answers, with (code, severity, file) of each finding."""
    return {
        "counts": {"error": sum(severity == "error" for _, severity, _ in found)},
        "kinds": [],
        "findings": [
            {"code": code, "severity": severity, "file": file, "sentence": code}
            for code, severity, file in found
        ],
    }


# ---- what may be opened


def test_folders_under_the_data_root_are_offered(datasets, settings):
    (settings.data_root / "half.partial").mkdir()
    (settings.data_root / ".hidden").mkdir()
    assert datasets.offered() == ["flats"]


def test_a_folder_that_gathers_datasets_offers_each(datasets, settings):
    (settings.data_root / "exports").mkdir()
    (settings.data_root / "flats").rename(settings.data_root / "exports" / "flats")
    assert datasets.offered() == ["exports/flats"]
    assert len(datasets.open("exports/flats").dataset) == 3


def test_a_data_root_that_is_a_dataset_offers_itself(settings):
    inside = settings.model_copy(update={"data_root": settings.data_root / "flats"})
    assert Datasets(inside).offered() == ["."]
    assert len(Datasets(inside).open(".").dataset) == 3


@pytest.mark.parametrize(
    "name", ["..", "../outside", "flats/../..", "/etc", "", "\0", "nothing", "a" * 5000, "~"]
)
def test_names_that_leave_the_data_root_are_refused_in_a_sentence(settings, name):
    (settings.data_root.parent / "outside").mkdir()
    with pytest.raises(DatasetError, match="choose one from the list"):
        dataset_folder(settings, name)


def test_a_link_to_a_folder_outside_is_refused(datasets, settings, tmp_path):
    (tmp_path / "secret" / "train").mkdir(parents=True)
    os.symlink(tmp_path / "secret", settings.data_root / "link")
    with pytest.raises(DatasetError, match="choose one from the list"):
        datasets.open("link")


@pytest.mark.parametrize("place", ["train", "train/plan.json", "data.yaml"])
def test_a_dataset_with_a_link_that_leaves_the_root_is_refused(datasets, settings, tmp_path, place):
    (tmp_path / "secret.json").write_text("{}")
    target = settings.data_root / "flats" / place
    if target.is_dir():
        target.rename(tmp_path / "moved")
        os.symlink(tmp_path / "moved", target)
    else:
        os.symlink(tmp_path / "secret.json", target)
    with pytest.raises(DatasetError, match="is a link that leaves the data root"):
        datasets.open("flats")


def test_an_annotation_file_that_names_a_picture_outside_does_not_show_it(
    datasets, settings, tmp_path
):
    Image.new("RGB", (8, 8)).save(tmp_path / "private.png")
    folder = settings.data_root / "coco"
    folder.mkdir()
    image = {"id": 1, "width": 8, "height": 8, "file_name": "../../private.png"}
    content = {"images": [image], "annotations": [], "categories": []}
    (folder / "annotations.json").write_bytes(orjson.dumps(content))
    view = view_sample(datasets.open("coco"), 0, settings)
    assert view.picture == ""
    assert view.problems


@pytest.mark.parametrize("place", ["private.png", "root/flats/../../private.png", "root/link.png"])
def test_samples_that_lie_outside_are_refused(settings, tmp_path, place):
    Image.new("RGB", (8, 8)).save(tmp_path / "private.png")
    os.symlink(tmp_path / "private.png", settings.data_root / "link.png")
    outside = Dataset(settings.data_root, "images", (Entry("private", tmp_path / place),))
    with pytest.raises(DatasetError, match="'private' of this dataset lies outside"):
        refuse_samples_outside(outside, settings.data_root)


def test_a_public_page_opens_nothing(settings):
    public = Datasets(settings.model_copy(update={"public": True}))
    for ask in (public.offered, lambda: public.open("flats"), lambda: public.get("flats")):
        with pytest.raises(PermissionRefused, match="public"):
            ask()


def test_a_folder_without_a_dataset_is_answered_with_a_sentence(datasets, settings):
    (settings.data_root / "empty").mkdir()
    with pytest.raises(DatasetError, match="holds no images"):
        datasets.open("empty")


# ---- opening again


def test_a_dataset_is_read_once_until_a_file_changes(datasets, opened, settings):
    assert datasets.open("flats") is opened
    write_sample(settings.data_root / "flats" / "train", "new", drawing(seed=9), [])
    assert len(datasets.open("flats").dataset) == 4


def test_what_a_check_found_is_kept_and_grows_stale(datasets, opened, settings):
    file = "train/plan 1.json"
    datasets.keep_findings(opened, report(("bbox", "warning", file), ("area", "warning", file)))
    found = Datasets(settings).findings(opened)
    assert found.fresh
    assert found.codes == {opened.rows[file]: ("bbox", "area")}
    write_sample(settings.data_root / "flats" / "train", "new", drawing(seed=9), [])
    assert not datasets.findings(datasets.open("flats")).fresh


def test_statistics_of_a_split_count_that_split_only(opened):
    assert opened.statistics().masks == 6
    counted = opened.statistics("test")
    assert (counted.images, counted.masks) == (1, 3)
    assert counted.heat.sum() == 3


# ---- gallery


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Wanted(), ["plan 0", "plan 1", "plan 2"]),
        (Wanted(split="train"), ["plan 0", "plan 1"]),
        (Wanted(at_least=2), ["plan 1", "plan 2"]),
        (Wanted(at_most=2), ["plan 0", "plan 1"]),
        (Wanted(text="N 1"), ["plan 1"]),
        (Wanted(class_row=1), ["plan 1", "plan 2"]),
        (Wanted(sort="masks", descending=True), ["plan 2", "plan 1", "plan 0"]),
        (Wanted(sort="largest", descending=True), ["plan 2", "plan 1", "plan 0"]),
        (Wanted(sort="classes", descending=True), ["plan 2", "plan 1", "plan 0"]),
        (Wanted(code="bbox"), ["plan 1"]),
        (Wanted(code="any"), ["plan 1", "plan 2"]),
        (Wanted(sort="findings", descending=True), ["plan 1", "plan 2", "plan 0"]),
    ],
    ids=str,
)
def test_samples_are_chosen_and_sorted(datasets, opened, wanted, expected):
    one, two = "train/plan 1.json", "test/plan 2.json"
    datasets.keep_findings(
        opened, report(("bbox", "warning", one), ("area", "warning", one), ("area", "warning", two))
    )
    assert names(opened, choose(opened, wanted, datasets.findings(opened))) == expected


def test_an_unknown_order_is_answered_with_the_known_ones(opened):
    with pytest.raises(DatasetError, match="sorted by name, masks"):
        choose(opened, Wanted(sort="beauty"), None)


# ---- one sample


def test_a_sample_shows_its_masks_with_what_the_file_says_and_what_is_measured(opened, settings):
    view = view_sample(opened, opened.rows["train/plan 1.json"], settings)
    mask = view.masks[1]
    assert (view.size, view.shown, len(view.masks)) == ((60, 40), (60, 40), 2)
    assert (mask.label, mask.fields["note"], mask.area) == ("bath", "drawn by hand", 100)
    assert mask.patch.mask((40, 60)).sum() == 100
    assert '"note": "drawn by hand"' in mask.json
    assert not view.problems


def test_a_large_sample_is_sent_small(opened, settings, datasets):
    folder = settings.data_root / "sheets"
    mask = np.zeros((2000, 4000), bool)
    mask[500:1500, 1000:3000] = True
    write_sample(folder, "sheet", np.zeros((2000, 4000, 3), np.uint8), [annotation(1, mask)])
    view = view_sample(datasets.open("sheets"), 0, settings)
    picture = Image.open(io.BytesIO(base64.b64decode(view.picture.split(",")[1])))
    assert view.shown == picture.size == (1600, 800)
    assert view.masks[0].patch.mask((800, 1600)).sum() == pytest.approx(800 * 400, rel=0.01)
    assert view.masks[0].area == 2_000_000


def test_a_sample_that_is_no_json_shows_how_it_begins(datasets, settings):
    (settings.data_root / "flats" / "train" / "broken.json").write_text('{"image": oops')
    opened = datasets.open("flats")
    view = view_sample(opened, opened.rows["train/broken.json"], settings)
    assert "not valid JSON" in view.problems[0]
    assert str(settings.data_root) not in view.problems[0]
    assert view.head == '{"image": oops'


def test_a_mask_that_cannot_be_read_is_listed_with_the_reason(datasets, settings):
    path = settings.data_root / "flats" / "train" / "plan 1.json"
    content = orjson.loads(path.read_bytes())
    content["annotations"][0]["segmentation"]["counts"] = [3, 10**15]
    path.write_bytes(orjson.dumps(content))
    opened = datasets.open("flats")
    view = view_sample(opened, opened.rows["train/plan 1.json"], settings)
    assert view.masks[0].patch is None
    assert "add up to" in view.masks[0].problem
    assert view.masks[1].patch is not None


@pytest.mark.parametrize("deep", [100, 400, 3000])
def test_deeply_nested_fields_are_shown_or_said(datasets, settings, deep):
    path = settings.data_root / "flats" / "train" / "plan 1.json"
    content = path.read_bytes().decode()
    path.write_text(content.replace('"drawn by hand"', "[" * deep + "]" * deep))
    opened = datasets.open("flats")
    assert view_sample(opened, opened.rows["train/plan 1.json"], settings).file


def test_absurd_sizes_cost_nothing(datasets, settings):
    head = {"image_id": 1, "width": 100_000, "height": 100_000, "file_name": "plan 0.jpg"}
    mask = {"size": [100_000, 100_000], "counts": [0, 10**10]}
    rows = [{"id": 1, "segmentation": mask, "bbox": [0, 0, 1, 1], "area": 1}]
    folder = settings.data_root / "flats" / "train"
    content = {"image": head, "annotations": rows}
    (folder / "plan 0.json").write_bytes(orjson.dumps(content))
    opened = datasets.open("flats")
    view = view_sample(opened, opened.rows["train/plan 0.json"], settings)
    assert view.masks[0].patch is None
    assert "megapixels" in view.masks[0].problem


@pytest.mark.parametrize("width", [2**31, 2**40, 2**63, 2**64 - 1])
def test_a_width_beyond_all_bounds_does_not_stop_the_index(datasets, settings, width):
    content = {"image": {"width": width, "height": 5}, "annotations": []}
    folder = settings.data_root / "flats" / "train"
    (folder / "plan 0.json").write_bytes(orjson.dumps(content))
    opened = datasets.open("flats")
    assert opened.statistics().images == 3


def test_a_row_that_does_not_exist_is_answered_with_a_sentence(opened, settings):
    with pytest.raises(DatasetError, match="no sample number 99"):
        view_sample(opened, 99, settings)
    with pytest.raises(DatasetError, match="no such annotation"):
        annotation_text(opened, 0, 5)


def test_thumbnails_are_made_once(opened, settings):
    first = thumbnail(opened, 0, settings)
    files = list((settings.cache / "thumbnails").iterdir())
    assert thumbnail(opened, 0, settings) == first
    assert list((settings.cache / "thumbnails").iterdir()) == files
    assert first.startswith("data:image/jpeg;base64,")
