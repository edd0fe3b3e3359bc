"""Evaluations started from a page: processes, reports side by side, pictures, files."""

import io
import time
import zipfile

import numpy as np
import pytest
import torch

from eval.report import load_rows
from floorseg.core import rle
from floorseg.core.checkpoint_info import CheckpointInfo
from floorseg.core.model import build_model, save_checkpoint
from floorseg.data.annotation import Annotation
from floorseg.data.sa1b import write_sample
from floorseg.errors import ConfigError, DatasetError, PermissionRefused, RunError
from floorseg.runs import RunFolder, RunState
from floorseg.services import queues
from floorseg.services.datasets import Datasets
from floorseg.services.evaluation_export import export_reports, leaderboard_csv
from floorseg.services.evaluation_gallery import gallery
from floorseg.services.evaluation_reports import estimate, leaderboard, report_folder
from floorseg.services.evaluations import PROTOCOLS, EvaluationForm, Evaluations
from floorseg.settings import Settings

FORM = EvaluationForm(("one", "two"), "plans", "test", "click", clicks=2)


def two_rooms() -> list[Annotation]:
    masks = []
    for number, (x0, x1) in enumerate(((4, 44), (52, 92)), start=1):
        mask = np.zeros((64, 96), dtype=bool)
        mask[6:58, x0:x1] = True
        masks.append(Annotation(number, rle.encode(mask), number, f"room{number}"))
    return masks


@pytest.fixture(scope="module")
def settings(tmp_path_factory) -> Settings:
    """Two small checkpoints and one dataset of three plans."""
    folder = tmp_path_factory.mktemp("evaluations")
    (folder / "checkpoints").mkdir()
    for seed, name in enumerate(("one", "two")):
        torch.manual_seed(seed)
        path = folder / "checkpoints" / f"{name}.pt"
        save_checkpoint(path, build_model("nano", 64), architecture="nano", image_size=64)
    rng = np.random.default_rng(0)
    for number in range(3):
        pixels = rng.integers(0, 255, (64, 96, 3), dtype=np.uint8)
        write_sample(folder / "data" / "plans" / "test", f"plan{number}", pixels, two_rooms())
    return Settings(
        checkpoints=folder / "checkpoints", data_root=folder / "data", runs=folder / "runs",
        reports=folder / "reports", cache=folder / "cache", checkpoint="one", device="cpu",
    )  # fmt: skip


def wait_for(evaluations: Evaluations, name: str, *states: RunState):
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        [one] = [found for found in evaluations.listed() if found.name == name]
        if one.state in states:
            return one
        time.sleep(0.3)
    raise AssertionError(f"{name} did not get there: {one}")


@pytest.fixture(scope="module")
def finished(settings):
    """An evaluation of both checkpoints, run to its end by its own process."""
    evaluations = Evaluations(settings)
    name = evaluations.start(FORM, None)
    return wait_for(evaluations, name, RunState.FINISHED, RunState.FAILED)


def test_an_evaluation_runs_in_a_process_of_its_own_and_is_found_by_a_page_started_later(
    finished, settings
):
    found = Evaluations(settings).listed()

    assert finished.state is RunState.FINISHED, finished.message
    assert [one.name for one in found] == [finished.name]
    assert found[0].reports == (f"{finished.name}/one", f"{finished.name}/two")
    assert (found[0].done, found[0].total) == (6, 6)
    assert "--protocol click" in found[0].command


def test_the_base_is_the_first_row_whatever_was_chosen_first(finished, settings):
    one, two = finished.reports

    board = leaderboard(settings, [one, two], base=two)

    assert [row.name for row in board.rows] == [two, one]
    assert board.warnings == ()
    base, other = board.rows
    assert base.figures["iou"].difference is None
    gap = other.figures["iou"].mean - base.figures["iou"].mean
    assert other.figures["iou"].difference == pytest.approx(gap)
    assert other.figures["iou"].verdict in ("better", "worse", "cannot tell")


def test_reports_of_another_protocol_are_set_beside_each_other_with_a_warning_only(
    finished, settings
):
    evaluations = Evaluations(settings)
    form = EvaluationForm(("one",), "plans", "test", "box")
    other = wait_for(evaluations, evaluations.start(form, None), RunState.FINISHED, RunState.FAILED)

    board = leaderboard(settings, [finished.reports[0], other.reports[0]])

    assert any("protocol" in line for line in board.warnings)
    assert board.rows[1].figures["iou"].difference is None


def test_the_gallery_shows_the_answers_of_the_rows(finished, settings):
    pieces = gallery(Datasets(settings), finished.reports[0], "worst")

    assert len(pieces) == 6
    assert [piece.example.iou for piece in pieces] == sorted(p.example.iou for p in pieces)
    assert all(piece.picture.startswith(b"\xff\xd8") and piece.row is not None for piece in pieces)
    table = load_rows(report_folder(settings, finished.reports[0]))
    first = pieces[0].points[0]
    assert list(first[:2]) in [eval_points[:2] for eval_points in _first_clicks(table)]


