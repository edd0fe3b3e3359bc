"""What the Train tab shows of runs, and what its handlers read."""

import re

import gradio as gr
import pytest

from floorseg.runs import RunFolder, RunState
from floorseg.services.machine import Gpu, Load
from floorseg.services.run_summary import curves, summarise
from floorseg.services.trainings import Trainings
from floorseg.settings import Settings
from floorseg.ui import train_view as view
from floorseg.ui.plots import line_chart, smoothed, thin, ticks
from floorseg.ui.train_form import CLUSTER, FIELDS, HERE, read_form
from floorseg.ui.train_tab import build_train_tab, look


def a_run(folder, name="doors", steps=4, **config):
    run = RunFolder.create(folder, name)
    run.write("config.yaml", f"trainer: {{max_epochs: 2}}\nscratch: {config or {'lr': 1}}\n")
    for step in range(steps):
        run.record(
            "step", step=step, epoch=0, where=step / 8, lr=1e-4, images_per_second=3.0,
            minutes=step / 2, image_size=64, loss=2.0 - step / 4, loss_mask=1.0,
        )  # fmt: skip
    if steps:
        scores = {"click1": 0.5, "click3": 0.6, "box": 0.7, "best": 0.5}
        run.record("validation", step=steps, epoch=1, minutes=2, **scores)
    return run


def numbers(text):
    return re.sub(r"<[^>]+>", " ", text)


def test_a_run_is_summed_up_from_its_folder(tmp_path):
    summary = summarise(a_run(tmp_path))

    assert (summary.step, summary.share, summary.best) == (4, 3 / 8, 0.5)
    assert summary.scores == {"click1": 0.5, "click3": 0.6, "box": 0.7}
    assert summary.state is RunState.CREATED


def test_every_loss_term_has_its_own_curve(tmp_path):
    found = curves(a_run(tmp_path))

    assert set(found.terms) == {"loss", "loss_mask", "lr", "images_per_second"}
    assert found.terms["loss"] == [(0, 2.0), (1, 1.75), (2, 1.5), (3, 1.25)]
    assert found.scores["box"] == [(4, 0.7)]


def test_a_run_without_events_is_shown_too(tmp_path):
    run = a_run(tmp_path, steps=0)

    assert "created" in view.status(summarise(run), None)
    assert "no values yet" in view.charts(run)


def test_a_failure_is_told_where_the_run_is_looked_at(tmp_path):
    run = a_run(tmp_path)
    run.leave(RunState.FAILED, "the loss is nan <at step 3>")

    shown = view.status(summarise(run), None)

    assert "the loss is nan &lt;at step 3&gt;" in shown


def test_gpus_are_shown_while_a_run_is_live(tmp_path):
    summary = summarise(a_run(tmp_path))
    object.__setattr__(summary, "state", RunState.RUNNING)

    shown = numbers(view.status(summary, Load(0.5, 8, 32, (Gpu("H100", 20, 80, 0.9),))))

    assert "H100" in shown
    assert "90%, 20.0 of 80 GB" in shown


def test_several_runs_are_overlaid_in_one_plot(tmp_path):
    one, two = a_run(tmp_path, "one"), a_run(tmp_path, "two")

    shown = view.charts(one, [two])

    assert shown.count(f"<title>{two.name}</title>") >= 4


def test_runs_are_told_apart_by_the_settings_that_differ(tmp_path):
    one, two = a_run(tmp_path, "one", lr=1), a_run(tmp_path, "two", lr=2)

    table = view.differences([one, two])

    assert "| scratch.lr | 1 | 2 |" in table
    assert "max_epochs" not in table


def test_scores_on_the_test_split_stand_beside_the_base(tmp_path):
    run = a_run(tmp_path)
    run.write_json("test.json", {"scores": {"1 click": {"base": 0.41, "tuned": 0.62}}})

    shown = numbers(view.status(summarise(run), None))

    assert "0.4100" in shown
    assert "0.6200" in shown


def test_a_name_cannot_bring_markup_into_a_chart():
    assert "<script>" not in line_chart("<script>", {"<script>": [(0, 1.0), (1, 2.0)]})


def test_numbers_that_are_not_finite_leave_a_chart_standing():
    shown = line_chart("loss", {"loss": [(0, 1.0), (1, float("nan")), (2, 2.0)]})

    assert "nan" not in shown


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-3e-6, 4e-6), (10, 10.5), (0, 123456)])
def test_ticks_are_round_and_inside(low, high):
    found = ticks(low, high)

    assert 2 <= len(found) <= 7
    assert all(low - 1e-12 <= value <= high + 1e-12 for value in found)


def test_a_long_curve_is_thinned_and_keeps_its_ends():
    points = [(step, 0.0) for step in range(10_000)]

    found = thin(points)

    assert len(found) == 300
    assert (found[0], found[-1]) == (points[0], points[-1])


def test_a_smoothed_constant_is_the_constant():
    assert [y for _, y in smoothed([(0, 2.0), (1, 2.0)], 0.9)] == pytest.approx([2.0, 2.0])


def test_fields_are_read_as_a_form():
    values = dict.fromkeys(FIELDS) | {"config": "nano_finetune", "cluster": CLUSTER, "minutes": 2}

    form = read_form([values[field] for field in FIELDS])

    assert (form.cluster, form.minutes, form.dataset, form.epochs) == (True, 2, "", None)
    values["cluster"] = HERE
    assert not read_form([values[field] for field in FIELDS]).cluster


def test_the_tab_builds_and_shows_a_run(tmp_path):
    run = a_run(tmp_path / "runs")
    trainings = Trainings(Settings(runs=tmp_path / "runs", data_root=tmp_path))
    with gr.Blocks():
        with gr.Tabs() as tabs, gr.Tab("Train"):
            build_train_tab(trainings, tabs)

        queue, table, status, charts, *_ = look(trainings, run.name, [])

    assert "nothing" in queue
    assert table[0][0] == run.name
    assert "validation" in charts
    assert run.name in status


def test_nothing_is_polled_while_nothing_is_live(tmp_path):
    a_run(tmp_path)
    trainings = Trainings(Settings(runs=tmp_path, data_root=tmp_path))

    *_, timer = look(trainings, None, [])

    assert not timer.active
