"""What people fill in to start a training -> the configuration file and the command line of it.

Nothing here starts anything, and nothing of what is typed ever reaches a shell: the command is a
list, and every value is quoted for Hydra.
"""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from floorseg.errors import ConfigError
from floorseg.settings import PROJECT

CONFIGS = PROJECT / "configs"
PRESETS = ("trained", "memory", "length")  # groups of configs/ that a form chooses from
_NAME = re.compile(r"[\w][\w .-]{0,59}")
_PLAIN = re.compile(r"[\w./+-]+", re.ASCII)
_NUMBERS = {  # field of the form: key of the configuration
    "epochs": "scratch.num_epochs",
    "minutes": "scratch.minutes",
    "base_lr": "scratch.base_lr",
    "vision_lr": "scratch.vision_lr",
    "batch": "scratch.train_batch_size",
    "objects": "scratch.max_num_objects",
    "resolution": "scratch.resolution",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingForm:
    """A filled-in form; None and "" leave a setting as the configuration has it."""

    config: str
    dataset: str = ""
    checkpoint: str = ""
    trained: str = ""
    memory: str = ""
    length: str = ""
    epochs: float | None = None
    minutes: float | None = None
    base_lr: float | None = None
    vision_lr: float | None = None
    batch: float | None = None
    objects: float | None = None
    resolution: float | None = None
    name: str = ""
    text: str = ""
    cluster: bool = False
    partition: str = ""


@dataclass(frozen=True, slots=True)
class Choices:
    """What a configuration lets one choose.

    Attributes:
        text: the file.
        groups: preset groups it has -> the one it takes by itself.
        scratch: its numbers, presets applied.
        staged: whether resolution and batch change on the way, as its stages say.
    """

    text: str
    groups: Mapping[str, str]
    scratch: Mapping[str, Any]
    staged: bool

    def number(self, field: str) -> float | None:
        """What a field of the form has here; None where the configuration does not read it."""
        if self.staged and field in ("batch", "resolution"):
            return None
        value = self.scratch.get(_NUMBERS[field].rpartition(".")[2])
        return float(value) if isinstance(value, int | float) else None


def shipped_configs() -> list[str]:
    """Names of the configurations to start from, fine-tuning first."""
    names = [path.stem for path in CONFIGS.glob("*.yaml") if "trainer" in path.read_text()
             or "base/" in path.read_text()]  # fmt: skip
    return sorted(names, key=lambda name: ("finetune" not in name, name.lower()))


def preset_names(group: str) -> list[str]:
    """Names in a preset group."""
    return sorted(path.stem for path in (CONFIGS / group).glob("*.yaml"))


def choices(config: str, chosen: Mapping[str, str] | None = None) -> Choices:
    """What one of the shipped configurations lets one choose.

    Args:
        config: its name.
        chosen: preset group -> preset, over the configuration's own.

    Raises:
        ConfigError: if there is no such configuration.
    """
    if not _PLAIN.fullmatch(config) or not (CONFIGS / f"{config}.yaml").is_file():
        known = ", ".join(shipped_configs())
        raise ConfigError(f"there is no configuration called {config[:60]!r}; there are {known}")
    groups: dict[str, str] = {}
    scratch = _scratch(CONFIGS / f"{config}.yaml", dict(chosen or {}), groups)
    text = (CONFIGS / f"{config}.yaml").read_text(encoding="utf-8")
    return Choices(text, groups, scratch, staged="stages:" in text)


def check_form(form: TrainingForm) -> None:
    """Refuse what cannot be meant.

    Raises:
        ConfigError: naming the field.
    """
    if form.name and not _NAME.fullmatch(form.name):
        raise ConfigError(
            f"the name {form.name[:60]!r} cannot be used; take letters, digits, spaces, . _ and -"
        )
    if form.partition and not _PLAIN.fullmatch(form.partition):
        raise ConfigError(f"{form.partition[:60]!r} is no partition's name")
    for field in _NUMBERS:
        value = getattr(form, field)
        if value is not None and not value > 0:
            raise ConfigError(f"{field} must be above 0, got {value}")
    if form.resolution is not None and form.resolution % 32:
        raise ConfigError(f"resolution must be a multiple of 32 pixels, got {form.resolution:g}")
    for group in PRESETS:
        preset = getattr(form, group)
        if preset and preset not in preset_names(group):
            raise ConfigError(
                f"{group} {preset[:40]!r} is not offered; choose {', '.join(preset_names(group))}"
            )
    check_text(form.text)


def check_text(text: str) -> None:
    """Refuse text that is not a configuration.

    Raises:
        ConfigError: with the line and column of the mistake, and the line itself below.
    """
    try:
        read = yaml.safe_load(text) if text.strip() else {}
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        shown = mark.get_snippet(indent=0) if mark else None
        raise ConfigError(
            f"the settings are not YAML: {where}{problem.problem}" + (f"\n{shown}" if shown else "")
        ) from problem
    except yaml.YAMLError as problem:
        raise ConfigError(f"the settings are not YAML: {problem}") from problem
    if not isinstance(read, dict):
        raise ConfigError("the settings must be 'key: value' lines, one section below another")


def arguments(form: TrainingForm, config: Path) -> list[str]:
    """What stands after ``python -m floorseg train``.

    Args:
        form: filled in.
        config: the file that is named: a shipped one, or the edited text's.
    """
    chosen = {group: preset for group in PRESETS if (preset := getattr(form, group))}
    known = choices(form.config, chosen)
    found = ["-c", str(config), "--use-cluster", str(int(form.cluster))]
    if form.name:
        found += ["--name", form.name]
    if form.partition:
        found += ["--partition", form.partition]
    found += [f"{g}={p}" for g, p in chosen.items() if known.groups.get(g) not in (None, p)]
    for key, value in (("dataset.folder", form.dataset), ("dataset.base_model", form.checkpoint)):
        if value:
            found.append(f"{key}={quoted(value)}")
    for field, key in _NUMBERS.items():
        value = getattr(form, field)
        usual = known.number(field)
        if value is not None and usual is not None and value != usual:
            found.append(f"{key}={value:g}")
    return found


def command(form: TrainingForm, config: Path) -> str:
    """The exact command, to paste into a terminal."""
    return shlex.join(["python", "-m", "floorseg", "train", *arguments(form, config)])


def quoted(value: str) -> str:
    """A value as Hydra reads it back unchanged.

    Raises:
        ConfigError: if it cannot be written so.
    """
    if _PLAIN.fullmatch(value):
        return value
    mark = "'" if "'" not in value else '"'
    if mark in value or set(value) & set("\n\0\\$"):
        raise ConfigError(f"{value[:60]!r} has characters that a configuration cannot hold")
    return f"{mark}{value}{mark}"


def _scratch(path: Path, chosen: dict[str, str], groups: dict[str, str]) -> dict[str, Any]:
    """The ``scratch`` section of a file and of what its defaults list names, in Hydra's order."""
    read = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    found: dict[str, Any] = {}
    for entry in read.get("defaults") or []:
        if entry == "_self_":
            found |= read.get("scratch") or {}
            continue
        inner = _file_of(entry, path, chosen, groups)
        if inner is not None and inner.is_file():
            found |= _scratch(inner, chosen, groups)
    if "_self_" not in (read.get("defaults") or []):
        found |= read.get("scratch") or {}
    return found


def _file_of(entry: Any, path: Path, chosen: dict[str, str], groups: dict[str, str]) -> Path | None:
    if isinstance(entry, dict):
        group, preset = next(iter(entry.items()))
        groups[group] = preset
        return CONFIGS / group / f"{chosen.get(group, preset)}.yaml"
    if entry.startswith("/"):
        return None
    return path.parent / f"{entry}.yaml"
