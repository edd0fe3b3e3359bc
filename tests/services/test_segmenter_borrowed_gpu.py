"""ZeroGPU's decorator is used where its package is installed, and only there."""

import pickle
import sys
import threading
import types

import numpy as np
import pytest
import torch

from floorseg.core.model import build_model, save_checkpoint
from floorseg.core.structures import Point, Prompt
from floorseg.services import borrowed_gpu, comparison_scan, segmenter
from floorseg.services.comparison import Comparison
from floorseg.settings import Settings
from tests.services.test_segmenter import png


def double(number: int) -> int:
    return 2 * number


def test_without_shared_gpus_a_call_stays_what_it_is(monkeypatch):
    monkeypatch.delenv("SPACES_ZERO_GPU", raising=False)

    assert borrowed_gpu.borrows_gpu(double) is double


def test_with_shared_gpus_a_call_borrows_one(monkeypatch):
    borrowed = []

    def gpu(*, duration):
        def decorate(call):
            def inside(*args):
                borrowed.append(duration)
                return call(*args)

            return inside

        return decorate

    module = types.ModuleType("spaces")
    module.__spec__ = types.SimpleNamespace()
    module.GPU = gpu
    monkeypatch.setitem(sys.modules, "spaces", module)
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")

    assert borrowed_gpu.borrows_gpu(double)(4) == 8
    assert borrowed == [borrowed_gpu.SECONDS]


@pytest.fixture
def borrowing(monkeypatch, tmp_path):
    """A segmenter whose calls run as on ZeroGPU: what crosses to the other process is pickled."""
    crossed = []

    def lent(call):
        def inside(*args):
            name, values = call.__name__, pickle.loads(pickle.dumps(args))
            crossed.append(name)
            return pickle.loads(pickle.dumps(call(*values)))

        return inside

    for module in (segmenter, comparison_scan):
        monkeypatch.setattr(module, "gpu_is_borrowed", lambda: True)
        for name in ("_answer_at_once", "_search_at_once"):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, lent(getattr(module, name)))
    torch.manual_seed(1)
    save_checkpoint(
        tmp_path / "small.pt", build_model("nano", 64), architecture="nano", image_size=64
    )
    settings = Settings(checkpoints=tmp_path, checkpoint="small", runs=tmp_path, device="cpu")
    yield segmenter.Segmenter(settings), crossed
    borrowed_gpu._predictor.cache_clear()


def test_where_gpus_are_borrowed_a_click_is_one_call_and_nothing_is_kept(borrowing, monkeypatch):
    service, crossed = borrowing
    plan = service.open_plan(png(10), "a.png", "me")
    click = Prompt().with_point(Point(30, 20))

    service.prepare(plan.token, "small")
    answer = service.segment(plan.token, "small", click)

    assert crossed == ["_answer_at_once"]
    assert len(service.embeddings) == 0
    monkeypatch.setattr(segmenter, "gpu_is_borrowed", lambda: False)
    assert answer.patches == service.segment(plan.token, "small", click).patches


def test_where_gpus_are_borrowed_a_search_is_one_call(borrowing):
    service, crossed = borrowing
    plan = service.open_plan(png(10), "a.png", "me")

    search = service.start_search(plan.token, "small", "rooms")
    waiting = threading.Event()
    while not search.ended:
        waiting.wait(0.02)

    assert (search.state, crossed) == ("done", ["_search_at_once"])


def test_where_gpus_are_borrowed_checkpoints_are_compared(borrowing):
    service, crossed = borrowing
    plan = service.open_plan(png(10), "a.png", "me")
    compared = Comparison(service)

    answer = compared.ask(plan.token, "small", Prompt().with_point(Point(30, 20)))

    assert answer.plan_bytes == 0
    assert answer.weight_bytes > 0
    assert crossed == ["_answer_at_once"]


def test_where_gpus_are_borrowed_a_split_is_gone_through(borrowing):
    service, crossed = borrowing
    scans = comparison_scan.Scans(service)
    pixels = np.zeros((48, 64, 3), np.uint8)

    found = scans._answers("small", pixels, [Point(10, 10), Point(40, 30)])

    assert found.shape == (2, comparison_scan.SIDE, comparison_scan.SIDE)
    assert crossed == ["_answer_at_once"]
