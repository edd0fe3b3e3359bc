"""Training a part of the model: the decoder, the decoder and the neck, all, or LoRA on the encoder.

What does not learn is not kept for the backward pass, and is computed once a picture where a
:class:`~floorseg.training.features.FeatureCache` is given.
"""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Any

import torch
from torch import nn

from floorseg.core.neck import image_levels, neck_levels
from floorseg.errors import ConfigError
from floorseg.training.features import FeatureCache, weights_digest
from floorseg.training.model import SAM2Train
from floorseg.training.plans import PlanTrain
from floorseg.training.still import ImageFeatures, StillImageModel

LORA_LAYERS = r"blocks\.\d+\.(attn\.(qkv|proj)|mlp\.layers\.\d+)"


class Trained(StrEnum):
    """Which part of the model learns."""

    DECODER = "decoder"  # and the prompt encoder; features are computed once
    DECODER_NECK = "decoder+neck"  # the neck, too; the trunk's features are computed once
    ALL = "all"
    LORA = "lora"  # decoder and neck, and low-rank corrections of the trunk


class PartlyTrained(StillImageModel):
    """A training model of which a part learns.

    Args:
        trained: one of :class:`Trained`.
        lora_rank: rank of the corrections.
        feature_cache: keeps what the frozen part makes of each picture; None computes it anew.
        sam2: everything the model itself takes.
    """

    def __init__(
        self,
        *args: Any,
        trained: str = "all",
        lora_rank: int = 8,
        feature_cache: FeatureCache | None = None,
        **sam2: Any,
    ) -> None:
        super().__init__(*args, **sam2)
        if trained not in list(Trained):
            raise ConfigError(f"trained is {trained!r}; use one of {', '.join(Trained)}")
        self.trained = Trained(trained)
        self._cache = feature_cache
        self._digest: str | None = None
        if self.trained is Trained.LORA:
            add_lora(self.image_encoder.trunk, rank=lora_rank)
        for module in self._frozen():
            module.requires_grad_(False)

    def train(self, mode: bool = True) -> "PartlyTrained":
        """The frozen part stays as it is used: no dropped paths, hence the same features."""
        super().train(mode)
        for module in self._frozen():
            module.eval()
        return self

    def features(self, images: torch.Tensor) -> ImageFeatures:
        """Encode images, float (B, 3, H, W), normalised; what is frozen only once."""
        if self.trained not in (Trained.DECODER, Trained.DECODER_NECK):
            return super().features(images)
        kept = self._kept(images)
        return self._laid_out(kept if self.trained is Trained.DECODER else neck_levels(self, kept))

    def _frozen(self) -> Iterator[nn.Module]:
        if self.trained is Trained.DECODER:
            yield self.image_encoder
            if self.use_high_res_features_in_sam:  # part of what is kept: an eighth of the size
                yield self.sam_mask_decoder.conv_s0
                yield self.sam_mask_decoder.conv_s1
        elif self.trained is Trained.DECODER_NECK:
            yield self.image_encoder.trunk

    def _kept(self, images: torch.Tensor) -> Sequence[torch.Tensor]:
        """What the frozen part makes of images."""
        if self._cache is None:
            with torch.no_grad():
                return self._frozen_forward(images)
        if self._digest is None:
            parts = [module.state_dict().values() for module in self._frozen()]
            self._digest = weights_digest(tensor for part in parts for tensor in part)
        ways = None if self.training else 1  # validation plans are never turned
        return self._cache.fetch(images, self._frozen_forward, weights=self._digest, ways=ways)

    def _frozen_forward(self, images: torch.Tensor) -> Sequence[torch.Tensor]:
        if self.trained is Trained.DECODER:
            return image_levels(self, images)
        trunk: Sequence[torch.Tensor] = self.image_encoder.trunk(images)
        return trunk


class PartSAM2Train(PartlyTrained, SAM2Train):
    """sam2's own prompts, of which a part of the model learns."""


class PartPlanTrain(PartlyTrained, PlanTrain):
    """Clicks and boxes mixed within a batch, of which a part of the model learns."""


def add_lora(trunk: nn.Module, *, rank: int) -> None:
    """Put low-rank corrections beside every linear layer of a trunk; only they learn then."""
    from peft import LoraConfig, inject_adapter_in_model

    config = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=LORA_LAYERS, bias="none")
    inject_adapter_in_model(config, trunk)


def plain_name(name: str) -> str | None:
    """A weight's name in the model without LoRA; None for LoRA's own."""
    return None if ".lora_" in name else name.replace(".base_layer.", ".")


def plain_weights(model: nn.Module) -> dict[str, torch.Tensor]:
    """A model's weights as any SAM 2 has them, LoRA's corrections added in."""
    found = {
        plain: weight for name, weight in model.state_dict().items() if (plain := plain_name(name))
    }
    for name, module in model.named_modules():
        if hasattr(module, "lora_A") and hasattr(module, "get_delta_weight"):
            for adapter in module.lora_A:
                key = f"{name}.weight"
                found[key] = found[key] + module.get_delta_weight(adapter).detach()
    return found
