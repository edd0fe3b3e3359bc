"""From a SAM 2 trunk's levels to what the decoder reads, without the wide maps in between.

sam2's neck widens every level to the decoder's channels, adds the coarser ones to it, enlarged, and
the decoder narrows the two finest again. All of that but the enlarging are products with matrices,
and enlarging goes with them in any order: so a fine level is narrowed before it is widened, by one
matrix, and added to coarser ones that were narrowed before they were enlarged. The same weights,
the same numbers; the largest tensors of the encoder are never made.
"""

from collections.abc import Sequence

import torch
from sam2.modeling.backbones.image_encoder import FpnNeck
from sam2.modeling.sam2_base import SAM2Base
from torch import Tensor, nn
from torch.nn import functional as F


def image_levels(model: SAM2Base, images: Tensor) -> list[Tensor]:
    """What ``forward_image`` calls the backbone's pyramid, the finest level first.

    Args:
        model: whose encoder and decoder are used.
        images: float (B, 3, S, S), normalised.

    Returns:
        float (B, C / 8, S / 4, S / 4), (B, C / 4, S / 8, S / 8) and (B, C, S / 16, S / 16); the
        last alone where the model has no high-resolution features.
    """
    return neck_levels(model, model.image_encoder.trunk(images))


def neck_levels(model: SAM2Base, trunk: Sequence[Tensor]) -> list[Tensor]:
    """As ``image_levels``, from what the trunk made of the images.

    Args:
        model: whose neck and decoder are used.
        trunk: float (B, c, h, w) each, the finest level first.
    """
    neck = model.image_encoder.neck
    if not _is_linear(neck):
        return _as_sam2(model, trunk)
    pyramid = _Pyramid(neck, trunk, coarsest=len(trunk) - 1 - model.image_encoder.scalp)
    if not model.use_high_res_features_in_sam:
        return [_channels_first(pyramid.coarse)]
    decoder = model.sam_mask_decoder
    fine = [
        pyramid.narrowed(level, layer.weight.flatten(1)) + layer.bias
        for level, layer in enumerate((decoder.conv_s0, decoder.conv_s1))
    ]
    return [_channels_first(level) for level in (*fine, pyramid.coarse)]


def _is_linear(neck: FpnNeck) -> bool:
    """Whether a neck is sam2's own, of 1 x 1 convolutions whose results are added up."""
    if type(neck) is not FpnNeck or neck.fuse_type != "sum":
        return False
    layers = [layer for level in neck.convs for layer in level]
    return all(type(layer) is nn.Conv2d and _is_product(layer) for layer in layers)


def _is_product(layer: nn.Conv2d) -> bool:
    return layer.kernel_size == layer.stride == (1, 1) and layer.padding == (0, 0)


def _as_sam2(model: SAM2Base, trunk: Sequence[Tensor]) -> list[Tensor]:
    levels, _ = model.image_encoder.neck(list(trunk))
    levels = list(levels[: len(levels) - model.image_encoder.scalp])
    if not model.use_high_res_features_in_sam:
        return levels[-1:]
    levels[0] = model.sam_mask_decoder.conv_s0(levels[0])
    levels[1] = model.sam_mask_decoder.conv_s1(levels[1])
    return levels


class _Pyramid:
    """A trunk's levels and the neck they go through; tensors (B, h, w, channels).

    Args:
        neck: sam2's.
        trunk: float (B, c, h, w) each, the finest first.
        coarsest: the level that is wanted as wide as the neck makes it.
    """

    def __init__(self, neck: FpnNeck, trunk: Sequence[Tensor], *, coarsest: int) -> None:
        self._neck = neck
        self._trunk = [level.permute(0, 2, 3, 1) for level in trunk]
        self._coarsest = coarsest
        self.coarse = self._wide(coarsest)

    def narrowed(self, level: int, narrow: Tensor) -> Tensor:
        """What a level of the neck becomes by a matrix (few, many): (B, h, w, few)."""
        if level == self._coarsest:
            return F.linear(self.coarse, narrow)
        weight, bias = self._widening(level)
        with torch.autocast(narrow.device.type, enabled=False):  # of weights: small, and exact
            weight, bias = narrow @ weight, narrow @ bias
        own = F.linear(self._trunk[level], weight, bias)
        return own + self._enlarged(self.narrowed(level + 1, narrow)) if self._adds(level) else own

    def _wide(self, level: int) -> Tensor:
        own = F.linear(self._trunk[level], *self._widening(level))
        return own + self._enlarged(self._wide(level + 1)) if self._adds(level) else own

    def _adds(self, level: int) -> bool:
        """Whether the coarser levels are added to this one."""
        return level in self._neck.fpn_top_down_levels and level + 1 < len(self._trunk)

    def _widening(self, level: int) -> tuple[Tensor, Tensor]:
        layer = self._neck.convs[len(self._trunk) - 1 - level].conv
        return layer.weight.flatten(1), layer.bias

    def _enlarged(self, pixels: Tensor) -> Tensor:
        """Twice as high and wide, in float32 as sam2 does it."""
        aligned = None if self._neck.fpn_interp_model == "nearest" else False
        twice = F.interpolate(
            _channels_first(pixels).float(), scale_factor=2.0,
            mode=self._neck.fpn_interp_model, align_corners=aligned,
        )  # fmt: skip
        return twice.permute(0, 2, 3, 1)


def _channels_first(pixels: Tensor) -> Tensor:
    return pixels.permute(0, 3, 1, 2)
