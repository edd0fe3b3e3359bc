"""Attention for training on a CPU: two matrix products and a softmax.

torch's fused CPU kernel saves memory, not time: in bfloat16 its backward pass is two to ten times
as slow as the plain products at the shapes of SAM 2 (few prompt tokens, small windows).
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

FEW_KEYS = 64  # up to so many the plain products win in float32 too
MAX_SCORES = (
    2**28
)  # attention weights held at once; beyond that the fused kernel's thrift is needed


def fast_attention(device: torch.device) -> AbstractContextManager[object]:
    """Inside, ``scaled_dot_product_attention`` takes the faster road for training on ``device``."""
    return _PlainAttention() if device.type == "cpu" else nullcontext()


class _PlainAttention(TorchFunctionMode):
    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if func is F.scaled_dot_product_attention and _is_plain(args, kwargs):
            return _attend(*args[:3])
        return func(*args, **kwargs)


def _is_plain(args: Sequence[Any], kwargs: dict[str, Any]) -> bool:
    """Whether nothing but query, key and value matter, and the plain products are faster."""
    if len(args) < 3 or args[0].dim() != 4 or any(kwargs.values()):
        return False
    query, key = args[0], args[1]
    wins = query.dtype is torch.bfloat16 or key.shape[-2] <= FEW_KEYS
    return wins and query[..., 0].numel() * key.shape[-2] < MAX_SCORES


def _attend(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    batch, heads, length, width = query.shape
    query, key, value = (x.reshape(batch * heads, -1, x.shape[-1]) for x in (query, key, value))
    with torch.autocast("cpu", enabled=False):
        weights = torch.bmm(query * width**-0.5, key.transpose(1, 2)).softmax(dim=-1)
        return torch.bmm(weights, value).view(batch, heads, length, -1)
