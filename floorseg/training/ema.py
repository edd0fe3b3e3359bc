"""The moving average of a model's weights, which is usually better than the weights."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import nn


class MovingAverage:
    """Exponential average of every trained parameter, updated once a step.

    Args:
        model: the model, unwrapped.
        decay: share kept of the average at each step; less while it is young.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.updates = 0
        self._names = [name for name, p in model.named_parameters() if p.requires_grad]
        self._live: list[torch.Tensor] = [p for p in model.parameters() if p.requires_grad]
        self._average = [p.detach().clone() for p in self._live]

    @torch.no_grad()
    def update(self) -> None:
        """Move the average a little towards the weights."""
        self.updates += 1
        keep = min(self.decay, (1 + self.updates) / (10 + self.updates))
        torch._foreach_lerp_(self._average, self._live, 1 - keep)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Inside, the model has the averaged weights."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    def state_dict(self) -> dict[str, object]:
        """For a checkpoint."""
        average = dict(zip(self._names, self._average, strict=True))
        return {"updates": self.updates, "average": average}

    def load_state_dict(self, state: Mapping[str, object]) -> None:
        """From a checkpoint of the same model."""
        average = state["average"]
        self.updates = int(state["updates"])  # type: ignore[call-overload]
        for name, mine in zip(self._names, self._average, strict=True):
            mine.copy_(average[name])  # type: ignore[index]

    @torch.no_grad()
    def _swap(self) -> None:
        for live, average in zip(self._live, self._average, strict=True):
            held = live.data
            live.data = average.data
            average.data = held
