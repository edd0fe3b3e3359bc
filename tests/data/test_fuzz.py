"""No file crashes a reader: a sentence, in bounded memory and time."""

import contextlib
import json
import tracemalloc

import numpy as np
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from floorseg.core import rle
from floorseg.data.checks.run import check_dataset
from floorseg.data.convert import convert
from floorseg.data.dataset import open_dataset
from floorseg.data.index import read_index
from floorseg.errors import FloorsegError
from tests.data.conftest import drawing, png, room

BOUND = 300e6  # bytes; a mask of the largest size allowed is half of it

numbers = st.sampled_from([-1, 0, 1, 3, 40, 60, 2400, 100_000, 2**31, 2**63, 10**30, 1.5, 1e300])
words = st.sampled_from(["", "a", "0", "~", "PRcS1", "../../x", "/etc/passwd", "\x00", "ö" * 3])
leaves = st.none() | st.booleans() | numbers | words
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)
quick = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def sound_row():
    return {
        "id": 1, "image_id": 1, "category_id": 1, "bbox": [5, 5, 20, 10], "area": 200,
        "segmentation": rle.encode(room()), "predicted_iou": 1.0,
    }  # fmt: skip


def changed(base, path, value):
    """A copy of nested JSON with one place replaced."""
    content = json.loads(json.dumps(base))
    inner = content
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return content


def assert_every_road_ends_well(folder):
    """Every road a damaged dataset can take; each ends in a result or in a sentence."""
    with a_sentence():
        dataset = open_dataset(folder)
        index = read_index(dataset, workers=1)
        assert len(index) == len(dataset)
        assert index.masks.sum() == len(index.area)
        for entry in dataset.entries:
            with a_sentence():
                for one in dataset.read(entry).annotations:
                    height, width = one.segmentation["size"]
                    assert 0 <= one.area() <= height * width
                    assert len(one.bbox()) == 4
        report = check_dataset(dataset, workers=1, find_look_alikes=False)
        assert report.samples == len(dataset)
        assert all(found.sentence and found.fix for found in report.findings)
        with a_sentence():
            done = convert(dataset, folder.parent / "out", to="coco", workers=1)
            assert len(open_dataset(done.folder)) == done.samples


@contextlib.contextmanager
def a_sentence():
    """Lets through what a person can act on, and nothing else."""
    said = "nothing was wrong"
    try:
        yield
    except FloorsegError as problem:
        said = str(problem)
    assert " " in said


def dumped(content):
    """JSON as Python writes it: it allows numbers that orjson refuses."""
    return json.dumps(content).encode()


SA1B = {
    "image": {"image_id": 1, "width": 60, "height": 40, "file_name": "plan.jpg"},
    "annotations": [sound_row()],
}
SA1B_PLACES = st.sampled_from([
    ("image",), ("annotations",), ("image", "width"), ("image", "file_name"), ("image", "image_id"),
    ("annotations", 0), ("annotations", 0, "segmentation"), ("annotations", 0, "bbox"),
    ("annotations", 0, "segmentation", "size"), ("annotations", 0, "segmentation", "counts"),
    ("annotations", 0, "area"), ("annotations", 0, "id"), ("annotations", 0, "category_id"),
    ("annotations", 0, "category_name"),
])  # fmt: skip


@quick
@given(SA1B_PLACES, values)
def test_sa1b(tmp_path_factory, place, value):
    folder = tmp_path_factory.mktemp("fuzz") / "data"
    png(folder / "plan.jpg", drawing())
    (folder / "plan.json").write_bytes(dumped(changed(SA1B, place, value)))
    assert_every_road_ends_well(folder)


COCO = {
    "images": [{"id": 1, "width": 60, "height": 40, "file_name": "plan.jpg"}],
    "annotations": [sound_row()],
    "categories": [{"id": 1, "name": "room"}],
}
COCO_PLACES = st.sampled_from([
    ("images",), ("annotations",), ("categories",), ("images", 0), ("images", 0, "id"),
    ("images", 0, "width"), ("images", 0, "file_name"), ("annotations", 0),
    ("annotations", 0, "image_id"), ("annotations", 0, "category_id"), ("annotations", 0, "bbox"),
    ("annotations", 0, "segmentation"), ("annotations", 0, "segmentation", "counts"),
    ("categories", 0), ("categories", 0, "id"), ("categories", 0, "name"),
])  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content"), [("plan.json", SA1B), ("annotations.json", COCO)], ids=["sa1b", "coco"]
)
def test_what_is_damaged_here_was_sound(tmp_path, name, content):
    png(tmp_path / "plan.jpg", drawing())
    (tmp_path / name).write_bytes(dumped(content))

    (sample,) = open_dataset(tmp_path)

    assert [one.area() for one in sample.annotations] == [int(room().sum())]


