"""The Train tab in a real browser: a run outlives page and app, and what one does with runs."""

import time
import urllib.request

import psutil
import pytest
import torch

from floorseg.core.model import build_model, save_checkpoint
from floorseg.runs import RunFolder, RunState, list_runs
from floorseg.services import jobs
from floorseg.services.evaluations import Evaluations
from tests.page_server import page_settings, serve
from tests.training.conftest import draw_rooms, write_plan

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(1800)]
PATIENCE = 600_000  # milliseconds: a run's process first loads torch, and the machine may be busy
PLANS = {"train": 32, "valid": 2, "test": 1}  # the shipped configuration begins with batches of 32


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    """A page whose data root holds one dataset of tiny plans."""
    folder = tmp_path_factory.mktemp("train-page")
    settings = page_settings(folder, reports=folder / "reports")
    for split, count in PLANS.items():
        for seed in range(count):
            name = f"{split}.{seed}.png"
            write_plan(settings.data_root / "Set1" / split, name, *draw_rooms(seed))
    torch.manual_seed(0)
    base = settings.checkpoints / "base.pt"
    save_checkpoint(base, build_model("nano", 64), architecture="nano", image_size=64)
    yield settings
    for root in (settings.runs, settings.reports):
        for run in list_runs(root):
            if run.pid():
                jobs.kill_run(run)


@pytest.fixture
def visit(chromium):
    """Opens the Train tab of a page; what is left open is closed with the test."""
    opened = []

    def open_train(url):
        page = chromium.new_page(viewport={"width": 1280, "height": 900})
        opened.append(page)
        page.set_default_timeout(PATIENCE)
        page.goto(url)
        to_train(page)
        return page

    yield open_train
    for page in opened:
        page.close()


def to_train(page):
    """Go to the tab and wait until it is filled: that closes a list one already types in."""
    page.get_by_role("tab", name="Train").click()
    page.locator("#train-queue").get_by_text("Running").wait_for()


def until(condition, patience=PATIENCE / 1000):
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.2)


def choose(page, field, value):
    """Pick an entry of one of Gradio's lists, as a person who types does."""
    entry = page.locator(f"#{field} input").first
    entry.click()
    entry.fill(value)
    page.get_by_role("option", name=value, exact=True).click()


def start(page, settings, name, minutes):
    """Fill the form in and press the button; the run."""
    choose(page, "train-dataset", "Set1")
    choose(page, "train-checkpoint", "base")
    page.locator("#train-name input, #train-name textarea").fill(name)
    page.locator("#train-minutes input").fill(str(minutes))
    page.locator("#train-command").get_by_text(f"scratch.minutes={minutes}").wait_for()
    page.locator("#train-start").click()
    until(lambda: any(run.name.endswith(name) for run in list_runs(settings.runs)))
    (run,) = [run for run in list_runs(settings.runs) if run.name.endswith(name)]
    page.locator("#train-status").get_by_text(run.name).wait_for()
    return run


def steps(run):
    return len(list(run.events("step")))


def test_a_mistake_in_the_settings_is_marked_where_it_is(visit, settings):
    with serve(settings) as served:
        page = visit(served.url)
        page.get_by_text("All settings (YAML)").click()
        page.locator("#train-text .cm-content").fill("trainer: [1, 2\nscratch: 3")

        answer = page.locator("#train-answer")
        answer.get_by_text("the settings are not YAML: line 2").wait_for()
        assert "^" in answer.locator("code").inner_text()


