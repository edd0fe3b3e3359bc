"""Reports: what stands in them, read back whole, and set beside each other."""

import numpy as np
import orjson
import pytest
from torchmetrics.functional.segmentation import dice_score
from typer.testing import CliRunner

from eval.__main__ import app
from eval.cutout import Cutout
from eval.plan import EvalPlan, folders_for
from eval.report import (
    ROW_COLUMNS,
    SCORES,
    coco_of,
    compare,
    figures_of,
    find_reports,
    load_report,
    load_rows,
    order_of,
)
from eval.runner import evaluate
from eval.statistics import Verdict
from eval.work import Subject
from floorseg.core import rle
from floorseg.core.metrics import ConfusionMatrix, boundary_iou, dice, mask_iou
from floorseg.errors import RunError
from tests.eval.plans import Oracle, write_plans


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    return write_plans(tmp_path_factory.mktemp("many"), count=12)


@pytest.fixture(scope="module")
def reports(many, tmp_path_factory):
    """Answers shifted by 3 px, and by 1 px."""
    out = tmp_path_factory.mktemp("reports")
    for name, shift in (("coarse", 3), ("fine", 1)):
        for protocol in ("click", "everything"):
            oracle = Oracle(shift=shift)
            plan = EvalPlan(checkpoint=name, data=str(many), protocol=protocol, clicks=2)
            evaluate(plan, out / protocol / name, subject=Subject(oracle, oracle.find_all))
    return out


def test_a_report_says_where_its_figures_come_from(reports):
    report = load_report(reports / "click" / "coarse")

    assert report.checkpoint.name == "coarse"
    assert report.data.split == "test"
    assert (report.data.images, report.data.objects) == (12, 72)
    assert len(report.data.digest) == 32
    assert report.protocol.version == 1
    assert report.environment.versions["torch"]
    assert report.environment.command
    assert report.cost.prompts == 144
    assert report.cost.peak_memory_mb > 0


def test_every_figure_and_column_is_explained(reports):
    report = load_report(reports / "click" / "coarse")

    assert set(report.scores) <= set(SCORES)
    assert list(load_rows(reports / "click" / "coarse").columns) == list(ROW_COLUMNS)


def test_rows_hold_what_independent_metrics_count(reports, many):
    rows = load_rows(reports / "click" / "coarse")
    row = rows.iloc[7]
    content = orjson.loads((many / row["image"]).with_suffix(".json").read_bytes())
    truth = rle.decode(content["annotations"][int(row["instance"])]["segmentation"])
    answer = rle.decode({"size": [int(row["height"]), int(row["width"])], "counts": row["answer"]})

    assert row["iou"] == pytest.approx(mask_iou(truth, answer))
    assert row["boundary_iou"] == pytest.approx(boundary_iou(truth, answer))
    assert row["dice"] == pytest.approx(dice(truth, answer))
    import torch

    theirs = dice_score(
        torch.from_numpy(answer)[None, None].int(), torch.from_numpy(truth)[None, None].int(), 1
    )
    assert row["dice"] == pytest.approx(float(theirs), abs=1e-5)
    assert row["area"] == truth.sum()


def test_pixels_of_classes_are_those_of_painted_label_maps(reports, many):
    report = load_report(reports / "click" / "coarse")
    rows = load_rows(reports / "click" / "coarse")
    labels = ["hall", "room"]
    counted = ConfusionMatrix.zeros(3)
    for _, group in rows.groupby("place"):
        truth, answer = np.zeros((2, 64, 96), dtype=int)
        file = (many / group["image"].iloc[0]).with_suffix(".json")
        masks = {
            str(a["id"]): a["segmentation"] for a in orjson.loads(file.read_bytes())["annotations"]
        }
        for row in group.itertuples():
            value = labels.index(row.label) + 1
            truth[rle.decode(masks[row.instance])] = value
            answer[rle.decode({"size": [64, 96], "counts": row.answer})] = value
        counted += ConfusionMatrix.compare(truth, answer, num_classes=3)

    found = {group.name: group.pixel_iou.mean for group in report.labels}
    assert found == pytest.approx(dict(zip(labels, counted.iou()[1:], strict=True)))
    assert report.scores["pixel_iou"].mean == pytest.approx(counted.iou()[1:].mean())


def test_examples_are_sorted_and_can_be_found_again(reports):
    report = load_report(reports / "click" / "coarse")

    assert len(report.worst) == len(report.best) == 12
    assert report.worst[0].iou <= report.median[0].iou <= report.best[0].iou
    assert report.worst[0].image.startswith("test/plan")


def test_the_histogram_counts_every_object(reports):
    assert sum(load_report(reports / "click" / "coarse").histogram) == 72


