"""SAM 2 on still images: one encoder call a batch, one decoder call for many prompts, no memory."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from training.model.sam2 import SAM2Train as OfficialSAM2Train

MASK_PROMPT_LIMIT = 32.0  # sam2's predictor clamps the mask it feeds back to this


@dataclass(frozen=True, slots=True, eq=False)
class ImageFeatures:
    """What the encoder makes of a batch of B images.

    Attributes:
        embedding: float (B, C, h, w), stride 16.
        high_resolution: float (B, C/8, 4h, 4w) and (B, C/4, 2h, 2w), or empty.
    """

    embedding: torch.Tensor
    high_resolution: tuple[torch.Tensor, ...]

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
        levels = self.forward_image(images)["backbone_fpn"]
        embedding = levels[-1]
        if self.directly_add_no_mem_embed:
            embedding = embedding + self.no_mem_embed.reshape(1, -1, 1, 1)
        high = tuple(levels[:-1]) if self.use_high_res_features_in_sam else ()
        return ImageFeatures(embedding, high)

    def decode(
        self,
        features: ImageFeatures,
        points: torch.Tensor,
        labels: torch.Tensor,
        masks: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Answer N prompts on N images' features.

        Args:
            features: one image's for each prompt.
            points: float (N, P, 2), (x, y) in pixels.
            labels: int (N, P), as SAM numbers them.
            masks: earlier logits, float (N, 1, 4h, 4w), or None.

        Returns:
            logits (N, 4, 4h, 4w), scores (N, 4) and presence (N, 1), all float32.
        """
        encoder, decoder = self.sam_prompt_encoder, self.sam_mask_decoder
        sparse, dense = encoder(points=(points, labels), boxes=None, masks=masks)
        logits, scores, _, presence = decoder.predict_masks(
            image_embeddings=features.embedding,
            image_pe=encoder.get_dense_pe(),
            sparse_prompt_embeddings=sparse,
            dense_prompt_embeddings=dense,
            repeat_image=False,
            high_res_features=list(features.high_resolution),
        )
        return logits.float(), scores.float(), presence.float()


def unwrap(model: nn.Module) -> StillImageModel:
    """The model inside a ``DistributedDataParallel``, or the model itself."""
    inner: Any = model.module if isinstance(model, nn.parallel.DistributedDataParallel) else model
    still: StillImageModel = inner
    return still
