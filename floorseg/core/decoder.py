"""SAM 2's mask decoder, computed with fewer passes over memory: the same weights, the same numbers.

On a CPU the decoder spends its time not on arithmetic but on copying: on projecting every image
token of every prompt to keys, queries and values, on splitting these into heads, on moving
channels to and fro. Here

* the few prompt tokens are projected into the space of the image tokens instead, see
  ``two_way_attention``;
* what prompts without a previous mask share (the first layer's image side) is computed once;
* the two upscalings are matrix products whose results stay in the order they are made in; only
  the finished logits, three numbers a pixel instead of sixteen or more, are put in place.

Knows nothing of images, prompts or files: tensors in, tensors out.
"""

import math
from dataclasses import dataclass, replace

import torch
from sam2.modeling.sam.mask_decoder import MaskDecoder
from sam2.modeling.sam2_utils import MLP
from torch import Tensor
from torch.nn import functional as F

from floorseg.core.two_way_attention import look_both_ways

LOGIT_LIMIT = 32.0  # sam2 clips its logits there before anybody sees them


@dataclass(frozen=True, slots=True, eq=False)
class ImageSide:
    """What the decoder needs of one image, laid out as it reads it.

    Attributes:
        tokens: float (N, C), the image features at stride 16, N = h * w.
        position: float (N, C), their positional encoding.
        middle: float (N, 4 * C / 4), features at stride 8: of each token, its 2 x 2 pixels row by
            row; None for a model without high-resolution features.
        fine: float (N, 16 * C / 8), features at stride 4 in the same order, nested.
        grid: (h, w).
    """

    tokens: Tensor
    position: Tensor
    middle: Tensor | None
    fine: Tensor | None
    grid: tuple[int, int]

    def to(self, dtype: torch.dtype) -> "ImageSide":
        """The same in another number format."""
        return replace(
            self,
            tokens=self.tokens.to(dtype),
            position=self.position.to(dtype),
            middle=None if self.middle is None else self.middle.to(dtype),
            fine=None if self.fine is None else self.fine.to(dtype),
        )

    @property
    def nbytes(self) -> int:
        """Bytes of memory held."""
        parts = (self.tokens, self.position, self.middle, self.fine)
        return sum(part.numel() * part.element_size() for part in parts if part is not None)


def image_side(features: Tensor, position: Tensor, fine: list[Tensor]) -> ImageSide:
    """Lay an image's features out for the decoder.

    Args:
        features: (C, h, w) at stride 16.
        position: (C, h, w), the dense positional encoding.
        fine: the high-resolution features, (C / 8, 4h, 4w) and (C / 4, 2h, 2w), or nothing.
    """
    _, height, width = features.shape
    middle = outer = None
    if fine:
        outer, middle = (nest_pixels(level[None], (height, width))[0] for level in fine)
    return ImageSide(
        # copies: a view would keep the whole batch alive as long as one of its images
        tokens=features.flatten(1).T.contiguous().clone(),
        position=position.flatten(1).T.contiguous(),
        middle=middle,
        fine=outer,
        grid=(height, width),
    )


def nest_pixels(level: Tensor, grid: tuple[int, int]) -> Tensor:
    """The pixels of one token side by side: 2 x 2 row by row, 4 x 4 as 2 x 2 of 2 x 2.

    Args:
        level: (B, C, s * h, s * w), s = 2 or 4.
        grid: (h, w), the tokens.

    Returns:
        (B, h * w, s * s * C), contiguous.
    """
    height, width = grid
    batch, channels = level.shape[:2]
    if level.shape[2] == 2 * height:
        split = level.reshape(batch, channels, height, 2, width, 2).permute(0, 2, 4, 3, 5, 1)
    else:
        split = level.reshape(batch, channels, height, 2, 2, width, 2, 2)
        split = split.permute(0, 2, 5, 3, 6, 4, 7, 1)
    return split.reshape(batch, height * width, -1).contiguous()


