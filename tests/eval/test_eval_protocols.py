"""A perfect model scores 1 under every protocol, an empty one 0, a shifted one what one counts."""

import pytest

from eval.plan import EvalPlan
from eval.protocols import PROTOCOLS, find_protocol
from eval.report import EvalReport, load_rows
from eval.runner import evaluate
from eval.work import Subject
from floorseg.errors import ConfigError
from tests.eval.plans import SIDE, Oracle


def run(plans, out, protocol: str, oracle: Oracle, **options) -> EvalReport:
    plan = EvalPlan(checkpoint="oracle", data=str(plans), protocol=protocol, **options)
    return evaluate(plan, out, subject=Subject(oracle, oracle.find_all))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_oracle_scores_one(protocol, plans, tmp_path):
    report = run(plans, tmp_path, protocol, Oracle())

    means = {name: score.mean for name, score in report.scores.items()}
    for name in ("iou", "best_iou", "dice", "image_iou"):
        assert means[name] == 1.0
    assert all(group.iou.mean == 1.0 for group in (*report.labels, *report.bands, *report.trials))
    if protocol == "everything":
        assert all(m.f1.mean == m.room_integrity.mean == 1.0 for m in report.matches)
        assert report.coco["AP"] == pytest.approx(1.0)
        assert report.coco["AR_100"] == pytest.approx(1.0)
    else:
        assert means["boundary_iou"] == 1.0
        assert means.get("pixel_iou", 1.0) == 1.0
    assert ("pixel_iou" in means) == (protocol in ("click", "jitter", "box"))
    if protocol in ("click", "jitter"):
        assert means["noc_85"] == means["noc_90"] == means["auc"] == 1.0


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_model_that_finds_nothing_scores_zero(protocol, plans, tmp_path):
    report = run(plans, tmp_path, protocol, Oracle(blind=True), clicks=3)

    means = {name: score.mean for name, score in report.scores.items()}
    for name in ("iou", "best_iou", "dice", "image_iou"):
        assert means[name] == 0.0
    if protocol == "everything":
        assert [(m.matched, m.wrong, m.missed) for m in report.matches] == [(0, 0, 18)] * 2
        assert all(m.recall.mean == m.f1.mean == m.room_integrity.mean == 0 for m in report.matches)
        assert all(m.precision is None for m in report.matches)
        assert report.coco["AP"] == 0.0
    else:
        assert means["boundary_iou"] == 0.0
        assert means.get("pixel_iou", 0.0) == 0.0
    if protocol in ("click", "jitter"):
        assert means["noc_85"] == means["noc_90"] == 3.0


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_shifted_model_scores_what_one_counts(protocol, plans, tmp_path):
    shift = 5  # of rooms of 20 px: 15 columns of 25 are shared
    report = run(plans, tmp_path, protocol, Oracle(shift=shift), clicks=2)

    iou = (SIDE - shift) / (SIDE + shift)
    assert report.scores["iou"].mean == pytest.approx(iou)
    assert report.scores["dice"].mean == pytest.approx(2 * 15 / 40)
    assert report.scores["iou"].low == pytest.approx(iou)
    if protocol == "everything":
        half, three_quarters = report.matches
        assert half.f1.mean == 1.0
        assert half.room_integrity.mean == pytest.approx(iou)
        assert three_quarters.f1.mean == 0.0
        assert report.coco["AP"] == pytest.approx(0.3)  # right at 0.5, 0.55, 0.6 of ten thresholds
    else:
        # the bands are 2 px wide: 400 - 16 * 16 = 144 pixels each; they share two strips of 2 x 15
        assert report.scores["boundary_iou"].mean == pytest.approx(60 / (2 * 144 - 60))
        assert report.scores["calibration_error"].mean == pytest.approx(0.9 - iou)


def test_a_perfect_answer_ends_the_conversation(plans, tmp_path):
    run(plans, tmp_path, "click", Oracle())

    rows = load_rows(tmp_path)

    assert all(len(ious) == 1 for ious in rows["ious"])
    assert set(rows["noc_90"]) == {1.0}


def test_clicks_stop_at_ten_once_ninety_percent_were_reached(plans, tmp_path):
    run(plans, tmp_path, "click", Oracle(shift=1))  # 19 of 21 columns: 0.905

    assert all(len(ious) == 10 for ious in load_rows(tmp_path)["ious"])


def test_clicks_go_on_to_the_cap_where_ninety_percent_are_not_reached(plans, tmp_path):
    report = run(plans, tmp_path, "click", Oracle(shift=5), limit=1)

    assert all(len(ious) == 20 for ious in load_rows(tmp_path)["ious"])
    assert report.scores["noc_85"].mean == 20.0
    assert [point.clicks for point in report.curve] == list(range(1, 11))


def test_jittered_clicks_scatter_and_are_the_same_for_the_same_seed(plans, tmp_path):
    def clicks(out: str, seed: int) -> list[str]:
        run(plans, tmp_path / out, "jitter", Oracle(), seed=seed)
        return list(load_rows(tmp_path / out)["points"])

    first = clicks("a", 1)

    assert len(set(first)) > 20
    assert clicks("b", 1) == first
    assert clicks("c", 2) != first


def test_boxes_are_exact_first_and_scattered_after(plans, tmp_path):
    run(plans, tmp_path, "box", Oracle())

    boxes = load_rows(tmp_path).set_index(["trial", "place", "instance"])["box"]

    assert boxes["box", 0, "0"] == "[4.0,4.0,23.0,23.0]"
    assert boxes["box 5 %", 0, "0"] != boxes["box 10 %", 0, "0"]


def test_only_the_wanted_classes_are_asked_for(plans, tmp_path):
    report = run(plans, tmp_path, "click", Oracle(), labels=("hall",))

    assert [group.name for group in report.labels] == ["hall"]
    assert report.data.objects == 9


def test_a_limit_takes_pictures_from_the_whole_split(plans, tmp_path):
    run(plans, tmp_path, "click", Oracle(), limit=2)

    images = list(dict.fromkeys(load_rows(tmp_path)["image"]))

    assert [image.split(".")[0] for image in images] == ["test/plan0", "test/plan2"]


def test_an_object_asked_several_times_is_shown_once(plans, tmp_path):
    report = run(plans, tmp_path, "jitter", Oracle(shift=3))

    for shown in (report.worst, report.median, report.best):
        assert len({(example.place, example.instance) for example in shown}) == len(shown) == 12


def test_an_unknown_protocol_is_answered_with_the_known_ones():
    with pytest.raises(ConfigError, match="click, jitter, box, hard, everything"):
        find_protocol("clicks")


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=lambda p: p.name)
def test_every_protocol_says_what_it_does_and_where_it_comes_from(protocol):
    assert len(protocol.describes) > 60
    assert protocol.source
    assert set(protocol.headline) <= set(protocol.trials)
