"""Conversions lose nothing, or say what; a killed one continues."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pycocotools.coco import COCO

from floorseg.data.convert import convert
from floorseg.data.dataset import open_dataset
from floorseg.data.sa1b import write_sample
from floorseg.errors import DatasetError, Stopped
from tests.data.conftest import annotation, drawing, room

UNMEASURED = {"bbox", "area", "file_name", "original_file_name"}


def facts(folder):
    """Everything a dataset says, in a form that compares."""
    return [
        (
            sample.split,
            sample.image_path.stem,
            sample.image_id,
            {k: v for k, v in sample.extra.items() if k not in UNMEASURED},
            [
                (
                    a.id,
                    dict(a.segmentation),
                    a.category_id,
                    a.category_name,
                    {k: v for k, v in a.extra.items() if k not in UNMEASURED},
                )
                for a in sample.annotations
            ],
        )
        for sample in open_dataset(folder)
    ]


def masks_of(folder):
    return [[dict(a.segmentation) for a in sample.annotations] for sample in open_dataset(folder)]


masks = st.builds(
    room,
    size=st.just((20, 30)),
    at=st.tuples(st.integers(0, 19), st.integers(0, 29)),
    extent=st.tuples(st.integers(0, 20), st.integers(0, 30)),
)
identities = st.integers(-5, 10**6) | st.text("abc-7", min_size=1, max_size=5)
annotations = st.builds(
    annotation,
    identities,
    masks,
    category_id=st.none() | st.integers(0, 3),
    category_name=st.none() | st.sampled_from(["room", "Room", "wall", "größe"]),
    predicted_iou=st.floats(0, 1),
    attributes=st.dictionaries(st.sampled_from(["note", "floor"]), st.integers(0, 9)),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(identities, st.lists(annotations, max_size=4)), min_size=1, max_size=3))
def test_sa1b_to_coco_and_back_changes_nothing(tmp_path_factory, samples):
    base = tmp_path_factory.mktemp("round")
    for number, (image_id, found) in enumerate(samples):
        write_sample(
            base / "a" / "train",
            f"plan.{number}",
            drawing((20, 30), number),
            found,
            image_id=image_id,
            extra={"license": number, "date": "2024"},
        )

    convert(base / "a", base / "b", to="coco", workers=1)
    convert(base / "b", base / "c", to="sa1b", workers=1)

    assert facts(base / "c") == facts(base / "a")


@pytest.mark.parametrize("to", ["sa1b", "coco", "multiclass", "png", "yolo"])
def test_masks_that_do_not_overlap_survive_every_format(rooms, tmp_path, to):
    done = convert(rooms, tmp_path / "out", to=to, workers=1)

    assert open_dataset(tmp_path / "out").format == to
    assert done.samples == 4
    assert done.problems == ()
    assert masks_of(tmp_path / "out") == masks_of(rooms)
    names = [a.category_name for s in open_dataset(tmp_path / "out") for a in s.annotations]
    assert names == ["kitchen", "bath"] * 4


@pytest.mark.parametrize("to", ["multiclass", "png", "coco"])
def test_ids_and_fields_survive_where_the_format_has_room(rooms, tmp_path, to):
    convert(rooms, tmp_path / "out", to=to, workers=1)
    convert(tmp_path / "out", tmp_path / "back", to="sa1b", workers=1)
    assert facts(tmp_path / "back") == facts(rooms)


blobs = st.lists(st.lists(st.booleans(), min_size=9, max_size=9), min_size=2, max_size=9)


@settings(max_examples=40, deadline=None)
@given(blobs)
def test_holes_and_parts_survive_as_a_yolo_outline(tmp_path_factory, bits):
    mask = np.array(bits)
    base = tmp_path_factory.mktemp("yolo")
    picture = np.zeros((*mask.shape, 3), np.uint8)
    write_sample(base / "a", "plan", picture, [annotation(1, mask)])

    convert(base / "a", base / "b", to="yolo", workers=1)

    expected = masks_of(base / "a") if mask.any() else [[]]
    assert masks_of(base / "b") == expected


def test_what_a_format_cannot_hold_is_said(tmp_path):
    overlapping = [annotation(1, room()), annotation(2, room(at=(8, 8)), note="x")]
    write_sample(tmp_path / "a", "plan", drawing(), overlapping)

    png = convert(tmp_path / "a", tmp_path / "png", to="png", workers=1)
    yolo = convert(tmp_path / "a", tmp_path / "yolo", to="yolo", workers=1)

    assert any("pixels lie under another mask" in note for note in png.notes)
    assert any("no place for these fields: id, note" in note for note in yolo.notes)


def test_a_broken_sample_is_left_out_and_named(rooms, tmp_path):
    (rooms / "train" / "plan.v1.json").write_text("{")
    (rooms / "train" / "spare.jpg").write_bytes((rooms / "train" / "plan.v0.jpg").read_bytes())

    done = convert(rooms, tmp_path / "out", to="coco", workers=1)

    assert done.samples == 3
    assert len(done.problems) == 1
    assert "plan.v1.json is not valid JSON" in done.problems[0]
    assert any("spare.jpg" in note for note in done.notes)


def test_two_images_of_one_name_get_two_names(tmp_path):
    source = tmp_path / "train"
    source.mkdir()
    Image.fromarray(drawing()).save(source / "plan.jpg")
    Image.fromarray(drawing(seed=1)).save(source / "plan.png")

    convert(tmp_path, tmp_path.parent / "out2", to="sa1b", workers=1)

    names = sorted(s.image_path.name for s in open_dataset(tmp_path.parent / "out2"))
    assert names == ["plan.jpg", "plan_2.png"]


def test_an_existing_folder_is_never_overwritten(rooms, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("x")
    with pytest.raises(DatasetError, match="already exists"):
        convert(rooms, tmp_path / "out", to="coco", workers=1)


def test_a_stopped_conversion_leaves_no_dataset_and_continues(rooms, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(Stopped):
        convert(rooms, out, to="coco", workers=1, stop=lambda: True)
    assert not out.exists()

    done = convert(rooms, out, to="coco", workers=1)

    assert (done.resumed, done.samples) == (1, 4)
    assert masks_of(out) == masks_of(rooms)
    assert not out.with_name("out.partial").exists()


def test_a_killed_conversion_continues_where_it_was(tmp_path):
    for number in range(60):
        write_sample(tmp_path / "a", f"p{number}", drawing(seed=number), [annotation(1, room())])
    out = tmp_path / "out"
    code = (
        "from floorseg.data.convert import convert; import time\n"
        f"convert({str(tmp_path / 'a')!r}, {str(out)!r}, to='yolo', workers=1,"
        " progress=lambda p: time.sleep(0.02))"
    )
    process = subprocess.Popen([sys.executable, "-c", code], cwd=Path(__file__).parents[2])
    slips = tmp_path / "out.partial" / ".done" / "_"
    while process.poll() is None and not (slips.is_dir() and len(list(slips.iterdir())) > 5):
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not out.exists()

    done = convert(tmp_path / "a", out, to="yolo", workers=1)

    assert done.resumed >= 5
    assert masks_of(out) == masks_of(tmp_path / "a")


def test_whoever_is_killed_at_the_very_end_leaves_a_whole_dataset(rooms, tmp_path, monkeypatch):
    def killed(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("floorseg.data.convert.shutil.rmtree", killed)
    with pytest.raises(KeyboardInterrupt):
        convert(rooms, tmp_path / "out", to="sa1b", workers=1)
    assert masks_of(tmp_path / "out") == masks_of(rooms)


def test_several_processes_give_the_same_dataset(tmp_path):
    for number in range(60):
        write_sample(tmp_path / "a", f"p{number}", drawing(seed=number), [annotation(1, room())])
    convert(tmp_path / "a", tmp_path / "b", to="coco", workers=2)
    assert masks_of(tmp_path / "b") == masks_of(tmp_path / "a")


def test_frames_of_a_video_become_still_images(video, tmp_path):
    done = convert(video, tmp_path / "still", to="sa1b", workers=1)

    stills = open_dataset(tmp_path / "still")
    assert done.samples == 3
    assert stills[1].image().shape == (48, 64, 3)
    assert [a.id for a in stills[1].annotations] == [0, 1, "auto-0"]


def test_pycocotools_opens_what_is_written(rooms, tmp_path):
    convert(rooms, tmp_path / "out", to="coco", workers=1)
    coco = COCO(str(tmp_path / "out" / "train" / "annotations.json"))
    assert len(coco.getImgIds()) == 3
    found = coco.loadAnns(coco.getAnnIds(imgIds=coco.getImgIds()[0], catIds=coco.getCatIds()))
    assert np.array_equal(coco.annToMask(found[0]).astype(bool), room())


def test_sam2s_own_reader_opens_what_is_written_for_it(tmp_path):
    raw_dataset = pytest.importorskip("training.dataset.vos_raw_dataset")
    source = tmp_path / "a"
    path = write_sample(source / "train", "12_png.rf.9f", drawing(), [annotation(1, room())])
    Image.fromarray(drawing()).save(path.with_name("12_png.rf.9f.PNG"))
    (source / "train" / "12_png.rf.9f.jpg").unlink()

    convert(source, tmp_path / "b", to="sa1b", names="sam2", pictures="jpeg", workers=1)

    folder = str(tmp_path / "b" / "train")
    dataset = raw_dataset.SA1BRawDataset(folder, folder)
    _, loader = dataset.get_video(0)
    assert len(dataset) == 1
    assert np.array_equal(loader.load(0)[0].numpy().astype(bool), room())
    record = json.loads((tmp_path / "b" / "train" / "sa_1.json").read_text())
    assert record["image"]["original_file_name"] == "12_png.rf.9f.jpg"


def test_the_real_export_converts_and_comes_back(shared_data, tmp_path):
    convert(shared_data / "rooms" / "valid", tmp_path / "a", to="sa1b", workers=1)
    convert(tmp_path / "a", tmp_path / "b", to="coco", workers=1)
    convert(tmp_path / "b", tmp_path / "c", to="sa1b", workers=1)
    assert facts(tmp_path / "c") == facts(tmp_path / "a")
    assert masks_of(tmp_path / "a") == masks_of(shared_data / "rooms" / "valid")
