"""The same question to several checkpoints: answers, truth, and where they differ most."""

import threading

import numpy as np
import pytest
import torch

from floorseg.core import rle
from floorseg.core.model import build_model, save_checkpoint
from floorseg.core.structures import Point, Prompt
from floorseg.data.annotation import Annotation
from floorseg.data.sa1b import write_sample
from floorseg.data.spread import spread
from floorseg.errors import CheckpointError, DatasetError, FloorsegError
from floorseg.services.comparison import Comparison
from floorseg.services.comparison_scan import Scans, rows_of
from floorseg.services.datasets import Datasets
from floorseg.services.segmenter import Segmenter
from floorseg.services.uploads import Picture
from floorseg.settings import Settings

CLICK = Prompt((Point(30, 30),))
HALVES = {"left": (0, 0, 48, 64), "right": (48, 0, 96, 64)}  # x0, y0, x1, y1 of a 96 x 64 plan


def annotation(number: int, name: str) -> Annotation:
    mask = np.zeros((64, 96), dtype=bool)
    x0, y0, x1, y1 = HALVES[name]
    mask[y0:y1, x0:x1] = True
    return Annotation(number, rle.encode(mask), 1, name)


@pytest.fixture(scope="module")
def settings(tmp_path_factory) -> Settings:
    """Two small checkpoints of different weights, one dataset of three plans."""
    folder = tmp_path_factory.mktemp("compare")
    (folder / "checkpoints").mkdir()
    for seed, name in enumerate(("one", "two")):
        torch.manual_seed(seed)
        model = build_model("nano", 128)
        save_checkpoint(
            folder / "checkpoints" / f"{name}.pt", model, architecture="nano", image_size=128
        )
    rng = np.random.default_rng(0)
    for number in range(3):
        pixels = rng.integers(0, 255, (64, 96, 3), dtype=np.uint8)
        both = [annotation(1, "left"), annotation(2, "right")]
        write_sample(folder / "data" / "plans" / "test", f"plan{number}", pixels, both)
    return Settings(
        checkpoints=folder / "checkpoints", data_root=folder / "data", runs=folder / "runs",
        cache=folder / "cache", checkpoint="one", device="cpu",
    )  # fmt: skip


@pytest.fixture
def comparison(settings) -> Comparison:
    return Comparison(Segmenter(settings))


@pytest.fixture
def opened(settings):
    return Datasets(settings).open("plans")


def add(comparison: Comparison, owner: str, seed: int = 1):
    pixels = np.random.default_rng(seed).integers(0, 255, (64, 96, 3), dtype=np.uint8)
    return comparison.segmenter.plans.add(Picture(pixels, "plan.png"), owner)


def test_each_checkpoint_answers_as_if_it_had_been_asked_alone(comparison, settings):
    plan = add(comparison, "page")

    answers = [comparison.ask(plan.token, name, CLICK) for name in ("one", "two")]

    for answer in answers:
        alone = Segmenter(settings)
        again = alone.plans.add(plan.picture, "page")
        expected = alone.segment(again.token, answer.checkpoint, CLICK)
        assert (answer.patch, answer.score) == (expected.patches[0], expected.scores[0])
    assert answers[0].patch != answers[1].patch


def test_two_pages_that_switch_checkpoints_at_once_never_get_each_others_masks(comparison):
    plans = {owner: add(comparison, owner, seed) for seed, owner in enumerate(("a", "b"))}
    expected = {
        (owner, name): comparison.ask(plan.token, name, CLICK).patch
        for owner, plan in plans.items()
        for name in ("one", "two")
    }
    wrong = []

    def visit(owner: str, names: tuple[str, ...]) -> None:
        for name in names * 6:
            answer = comparison.ask(plans[owner].token, name, CLICK)
            if answer.checkpoint != name or answer.patch != expected[owner, name]:
                wrong.append((owner, name))

    pages = [
        threading.Thread(target=visit, args=("a", ("one", "two"))),
        threading.Thread(target=visit, args=("b", ("two", "one"))),
    ]
    for page in pages:
        page.start()
    for page in pages:
        page.join()

    assert len(set(expected.values())) == 4
    assert wrong == []


