"""A training configuration from any folder: Hydra, in the sam2 trainer's own format."""

from collections.abc import Sequence
from pathlib import Path

import yaml
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from training.utils.train_utils import register_omegaconf_resolvers

from floorseg.errors import ConfigError
from floorseg.training.keys import explain_override

PROJECT = Path(__file__).resolve().parents[2]


def read_config(path: str | Path, overrides: Sequence[str] = ()) -> DictConfig:
    """Compose a configuration file.

    Args:
        path: absolute, or relative to where the command is run; ".." and any folder are fine.
        overrides: Hydra overrides, ``scratch.base_lr=1e-4``.

    Raises:
        ConfigError: if there is no such file, it cannot be read, or an override names nothing.
    """
    file = Path(path).expanduser().resolve()
    if not file.is_file():
        raise ConfigError(f"there is no configuration at {path}; see the configs folder")
    register_resolvers()
    GlobalHydra.instance().clear()
    try:
        config = _compose(file, overrides)
        OmegaConf.resolve(_without_run_paths(config))
    except (HydraException, OmegaConfBaseException, OSError, yaml.YAMLError) as problem:
        words = _unknown_override(file, overrides) or _first_cause(problem)
        raise ConfigError(f"{path} cannot be used: {words}") from problem
    if "trainer" not in config:
        raise ConfigError(f"{path} has no 'trainer' section, so it is not a training configuration")
    return config


def _compose(file: Path, overrides: Sequence[str]) -> DictConfig:
    search = f"hydra.searchpath=[file://{PROJECT / 'configs'},pkg://sam2]"
    with initialize_config_dir(str(file.parent), version_base="1.2"):
        return compose(file.name.removesuffix(".yaml"), overrides=[search, *overrides])


def _unknown_override(file: Path, overrides: Sequence[str]) -> str | None:
    """Which override names nothing, and what was probably meant."""
    if not overrides:
        return None
    try:
        config = _compose(file, [])
    except (HydraException, OmegaConfBaseException, OSError, yaml.YAMLError):
        return None  # the file is at fault, not the overrides
    return next(filter(None, (explain_override(each, config) for each in overrides)), None)


def _first_cause(problem: BaseException) -> str:
    """What went wrong underneath, in one line; Hydra's own exceptions are sometimes empty."""
    while problem.__cause__ is not None:
        problem = problem.__cause__
    return " ".join(str(problem).split())


def register_resolvers() -> None:
    """sam2's own ``${times:...}``, ``${divide:...}`` and so on, once a process."""
    if not OmegaConf.has_resolver("times"):
        register_omegaconf_resolvers()


def _without_run_paths(config: DictConfig) -> DictConfig:
    """A copy whose run folder is filled in, to find out early whether everything resolves."""
    copy = config.copy()
    OmegaConf.set_struct(copy, False)
    OmegaConf.update(copy, "launcher.experiment_log_dir", "run", force_add=True)
    return copy
