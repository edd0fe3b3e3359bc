"""sam2's training loss, number for number, without holding full-size masks.

Upstream enlarges every candidate to the image's size and keeps a dozen arrays of that size for the
backward pass. Here each object's masks are enlarged, compared and forgotten while they are still
in the processor's cache; for the backward pass only slopes at the size of the logits are kept.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional as F
from training.loss_fns import MultiStepMultiMasksAndIous as OfficialLoss
from training.loss_fns import sigmoid_focal_loss


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
        for masks, scores, presence in steps:
            self._add_step(losses, masks, scores, presence, targets, present, num_objects)
        losses["core_loss"] = self.reduce_loss(losses)
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
    ) -> None:
        """Add one click's terms; only the best candidate of several learns its mask."""
        focus = Focus(
            float(self.focal_alpha), float(self.focal_gamma),
            float(self.weight_dict["loss_mask"]), float(self.weight_dict["loss_dice"]),
        )  # fmt: skip
        focal, dice, iou = FocalAndDice.apply(masks, targets, focus)
        error = (scores - iou).abs() if self.iou_use_l1_loss else (scores - iou) ** 2
        combined = focal * self.weight_dict["loss_mask"] + dice * self.weight_dict["loss_dice"]
        best = combined.detach().argmin(dim=1, keepdim=True)
        losses["loss_mask"] += (focal.gather(1, best) * present).sum() / num_objects
        losses["loss_dice"] += (dice.gather(1, best) * present).sum() / num_objects
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


class FocalAndDice(torch.autograd.Function):
    """Focal loss, dice loss and IoU of masks enlarged to the size of their truth.

    Only the best candidate of an object learns. Its slopes are made where the enlarged mask is at
    hand anyway, and kept at the size of the logits: the backward pass has nothing to enlarge.
    """

    @staticmethod
    def forward(
        ctx: Any, masks: torch.Tensor, targets: torch.Tensor, focus: Focus
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Compare.

        Args:
            ctx: where the backward pass finds what it needs.
            masks: float32 (N, M, h, w), logits.
            targets: bool (N, H, W).
            focus: the constants of the losses.

        Returns:
            focal loss, dice loss and IoU, float32 (N, M); the IoU carries no gradient.
        """
        rows, best, slopes = [], [], []
        for each, truth in zip(masks, targets, strict=True):
            found, choice, slope = _compare(each, truth.float(), focus)
            rows.append(found)
            best.append(choice)
            slopes.append(slope)
        focal, dice, iou = torch.stack(rows, dim=1)
        ctx.save_for_backward(torch.stack(slopes), torch.tensor(best, device=masks.device))
        ctx.candidates = masks.shape[1]
        ctx.mark_non_differentiable(iou)
        return focal, dice, iou

    @staticmethod
    def backward(
        ctx: Any, focal: torch.Tensor, dice: torch.Tensor, _: torch.Tensor
    ) -> tuple[torch.Tensor, None, None]:
        """Gradient of the logits: nothing for the candidates that were not the best."""
        slopes, best = ctx.saved_tensors
        rows = torch.arange(len(best), device=best.device)
        wanted = torch.stack([focal[rows, best], dice[rows, best]], dim=1)
        mine = (slopes * wanted[:, :, None, None]).sum(dim=1)
        if ctx.candidates == 1:
            return mine.unsqueeze(1), None, None
        gradient = mine.new_zeros(len(best), ctx.candidates, *mine.shape[1:])
        gradient[rows, best] = mine
        return gradient, None, None


def _compare(
    masks: torch.Tensor, truth: torch.Tensor, focus: Focus
) -> tuple[torch.Tensor, int, torch.Tensor]:
    """Compare M masks, logits (M, h, w), with one truth (H, W).

    Returns:
        focal loss, dice loss and IoU, (3, M); the best candidate; the slopes of its focal and of
        its dice loss by its logits, (2, h, w).
    """
    logits = F.interpolate(masks[None], truth.shape, mode="bilinear", align_corners=False)[0]
    sign = 1 - 2 * truth
    signed = logits * sign  # how wrong: the logit of "not the truth"
    missing = signed.sigmoid()  # 1 - p_t
    entropy = F.softplus(signed)
    power = missing * missing if focus.gamma == 2 else missing**focus.gamma
    balance = focus.alpha * truth + (1 - focus.alpha) * (1 - truth) if focus.alpha >= 0 else None
    focal = entropy * power
    if balance is not None:
        focal.mul_(balance)
    area = truth.sum()
    # inside the truth a probability is 1 - missing, outside it is missing
    lost = (missing * truth).sum(dim=(1, 2))
    overlap = area - lost
    extent = missing.sum(dim=(1, 2)) + area - 2 * lost
    numerator, denominator = 2 * overlap + 1, extent + area + 1
    dice = 1 - numerator / denominator
    wrong = signed > 0  # a pixel without a logit counts as outside
    missed = torch.logical_and(signed >= 0, truth > 0).sum(dim=(1, 2))
    extra = wrong.sum(dim=(1, 2)) - torch.logical_and(wrong, truth > 0).sum(dim=(1, 2))
    iou = (area - missed) / (area + extra).clamp(min=1)
    focal = focal.mean(dim=(1, 2))
    best = int((focal * focus.mask + dice * focus.dice).argmin())
    # with p = sigmoid(s): d/ds of softplus(s) p^g is p^g (p + g softplus(s) (1 - p))
    p = missing[best]
    rest = 1 - p
    slope = entropy[best].mul_(rest).mul_(focus.gamma).add_(p).mul_(power[best])
    if balance is not None:
        slope.mul_(balance)
    slope.mul_(sign).div_(truth.numel())
    ratio = float(numerator[best] / denominator[best])
    pull = (ratio - 2 * truth).mul_(rest.mul_(p)).div_(denominator[best])
    slopes = torch.ops.aten.upsample_bilinear2d_backward(
        torch.stack([slope, pull])[None], truth.shape, [1, 2, *masks.shape[1:]], False
    )[0]
    return torch.stack([focal, dice, iou]), best, slopes