def test_a_page_s_plans_are_encoded_one_after_the_other_and_others_need_not_wait(
    comparison, monkeypatch
):
    mine, other = add(comparison, "mine"), add(comparison, "other", seed=2)
    at_work, together, release = [], [], threading.Event()
    encode = type(comparison.segmenter.predictor("one")).encode

    def slow(predictor, pixels):
        at_work.append(1)
        together.append(len(at_work))
        if pixels is mine.pixels:
            release.wait(20)
        at_work.pop()
        return encode(predictor, pixels)

    monkeypatch.setattr("floorseg.core.predictor.Predictor.encode", slow)
    pages = [
        threading.Thread(target=comparison.prepare, args=(mine.token, name))
        for name in ("one", "two")
    ]
    for page in pages:
        page.start()
    comparison.ask(other.token, "one", CLICK)  # answered while "mine" is still being read
    release.set()
    for page in pages:
        page.join()

    assert max(together) <= 2  # never two of "mine" beside the other page's


def test_an_answer_tells_what_it_cost(comparison):
    plan = add(comparison, "page")

    first = comparison.ask(plan.token, "one", CLICK)
    second = comparison.ask(plan.token, "one", CLICK.with_point(Point(60, 40)))

    model = comparison.segmenter.predictor("one").model
    assert first.weight_bytes == sum(p.numel() * 4 for p in model.parameters())
    assert first.plan_bytes > 0
    assert second.encode_seconds == first.encode_seconds > 0


def test_what_cannot_be_asked_is_said(comparison):
    plan = add(comparison, "page")

    with pytest.raises(FloorsegError, match="click on the plan"):
        comparison.ask(plan.token, "one", Prompt())
    with pytest.raises(CheckpointError, match="no checkpoint"):
        comparison.ask(plan.token, "../one.pt", CLICK)


def test_a_sample_comes_with_its_truth(comparison, opened):
    sample = comparison.open_sample(opened, 1, "page")

    assert (sample.file, sample.split) == ("test/plan1.jpg", "test")
    assert [truth.label for truth in sample.truths] == ["left", "right"]
    assert [(t.patch.x, t.patch.w) for t in sample.truths] == [(0, 48), (48, 48)]


def test_a_row_that_is_not_there_is_refused(comparison, opened):
    with pytest.raises(DatasetError, match="no sample number 9"):
        comparison.open_sample(opened, 9, "page")


def finished(scans: Scans, token: str):
    scan = scans.get(token)
    scans._pool.submit(lambda: None).result(60)  # one at a time: the scan is over
    return scan


def test_a_split_is_sorted_by_disagreement(comparison, opened):
    scans = Scans(comparison.segmenter)
    begun = scans.start(opened, "test", ["one", "two"], "page", limit=0)
    scan = finished(scans, begun.token)

    assert (scan.state, scan.progress.done) == ("done", 3)
    assert len(scan.spots) == 6  # two objects on each of three plans
    agreements = [spot.agreement for spot in scan.spots]
    assert agreements == sorted(agreements)
    assert all(len(spot.ious) == 2 for spot in scan.spots)


def test_a_scan_s_agreement_is_that_of_the_answers_themselves(comparison, opened):
    scans = Scans(comparison.segmenter)
    scan = finished(scans, scans.start(opened, "test", ["one", "two"], "p", limit=1).token)
    spot = scan.spots[0]
    plan = comparison.open_sample(opened, spot.row, "page").plan
    prompt = Prompt((Point(*spot.point),))

    one, two = (
        comparison.ask(plan.token, name, prompt).patch.mask(plan.size) for name in ("one", "two")
    )

    assert spot.agreement == pytest.approx((one & two).sum() / (one | two).sum(), abs=0.03)


def test_checkpoints_agree_with_themselves_only_if_they_differ_in_name(comparison, opened):
    with pytest.raises(FloorsegError, match="two different"):
        Scans(comparison.segmenter).start(opened, "test", ["one", "one"], "page", limit=0)


def test_leaving_the_page_ends_its_scan(comparison, opened):
    scans = Scans(comparison.segmenter)
    scan = scans.start(opened, "test", ["one", "two"], "page", limit=0)

    scans.forget_owner("page")
    scans._pool.submit(lambda: None).result(60)

    assert scan.ended
    with pytest.raises(FloorsegError, match="no longer known"):
        scans.get(scan.token)


def test_a_limit_spreads_over_the_split(opened):
    assert rows_of(opened, "train") == []
    assert spread(range(100), 4) == [12, 37, 62, 87]
    assert spread(range(3), 0) == [0, 1, 2]
