"""The Train tab in a real browser: a run outlives the page and the app."""

import time

import psutil
import pytest
import torch
from omegaconf import OmegaConf

from floorseg.core.model import build_model, save_checkpoint
from floorseg.runs import RunState, list_runs
from floorseg.services import jobs
from tests.page_server import page_settings, serve
from tests.training.conftest import draw_rooms, write_plan

pytestmark = pytest.mark.browser
PATIENCE = 240_000  # milliseconds: a run's process first loads torch


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    """A page whose data root holds one dataset of eight tiny plans."""
    folder = tmp_path_factory.mktemp("train-page")
    settings = page_settings(folder)
    for split, count in (("train", 8), ("valid", 2)):
        for seed in range(count):
            name = f"{split}.{seed}.png"
            write_plan(settings.data_root / "Set1" / split, name, *draw_rooms(seed))
    torch.manual_seed(0)
    base = settings.checkpoints / "base.pt"
    save_checkpoint(base, build_model("nano", 64), architecture="nano", image_size=64)
    yield settings
    for run in list_runs(settings.runs):
        if run.pid():
            jobs.kill_run(run)


def edited_settings(text):
    """The shipped configuration, so small that a step takes a blink; long enough to be watched."""
    stages = [{"length": 20_000, "image_size": 64, "batch_sizes": [2]}]
    small = {
        "stage_unit": "steps", "stages": stages, "validate_every": 20, "accelerator": "cpu",
        "optim": {"amp": {"enabled": False}},
    }  # fmt: skip
    config = OmegaConf.create(text)
    config = OmegaConf.merge(config, {"trainer": small, "scratch": {"validation_images": 2}})
    return "# @package _global_\n" + OmegaConf.to_yaml(config)


def open_train(browser, url):
    page = browser.new_page()
    page.set_default_timeout(60_000)
    page.goto(url)
    page.get_by_role("tab", name="Train").click()
    page.locator("#train-queue").get_by_text("Running").wait_for()
    return page


def until(condition, patience=240):
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.2)


@pytest.mark.slow
def test_a_run_goes_on_when_browser_and_app_are_closed_and_is_there_again(chromium, settings):
    from floorseg.services.training_form import choices
    from floorseg.services.trainings import TrainingForm, Trainings

    with serve(settings) as served:
        form = TrainingForm(
            config="nano_finetune", dataset="Set1", checkpoint="base", name="lasting",
            text=edited_settings(choices("nano_finetune").text),
        )  # fmt: skip
        run = Trainings(settings).start(form, None)
        page = open_train(chromium, served.url)
        page.locator("#train-status").get_by_text("running").wait_for(timeout=PATIENCE)
        page.close()
    process = psutil.Process(run.pid())

    with serve(settings) as served:
        page = open_train(chromium, served.url)
        page.locator("#train-status").get_by_text("running").wait_for()
        before = len(list(run.events("step")))
        until(lambda: len(list(run.events("step"))) > before)
        assert process.is_running()

        page.locator("#train-stop").click()
        until(lambda: run.state() is RunState.STOPPED)
        page.locator("#train-status").get_by_text("stopped").wait_for()
        page.close()
