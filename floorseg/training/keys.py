"""Every key of a training configuration, checked: a misspelt one must not be ignored in silence.

A section that is handed to a class may have what the class takes; a section of numbers
(``scratch``, ``dataset``, ...) may have what something refers to as ``${section.key}``.
"""

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from difflib import get_close_matches
from typing import Any

from hydra.utils import get_object
from omegaconf import DictConfig, OmegaConf
from training import trainer as sam2

from floorseg.errors import ConfigError

_REFERENCE = re.compile(r"\$\{([\w.]+)\}")
_LAUNCHER = {"num_nodes", "gpus_per_node", "experiment_log_dir", "multiprocessing_context"}
_SUBMITIT = {
    "partition", "account", "qos", "cpus_per_task", "use_cluster", "timeout_hour", "name",
    "port_range", "mem", "mem_gb", "constraints", "comment", "exclude_nodes", "include_nodes",
    "srun_args", "signal_delay_s",
}  # fmt: skip
_SECTIONS_OF_TRAINER = {  # sam2 reads these into dataclasses, without a ``_target_``
    "optim": sam2.OptimConf,
    "optim.amp": sam2.OptimAMPConf,
    "logging": sam2.LoggingConf,
    "checkpoint": sam2.CheckpointConf,
    "distributed": sam2.DistributedConf,
    "cuda": sam2.CudaConf,
}
_READ_BY_US = {
    "dataset.test", "dataset.odds", "dataset.room_classes", "dataset.base_model", "dataset.folder",
}  # fmt: skip


def check_keys(config: DictConfig) -> list[str]:
    """Refuse keys that nothing reads and that look like a slip.

    Args:
        config: composed, not resolved.

    Returns:
        warnings: keys that nothing reads but that look like nothing else either.

    Raises:
        ConfigError: naming the key and the one that was probably meant.
    """
    plain: Any = OmegaConf.to_container(config, resolve=False)
    for section, known in (("launcher", _LAUNCHER), ("submitit", _SUBMITIT)):
        _refuse(section, plain.get(section) or {}, known)
    _check_trainer(plain.get("trainer") or {})
    used = _references(plain)
    warnings: list[str] = []
    for section, content in plain.items():
        if section not in ("trainer", "launcher", "submitit"):
            warnings += _check_free(section, content, used)
    return warnings


def suggestion(key: str, known: Iterable[str], *, cutoff: float = 0.6) -> str | None:
    """The known key that was probably meant."""
    near = get_close_matches(key, list(known), n=1, cutoff=cutoff)
    return near[0] if near else None


def explain_override(override: str, config: DictConfig) -> str | None:
    """Why an override names nothing, or None where its key exists.

    Args:
        override: as typed, ``scratch.base_Ir=1e-4``.
        config: composed without it.
    """
    path = override.partition("=")[0].lstrip("+~")
    if override.startswith(("+", "~")) or not path:
        return None
    node: Any = OmegaConf.to_container(config, resolve=False)
    done: list[str] = []
    for part in path.split("."):
        if isinstance(node, list):  # its items are named by their place
            node = {str(place): item for place, item in enumerate(node)}
        keys = list(node) if isinstance(node, dict) else []
        if part not in keys:
            return _unknown(".".join([*done, part]), part, keys)
        node = node[part]
        done.append(part)
    return None


def _check_trainer(trainer: Mapping[str, Any]) -> None:
    _check_targets(trainer, "trainer")
    for name, kind in _SECTIONS_OF_TRAINER.items():
        content: Any = trainer
        for part in name.split("."):
            content = (content or {}).get(part)
        if isinstance(content, dict):
            _refuse(f"trainer.{name}", content, {field.name for field in fields(kind)})


def _check_targets(node: Any, path: str) -> None:
    if isinstance(node, list):
        for number, item in enumerate(node):
            _check_targets(item, f"{path}[{number}]")
    if not isinstance(node, dict):
        return
    if "_target_" in node:
        _check_call(node, path)
    for key, value in node.items():
        _check_targets(value, f"{path}.{key}")


def _check_call(node: Mapping[str, Any], path: str) -> None:
    name = str(node["_target_"])
    try:
        target = get_object(name)
    except (ImportError, AttributeError, ValueError) as problem:
        raise ConfigError(
            f"{path}._target_ is {name!r}, which cannot be imported: {problem}"
        ) from problem
    known = _parameters(target)
    if known is not None:
        _refuse(path, {key: 0 for key in node if not key.startswith("_")}, known)


def _parameters(target: Callable[..., Any]) -> set[str] | None:
    """Names a call takes, through the classes that pass theirs on; None where any will do."""
    if not isinstance(target, type):
        takes = inspect.signature(target).parameters.values()
        open_ended = any(p.kind is p.VAR_KEYWORD for p in takes)
        return None if open_ended else {p.name for p in takes}
    names: set[str] = set()
    for each in target.__mro__:
        if "__init__" not in each.__dict__ or each is object:
            continue
        try:
            takes = inspect.signature(each.__dict__["__init__"]).parameters.values()
        except ValueError:
            return None
        names |= {p.name for p in takes}
        if not any(p.kind is p.VAR_KEYWORD for p in takes):
            return names
    return None


def _refuse(path: str, content: Mapping[str, Any], known: set[str]) -> None:
    for key in content:
        if key not in known:
            raise ConfigError(_unknown(f"{path}.{key}", key, known))


def _unknown(path: str, key: str, known: Iterable[str]) -> str:
    meant = suggestion(key, known)
    hint = f"did you mean {meant!r}?" if meant else f"known there: {', '.join(sorted(known))}"
    return f"unknown key {path!r}; {hint}"


def _references(node: Any) -> set[str]:
    if isinstance(node, dict):
        return set().union(*(_references(value) for value in node.values()))
    if isinstance(node, list):
        return set().union(*(_references(value) for value in node))
    return set(_REFERENCE.findall(node)) if isinstance(node, str) else set()


def _check_free(path: str, content: Any, used: set[str]) -> list[str]:
    """Keys of a section of numbers that nothing refers to."""
    if _is_used(path, used) or (isinstance(content, dict) and "_target_" in content):
        _check_targets(content, path)  # a section for a class may be there for a preset to use
        return []
    if not isinstance(content, dict):
        return [f"nothing reads {path!r}"] if path not in _READ_BY_US else []
    warnings: list[str] = []
    for key, value in content.items():
        inner = f"{path}.{key}"
        siblings = [
            k for k in content if _is_used(f"{path}.{k}", used) or _holds(f"{path}.{k}", used)
        ]
        slip = suggestion(key, siblings, cutoff=0.8)
        if slip and slip != key and not isinstance(value, dict) and inner not in _READ_BY_US:
            raise ConfigError(f"unknown key {inner!r}; did you mean {slip!r}?")
        warnings += _check_free(inner, value, used)
    return warnings


def _is_used(path: str, used: set[str]) -> bool:
    """Whether something refers to this key or to what it lies in."""
    return any(path == name or path.startswith(f"{name}.") for name in used)


def _holds(path: str, used: set[str]) -> bool:
    return any(name.startswith(f"{path}.") for name in used)
