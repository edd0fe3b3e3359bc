"""sam2's training loss, number for number, without holding full-size masks.

Upstream enlarges every candidate to the image's size and keeps a dozen arrays of that size for the
backward pass. Here each object's masks are enlarged, compared and forgotten while they are still
in the processor's cache; the backward pass enlarges again the few that have something to learn.
"""

from typing import Any

import torch
from torch.nn import functional as F
from training.loss_fns import MultiStepMultiMasksAndIous as OfficialLoss
from training.loss_fns import sigmoid_focal_loss


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
        focal, dice, iou = FocalAndDice.apply(
            masks, targets, float(self.focal_alpha), float(self.focal_gamma)
        )
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
    """Focal loss, dice loss and IoU of masks enlarged to the size of their truth."""

    @staticmethod
    def forward(
        ctx: Any, masks: torch.Tensor, targets: torch.Tensor, alpha: float, gamma: float
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Compare.

        Args:
            ctx: where the backward pass finds what it needs.
            masks: float32 (N, M, h, w), logits.
            targets: bool (N, H, W).
            alpha: weight of the pixels inside, below 0 for none.
            gamma: focus on hard pixels.

        Returns:
            focal loss, dice loss and IoU, float32 (N, M); the IoU carries no gradient.
        """
        ctx.save_for_backward(masks, targets)
        ctx.alpha, ctx.gamma = alpha, gamma
        rows = [
            torch.stack(_compare(_enlarge(each[None], truth.shape)[0], truth.float(), alpha, gamma))
            for each, truth in zip(masks, targets, strict=True)
        ]
        focal, dice, iou = torch.stack(rows, dim=1)
        ctx.mark_non_differentiable(iou)
        return focal, dice, iou

    @staticmethod
    def backward(
        ctx: Any, focal: torch.Tensor, dice: torch.Tensor, _: torch.Tensor
    ) -> tuple[torch.Tensor, None, None, None]:
        """Gradient of the logits; candidates that have nothing to learn cost nothing."""
        masks, targets = ctx.saved_tensors
        gradient = torch.zeros_like(masks)
        learns = ((focal != 0) | (dice != 0)).nonzero().tolist()
        for n, m in learns:
            part = masks[n : n + 1, m : m + 1]
            slope = _slope(
                _enlarge(part, targets.shape[1:])[0, 0],
                targets[n].float(),
                float(focal[n, m]),
                float(dice[n, m]),
                ctx.alpha,
                ctx.gamma,
            )
            gradient[n, m] = torch.ops.aten.upsample_bilinear2d_backward(
                slope[None, None], slope.shape, part.shape, False
            )[0, 0]
        return gradient, None, None, None


def _enlarge(masks: torch.Tensor, size: torch.Size) -> torch.Tensor:
    return F.interpolate(masks, tuple(size), mode="bilinear", align_corners=False)


def _compare(
    logits: torch.Tensor, truth: torch.Tensor, alpha: float, gamma: float
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Focal loss, dice loss and IoU of M masks (M, H, W) and one truth (H, W), each (M,)."""
    signed = logits * (1 - 2 * truth)  # how wrong: the logit of "not the truth"
    missing = signed.sigmoid()  # 1 - p_t
    entropy = F.softplus(signed)
    focal = entropy.mul_(_power(missing, gamma))
    if alpha >= 0:
        focal = focal.mul_(alpha * truth + (1 - alpha) * (1 - truth))
    probability = truth + missing * (1 - 2 * truth)
    overlap = (probability * truth).sum(dim=(1, 2))
    dice = 1 - (2 * overlap + 1) / (probability.sum(dim=(1, 2)) + truth.sum() + 1)
    got, wanted = logits > 0, truth > 0
    both = (got & wanted).sum(dim=(1, 2)).float()
    either = (got | wanted).sum(dim=(1, 2)).float()
    return focal.mean(dim=(1, 2)), dice, both / either.clamp(min=1)


def _slope(
    logits: torch.Tensor, truth: torch.Tensor, focal: float, dice: float, alpha: float, gamma: float
) -> torch.Tensor:
    """Derivative of ``focal * focal loss + dice * dice loss`` by the logits, (H, W)."""
    sign = 1 - 2 * truth
    signed = logits * sign
    missing = signed.sigmoid()
    spread = missing * (1 - missing)  # derivative of the probability, the same for both signs
    probability = truth + missing * sign
    result = torch.zeros_like(logits)
    if focal:
        # with p = sigmoid(s): d/ds of softplus(s) p^g is p^(g+1) + g softplus(s) p^g (1 - p)
        power = _power(missing, gamma)
        slope = power * (missing + gamma * F.softplus(signed) * (1 - missing))
        if alpha >= 0:
            slope = slope.mul_(alpha * truth + (1 - alpha) * (1 - truth))
        result.add_(slope.mul_(sign), alpha=focal / logits.numel())
    if dice:
        numerator = 2 * (probability * truth).sum() + 1
        denominator = probability.sum() + truth.sum() + 1
        slope = (numerator / denominator - 2 * truth).mul_(spread)
        result.add_(slope, alpha=dice / float(denominator))
    return result


def _power(base: torch.Tensor, exponent: float) -> torch.Tensor:
    return base * base if exponent == 2 else base**exponent
