"""Many visitors, one model, each plan encoded once."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from PIL import Image

from floorseg.core.model import build_model, save_checkpoint
from floorseg.core.predictor import Predictor
from floorseg.core.structures import Point, Prompt
from floorseg.errors import CheckpointError, FloorsegError
from floorseg.services.embeddings import EmbeddingCache
from floorseg.services.plans import WORKING_SIDE, PlanGone, PlanStore
from floorseg.services.segmenter import Segmenter
from floorseg.services.uploads import Picture
from floorseg.settings import Settings

NAME = "small"


def png(shade: int, size: tuple[int, int] = (96, 64)) -> bytes:
    import io

    picture = Image.new("RGB", size, (shade, 255, 255 - shade))
    picture.paste((0, 0, 0), (10, 10, 40, 14))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    folder = tmp_path_factory.mktemp("checkpoints")
    torch.manual_seed(1)
    save_checkpoint(
        folder / f"{NAME}.pt", build_model("nano", 64), architecture="nano", image_size=64
    )
    return folder


@pytest.fixture
def segmenter(checkpoints, tmp_path):
    return Segmenter(
        Settings(checkpoints=checkpoints, checkpoint=NAME, runs=tmp_path, device="cpu")
    )


@pytest.fixture
def encoded(monkeypatch):
    """Counts how often the slow half runs."""
    calls = []
    honest = Predictor.encode

    def counted(self, image):
        calls.append(image.shape)
        return honest(self, image)

    monkeypatch.setattr(Predictor, "encode", counted)
    return calls


def click(x: float, y: float) -> Prompt:
    return Prompt().with_point(Point(x, y))


def test_a_second_click_does_not_encode_the_plan_again(segmenter, encoded):
    plan = segmenter.open_plan(png(10), "a.png", "me")

    segmenter.segment(plan.token, NAME, click(10, 10))
    segmenter.segment(plan.token, NAME, click(50, 30))

    assert len(encoded) == 1


def test_two_visitors_with_the_same_plan_share_its_encoding_but_not_its_name(segmenter, encoded):
    mine = segmenter.open_plan(png(10), "a.png", "me")
    yours = segmenter.open_plan(png(10), "b.png", "you")

    segmenter.prepare(mine.token, NAME)
    segmenter.prepare(yours.token, NAME)

    assert mine.token != yours.token
    assert len(encoded) == 1


def test_visitors_at_the_same_moment_each_get_the_answer_for_their_own_plan(segmenter):
    plans = [segmenter.open_plan(png(12 * i), f"{i}.png", str(i)) for i in range(8)]
    alone = [segmenter.segment(p.token, NAME, click(30, 20)).patches for p in plans]

    with ThreadPoolExecutor(8) as pool:
        together = list(
            pool.map(
                lambda p: [segmenter.segment(p.token, NAME, click(30, 20)).patches for _ in "123"],
                plans,
            )
        )

    assert all(
        answer == first for first, mine in zip(alone, together, strict=True) for answer in mine
    )


def test_the_first_click_gives_three_candidates_and_the_next_ones_mend_the_best(segmenter):
    plan = segmenter.open_plan(png(10), "a.png", "me")

    first = segmenter.segment(plan.token, NAME, click(10, 10))
    second = segmenter.segment(plan.token, NAME, click(10, 10).with_point(Point(60, 40)))

    assert len(first.patches) == 3
    assert list(first.scores) == sorted(first.scores, reverse=True)
    assert len(second.patches) == 1


def test_an_answer_does_not_depend_on_what_was_asked_before(segmenter):
    plan = segmenter.open_plan(png(10), "a.png", "me")
    prompt = click(10, 10).with_point(Point(60, 40, inside=False))
    straight = segmenter.segment(plan.token, NAME, prompt)
    segmenter.segment(plan.token, NAME, click(80, 50))

    again = segmenter.segment(plan.token, NAME, prompt)

    assert again.patches == straight.patches


def test_what_a_visitor_held_is_free_again_when_he_leaves(segmenter):
    plan = segmenter.open_plan(png(10), "a.png", "me")
    segmenter.segment(plan.token, NAME, click(10, 10))

    segmenter.close_owner("me")

    assert segmenter.plans.nbytes == 0
    assert segmenter.embeddings.nbytes == 0
    with pytest.raises(PlanGone):
        segmenter.segment(plan.token, NAME, click(10, 10))


def test_a_checkpoint_is_only_taken_by_a_listed_name(segmenter, checkpoints):
    plan = segmenter.open_plan(png(10), "a.png", "me")

    for name in (
        str(checkpoints / "small.pt"),
        "../checkpoints/small",
        "facebook/sam2.1-hiera-tiny",
    ):
        with pytest.raises(CheckpointError, match="there is no checkpoint"):
            segmenter.segment(plan.token, name, click(10, 10))


def test_an_empty_and_an_endless_prompt_are_refused_in_words(segmenter):
    plan = segmenter.open_plan(png(10), "a.png", "me")

    with pytest.raises(FloorsegError, match="click on the plan"):
        segmenter.segment(plan.token, NAME, Prompt())
    with pytest.raises(FloorsegError, match="too many"):
        segmenter.segment(plan.token, NAME, Prompt(tuple(Point(1, 1) for _ in range(101))))


def test_a_search_ends_with_its_regions_and_can_be_stopped(segmenter):
    plan = segmenter.open_plan(png(10), "a.png", "me")
    first = segmenter.start_search(plan.token, NAME, "rooms")
    second = segmenter.start_search(plan.token, NAME, "regions")
    segmenter.searches.stop(second.token)

    waiting = threading.Event()
    while not (first.ended and second.ended):
        waiting.wait(0.02)

    assert first.state == "done"
    assert second.state == "stopped"


def test_one_page_cannot_fill_the_queue_of_searches(segmenter):
    plan = segmenter.open_plan(png(10), "a.png", "me")
    for _ in range(2):
        segmenter.start_search(plan.token, NAME, "regions")

    with pytest.raises(FloorsegError, match="searching already"):
        segmenter.start_search(plan.token, NAME, "regions")

    segmenter.close_owner("me")


def test_plans_are_bounded_in_bytes_and_the_newest_stays():
    store = PlanStore(max_bytes=25_000)
    first, second = (
        store.add(Picture(np.full((64, 96, 3), shade, np.uint8), "a.png"), "me") for shade in (1, 2)
    )

    assert store.get(second.token) is second
    with pytest.raises(PlanGone):
        store.get(first.token)


def test_a_sheet_larger_than_the_screen_is_worked_on_scaled_down():
    store = PlanStore(max_bytes=10**9)

    plan = store.add(Picture(np.zeros((100, WORKING_SIDE * 2, 3), np.uint8), "a.png"), "me")

    assert plan.size == (50, WORKING_SIDE)
    assert plan.full_size == (100, WORKING_SIDE * 2)


def test_embeddings_are_bounded_in_bytes(checkpoints):
    from floorseg.core.model import load_model

    predictor = Predictor(load_model(checkpoints / f"{NAME}.pt", "cpu"))
    one = predictor.encode(np.zeros((32, 32, 3), np.uint8))
    cache = EmbeddingCache(int(one.nbytes * 2.5))

    for number in range(5):
        cache.get((NAME, str(number)), lambda: one)

    assert len(cache) == 2
    assert cache.nbytes <= one.nbytes * 2.5


def test_a_failed_encoding_is_tried_again():
    cache = EmbeddingCache(100)

    def broken():
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        cache.get((NAME, "1"), broken)

    assert len(cache) == 0
