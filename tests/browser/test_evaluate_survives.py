"""An evaluation outlives a killed server, is found again, stopped, killed, and goes on."""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from urllib.error import URLError

import pytest
import torch

from eval.records import count_records
from floorseg.core.model import build_model, save_checkpoint
from floorseg.runs import list_runs
from floorseg.services import jobs
from floorseg.settings import PROJECT, Settings
from tests.page_server import page_settings, serve

from .test_evaluate import open_tab
from .two_models import write_plans

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(1200)]
PATIENCE = 600.0  # seconds: servers and evaluations first load torch, and the machine may be busy
PLANS = 120


@pytest.fixture
def settings(tmp_path):
    """One checkpoint whose random weights no click satisfies, and plans enough to interrupt it."""
    settings = page_settings(tmp_path, reports=tmp_path / "reports", cache=tmp_path / "cache")
    torch.manual_seed(0)
    path = settings.checkpoints / "alpha.pt"
    save_checkpoint(path, build_model("nano", 64), architecture="nano", image_size=64)
    write_plans(settings.data_root / "plans" / "test", count=PLANS)
    yield settings
    for run in list_runs(settings.reports):
        if run.pid():
            jobs.kill_run(run)


@contextmanager
def server(settings: Settings):
    """``python app.py`` as a process of its own, killed at the end without a warning."""
    fields = ("checkpoints", "data_root", "runs", "reports", "cache", "checkpoint", "device")
    environment = {f"FLOORSEG_{name.upper()}": str(getattr(settings, name)) for name in fields}
    process = subprocess.Popen(
        [sys.executable, "app.py", "--port", str(settings.port)], cwd=PROJECT,
        env=os.environ | environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    url = f"http://127.0.0.1:{settings.port}"
    try:
        until(lambda: process.poll() is not None or answers(url))
        assert process.poll() is None, "the server did not start"
        yield url
    finally:
        process.kill()
        process.wait()


def answers(url: str) -> bool:
    try:
        return urllib.request.urlopen(url, timeout=20).status == 200
    except (URLError, OSError):
        return False


def until(condition) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.2)


@contextmanager
def visit(chromium, url: str):
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(PATIENCE * 1000)
    open_tab(page, url)
    try:
        yield page
    finally:
        page.close()


def start(page) -> None:
    page.get_by_role("checkbox", name="small").uncheck()
    page.get_by_role("checkbox", name="alpha").check()
    page.get_by_label("Dataset to evaluate on").select_option("plans")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Evaluate", exact=True).click()


def state(page, name: str) -> None:
    page.locator(f".fs-eval .fs-{name}").wait_for()


def press(page, name: str) -> None:
    page.locator(".fs-eval").get_by_role("button", name=name, exact=True).click()


def test_an_evaluation_outlives_the_server_and_goes_on_after_stop_and_kill(chromium, settings):
    with server(settings) as url, visit(chromium, url) as page:
        start(page)
        until(lambda: any(count_records(run.path) for run in list_runs(settings.reports)))
    (run,) = list_runs(settings.reports)
    when_killed = count_records(run.path)
    until(lambda: count_records(run.path) > when_killed)  # with no server at all
    os.kill(run.pid(), signal.SIGSTOP)  # or it is at its end before the next page is open

    with serve(settings) as served, visit(chromium, served.url) as page:
        state(page, "running")
        with page.expect_response(lambda it: "stop_evaluation" in (it.request.post_data or "")):
            press(page, "Stop")
        os.kill(run.pid(), signal.SIGCONT)
        state(page, "stopped")
        stopped = count_records(run.path)
        press(page, "Go on")
        until(lambda: count_records(run.path) > stopped)
        os.kill(run.pid(), signal.SIGKILL)
        state(page, "interrupted")
        killed = records(run)
        press(page, "Go on")
        state(page, "finished")
        page.locator(".fs-league tbody tr").first.wait_for()

    assert stopped < PLANS
    assert len(killed) < PLANS
    assert records(run)[: len(killed)] == killed  # kept, not computed again
    assert count_records(run.path) == len(records(run)) == PLANS


def records(run) -> list[bytes]:
    return (run.path / "pictures" / "part-0000.jsonl").read_bytes().splitlines()