def test_a_run_started_here_goes_on_when_browser_and_app_are_closed(visit, settings):
    with serve(settings) as served:
        page = visit(served.url)
        run = start(page, settings, "lasting", 30)
        page.locator("#train-status").get_by_text("running").wait_for()
        page.locator("#train-charts figcaption").filter(has_text="loss").first.wait_for()
        shown = steps(run)
        page.locator("#train-status dd").filter(has_text="of about").wait_for()
        until(lambda: steps(run) > shown)
        page.close()
    process = psutil.Process(run.pid())

    with serve(settings) as served:
        page = visit(served.url)
        page.locator("#train-status").get_by_text("running").wait_for()
        before = steps(run)
        until(lambda: steps(run) > before)
        assert process.is_running()

        page.locator("#train-stop").click()
        page.locator("#train-status").get_by_text("stopped").wait_for()
        assert run.state() is RunState.STOPPED
        assert (run.checkpoints / "checkpoint.pt").is_file()

        before = steps(run)
        page.locator("#train-more input").fill("5")
        page.locator("#train-resume").click()
        until(lambda: steps(run) > before)
        page.locator("#train-status").get_by_text("of 35 min").wait_for()
        page.locator("#train-stop").click()
        until(lambda: run.state() is RunState.STOPPED)


def test_what_one_does_with_a_finished_run(visit, settings):
    """Its scores, its weights in every tab, duplicate, overlay, evaluate, TensorBoard, delete."""
    other = RunFolder.create(settings.runs, "other")
    other.write("config.yaml", "scratch: {minutes: 7}\ntrainer: {max_epochs: 2}\n")
    other.record("step", step=0, where=0.1, lr=1e-4, images_per_second=3.0, loss=2.0)
    with serve(settings) as served:
        page = visit(served.url)
        run = start(page, settings, "short", 0.2)
        page.locator("#train-status").get_by_text("finished", exact=True).wait_for()
        page.locator(".fs-test").get_by_text("gain, 95 % interval").wait_for()
        assert (run.path / "test.json").is_file()

        until(lambda: page.locator("#train-run input").input_value() == run.name)
        minutes = page.locator("#train-minutes input")
        minutes.fill("9")
        page.locator("#train-command").get_by_text("scratch.minutes=9").wait_for()
        page.locator("#train-duplicate").click()
        page.locator("#train-said").get_by_text("press Start").wait_for()
        until(lambda: minutes.input_value() == "0.2")  # the run's own, back again
        minutes.fill("0.3")
        page.locator("#train-command").get_by_text("scratch.minutes=0.3").wait_for()
        assert "Set1" in page.locator("#train-command").inner_text()

        choose(page, "train-beside", other.name)
        page.locator("#train-charts figcaption").get_by_text(other.name).first.wait_for()
        page.locator("#train-differences").get_by_text("scratch.minutes").wait_for()

        page.locator("#train-board").click()
        link = page.locator("#train-said a")
        link.wait_for()
        until(lambda: "TensorBoard" in read(link.get_attribute("href")))

        page.locator("#train-evaluate").click()
        page.locator("#train-said").get_by_text("has begun").wait_for()
        (evaluation,) = Evaluations(settings).listed()
        assert f"{run.name}" in evaluation.command
        assert "base.pt" in evaluation.command

        page.goto(served.url)
        page.wait_for_function("(document.querySelector('.fs-root') || {}).page?.facts")
        facts = page.evaluate("JSON.stringify(document.querySelector('.fs-root').page.facts)")
        assert f"{run.name}/best" in facts
        for tab, shown in (("Compare", "#compare option"), ("Evaluate", "#evaluate label.fs-row")):
            page.get_by_role("tab", name=tab).click()
            found = page.locator(shown).filter(has_text=f"{run.name}/best")
            found.first.wait_for(state="attached")

        to_train(page)
        choose(page, "train-run", run.name)
        page.get_by_text("Delete the run").click()
        page.locator("#train-typed input, #train-typed textarea").fill("something else")
        page.locator("#train-delete").click()
        page.get_by_text(f"type its name: {run.name}").wait_for()  # said, and so the click is over
        assert run.config.is_file()
        page.locator("#train-typed input, #train-typed textarea").fill(run.name)
        page.locator("#train-delete").click()
        page.locator("#train-said").get_by_text("is deleted").wait_for()
        assert not run.path.exists()


def read(address):
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:
            return answer.read().decode("utf-8", "replace")
    except OSError:
        return ""
