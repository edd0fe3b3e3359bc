"""An evaluation survives being stopped, killed, and started again with other helpers."""

import numpy as np
import orjson
import pytest

from eval.plan import EvalPlan
from eval.records import RecordWriter, count_records, read_records
from eval.report import load_report, load_rows, read_progress
from eval.runner import evaluate
from eval.work import Part, Subject, do_part
from floorseg.core import rle
from floorseg.data.annotation import Annotation
from floorseg.data.sa1b import write_sample
from floorseg.errors import RunError, Stopped
from tests.eval.plans import Oracle, room, write_plans


def make(plans, **options) -> EvalPlan:
    return EvalPlan(checkpoint="oracle", data=str(plans), clicks=2, **options)


def stop_after(count: int):
    asked = iter(range(count + 1))
    return lambda: next(asked) == count


def test_a_stopped_evaluation_goes_on_without_computing_anything_twice(plans, tmp_path):
    first, second = Oracle(shift=3), Oracle(shift=3)
    with pytest.raises(Stopped, match="after 2 of 3"):
        evaluate(make(plans), tmp_path / "a", subject=Subject(first), stop=stop_after(2))

    evaluate(make(plans), tmp_path / "a", subject=Subject(second))

    assert (first.encoded, second.encoded) == (2, 1)
    evaluate(make(plans), tmp_path / "whole", subject=Subject(Oracle(shift=3)))
    assert load_rows(tmp_path / "a").equals(load_rows(tmp_path / "whole"))
    assert load_report(tmp_path / "a").scores == load_report(tmp_path / "whole").scores


def test_a_finished_evaluation_is_read_and_not_repeated(plans, tmp_path):
    evaluate(make(plans), tmp_path, subject=Subject(Oracle()))
    again = Oracle()

    report = evaluate(make(plans), tmp_path, subject=Subject(again))

    assert again.encoded == 0
    assert report == load_report(tmp_path)


def test_parts_done_anywhere_in_any_number_merge_to_the_same_report(plans, tmp_path):
    evaluate(make(plans), tmp_path / "one", subject=Subject(Oracle(shift=3)))

    def crew(folder, progress, stop):
        do_part(folder, Part(1, 2), subject=Subject(Oracle(shift=3)))
        for number in range(3):
            do_part(folder, Part(number, 3), subject=Subject(Oracle(shift=3)))

    evaluate(make(plans), tmp_path / "many", subject=Subject(Oracle(shift=3)), crew=crew)

    assert load_rows(tmp_path / "many").equals(load_rows(tmp_path / "one"))
    assert load_report(tmp_path / "many").scores == load_report(tmp_path / "one").scores


def test_a_line_that_a_kill_tore_is_done_again(tmp_path):
    with RecordWriter(tmp_path, 0) as writer:
        writer.append({"place": 0, "value": 1})
        writer.append({"place": 1, "value": 2})
    path = next((tmp_path / "pictures").iterdir())
    path.write_bytes(path.read_bytes()[:-5])

    assert list(read_records(tmp_path)) == [0]
    assert count_records(tmp_path) == 1
    with RecordWriter(tmp_path, 0) as writer:
        writer.append({"place": 1, "value": 3})
    assert read_records(tmp_path)[1]["value"] == 3


def test_a_picture_that_two_parts_did_is_counted_once(tmp_path):
    for part in (0, 1):
        with RecordWriter(tmp_path, part) as writer:
            writer.append({"place": 4, "value": part})

    assert count_records(tmp_path) == 1
    assert read_records(tmp_path)[4]["value"] == 0


def test_a_folder_is_not_used_for_two_different_evaluations(plans, tmp_path):
    evaluate(make(plans), tmp_path, subject=Subject(Oracle()))

    with pytest.raises(RunError, match="its seed is 0, here it is 7"):
        evaluate(make(plans, seed=7), tmp_path, subject=Subject(Oracle()))


def test_changed_annotations_are_another_evaluation(tmp_path):
    folder = write_plans(tmp_path / "data", count=1)
    evaluate(make(folder), tmp_path / "out", subject=Subject(Oracle()))
    file = next(folder.rglob("*.json"))
    content = orjson.loads(file.read_bytes())
    content["annotations"].pop()
    file.write_bytes(orjson.dumps(content))

    with pytest.raises(RunError, match="its sources is"):
        evaluate(make(folder), tmp_path / "out", subject=Subject(Oracle()))


def test_a_picture_that_cannot_be_used_is_named_and_the_others_are_evaluated(tmp_path):
    folder = write_plans(tmp_path / "data", count=2)
    image = np.zeros((32, 48, 3), dtype=np.uint8)
    write_sample(folder / "test", "small", image, [])
    content = orjson.loads((folder / "test" / "plan0.json").read_bytes())
    (folder / "test" / "small.json").write_bytes(orjson.dumps(content))

    report = evaluate(make(folder), tmp_path / "out", subject=Subject(Oracle()))

    assert report.data.images == 2
    assert len(report.skipped) == 1
    assert "small" in report.skipped[0].image
    assert "96" in report.skipped[0].problem


def test_empty_masks_are_counted_and_not_asked_for(tmp_path):
    place = tmp_path / "data" / "test"
    place.mkdir(parents=True)
    empty = np.zeros((64, 96), dtype=bool)
    write_sample(
        place,
        "plan",
        np.full((64, 96, 3), 255, np.uint8),
        [Annotation(1, rle.encode(room(4, 4))), Annotation(2, rle.encode(empty))],
    )

    report = evaluate(make(tmp_path / "data"), tmp_path / "out", subject=Subject(Oracle()))

    assert report.data.objects == 1
    assert report.data.empty_masks == 1


def test_progress_tells_how_much_is_done_and_how_long_the_rest_takes(plans, tmp_path):
    seen = []

    evaluate(make(plans), tmp_path, subject=Subject(Oracle()), progress=seen.append)

    assert [(step.done, step.total) for step in seen[:3]] == [(0, 3), (1, 3), (2, 3)]
    assert read_progress(tmp_path)["done"] == 3
    assert read_progress(tmp_path)["seconds_left"] == 0


def test_two_processes_never_work_on_one_report(plans, tmp_path):
    def crew(folder, progress, stop):
        evaluate(make(plans), folder, subject=Subject(Oracle()))

    with pytest.raises(RunError, match="another process"):
        evaluate(make(plans), tmp_path, subject=Subject(Oracle()), crew=crew)
