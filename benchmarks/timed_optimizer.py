"""An optimizer that notes when each step was taken: how any trainer is timed from outside."""

import time
from typing import Any

import torch


class TimedAdamW(torch.optim.AdamW):
    """AdamW that remembers when each step was taken."""

    moments: list[float] = []  # noqa: RUF012 -- one process trains once

    def step(self, closure: Any = None) -> Any:
        """Take a step and note the time."""
        result = super().step(closure)
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self.moments.append(time.perf_counter())
        return result
