"""sam2's training loss, number for number, without holding full-size masks.

Upstream enlarges every candidate to the image's size and keeps a dozen arrays of that size for the
backward pass. Here each object's masks are enlarged, compared and forgotten while they are still
in the processor's cache; for the backward pass only slopes at the size of the logits are kept.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch.nn import functional as F
from training.loss_fns import MultiStepMultiMasksAndIous as OfficialLoss
from training.loss_fns import sigmoid_focal_loss

from floorseg.training.loss import softplus


@dataclass(frozen=True, slots=True)
class Focus:
    """Constants of the losses.

    Attributes:
        alpha: weight of the pixels inside in the focal loss, below 0 for none.
        gamma: its focus on hard pixels.
        mask, dice: weights of the two losses, by which the best candidate is chosen.
    """

    alpha: float
    gamma: float
    mask: float
    dice: float


class MultiStepMultiMasksAndIous(OfficialLoss):
    """Takes what sam2's loss takes and answers what it answers, for still images faster.

    Reads the candidates at the decoder's resolution (``multistep_pred_multimasks``) where the
    model offers them, as every model here does.
    """

    def _forward(
        self, outputs: dict[str, Any], targets: torch.Tensor, num_objects: float
    ) -> dict[str, torch.Tensor]:
        losses: dict[str, Any] = dict.fromkeys(
            ("loss_mask", "loss_dice", "loss_iou", "loss_class"), 0
        )
        steps = zip(
            outputs["multistep_pred_multimasks"],
            outputs["multistep_pred_ious"],
            outputs["multistep_object_score_logits"],
            strict=True,
        )
        present = targets.flatten(1).any(dim=1, keepdim=True).float()
        learned: Any = sum(
            self._add_step(losses, masks, scores, presence, targets, present, num_objects)
            for masks, scores, presence in steps
        )
        # the masks' terms are numbers; what they teach comes with a sum that is added as nothing
        losses["core_loss"] = self.reduce_loss(losses) + (learned - learned.detach())
        return losses

    def _add_step(
        self,
        losses: dict[str, Any],
        masks: torch.Tensor,
        scores: torch.Tensor,
        presence: torch.Tensor,
        targets: torch.Tensor,
        present: torch.Tensor,
        num_objects: float,
    ) -> torch.Tensor:
        """Add one click's terms; only the best candidate of several learns its mask.

        Returns:
            the weighted sum of the masks' terms, which carries their gradient.
        """
        focus = Focus(
            float(self.focal_alpha), float(self.focal_gamma),
            float(self.weight_dict["loss_mask"]), float(self.weight_dict["loss_dice"]),
        )  # fmt: skip
        cost, focal, dice, iou = FocalAndDice.apply(masks, targets, focus)
        best = (focal * focus.mask + dice * focus.dice).argmin(dim=1, keepdim=True)
        losses["loss_mask"] += (focal.gather(1, best) * present).sum() / num_objects
        losses["loss_dice"] += (dice.gather(1, best) * present).sum() / num_objects
        error = (scores - iou).abs() if self.iou_use_l1_loss else (scores - iou) ** 2
        error = error.mean(dim=1, keepdim=True) if self.supervise_all_iou else error.gather(1, best)
        losses["loss_iou"] += (error * present).sum() / num_objects
        if self.pred_obj_scores:
            losses["loss_class"] += sigmoid_focal_loss(
                presence,
                present,
                num_objects,
                alpha=self.focal_alpha_obj_score,
                gamma=self.focal_gamma_obj_score,
            )
        learned: torch.Tensor = (cost * present[:, 0]).sum() / num_objects
        return learned


class FocalAndDice(torch.autograd.Function):
    """Focal loss, dice loss and IoU of masks enlarged to the size of their truth.

    Only the best candidate of an object learns. Its slope is made where the enlarged mask is at
    hand anyway, and kept at the size of the logits: the backward pass has nothing to enlarge.
    """

    @staticmethod
    def forward(
        ctx: Any, masks: torch.Tensor, targets: torch.Tensor, focus: Focus
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """Compare.

        Args:
            ctx: where the backward pass finds what it needs.
            masks: float32 (N, M, h, w), logits.
            targets: bool (N, H, W).
            focus: the constants of the losses.

        Returns:
            the weighted sum of both losses of the best candidate, float32 (N,), which alone
            carries a gradient; focal loss, dice loss and IoU, float32 (N, M).
        """
        found = [_compare(each, truth, focus) for each, truth in zip(masks, targets, strict=True)]
        focal, dice, iou = torch.stack([one.terms for one in found], dim=1)
        best = torch.tensor([one.best for one in found], device=masks.device)
        ctx.save_for_backward(torch.stack([one.slope for one in found]), best)
        ctx.candidates = masks.shape[1]
        rows = torch.arange(len(best), device=best.device)
        cost = (focal * focus.mask + dice * focus.dice)[rows, best]
        ctx.mark_non_differentiable(focal, dice, iou)
        return cost, focal, dice, iou

    @staticmethod
    def backward(ctx: Any, cost: torch.Tensor, *_: Any) -> tuple[torch.Tensor, None, None]:
        """Gradient of the logits: nothing for the candidates that were not the best."""
        slopes, best = ctx.saved_tensors
        mine = slopes * cost[:, None, None]
        if ctx.candidates == 1:
            return mine.unsqueeze(1), None, None
        gradient = mine.new_zeros(len(best), ctx.candidates, *mine.shape[1:])
        gradient[torch.arange(len(best), device=best.device), best] = mine
        return gradient, None, None


@dataclass(frozen=True, slots=True, eq=False)
class _Compared:
    """M candidates beside one truth.

    Attributes:
        terms: focal loss, dice loss and IoU, (3, M).
        best: which candidate costs least.
        slope: of the best one's cost by its logits, (h, w).
    """

    terms: torch.Tensor
    best: int
    slope: torch.Tensor


def _compare(masks: torch.Tensor, truth: torch.Tensor, focus: Focus) -> _Compared:
    """Compare M masks, logits (M, h, w), with one truth, bool (H, W); few passes over (H, W)."""
    logits = F.interpolate(masks[None], truth.shape, mode="bilinear", align_corners=False)[0]
    got = logits > 0
    both = torch.logical_and(got, truth).count_nonzero(dim=(1, 2))
    area = truth.count_nonzero()
    iou = both / (got.count_nonzero(dim=(1, 2)) + area - both).clamp(min=1)
    signed = torch.where(truth, -logits, logits)  # how wrong: the logit of "not the truth"
    missing = signed.sigmoid()  # 1 - p_t: inside the truth a probability is 1 - missing
    entropy = softplus(signed)
    power = missing * missing if focus.gamma == 2 else missing**focus.gamma
    inside = truth.flatten().float()
    lost = missing.flatten(1) @ inside
    numerator = 2 * (area - lost) + 1
    denominator = missing.sum(dim=(1, 2)) - 2 * lost + 2 * area + 1
    dice = 1 - numerator / denominator
    weight = torch.full_like(inside, 1.0)
    if focus.alpha >= 0:
        weight = (inside * (2 * focus.alpha - 1)).add_(1 - focus.alpha)
    focal = (entropy * power).flatten(1) @ weight / truth.numel()
    best = int((focal * focus.mask + dice * focus.dice).argmin())
    # with p = sigmoid(s): d/ds of softplus(s) p^g is p^g (p + g softplus(s) (1 - p))
    p, rest = missing[best], 1 - missing[best]
    slope = entropy[best].mul_(rest).mul_(focus.gamma).add_(p).mul_(power[best])
    slope.mul_(weight.view(truth.shape)).mul_(focus.mask / truth.numel())
    # d/ds of the dice loss, by the logit of "not the truth" as well: one sign turns both
    ratio, extent = float(numerator[best] / denominator[best]), float(denominator[best])
    pull = torch.where(truth, (2 - ratio) / extent, ratio / extent)
    slope.add_(pull.mul_(rest.mul_(p)), alpha=focus.dice)
    slope = torch.where(truth, -slope, slope)
    rows, columns = (
        _enlarging(small, large, slope.device)
        for small, large in zip(masks.shape[1:], truth.shape, strict=True)
    )
    return _Compared(torch.stack([focal, dice, iou]), best, rows.T @ slope @ columns)


@cache
def _enlarging(small: int, large: int, device: torch.device) -> torch.Tensor:
    """The bilinear enlargement of one axis as a matrix, float32 (large, small).

    Two products with it are several times faster than torch's own backward pass on one picture.
    """
    unit = torch.eye(small, device=device)[None]
    return F.interpolate(unit, large, mode="linear", align_corners=False)[0].T.contiguous()
