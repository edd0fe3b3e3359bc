"""What :class:`floorseg.training.plans.PlanTrain` is trained by.

sam2's own loss (focal 20, dice 1) starts from random weights by collapsing to empty masks: plain
cross entropy with dice does not. Each candidate's score learns the mean IoU it will have, and to be
zero where a click lies on nothing.
"""

from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from training.trainer import CORE_LOSS_KEY

from floorseg.training.plans import Answers


class PlanLoss(nn.Module):
    """Cross entropy and dice on masks, squared error on scores.

    After one click the best of three candidates learns, and all of them a little; after a box or
    several clicks nothing is ambiguous and all four masks learn.

    Args:
        mask, dice, score, presence: weights of the terms.
        share_of_all: weight of the mean over the candidates of an ambiguous prompt, beside the
            best one's.
        share_of_single: weight of the single mask at an ambiguous prompt.
        stride: masks are compared at one pixel in ``stride``, the truth averaged over it.
        balance: how much more the inside of a small mask counts in the cross entropy: its pixels
            weigh (outside / inside) to this power. 0 counts every pixel alike; 0.5 leaves the
            plateau of empty masks sooner, from random weights.
    """

    def __init__(
        self,
        *,
        mask: float = 2.0,
        dice: float = 1.0,
        score: float = 1.0,
        presence: float = 0.05,
        share_of_all: float = 0.05,
        share_of_single: float = 0.1,
        stride: int = 2,
        balance: float = 0.0,
    ) -> None:
        super().__init__()
        self.weights = {
            "loss_mask": mask, "loss_dice": dice, "loss_iou": score, "loss_class": presence
        }  # fmt: skip
        self.share_of_all = share_of_all
        self.share_of_single = share_of_single
        self.stride = stride
        self.balance = balance

    def forward(
        self, outputs: list[dict[str, list[Answers]]], targets: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """The weighted sum under ``core_loss`` and every term on its own.

        Args:
            outputs: one entry a frame.
            targets: bool (frames, N, H, W).
        """
        small = F.avg_pool2d(targets[0].float().unsqueeze(1), self.stride)[:, 0]
        answers = outputs[0]["answers"]
        losses: dict[str, Any] = dict.fromkeys(self.weights, 0.0)
        total = sum(len(answer.objects) for answer in answers)
        for answer in answers:
            share = len(answer.objects) / total
            terms = (
                self._terms_of_nothing(answer)
                if answer.nothing
                else self._terms(answer, small[answer.objects])
            )
            for name, value in terms.items():
                losses[name] = losses[name] + share * value
        core = sum(self.weights[name] * value for name, value in losses.items())
        return {CORE_LOSS_KEY: core, **losses}

    def _terms(self, answer: Answers, target: torch.Tensor) -> dict[str, torch.Tensor]:
        """Each term's mean over the objects of one answer."""
        logits = F.interpolate(answer.logits, target.shape[-2:], mode="bilinear")
        mask, dice, iou = compare(logits, target, balance=self.balance)
        learns = self._learns(answer, (mask * self.weights["loss_mask"] + dice).detach())
        scores = (answer.scores - iou) ** 2
        presence = F.binary_cross_entropy_with_logits(
            answer.presence, torch.ones_like(answer.presence)
        )
        return {
            "loss_mask": (mask * learns).sum(dim=1).mean(),
            "loss_dice": (dice * learns).sum(dim=1).mean(),
            "loss_iou": scores.mean(),
            "loss_class": presence,
        }

    def _terms_of_nothing(self, answer: Answers) -> dict[str, torch.Tensor]:
        """Where no object is, every mask is wrong and only that is to be known."""
        absent = torch.zeros_like(answer.presence)
        return {
            "loss_iou": (answer.scores**2).mean(),
            "loss_class": F.binary_cross_entropy_with_logits(answer.presence, absent),
        }

    def _learns(self, answer: Answers, cost: torch.Tensor) -> torch.Tensor:
        """How much each of the four masks learns, float (N, 4)."""
        if not answer.ambiguous:
            return torch.full_like(cost, 1 / cost.shape[1])
        weights = torch.full_like(cost, self.share_of_all / (cost.shape[1] - 1))
        weights[:, 0] = self.share_of_single
        best = cost[:, 1:].argmin(dim=1, keepdim=True) + 1
        return weights.scatter_add(1, best, torch.ones_like(best, dtype=cost.dtype))


def compare(
    logits: torch.Tensor, target: torch.Tensor, *, balance: float = 0.0
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Cross entropy, dice loss and IoU of every candidate.

    Args:
        logits: float (N, M, h, w).
        target: float (N, h, w) in [0, 1].
        balance: see :class:`PlanLoss`.

    Returns:
        three float tensors (N, M); the IoU carries no gradient.
    """
    found: tuple[torch.Tensor, torch.Tensor, torch.Tensor] = _MaskTerms.apply(
        logits, target, balance
    )
    return found


def softplus(logits: torch.Tensor) -> torch.Tensor:
    """``log(1 + exp(x))`` as ``max(x, 0) - log(sigmoid(|x|))``.

    The same numbers; on a CPU torch's own takes many times as long as these four passes.
    """
    return logits.abs().sigmoid_().log_().neg_().add_(logits.relu())


def _shared(masks: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    """Sums of products, float (N, M), of (N, M, pixels) and (N, 1, pixels): none is written.

    Counting booleans would write an integer of eight bytes for each first.
    """
    return torch.bmm(masks, others.mT)[..., 0]


class _MaskTerms(torch.autograd.Function):
    """Cross entropy, dice loss and IoU, keeping one array of the masks' size for the way back."""

    @staticmethod
    def forward(
        ctx: Any, logits: torch.Tensor, target: torch.Tensor, balance: float
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        flat, wanted = logits.flatten(2), target.flatten(1).unsqueeze(1)
        inside = wanted.mean(dim=2, keepdim=True).clamp(min=1e-4)
        heavier = ((1 - inside) / inside).clamp(min=1.0) ** balance - 1
        weight = 1 + heavier * wanted
        entropy = softplus(flat).addcmul_(flat, wanted, value=-1).mul_(weight).mean(dim=2)
        probability = flat.sigmoid()
        numerator = 2 * _shared(probability, wanted) + 1
        denominator = probability.sum(dim=2) + wanted.sum(dim=2) + 1
        got, truth = (flat > 0).float(), (wanted > 0.5).float()
        both = _shared(got, truth)
        iou = both / (got.sum(dim=2) + truth.sum(dim=2) - both).clamp(min=1)
        ctx.save_for_backward(probability, wanted, weight, numerator, denominator)
        ctx.shape = logits.shape
        ctx.mark_non_differentiable(iou)
        return entropy, 1 - numerator / denominator, iou

    @staticmethod
    def backward(
        ctx: Any, by_entropy: torch.Tensor, by_dice: torch.Tensor, _: torch.Tensor
    ) -> tuple[torch.Tensor, None, None]:
        probability, wanted, weight, numerator, denominator = ctx.saved_tensors
        slope = (probability - wanted).mul_(weight).mul_(by_entropy[..., None] / wanted.shape[2])
        # the dice loss by a probability: numerator / denominator^2 - 2 truth / denominator
        ratio = (by_dice * numerator / denominator**2)[..., None]
        pull = torch.addcmul(ratio, (-2 * by_dice / denominator)[..., None], wanted)
        slope.add_(pull.mul_(probability).mul_(1 - probability))
        return slope.view(ctx.shape), None, None
