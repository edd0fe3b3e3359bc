"""Train tab: start a fine-tuning, watch it, stop it, go on with it, compare runs."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from floorseg.runs import RunState
from floorseg.services.machine import machine_load
from floorseg.services.run_summary import log_tail, summarise
from floorseg.services.trainings import Trainings
from floorseg.ui import train_view as view
from floorseg.ui.feedback import explains_failures
from floorseg.ui.train_form import FormParts, build_form

LOG_LINES = 10  # as many as fit without scrolling
POLL = 2.0  # seconds between two looks at a live run
LIVE = (RunState.RUNNING, RunState.QUEUED)
PUBLIC = (
    "This page is public: no training runs here. Fine-tune on your own computer: "
    "`python -m floorseg train -c configs/nano_finetune.yaml`"
)


@dataclass(frozen=True, slots=True)
class _Parts:
    """What is on the tab, for handlers that change it."""

    queue: gr.Markdown
    table: gr.Dataframe
    chosen: gr.Dropdown
    beside: gr.Dropdown
    status: gr.HTML
    charts: gr.HTML
    pictures: gr.Gallery
    differences: gr.Markdown
    log: gr.Textbox
    timer: gr.Timer
    controls: "_Controls"

    @property
    def live(self) -> list[Any]:
        """What changes while a run goes on."""
        return [
            self.queue, self.table, self.status, self.charts, self.pictures, self.log, self.timer,
        ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Controls:
    """What one can do with a run."""

    stop: gr.Button
    more: gr.Number
    resume: gr.Button
    duplicate: gr.Button
    evaluate: gr.Button
    typed: gr.Textbox
    delete: gr.Button
    board: gr.Button
    said: gr.Markdown


def build_train_tab(trainings: Trainings, tabs: gr.Tabs | None = None) -> None:
    """Lay the tab out inside the current ``gr.Tab`` and wire its events.

    Args:
        trainings: the service.
        tabs: the page's tabs; runs are looked at only while this one is open.
    """
    if trainings.settings.public:
        gr.Markdown(PUBLIC)
    form = build_form(trainings)
    parts = _build_runs()
    _wire_watching(trainings, parts, tabs)
    _wire_starting(trainings, form, parts)
    _wire_controls(trainings, form, parts)


def _build_runs() -> _Parts:
    queue = gr.Markdown(elem_id="train-queue")
    table = gr.Dataframe(
        headers=view.TABLE, interactive=False, wrap=True, elem_id="train-runs", label="Runs",
        max_height=260,
    )  # fmt: skip
    with gr.Row():
        chosen = gr.Dropdown([], label="Run", elem_id="train-run", scale=2, min_width=300)
        beside = gr.Dropdown(
            [], label="Beside it", multiselect=True, scale=2, min_width=300, elem_id="train-beside"
        )
        more = gr.Number(
            0, label="Resume goes on longer by (its epochs, steps or minutes)",
            elem_id="train-more", scale=1,
        )  # fmt: skip
    controls = _build_controls(more)
    status = gr.HTML(elem_id="train-status")
    charts = gr.HTML(elem_id="train-charts")
    differences = gr.Markdown(elem_id="train-differences")
    pictures = gr.Gallery(
        label="Predictions on validation plans, newest first", columns=2, height="auto",
        visible=False, elem_id="train-pictures", object_fit="contain",
    )  # fmt: skip
    log = gr.Textbox(
        label="Log, the last lines", lines=LOG_LINES, max_lines=LOG_LINES, elem_id="train-log"
    )
    timer = gr.Timer(POLL, active=False)
    return _Parts(
        queue, table, chosen, beside, status, charts, pictures, differences, log, timer, controls
    )


def _build_controls(more: gr.Number) -> _Controls:
    with gr.Row():
        stop = gr.Button("Stop and save", elem_id="train-stop")
        resume = gr.Button("Resume", elem_id="train-resume")
        duplicate = gr.Button("Duplicate with changes", elem_id="train-duplicate")
        evaluate = gr.Button("Evaluate against its base", elem_id="train-evaluate")
        board = gr.Button("TensorBoard", elem_id="train-board")
    with gr.Accordion("Delete the run", open=False), gr.Row(equal_height=True):
        typed = gr.Textbox(label="To delete it, type its name", elem_id="train-typed")
        delete = gr.Button("Delete", variant="stop", elem_id="train-delete")
    said = gr.Markdown(elem_id="train-said")
    return _Controls(stop, more, resume, duplicate, evaluate, typed, delete, board, said)


def look(
    trainings: Trainings, name: str | None, beside: list[str] | None, user: str | None = None
) -> list[Any]:
    """What the tab shows now of a run, in the order of ``_Parts.live``."""
    runs = trainings.runs()
    running = [run for run in runs if run.state is RunState.RUNNING]
    queue = view.queue_words(trainings.queue(), running)
    live = any(run.state in LIVE for run in runs)
    table = view.rows(runs)
    if not name:
        return [queue, table, "", "", gr.Gallery([], visible=False), "", gr.Timer(active=live)]
    run = trainings.run(name, user)
    others = [trainings.run(other, user) for other in beside or [] if other != name]
    load = machine_load() if running else None
    newest = sorted((run.path / "pictures").glob("*.jpg"), reverse=True)[:2]
    return [
        queue, table, view.status(summarise(run), load), view.charts(run, others),
        gr.Gallery([str(path) for path in newest], visible=bool(newest)),
        log_tail(run, lines=LOG_LINES), gr.Timer(active=live),
    ]  # fmt: skip


def _wire_watching(trainings: Trainings, parts: _Parts, tabs: gr.Tabs | None) -> None:
    """The tab opens: everything is read again. A run is live: it is looked at every two seconds."""

    @explains_failures
    def refresh(name: str | None, beside: list[str], request: gr.Request) -> list[Any]:
        return look(trainings, name, beside, request.username)

    @explains_failures
    def opened(name: str | None, request: gr.Request, event: gr.SelectData) -> list[Any]:
        if event.value != "Train" or trainings.settings.public:
            return [gr.skip()] * (len(parts.live) - 1) + [gr.Timer(active=False)] + [gr.skip()] * 2
        names = [run.name for run in trainings.runs()]
        name = name if name in names else (names[0] if names else None)
        choose = gr.Dropdown(names, value=name), gr.Dropdown(names)
        return [*look(trainings, name, [], request.username), *choose]

    @explains_failures
    def compare(name: str | None, beside: list[str], request: gr.Request) -> str:
        known = [trainings.run(each, request.username) for each in [name, *beside] if each]
        return view.differences(known)

    def pick(event: gr.SelectData, table: Any) -> str:
        return str(table.iloc[event.index[0], 0])

    if tabs is not None:
        tabs.select(opened, parts.chosen, [*parts.live, parts.chosen, parts.beside], queue=False)
    asked = [parts.chosen, parts.beside]
    parts.timer.tick(refresh, asked, parts.live, queue=False, show_progress="hidden")
    parts.chosen.change(refresh, asked, parts.live, show_progress="hidden")
    parts.beside.change(refresh, asked, parts.live, show_progress="hidden")
    parts.beside.change(compare, asked, parts.differences, show_progress="hidden")
    parts.table.select(pick, parts.table, parts.chosen)


def _wire_starting(trainings: Trainings, form: FormParts, parts: _Parts) -> None:
    @explains_failures
    def check(request: gr.Request, *values: Any) -> str:
        return trainings.check(form.read(values), request.username)

    @explains_failures
    def start(request: gr.Request, *values: Any) -> list[Any]:
        run = trainings.start(form.read(values), request.username)
        names = [each.name for each in trainings.runs()]
        return [
            gr.Dropdown(names, value=run.name), gr.Dropdown(names),
            f"{run.name} is {run.state()}", gr.Timer(active=True),
        ]  # fmt: skip

    form.check.click(check, form.inputs, form.answer)
    form.start.click(
        start, form.inputs, [parts.chosen, parts.beside, form.answer, parts.timer],
        concurrency_limit=2,
    )  # fmt: skip


def _wire_controls(trainings: Trainings, form: FormParts, parts: _Parts) -> None:
    """Stop, resume, duplicate, delete, evaluate, TensorBoard."""

    @explains_failures
    def stopped(name: str, request: gr.Request) -> str:
        return f"{name} is {trainings.stop(name or '', request.username).state}"

    @explains_failures
    def resumed(name: str, more: float, request: gr.Request) -> tuple[str, gr.Timer]:
        summary = trainings.resume(name or "", request.username, more=more or 0)
        return f"{name} is {summary.state}", gr.Timer(active=True)

    @explains_failures
    def duplicated(name: str, request: gr.Request) -> list[Any]:
        run = trainings.run(name or "", request.username)
        said = f"the form has the settings of {run.name} now: change them, then press Start"
        return [said, *form.fill(trainings.form_of(run))]

    @explains_failures
    def evaluated(name: str, request: gr.Request) -> str:
        evaluation = trainings.evaluate(name or "", request.username)
        return f"{evaluation} has begun; watch it in the Evaluate tab, its report appears there"

    @explains_failures
    def deleted(name: str, typed: str, request: gr.Request) -> tuple[str, gr.Dropdown, str]:
        trainings.delete(name or "", request.username, typed=typed)
        names = [run.name for run in trainings.runs()]
        return f"{name} is deleted", gr.Dropdown(names, value=names[0] if names else None), ""

    @explains_failures
    def opened(request: gr.Request) -> str:
        trainings.permit(request.username)
        host = request.headers.get("x-forwarded-host") or request.headers.get("host") or ""
        return view.board_words(trainings.tensorboard, host.rpartition(":")[0] or host)

    chosen, on = parts.chosen, parts.controls
    on.stop.click(stopped, chosen, on.said)
    on.resume.click(resumed, [chosen, on.more], [on.said, parts.timer])
    on.duplicate.click(duplicated, chosen, [on.said, *form.inputs])
    on.evaluate.click(evaluated, chosen, on.said)
    on.delete.click(deleted, [chosen, on.typed], [on.said, chosen, on.typed])
    on.board.click(opened, None, on.said)
