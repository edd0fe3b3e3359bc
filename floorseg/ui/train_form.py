"""The form that starts a training: what people change, the rest as YAML, the exact command."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from floorseg.errors import FloorsegError
from floorseg.services.training_form import (
    PRESETS,
    Choices,
    TrainingForm,
    choices,
    preset_names,
    shipped_configs,
)
from floorseg.services.trainings import Trainings
from floorseg.ui.feedback import explains_failures

FIRST = "nano_finetune"
FIELDS = (
    "config", "dataset", "checkpoint", "name", "trained", "memory", "length", "epochs", "minutes",
    "base_lr", "vision_lr", "batch", "objects", "resolution", "cluster", "partition", "text",
)  # fmt: skip
_NUMBERS = {  # field: label
    "epochs": "Epochs",
    "minutes": "Minutes",
    "base_lr": "Learning rate",
    "vision_lr": "Learning rate, encoder",
    "batch": "Plans a step",
    "objects": "Objects a plan",
    "resolution": "Resolution, px",
}
HERE, CLUSTER = "This machine", "SLURM cluster"
CONFIGURED = ("as in the configuration", "")


@dataclass(frozen=True, slots=True)
class FormParts:
    """The form's fields, in the order of :data:`FIELDS`, and its buttons."""

    inputs: list[Any]
    check: gr.Button
    start: gr.Button
    answer: gr.Markdown

    def read(self, values: Sequence[Any]) -> TrainingForm:
        """What stands in the fields."""
        return read_form(values)

    def fill(self, form: TrainingForm) -> list[Any]:
        """What the fields show for a form, in the order of :data:`FIELDS`."""
        chosen = {group: preset for group in PRESETS if (preset := getattr(form, group))}
        known = choices(form.config, chosen)
        shown: dict[str, Any] = {field: getattr(form, field) for field in FIELDS}
        shown["cluster"] = CLUSTER if form.cluster else HERE
        shown["text"] = form.text or known.text
        for group in PRESETS:
            value = chosen.get(group) or known.groups.get(group)
            shown[group] = gr.Dropdown(value=value, visible=group in known.groups)
        for field, number in zip(_NUMBERS, _numbers(known), strict=True):
            value = getattr(form, field)
            shown[field] = number if value is None else gr.Number(value, visible=True)
        return [shown[field] for field in FIELDS]


def read_form(values: Sequence[Any]) -> TrainingForm:
    """Values of the fields, in the order of :data:`FIELDS`, as a form."""
    given: dict[str, Any] = dict(zip(FIELDS, values, strict=True))
    given["cluster"] = given["cluster"] == CLUSTER
    for field in FIELDS:
        if field not in _NUMBERS and field != "cluster":
            given[field] = (given[field] or "").strip()
    for field in _NUMBERS:
        given[field] = given[field] or None
    return TrainingForm(**given)


def build_form(trainings: Trainings) -> FormParts:
    """Lay the form out and wire what changes within it."""
    known = choices(FIRST)
    fields: dict[str, Any] = {}
    with gr.Accordion("Start a training", open=True):
        with gr.Row():
            fields["config"] = gr.Dropdown(
                shipped_configs(), value=FIRST, label="Configuration", elem_id="train-config"
            )
            fields["dataset"] = gr.Dropdown(
                [CONFIGURED, *trainings.datasets()], value="", label="Dataset",
                elem_id="train-dataset",
            )  # fmt: skip
            fields["checkpoint"] = gr.Dropdown(
                [CONFIGURED, *trainings.checkpoints()], value="", label="Start from",
                elem_id="train-checkpoint",
            )  # fmt: skip
            fields["name"] = gr.Textbox(
                label="Name of the run", placeholder="goes behind the time it begins",
                elem_id="train-name",
            )  # fmt: skip
        with gr.Row():
            for group, label in zip(PRESETS, ("What learns", "Memory", "Length"), strict=True):
                fields[group] = gr.Dropdown(
                    preset_names(group), value=known.groups.get(group), label=label,
                    visible=group in known.groups,
                )  # fmt: skip
        with gr.Row():
            for field, label in _NUMBERS.items():
                fields[field] = gr.Number(
                    known.number(field), label=label, visible=known.number(field) is not None,
                    elem_id=f"train-{field}",
                )  # fmt: skip
        with gr.Row():
            where = [HERE, CLUSTER] if trainings.has_cluster() else [HERE]
            fields["cluster"] = gr.Radio(where, value=HERE, label="Where")
            fields["partition"] = gr.Textbox(label="Partition", visible=trainings.has_cluster())
        with gr.Accordion("All settings (YAML)", open=False):
            fields["text"] = gr.Code(
                known.text, language="yaml", label="Configuration", lines=12,
                elem_id="train-text",
            )  # fmt: skip
        command = gr.Code(
            trainings.command(TrainingForm(config=FIRST)), language="shell", lines=1, max_lines=4,
            label="The same in a terminal", elem_id="train-command", interactive=False,
        )  # fmt: skip
        with gr.Row():
            check = gr.Button("Check", elem_id="train-check")
            start = gr.Button("Start", variant="primary", elem_id="train-start")
        answer = gr.Markdown(elem_id="train-answer")
    inputs = [fields[field] for field in FIELDS]
    _wire_form(trainings, fields, inputs, command, answer)
    return FormParts(inputs, check, start, answer)


def _wire_form(
    trainings: Trainings,
    fields: dict[str, Any],
    inputs: list[Any],
    command: gr.Code,
    answer: gr.Markdown,
) -> None:
    def say(*values: Any) -> tuple[str, str]:
        """The command, or the mistake, as one types."""
        if trainings.settings.public:
            return "", ""
        try:
            return trainings.command(read_form(values)), ""
        except FloorsegError as problem:
            return "", in_words(problem)

    @explains_failures
    def another(config: str) -> list[Any]:
        known = choices(config)
        groups = [
            gr.Dropdown(value=known.groups.get(group), visible=group in known.groups)
            for group in PRESETS
        ]
        return [*groups, *_numbers(known), known.text]

    @explains_failures
    def preset(config: str, *chosen: str) -> list[Any]:
        return _numbers(choices(config, dict(zip(PRESETS, chosen, strict=True))))

    numbers = [fields[name] for name in _NUMBERS]
    groups = [fields[name] for name in PRESETS]
    fields["config"].input(  # not when a duplicate fills the form: it has its own numbers
        another, fields["config"], [*groups, *numbers, fields["text"]], show_progress="hidden"
    )
    gr.on(
        [group.input for group in groups], preset, [fields["config"], *groups], numbers,
        show_progress="hidden",
    )  # fmt: skip
    gr.on(
        [field.change for field in inputs], say, inputs, [command, answer],
        queue=False, show_progress="hidden", trigger_mode="always_last",
    )  # fmt: skip


def in_words(problem: FloorsegError) -> str:
    """A mistake as Markdown; the line it is in, where that is known, with a mark under it."""
    sentence, _, line = str(problem).partition("\n")
    return f"⚠ {sentence}" + (f"\n\n```\n{line}\n```" if line else "")


def _numbers(known: Choices) -> list[gr.Number]:
    """The fields of numbers as a configuration has them."""
    return [
        gr.Number(known.number(field), visible=known.number(field) is not None)
        for field in _NUMBERS
    ]