def decode_masks(
    decoder: MaskDecoder,
    image: ImageSide,
    sparse: Tensor,
    dense: Tensor,
    *,
    multimask: bool,
    above: float = -math.inf,
) -> tuple[Tensor, Tensor]:
    """Mask logits and scores for B prompts on one image, as ``MaskDecoder.forward`` gives them.

    Args:
        decoder: whose weights are used.
        image: the image's side.
        sparse: (B, P, C) embeddings of points and box corners.
        dense: (B, C, h, w) embeddings of previous masks, or (1, C, h, w): the same for all.
        multimask: three candidates, or one.
        above: prompts none of whose candidates scores higher are not drawn: their logits are all
            ``-LOGIT_LIMIT``. The scores are known first, and drawing takes a third of the time.

    Returns:
        Logits (B, 3 or 1, 4h, 4w) and scores (B, 3 or 1).
    """
    tokens = prompt_tokens(decoder, sparse)
    keys = image.tokens + dense.flatten(2).transpose(1, 2)  # (B or 1, N, C)
    queries, keys = look_both_ways(decoder, tokens, keys, image.position)
    first = 1 if decoder.pred_obj_scores else 0
    scores = decoder.iou_prediction_head(queries[:, first])
    masks = queries[:, first + 1 : first + 1 + decoder.num_mask_tokens]
    dynamic = decoder.dynamic_multimask_via_stability and not decoder.training
    wanted = range(1, decoder.num_mask_tokens) if multimask else range(1)
    if not multimask and dynamic:
        wanted = range(decoder.num_mask_tokens)
    masks, scores = masks[:, wanted.start : wanted.stop], scores[:, wanted.start : wanted.stop]
    filters = [decoder.output_hypernetworks_mlps[i] for i in wanted]
    if not multimask and dynamic:
        logits = _draw(decoder, image, keys, masks, filters)
        return decoder._dynamic_multimask_via_stability(logits, scores)
    useful = scores.amax(dim=1) > above
    if bool(useful.all()):
        return _draw(decoder, image, keys, masks, filters), scores
    height, width = image.grid
    logits = scores.new_full((*scores.shape, 4 * height, 4 * width), -LOGIT_LIMIT)
    if bool(useful.any()):
        logits[useful] = _draw(decoder, image, keys[useful], masks[useful], filters)
    return logits, scores


def _draw(
    decoder: MaskDecoder, image: ImageSide, keys: Tensor, masks: Tensor, filters: list[MLP]
) -> Tensor:
    """The logits (B, K, 4h, 4w) of K mask tokens (B, K, C) on image tokens (B, N, C)."""
    each = torch.stack([filters[i](masks[:, i]) for i in range(len(filters))], 1)
    return in_place(each @ upscale(decoder, keys, image.middle, image.fine).mT, image.grid)


def prompt_tokens(decoder: MaskDecoder, sparse: Tensor) -> Tensor:
    """(B, T, C): the decoder's own tokens, then those of the prompt."""
    own = [decoder.iou_token.weight, decoder.mask_tokens.weight]
    if decoder.pred_obj_scores:
        own.insert(0, decoder.obj_score_token.weight)
    return torch.cat([torch.cat(own).expand(len(sparse), -1, -1), sparse], dim=1)


def upscale(
    decoder: MaskDecoder, keys: Tensor, middle: Tensor | None, fine: Tensor | None
) -> Tensor:
    """Features of every pixel at stride 4, in the order of ``nest_pixels``.

    Args:
        decoder: whose weights are used.
        keys: (B, N, C), the image tokens.
        middle: (N, 4 * C / 4) or (B, N, 4 * C / 4), features at stride 8 as ``nest_pixels`` lays
            them out, or None.
        fine: (N, 16 * C / 8) or (B, N, 16 * C / 8), features at stride 4, or None.

    Returns:
        (B, 16 * N, C / 8).
    """
    first, norm, act1, second, act2 = decoder.output_upscaling
    batch, count, _ = keys.shape
    pixels = _doubled(first, keys, middle)
    pixels = F.layer_norm(
        pixels.reshape(batch, count * 4, -1), norm.weight.shape, norm.weight, norm.bias, norm.eps
    )
    if fine is not None:
        fine = fine.reshape(*fine.shape[:-2], count * 4, -1)
    pixels = _doubled(second, act1(pixels), fine)
    return act2(pixels).reshape(batch, count * 16, -1)


def _doubled(layer: torch.nn.ConvTranspose2d, pixels: Tensor, fine: Tensor | None) -> Tensor:
    """A transposed convolution of stride 2, (B, M, C) -> (B, M, 4 C'), plus ``fine`` (M, 4 C')."""
    weight = layer.weight.permute(0, 2, 3, 1).reshape(layer.in_channels, -1)
    bias = torch.zeros_like(weight[0]) if layer.bias is None else layer.bias.repeat(4)
    if fine is None:
        return pixels @ weight + bias
    if fine.dim() == 3:  # each prompt has its own image, as in training
        return F.linear(pixels, weight.T, bias) + fine
    start = (fine + bias).expand(len(pixels), -1, -1)
    return torch.baddbmm(start, pixels, weight.expand(len(pixels), -1, -1))


def in_place(logits: Tensor, grid: tuple[int, int]) -> Tensor:
    """(B, C, 16 * N) in nested order -> (B, C, 4h, 4w)."""
    batch, count, _ = logits.shape
    height, width = grid
    nested = logits.reshape(batch, count, height, width, 2, 2, 2, 2)
    return nested.permute(0, 1, 2, 4, 6, 3, 5, 7).reshape(batch, count, 4 * height, 4 * width)