@quick
@given(COCO_PLACES, values)
def test_coco(tmp_path_factory, place, value):
    folder = tmp_path_factory.mktemp("fuzz") / "data"
    png(folder / "plan.jpg", drawing())
    (folder / "annotations.json").write_bytes(dumped(changed(COCO, place, value)))
    assert_every_road_ends_well(folder)


@quick
@given(st.sampled_from(["size", "values", "counts", "categories", "annotations", "image"]), values)
def test_multiclass(tmp_path_factory, key, value):
    folder = tmp_path_factory.mktemp("fuzz") / "data"
    png(folder / "plan.png", np.zeros((4, 5), np.uint8))
    content = {"size": [4, 5], "values": [0, 1], "counts": [5, 15], key: value}
    (folder / "plan.json").write_bytes(dumped(content))
    assert_every_road_ends_well(folder)


@quick
@given(st.sampled_from(["masklet", "video_height", "masklet_id", "video_frame_count"]), values)
def test_sav(tmp_path_factory, key, value):
    folder = tmp_path_factory.mktemp("fuzz") / "data"
    png(folder / "v" / "00000.jpg", drawing())
    content = {
        "masklet": [[rle.encode(room())]], "video_height": 40, "video_width": 60,
        "masklet_id": [0], "video_frame_count": 1, key: value,
    }  # fmt: skip
    (folder / "v_manual.json").write_bytes(dumped(content))
    assert_every_road_ends_well(folder)


@quick
@given(st.lists(st.lists(numbers | words, max_size=9), max_size=3), values)
def test_yolo(tmp_path_factory, lines, names):
    folder = tmp_path_factory.mktemp("fuzz") / "data"
    png(folder / "images" / "plan.jpg", drawing())
    (folder / "labels").mkdir()
    text = "\n".join(" ".join(str(value) for value in line) for line in lines)
    (folder / "labels" / "plan.txt").write_text(text, "utf-8")
    (folder / "data.yaml").write_text(json.dumps({"names": names}), "utf-8")
    assert_every_road_ends_well(folder)


@quick
@given(st.binary(max_size=200))
def test_label_pictures(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("fuzz") / "data"
    png(folder / "images" / "plan.png", drawing())
    path = png(folder / "masks" / "plan.png", room().astype(np.uint8))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] + content)
    assert_every_road_ends_well(folder)


@quick
@given(st.sampled_from(["plan.json", "annotations.json", "v_auto.json"]), st.binary(max_size=60))
def test_files_of_any_bytes(tmp_path_factory, name, content):
    folder = tmp_path_factory.mktemp("fuzz") / "data"
    png(folder / "plan.jpg", drawing())
    (folder / name).write_bytes(content)
    assert_every_road_ends_well(folder)


@pytest.mark.parametrize(
    "segmentation",
    [
        pytest.param({"size": [100_000, 100_000], "counts": [10**10]}, id="huge size"),
        pytest.param({"size": [10_000, 15_000], "counts": [0, 150_000_000]}, id="largest size"),
        pytest.param({"size": [10_000, 15_000], "counts": "0" * 600_000}, id="huge counts"),
        pytest.param(
            {"size": [10_000, 15_000], "counts": [0, 7_500, 1, 7_500] * 10_000}, id="comb"
        ),
        pytest.param([[0, 0, 59_000, 0] * 20_000], id="endless polygon"),
        pytest.param([[float(n % 60) for n in range(40_000)]], id="long polygon"),
    ],
)
def test_monstrous_masks_take_bounded_memory(tmp_path, segmentation):
    folder = tmp_path / "data"
    png(folder / "plan.jpg", drawing())
    content = changed(SA1B, ("annotations", 0, "segmentation"), segmentation)
    (folder / "plan.json").write_bytes(orjson.dumps(content))

    tracemalloc.start()
    assert_every_road_ends_well(folder)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < BOUND


def test_deep_nesting_is_refused_in_a_sentence(tmp_path):
    png(tmp_path / "plan.jpg", drawing())
    (tmp_path / "plan.json").write_text('{"image": ' + "[" * 100_000)
    (tmp_path / "other.json").write_bytes(orjson.dumps(SA1B))
    report = check_dataset(tmp_path, workers=1)
    assert "annotations-unreadable" in report.totals
