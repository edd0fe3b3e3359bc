"""What a run writes to go on exactly where it was, and what it writes for use."""

import os
import pickle
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn
from training.utils.checkpoint_utils import load_state_dict_into_model

from floorseg.core.checkpoint_file import read_checkpoint, save_checkpoint
from floorseg.errors import CheckpointError, RunError
from floorseg.training.partial import plain_name, plain_weights
from floorseg.training.still import unwrap

if TYPE_CHECKING:
    from floorseg.training.trainer import Trainer

LAST = "checkpoint.pt"  # sam2's own name: everything needed to go on
BEST = "best.pt"  # weights only: for segmenting, comparing, evaluating


def save(trainer: "Trainer") -> None:
    """Write the whole state of a run; the previous one stays until the new one is complete.

    Raises:
        RunError: if the disk is full, or the weights are no numbers any more; the previous
            checkpoint is untouched.
    """
    model = unwrap(trainer.model)
    _check_weights(trainer, model)
    content = {
        "model": model.state_dict(),
        "optimizer": trainer.optim.optimizer.state_dict(),
        "epoch": trainer.epoch,
        "loss": trainer.loss.state_dict(),
        "steps": trainer.steps,
        "time_elapsed": trainer.minutes() * 60,
        "best_meter_values": {trainer.keep_best: trainer.best_score},
        "scaler": trainer.scaler.state_dict(),
        "average": trainer.average.state_dict() if trainer.average else None,
        "position": trainer.position(),
        "rng": rng_state(model),
        "floorseg": notes(trainer, {}),
    }
    _write(content, Path(trainer.checkpoint_conf.save_dir) / LAST)


def _check_weights(trainer: "Trainer", model: nn.Module) -> None:
    """A gradient can be no number where the loss still was one."""
    broken = [n for n, p in model.named_parameters() if not bool(torch.isfinite(p).all())]
    if broken:
        raise RunError(
            f"the weights are no numbers any more after step {trainer.steps['train']} "
            f"({len(broken)} tensors, the first is {broken[0]}); the last good ones are in "
            f"{trainer.run_folder.checkpoints}; lower base_lr and resume"
        )


def load(trainer: "Trainer", path: Path) -> None:
    """Put a trainer where the saved one was.

    Raises:
        CheckpointError: if the file cannot be read or belongs to another model.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as problem:
        # torch's own words advise to read it without safety
        raise CheckpointError(
            f"{path} cannot be read: it is damaged, or no checkpoint of a training; the run cannot "
            f"be resumed from it. {BEST} beside it holds weights that a new run can start from"
        ) from problem
    try:
        load_state_dict_into_model(content["model"], trainer.model)
        trainer.optim.optimizer.load_state_dict(content["optimizer"])
        trainer.loss.load_state_dict(content["loss"], strict=True)
    except (KeyError, ValueError, RuntimeError) as problem:
        raise CheckpointError(
            f"{path} does not belong to this configuration: {problem}; resume with the run's own "
            "config.yaml"
        ) from problem
    trainer.epoch, trainer.steps = content["epoch"], content["steps"]
    trainer.scaler.load_state_dict(content["scaler"])
    if trainer.average is not None and content["average"] is not None:
        trainer.average.load_state_dict(content["average"])
    trainer.restore_position(content["position"], content["rng"])


def start_from(model: nn.Module, checkpoint: str) -> nn.Module:
    """Fill a model with a checkpoint's weights, whatever wrote it; sam2's weight initializer.

    Raises:
        CheckpointError: if the file cannot be used or belongs to another architecture.
    """
    weights = read_checkpoint(Path(checkpoint).expanduser()).weights
    mine = model.state_dict()
    named = {name: plain for name in mine if (plain := plain_name(name))}
    wrong = [
        name
        for name, plain in named.items()
        if plain not in weights or weights[plain].shape != mine[name].shape
    ]
    if wrong:
        raise CheckpointError(
            f"{checkpoint} does not fit the model of this configuration: {len(wrong)} of "
            f"{len(mine)} tensors differ, the first is {wrong[0]}; choose a checkpoint of the same "
            "architecture"
        )
    fitting = {name: weights[plain].to(mine[name].dtype) for name, plain in named.items()}
    model.load_state_dict({**mine, **fitting})
    return model


def save_for_inference(trainer: "Trainer", path: Path, scores: Mapping[str, float]) -> None:
    """Write the weights the model has now, with where they come from."""
    origin = notes(trainer, scores)["origin"]
    save_checkpoint(
        path,
        plain_weights(unwrap(trainer.model)),
        architecture=trainer.architecture or "",
        image_size=trainer.image_size,
        half=False,
        origin=origin,
    )


def notes(trainer: "Trainer", scores: Mapping[str, float]) -> dict[str, Any]:
    """What a checkpoint says about itself: plain strings and numbers."""
    return {
        "architecture": trainer.architecture or "",
        "image_size": trainer.image_size,
        "origin": {
            "run": trainer.run_folder.name,
            "step": trainer.steps["train"],
            "images_seen": trainer.images_seen,
            "minutes": round(trainer.minutes(), 1),
            **{f"valid_{name}": round(float(value), 4) for name, value in scores.items()},
        },
    }


def rng_state(model: nn.Module) -> dict[str, Any]:
    """Every random generator training draws from, as plain values."""
    version, words, gauss = random.getstate()
    kind, keys, position, has_gauss, cached = _numpy_state()
    state: dict[str, Any] = {
        "torch": torch.get_rng_state(),
        "python": [version, list(words), gauss],
        "numpy": [kind, keys.tolist(), int(position), int(has_gauss), float(cached)],
        "prompts": _plain(_prompts(model).bit_generator.state),
    }
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state_all()
    return state


def restore_rng(state: Mapping[str, Any], model: nn.Module) -> None:
    """Put every random generator back to a saved state."""
    torch.set_rng_state(state["torch"])
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words), gauss))
    kind, keys, position, has_gauss, cached = state["numpy"]
    np.random.set_state((kind, np.array(keys, dtype=np.uint32), position, has_gauss, cached))
    _prompts(model).bit_generator.state = _unplain(state["prompts"])
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(state["cuda"])


def _numpy_state() -> tuple[str, np.ndarray, int, int, float]:
    state: Any = np.random.get_state()
    return state


def _prompts(model: nn.Module) -> np.random.Generator:
    """The generator that sam2's training models draw their prompts from."""
    generator: Any = model.rng
    return generator


@contextmanager
def preserved_rng(model: nn.Module) -> Iterator[None]:
    """Whatever happens inside draws no numbers that training would have drawn."""
    state = rng_state(model)
    try:
        yield
    finally:
        restore_rng(state, model)


def _plain(state: Any) -> Any:
    """A generator's state with its 128-bit integers as text, which every pickle reader takes."""
    if isinstance(state, Mapping):
        return {key: _plain(value) for key, value in state.items()}
    return f"int:{state}" if isinstance(state, int) and state > 2**62 else state


def _unplain(state: Any) -> Any:
    if isinstance(state, Mapping):
        return {key: _unplain(value) for key, value in state.items()}
    is_number = isinstance(state, str) and state.startswith("int:")
    return int(state[4:]) if is_number else state


def _write(content: Mapping[str, Any], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        torch.save(content, beside)
        os.replace(beside, path)
    except (OSError, RuntimeError) as problem:
        raise RunError(
            f"{path} cannot be written ({problem}); the checkpoint before it is untouched: make "
            "room on the disk and resume the run"
        ) from problem
    finally:
        beside.unlink(missing_ok=True)