def _first_clicks(table) -> list[list[float]]:
    import orjson

    return [orjson.loads(points)[0] for points in table["points"]]


def test_a_gallery_of_a_dataset_elsewhere_says_so_instead_of_reading_it(
    finished, settings, tmp_path
):
    moved = settings.model_copy(update={"data_root": tmp_path})

    pieces = gallery(Datasets(moved), finished.reports[0], "best")

    assert all(not piece.picture and "data root" in piece.problem for piece in pieces)


def test_everything_goes_into_one_zip(finished, settings):
    board = leaderboard(settings, finished.reports)

    archive = zipfile.ZipFile(io.BytesIO(export_reports(Datasets(settings), board)))

    names = archive.namelist()
    assert {"leaderboard.csv", "01-one/report.json", "02-two/rows.csv"} <= set(names)
    assert sum(name.endswith(".jpg") for name in names) == 36
    assert archive.read("leaderboard.csv").decode() == leaderboard_csv(board)


def test_nothing_starts_stops_or_is_deleted_on_a_public_page(finished, settings):
    public = Evaluations(settings.model_copy(update={"public": True}))

    for call in (
        lambda: public.start(FORM, None),
        lambda: public.stop(finished.name, None),
        lambda: public.resume(finished.name, None),
        lambda: public.delete(finished.name, None),
    ):
        with pytest.raises(PermissionRefused, match="public"):
            call()


def test_only_trainers_may_start_where_they_are_named(settings):
    guarded = Evaluations(settings.model_copy(update={"trainers": "ada"}))

    with pytest.raises(PermissionRefused, match="bob may not"):
        guarded.start(FORM, "bob")


@pytest.mark.parametrize(
    ("change", "error", "part"),
    [
        pytest.param({"checkpoints": ()}, ConfigError, "between 1 and", id="no checkpoint"),
        pytest.param({"checkpoints": ("/etc/passwd",)}, ConfigError, "no checkpoint", id="path"),
        pytest.param({"dataset": "../checkpoints"}, DatasetError, "no dataset", id="outside"),
        pytest.param({"split": "; rm -rf"}, DatasetError, "no split", id="split"),
        pytest.param({"protocol": "x"}, ConfigError, "no protocol", id="protocol"),
    ],
)
def test_what_does_not_exist_is_refused_before_anything_starts(settings, change, error, part):
    fields = {name: getattr(FORM, name) for name in EvaluationForm.__slots__}

    with pytest.raises(error, match=part):
        Evaluations(settings).start(EvaluationForm(**{**fields, **change}), None)


@pytest.mark.parametrize("name", ["..", "../reports", "x/../../y", "", "nothing"])
def test_a_report_that_is_not_listed_is_not_read(finished, settings, name):
    with pytest.raises(RunError, match="no report"):
        report_folder(settings, name)


def test_one_that_waits_is_stopped_without_ever_running_and_can_be_deleted(settings, tmp_path):
    mine = settings.model_copy(update={"reports": tmp_path / "reports"})
    run = RunFolder.create(mine.reports, "waits")
    run.write("config.yaml", "checkpoints: [one]\ndataset: plans\n")
    run.write_json(queues.EVALUATION, {"arguments": ["--help"]})
    run.write_json("queue.json", {"device": "cluster", "since": 1.0})
    evaluations = Evaluations(mine)
    assert evaluations.listed()[0].state is RunState.QUEUED

    evaluations.stop(run.name, None)
    assert evaluations.listed()[0].state is RunState.STOPPED

    evaluations.delete(run.name, None)
    assert evaluations.listed() == []


def test_a_failed_evaluation_says_why(settings, tmp_path):
    mine = settings.model_copy(update={"reports": tmp_path / "reports"})
    run = RunFolder.create(mine.reports, "fails")
    run.write("config.yaml", "checkpoints: [one]\ndataset: plans\n")
    nowhere = str(tmp_path / "nowhere")
    arguments = ["--checkpoint", "none-such", "--data", nowhere, "--out", str(run.path)]
    run.write_json(queues.EVALUATION, {"arguments": arguments})
    queues.enqueue(run, device="cpu")

    one = wait_for(Evaluations(mine), run.name, RunState.FAILED)

    assert "none-such" in one.message


def test_an_estimate_says_whether_it_was_measured(finished, settings):
    info = CheckpointInfo("one", settings.checkpoints / "one.pt", 1, 0.0, architecture="nano",
                          parameters=4_723_618, image_size=64)  # fmt: skip

    measured = estimate(settings, FORM, [info], images=10, objects=2)
    guessed = estimate(
        settings, EvaluationForm(("one",), "plans", "test", "hard"), [info], images=10, objects=2
    )

    assert "from reports" in measured.basis
    assert "guess" in guessed.basis
    assert measured.seconds > 0
    assert guessed.seconds > 0


def test_the_protocols_offered_are_those_the_command_knows():
    from eval.protocols import PROTOCOLS as KNOWN

    assert set(PROTOCOLS) == set(KNOWN)
