"""On a Space with shared GPUs (ZeroGPU) a GPU is borrowed for each call; elsewhere nothing changes.

There, a borrowed call runs in a process of its own: what goes in and comes out must be plain
values, so a plan is encoded and answered in one call, by a model that this process loads itself.
"""

import os
from collections.abc import Callable
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:  # importing torch must come after importing spaces
    from floorseg.core.predictor import Predictor

P = ParamSpec("P")
R = TypeVar("R")

SECONDS = 60  # the longest that one call may keep a GPU


def gpu_is_borrowed() -> bool:
    """Whether this process runs on ZeroGPU, with its package installed."""
    return bool(os.environ.get("SPACES_ZERO_GPU")) and find_spec("spaces") is not None


def borrows_gpu(call: Callable[P, R]) -> Callable[P, R]:
    """Decorates what computes on a GPU: borrowed for the call where GPUs are shared."""
    if not gpu_is_borrowed():
        return call
    import spaces

    borrowed: Callable[P, R] = spaces.GPU(duration=SECONDS)(call)
    return borrowed


def borrowed_predictor(file: Path, device: str) -> "Predictor":
    """The model of a checkpoint's file, for use inside a borrowed call.

    Args:
        file: as it is now; a replaced one is loaded anew.
        device: as in the settings.
    """
    return _predictor(file, device, file.stat().st_mtime_ns)


@lru_cache(maxsize=2)
def _predictor(file: Path, device: str, _changed: int) -> "Predictor":
    from floorseg.core.closeup import make_predictor
    from floorseg.core.model import load_model

    return make_predictor(load_model(file, device))
