"""The form that starts a training: a command line, nothing that could be anything else."""

import shlex
from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from floorseg.errors import ConfigError, DatasetError, PermissionRefused, RunError
from floorseg.runs import RunFolder
from floorseg.services.training_form import (
    TrainingForm,
    arguments,
    check_form,
    check_text,
    choices,
    command,
    preset_names,
    quoted,
    shipped_configs,
)
from floorseg.services.trainings import Trainings
from floorseg.settings import Settings


def form(**fields):
    return TrainingForm(**({"config": "Set1_finetune"} | fields))


def test_fine_tuning_configs_are_offered_first():
    assert shipped_configs()[:4] == [
        "mixed_finetune", "nano_finetune", "Set1_finetune", "Set2_finetune",
    ]  # fmt: skip


def test_the_presets_are_offered():
    assert preset_names("trained") == ["all", "decoder", "decoder+neck", "lora"]
    assert preset_names("memory") == ["16GB", "40GB", "8GB", "cpu"]
    assert preset_names("length") == ["full", "short", "smoke"]


def test_an_untouched_form_is_the_config_alone():
    assert command(form(), "configs/Set1_finetune.yaml") == (
        "python -m floorseg train -c configs/Set1_finetune.yaml --use-cluster 0"
    )


def test_what_was_changed_is_on_the_command_line_and_nothing_else():
    usual = choices("Set1_finetune")
    filled = form(
        trained="decoder", memory="16GB", epochs=3, objects=usual.number("objects"),
        base_lr=1e-4, name="my run",
    )  # fmt: skip

    assert arguments(filled, "c.yaml")[4:] == [
        "--name", "my run", "trained=decoder", "scratch.num_epochs=3", "scratch.base_lr=0.0001",
    ]  # fmt: skip


def test_a_preset_changes_what_the_fields_start_with():
    assert choices("Set1_finetune", {"memory": "cpu"}).number("resolution") == 512
    assert choices("Set1_finetune").number("resolution") == 1024


def test_fields_a_config_does_not_read_are_not_shown():
    nano = choices("nano_finetune")

    assert nano.number("minutes") == 25
    assert [nano.number(field) for field in ("epochs", "batch", "resolution")] == [None] * 3


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": "../../etc"}, "cannot be used"),
        ({"name": "a; rm -rf /"}, "cannot be used"),
        ({"partition": "gpu --wrap=x"}, "no partition's name"),
        ({"base_lr": -1}, "base_lr must be above 0"),
        ({"resolution": 500}, "multiple of 32"),
        ({"trained": "evrything"}, "not offered"),
        ({"text": "a: [1, 2"}, "not YAML: line"),
        ({"text": "just words"}, "key: value"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_field(fields, words):
    with pytest.raises(ConfigError, match=words):
        check_form(form(**fields))


def test_the_line_and_column_of_a_mistake_in_the_settings_are_told():
    with pytest.raises(ConfigError, match=r"line 2, column \d+"):
        check_text("a: 1\nb: c: d\n")


@pytest.mark.parametrize("config", ["../secrets", "no_such", "", "a/b;c"])
def test_only_shipped_configs_can_be_named(config):
    with pytest.raises(ConfigError, match="there is no configuration"):
        choices(config)


@pytest.mark.parametrize(
    "value", ["plans", "/data/My plans", "/data/O'Neil", '/a "b" c', "/a,b=[c]{d}", "/Häuser/größe"]
)
def test_a_path_reaches_hydra_unchanged_whatever_is_in_it(value):
    parsed = OverridesParser.create().parse_override(f"dataset.folder={quoted(value)}")

    read = parsed.value()

    assert (read if isinstance(read, str) else read.text) == value


@pytest.mark.parametrize("value", ["a\nb", "${oc.env:HOME}", "a\\b", "'\""])
def test_a_path_that_hydra_would_read_otherwise_is_refused(value):
    with pytest.raises(ConfigError, match="cannot hold"):
        quoted(value)


def test_the_command_can_be_pasted_into_a_shell():
    line = command(form(dataset="/a b/$(touch x)".replace("$", "S"), name="n"), "c.yaml")

    assert "dataset.folder='/a b/S(touch x)'" in shlex.split(line)


@pytest.fixture
def trainings(tmp_path):
    (tmp_path / "data" / "Set1" / "train").mkdir(parents=True)
    return Trainings(
        Settings(data_root=tmp_path / "data", runs=tmp_path / "runs", checkpoints=tmp_path)
    )


def a_run(trainings, name="a"):
    run = RunFolder.create(trainings.settings.runs, name)
    run.write("config.yaml", "trainer: {max_epochs: 1}\n")
    return run


def test_a_dataset_outside_the_data_root_is_refused(trainings):
    with pytest.raises(DatasetError, match="under the data root"):
        trainings.arguments(form(dataset="../.."))


def test_edited_settings_are_the_file_of_the_command(trainings):
    edited = choices("Set1_finetune").text + "\n# mine\n"

    found = trainings.arguments(form(text=edited, name="mine"))

    path = Path(found[found.index("-c") + 1])
    assert path.name == "mine.yaml"
    assert path.read_text().strip() == edited.strip()


@pytest.mark.parametrize("act", ["check", "start", "stop", "resume", "delete", "evaluate"])
def test_in_public_nothing_starts_or_ends(act, tmp_path):
    trainings = Trainings(Settings(public=True, runs=tmp_path, data_root=tmp_path))
    asked = form() if act in ("check", "start") else "some-run"
    more = {"typed": "some-run"} if act == "delete" else {}

    with pytest.raises(PermissionRefused, match="public"):
        getattr(trainings, act)(asked, None, **more)
    assert trainings.runs() == trainings.queue() == trainings.datasets() == []


def test_where_trainers_are_named_others_are_refused(tmp_path):
    trainings = Trainings(Settings(trainers="ada, bob", runs=tmp_path))

    trainings.permit("bob")
    with pytest.raises(PermissionRefused, match="eve may not train"):
        trainings.permit("eve")


def test_a_run_is_deleted_only_when_its_name_is_typed(trainings):
    run = a_run(trainings)

    with pytest.raises(RunError, match="type its name"):
        trainings.delete(run.name, None, typed="yes")
    trainings.delete(run.name, None, typed=run.name)

    assert not run.path.exists()


def test_a_name_that_is_a_path_finds_no_run(trainings):
    a_run(trainings)

    with pytest.raises(RunError, match="no run called"):
        trainings.run("../runs")


def test_a_run_from_the_command_line_cannot_be_duplicated_as_a_form(trainings):
    run = a_run(trainings)

    with pytest.raises(RunError, match="not started from this form"):
        trainings.form_of(run)
