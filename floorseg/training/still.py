"""SAM 2 on still images: one encoder call a batch, one decoder call for many prompts, no memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import nn
from training.model.sam2 import SAM2Train as OfficialSAM2Train

from floorseg.core.decoder import in_place, nest_pixels, prompt_tokens, upscale
from floorseg.core.neck import image_levels
from floorseg.core.two_way_attention import look_both_ways

MASK_PROMPT_LIMIT = 32.0  # sam2's predictor clamps the mask it feeds back to this


@dataclass(frozen=True, slots=True, eq=False)
class ImageFeatures:
    """What the encoder makes of a batch of B images.

    Attributes:
        embedding: float (B, C, h, w), stride 16.
        high_resolution: float (B, h * w, 16 * C/8) and (B, h * w, 4 * C/4), the pixels at stride 4
            and 8 laid out by :func:`floorseg.core.decoder.nest_pixels`, or empty.
    """

    embedding: torch.Tensor
    high_resolution: tuple[torch.Tensor, ...]

    @classmethod
    def lay_out(cls, embedding: torch.Tensor, levels: Sequence[torch.Tensor]) -> Self:
        """From the encoder's levels, float (B, C/8, 4h, 4w) and (B, C/4, 2h, 2w), or none."""
        grid = (embedding.shape[2], embedding.shape[3])
        return cls(embedding, tuple(nest_pixels(level, grid) for level in levels))

    def of(self, images: torch.Tensor) -> "ImageFeatures":
        """The features of these images, one each object."""
        return ImageFeatures(
            self.embedding[images], tuple(level[images] for level in self.high_resolution)
        )


class StillImageModel(OfficialSAM2Train):
    """What both training models share: features once an image, the decoder on many prompts."""

    def set_image_size(self, size: int) -> None:
        """Train at another resolution from now on.

        Args:
            size: pixels a side, a multiple of 32.
        """
        self.image_size = size
        side = size // self.backbone_stride
        self.sam_image_embedding_size = side
        self.sam_prompt_encoder.image_embedding_size = (side, side)
        self.sam_prompt_encoder.input_image_size = (size, size)
        self.sam_prompt_encoder.mask_input_size = (4 * side, 4 * side)

    def features(self, images: torch.Tensor) -> ImageFeatures:
        """Encode images, float (B, 3, H, W), normalised."""
        return self._laid_out(image_levels(self, images))

    def _laid_out(self, levels: Sequence[torch.Tensor]) -> ImageFeatures:
        """Features from the encoder's levels, the finest first."""
        *fine, embedding = levels
        if self.directly_add_no_mem_embed:
            embedding = embedding + self.no_mem_embed.reshape(1, -1, 1, 1)
        return ImageFeatures.lay_out(embedding, fine)

    def decode(
        self,
        features: ImageFeatures,
        points: torch.Tensor,
        labels: torch.Tensor,
        masks: torch.Tensor | None = None,
        *,
        kept: slice = slice(None),
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Answer N prompts on N images' features, as ``MaskDecoder.predict_masks`` does.

        The pixels are upscaled in the order they are made in: sam2's transposed convolutions and
        its normalisation over channels move the largest tensors of a step back and forth.

        Args:
            features: one image's for each prompt.
            points: float (N, P, 2), (x, y) in pixels.
            labels: int (N, P), as SAM numbers them.
            masks: earlier logits, float (N, 1, 4h, 4w), or None.
            kept: which of the four masks are wanted: the single one, then three candidates.

        Returns:
            logits (N, M, 4h, 4w) and scores (N, M) of the M masks that are kept, M = 4 without
            ``kept``, and presence (N, 1), all float32.
        """
        encoder, decoder = self.sam_prompt_encoder, self.sam_mask_decoder
        sparse, dense = encoder(points=(points, labels), boxes=None, masks=masks)
        tokens = prompt_tokens(decoder, sparse)
        keys = (features.embedding + dense).flatten(2).mT
        position = encoder.get_dense_pe()[0].flatten(1).T
        tokens, keys = look_both_ways(decoder, tokens, keys, position)
        first = 1 if decoder.pred_obj_scores else 0
        scores = decoder.iou_prediction_head(tokens[:, first])[:, kept]
        filters = torch.stack(
            [
                decoder.output_hypernetworks_mlps[index](tokens[:, first + 1 + index])
                for index in range(decoder.num_mask_tokens)[kept]
            ],
            dim=1,
        )
        pixels = upscale(decoder, keys, *reversed(features.high_resolution or (None, None)))
        grid = (features.embedding.shape[2], features.embedding.shape[3])
        # the pixels on the left: their gradient then comes in the order they lie in
        logits = in_place((pixels @ filters.mT).mT, grid)
        presence = (
            decoder.pred_obj_score_head(tokens[:, 0])
            if decoder.pred_obj_scores
            else torch.full_like(scores[:, :1], 10.0)  # as sam2: certainly there
        )
        return logits.float(), scores.float(), presence.float()


def unwrap(model: nn.Module) -> StillImageModel:
    """The model inside a ``DistributedDataParallel``, or the model itself."""
    inner: Any = model.module if isinstance(model, nn.parallel.DistributedDataParallel) else model
    still: StillImageModel = inner
    return still
