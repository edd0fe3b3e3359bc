"""The Evaluate tab's calls without a browser: refused in public, plots with titles and units."""

import json

import pytest

from eval.report import (
    CheckpointFacts,
    Cost,
    CurvePoint,
    DataFacts,
    Environment,
    EvalReport,
    GroupScore,
    ProtocolFacts,
    save_report,
)
from eval.statistics import Interval
from floorseg.errors import PermissionRefused
from floorseg.services.datasets import Datasets
from floorseg.services.evaluations import Evaluations
from floorseg.settings import Settings
from floorseg.ui.evaluate_calls import EvaluateCalls

CHANGES = (
    "start_evaluation", "plan_evaluation", "stop_evaluation", "resume_evaluation",
    "delete_evaluation",
)  # fmt: skip
ASKED = {"checkpoints": ["a"], "dataset": "d", "name": "r", "visitor": None}


def report(name: str, mean: float, *, digest: str = "d1") -> EvalReport:
    """A report as small as it can be."""
    iou = Interval(mean, mean - 0.1, mean + 0.1, 10)
    rooms = [
        GroupScore(name=label, objects=count, iou=iou, last_iou=iou, best_iou=iou,
                   boundary_iou=iou)
        for label, count in (("hall", 2), ("room", 8))
    ]  # fmt: skip
    return EvalReport(
        checkpoint=CheckpointFacts(
            name=name, file=f"{name}.pt", sha256="0", architecture="nano", parameters=1,
            image_size=64,
        ),
        data=DataFacts(
            folder="/srv/secret/plans", split="test", digest=digest, images=3, objects=10,
            empty_masks=0, limit=0, labels=(),
        ),
        protocol=ProtocolFacts(
            name="click", version=1, describes="Clicks.", source="here", trials=("centre",),
            headline=("centre",), clicks=2, seed=0, preset="",
        ),
        environment=Environment(command="x", created="2026-01-01", device="cpu", versions={}),
        scores={"iou": iou},
        cost=Cost(
            encode_seconds=0.1, prompt_seconds=0.01, image_seconds=0.5, prompts=20,
            peak_memory_mb=100.0,
        ),
        curve=(CurvePoint(clicks=1, iou=iou), CurvePoint(clicks=2, iou=iou)),
        labels=tuple(rooms), bands=tuple(rooms), histogram=(0, 4, 6),
    )  # fmt: skip


@pytest.fixture
def settings(tmp_path) -> Settings:
    for name, mean, digest in (("r1", 0.4, "d1"), ("r2", 0.6, "d2")):
        folder = tmp_path / "reports" / name
        folder.mkdir(parents=True)
        save_report(folder, report(f"model-{name}", mean, digest=digest))
    return Settings(
        checkpoints=tmp_path / "checkpoints", runs=tmp_path / "runs", cache=tmp_path / "cache",
        reports=tmp_path / "reports", data_root=tmp_path / "data", device="cpu",
    )  # fmt: skip


def calls(settings: Settings):
    return EvaluateCalls(Evaluations(settings), Datasets(settings)).by_name()


def test_reports_made_in_a_terminal_are_listed_without_the_folders_of_the_server(settings):
    [one, two] = sorted(
        calls(settings)["list_evaluations"]({}, "")["evaluations"], key=lambda e: e["name"]
    )

    assert (one["name"], one["state"], one["ours"]) == ("r1", "finished", False)
    assert two["reports"][0]["iou"] == pytest.approx(0.6)
    assert "/srv" not in json.dumps([one, two])


def test_reports_of_other_data_are_shown_with_a_warning_and_without_differences(settings):
    board = calls(settings)["board"]({"reports": ["r1", "r2"]}, "")

    assert any("data" in line for line in board["warnings"])
    assert "/srv" not in json.dumps(board["warnings"])
    assert board["rows"][1]["figures"]["iou"]["difference"] is None


def test_every_plot_has_a_title_units_and_a_table(settings):
    board = calls(settings)["board"]({"reports": ["r1"]}, "")

    kinds = {figure["id"]: figure for figure in board["figures"]}
    assert set(kinds) == {"clicks", "classes", "size", "histogram"}
    for figure in kinds.values():
        assert figure["title"]
        assert figure["layout"]["xaxis"]["title"]["text"]
        assert figure["layout"]["yaxis"]["title"]["text"]
        assert len(figure["table"]) > 1
    assert kinds["classes"]["data"][0]["x"] == ["room", "hall"]  # most objects first
    assert sum(kinds["histogram"]["data"][0]["y"]) == pytest.approx(1)


@pytest.mark.parametrize("name", CHANGES)
def test_a_public_page_starts_and_changes_nothing(settings, name):
    public = settings.model_copy(update={"public": True})

    with pytest.raises(PermissionRefused):
        calls(public)[name](ASKED, "")


def test_the_visitor_is_who_the_server_says_and_not_who_the_page_says(settings, monkeypatch):
    guarded = settings.model_copy(update={"trainers": "ada", "auth_user": "", "public": False})

    with pytest.raises(PermissionRefused, match="bob"):
        calls(guarded)["start_evaluation"]({**ASKED, "visitor": "bob"}, "")
