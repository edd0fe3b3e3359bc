"""On a Space with shared GPUs (ZeroGPU) a GPU is borrowed for each call; elsewhere nothing changes.

There, a borrowed call runs in a process of its own: what goes in and comes out must be plain
values, so a plan is encoded and answered in one call, and nothing is kept on the GPU.
"""

import os
from collections.abc import Callable
from importlib.util import find_spec
from typing import ParamSpec, TypeVar

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
