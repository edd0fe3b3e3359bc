"""Muon: steps of equal size in every direction of a weight matrix; AdamW for what is no matrix.

Muon is by K. Jordan and others (https://kellerjordan.github.io/posts/muon, 2024); that its steps
are scaled to those of AdamW, so that one learning rate serves both, is by J. Liu and others
(arXiv:2502.16982). torch's own ``torch.optim.Muon`` takes linear layers alone, and one optimizer is
all that sam2's trainer holds; here matrices of one shape are also stepped together, which is what
makes it cheap on a CPU.

On two cores and 128 px, from random weights, the loss that AdamW reached in five minutes was
reached in half of that.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.optim.adamw import adamw

from floorseg.core.device import computes_in_bfloat16

SMALLEST = 16  # rows and columns; tokens, embeddings and heads of a few outputs are no matrices
QUINTIC = (3.4445, -4.7750, 2.0315)  # chosen by Jordan for the steepest start
ROUNDS = 5
RMS = 0.2  # of AdamW's steps, usually

_Pair = tuple[Tensor, Tensor]  # a weight and its gradient


class Muon(torch.optim.Optimizer):
    """Steps matrices and convolutions by Muon, all else by AdamW.

    Args:
        params: as every optimizer of torch takes them.
        lr: learning rate of both.
        betas: of AdamW.
        eps: of AdamW.
        momentum: of Muon (Nesterov's).
        weight_decay: of both, decoupled.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.99),
        eps: float = 1e-8,
        momentum: float = 0.95,
        weight_decay: float = 0.01,
    ) -> None:
        given = {"betas": (betas[0], betas[1]), "eps": eps, "momentum": momentum}
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay, **given})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step; parameters without a gradient stay as they are."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            learning = [(each, each.grad) for each in group["params"] if each.grad is not None]
            self._step_matrices(group, [pair for pair in learning if is_matrix(pair[0])])
            self._step_others(group, [pair for pair in learning if not is_matrix(pair[0])])
        return loss

    def _step_matrices(self, group: dict[str, Any], learning: list[_Pair]) -> None:
        for alike in _by_shape(learning):
            pushes = torch.stack([self._push(*pair, group["momentum"]) for pair in alike])
            size = group["lr"] * RMS * max(pushes.shape[1:]) ** 0.5
            for (weight, _), push in zip(alike, orthogonal(pushes), strict=True):
                weight.mul_(1 - group["lr"] * group["weight_decay"])
                weight.sub_(push.view_as(weight), alpha=size)

    def _push(self, weight: Tensor, gradient: Tensor, momentum: float) -> Tensor:
        """Nesterov's momentum as a matrix (rows, columns)."""
        state = self.state[weight]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(weight)
        state["momentum"].lerp_(gradient, 1 - momentum)
        return gradient.lerp(state["momentum"], momentum).reshape(len(weight), -1)

    def _step_others(self, group: dict[str, Any], learning: list[_Pair]) -> None:
        if not learning:
            return
        for weight, _ in learning:
            state = self.state[weight]
            if "step" not in state:
                state["step"] = torch.zeros((), dtype=torch.float32)
                state["exp_avg"] = torch.zeros_like(weight)
                state["exp_avg_sq"] = torch.zeros_like(weight)
        states = [self.state[weight] for weight, _ in learning]
        adamw(
            [weight for weight, _ in learning],
            [gradient for _, gradient in learning],
            [state["exp_avg"] for state in states],
            [state["exp_avg_sq"] for state in states],
            [],
            [state["step"] for state in states],
            amsgrad=False, beta1=group["betas"][0], beta2=group["betas"][1], lr=group["lr"],
            weight_decay=group["weight_decay"], eps=group["eps"], maximize=False,
        )  # fmt: skip


def is_matrix(weight: Tensor) -> bool:
    """Whether a weight maps many numbers to many: a linear layer's or a convolution's."""
    columns = weight[0].numel() if weight.ndim in (2, 4) else 0
    return columns >= SMALLEST and len(weight) >= SMALLEST


def _by_shape(learning: list[_Pair]) -> Iterator[list[_Pair]]:
    alike: dict[tuple[int, int], list[_Pair]] = defaultdict(list)
    for weight, gradient in learning:
        alike[len(weight), weight[0].numel()].append((weight, gradient))
    yield from alike.values()


def orthogonal(matrices: Tensor) -> Tensor:
    """Matrices (K, rows, columns) with their singular values brought near one (0.7 to 1.2).

    By five rounds of a Newton-Schulz iteration, in bfloat16 where that is the device's own, as
    Jordan does it; a matrix of zeros stays one.
    """
    first, second, third = QUINTIC
    tall = matrices.shape[1] > matrices.shape[2]
    turned = matrices.mT if tall else matrices
    turned = turned / turned.norm(dim=(1, 2), keepdim=True).clamp(min=1e-7)
    if computes_in_bfloat16(matrices.device):
        turned = turned.bfloat16()
    for _ in range(ROUNDS):
        gram = turned @ turned.mT
        gram = torch.baddbmm(gram, gram, gram, beta=second, alpha=third)
        turned = torch.baddbmm(turned, gram, turned, beta=first)
    return (turned.mT if tall else turned).to(matrices.dtype)