def test_the_finer_model_is_better(reports):
    found = compare(reports / "click" / "coarse", reports / "click" / "fine")

    assert found.scores["iou"].verdict is Verdict.BETTER
    assert found.scores["iou"].mean == pytest.approx(19 / 21 - 17 / 23)
    assert found.scores["noc_85"].verdict is Verdict.BETTER
    assert set(found.labels) == {"room", "hall"}
    assert not found.warnings
    coarse, fine = (load_report(reports / "click" / name).scores for name in ("coarse", "fine"))
    for name in ("image_iou", "pixel_iou"):
        assert found.scores[name].mean == pytest.approx(fine[name].mean - coarse[name].mean)
        assert found.scores[name].verdict is Verdict.BETTER


def test_a_report_of_other_prompts_is_set_against_the_one_it_can_be(reports):
    folders = [reports / "everything" / "coarse", reports / "click"]

    result = CliRunner().invoke(app, ["compare", *map(str, folders)])

    assert "not comparable" in result.output
    assert "fine against coarse" in result.output
    assert "pixel_iou" in result.output


def test_regions_found_without_prompts_are_compared_by_picture(reports):
    found = compare(reports / "everything" / "coarse", reports / "everything" / "fine")

    assert found.scores["room_integrity_0.5"].mean == pytest.approx(19 / 21 - 17 / 23)
    assert found.scores["f1_0.75"].mean == 1.0
    assert found.scores["f1_0.5"].verdict is Verdict.CANNOT_TELL


def test_reports_of_different_protocols_or_data_are_not_compared(reports, plans, tmp_path):
    other = EvalPlan(checkpoint="fine", data=str(plans), clicks=2)
    evaluate(other, tmp_path, subject=Subject(Oracle()))

    protocol = compare(reports / "click" / "coarse", reports / "everything" / "coarse")
    data = compare(reports / "click" / "coarse", tmp_path)

    assert "differ in protocol: 'click version 1, 2 clicks'" in protocol.warnings[0]
    assert "differ in data" in data.warnings[0]
    assert not protocol.scores
    assert not data.scores


def test_without_prompts_what_was_found_comes_first_in_tables(reports):
    report = load_report(reports / "everything" / "fine")

    names = order_of([report])
    shown = CliRunner().invoke(app, ["show", str(reports / "everything")]).output

    assert names[:2] == ["f1_0.5", "precision_0.5"]
    assert names.index("room_integrity_0.75") < names.index("iou")
    assert figures_of(report)["f1_0.5"].mean == 1.0
    assert coco_of(report)["AP"] == pytest.approx(0.9)  # all thresholds but 0.95
    assert "room_integrity_0.5" in shown
    assert "AR_100" in shown
    assert "for all regions" in shown


def test_trials_outside_the_headline_stand_beside_it(many, tmp_path):
    for name, shift in (("coarse", 3), ("fine", 1)):
        plan = EvalPlan(checkpoint=name, data=str(many), protocol="hard")
        evaluate(plan, tmp_path / name, subject=Subject(Oracle(shift=shift)))

    found = compare(tmp_path / "coarse", tmp_path / "fine")
    shown = CliRunner().invoke(app, ["show", str(tmp_path)]).output

    assert found.trials["centre"].mean == pytest.approx(19 / 21 - 17 / 23)
    assert found.trials["near edge"].verdict is Verdict.BETTER
    assert "iou, centre" in shown


def test_reports_are_found_below_a_folder(reports):
    assert [path.name for path in find_reports([reports / "click"])] == ["coarse", "fine"]


def test_an_unfinished_report_says_what_to_do(tmp_path):
    with pytest.raises(RunError, match="python -m eval makes one"):
        load_report(tmp_path)
    (tmp_path / "plan.json").write_text("{}")
    with pytest.raises(RunError, match="unfinished; start it again"):
        load_report(tmp_path)
    (tmp_path / "report.json").write_text('{"scores": 3}')
    with pytest.raises(RunError, match="no report of schema"):
        load_report(tmp_path)


def test_several_checkpoints_get_a_folder_each_with_names_that_differ(tmp_path):
    names = [
        path.name
        for path in folders_for(tmp_path, ["a.pt", "x/a.pt", "runs/r1/checkpoints/best.pt"])
    ]

    assert names == ["a", "a-2", "r1-best"]
    assert folders_for(tmp_path, ["a.pt"]) == [tmp_path]


def test_answers_are_kept_as_masks_of_the_whole_picture(reports):
    row = load_rows(reports / "click" / "fine").iloc[0]

    mask = {"size": [int(row["height"]), int(row["width"])], "counts": row["answer"]}

    assert Cutout.of_rle(mask).area == 400
