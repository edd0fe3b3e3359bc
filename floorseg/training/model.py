"""SAM 2 for training on still images: one encoder call, one decoder call a click, no memory.

:class:`SAM2Train` trains exactly as sam2's own class does (same prompts, same losses), without
what a single frame does not need. :class:`PlanTrain` adds what a small model needs that starts
from random weights: clicks and boxes mixed within a batch, all candidates of an unambiguous
prompt trained.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from training.model.sam2 import SAM2Train as OfficialSAM2Train
from training.utils.data_utils import BatchedVideoDatapoint

from floorseg.training.attention import fast_attention
from floorseg.training.prompting import LOWER_RIGHT, POSITIVE, UPPER_LEFT, PromptMix

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


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What the decoder says to N prompts.

    Attributes:
        logits: float (N, 4, 4h, 4w): the single mask, then the three candidates.
        scores: float (N, 4): estimated IoU.
        presence: float (N, 1): logit of "there is something".
        objects: int64 (N,): which objects of the batch were asked for.
        ambiguous: whether one click was all that was known.
    """

    logits: torch.Tensor
    scores: torch.Tensor
    presence: torch.Tensor
    objects: torch.Tensor
    ambiguous: bool

    def best(self) -> torch.Tensor:
        """Logits (N, 1, 4h, 4w) of the candidate the model itself holds for the best."""
        choice = self.scores[:, 1:].argmax(dim=1) + 1
        return self.logits[torch.arange(len(choice), device=choice.device), choice].unsqueeze(1)


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
            points: float (N, P, 2), (x, y) in pixels; labels: int (N, P), as SAM numbers them.
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


class PlanTrain(StillImageModel):
    """Training of a small SAM 2 on plans, from random weights if need be.

    Every object of a batch starts with a click or a box; some get further clicks on what was
    wrong, with the mask so far fed back, as a person would give them.

    Args:
        prompts: which prompts, how often.
        seed: of the prompts.
        sam2: everything sam2's own class takes.
    """

    def __init__(
        self, *args: Any, prompts: PromptMix | None = None, seed: int = 42, **sam2: Any
    ) -> None:
        sam2.setdefault("prob_to_use_pt_input_for_train", 1.0)
        super().__init__(*args, **sam2)
        self.prompts = prompts or PromptMix()
        self.rng = np.random.default_rng(seed)

    def forward(self, batch: BatchedVideoDatapoint) -> list[dict[str, list[Answers]]]:
        """The answers to every prompt given, for one frame, as sam2's losses expect their input."""
        with fast_attention(batch.img_batch.device):
            return [{"answers": self._answers(batch)}]

    def _answers(self, batch: BatchedVideoDatapoint) -> list[Answers]:
        features = self.features(batch.flat_img_batch)
        truth = batch.masks[0].cpu().numpy()
        images = batch.flat_obj_to_img_idx[0].long()
        boxed = self.rng.random(len(truth)) < self.prompts.p_box
        answers: list[Answers] = []
        for chosen, start in ((~boxed, self._clicks), (boxed, self._boxes)):
            objects = np.flatnonzero(chosen)
            if len(objects):
                answers += self._conversation(features, images, truth, objects, start)
        return answers

    def _clicks(self, masks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        points = self.prompts.clicks(self.rng, masks)[:, None]
        return points, np.full((len(masks), 1), POSITIVE, dtype=np.int32)

    def _boxes(self, masks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        points = self.prompts.boxes(self.rng, masks)
        return points, np.tile(np.array([UPPER_LEFT, LOWER_RIGHT], np.int32), (len(masks), 1))

    def _conversation(
        self,
        features: ImageFeatures,
        images: torch.Tensor,
        truth: np.ndarray,
        objects: np.ndarray,
        start: Any,
    ) -> list[Answers]:
        """First prompt, then corrections on a share of the objects."""
        points, labels = start(truth[objects])
        answers = [self._ask(features, images, objects, points, labels, None)]
        for turn in range(self.prompts.number_of_corrections(self.rng)):
            keep = np.arange(len(objects))
            if turn == 0:
                wanted = max(1, round(len(objects) * self.prompts.correction_share))
                keep = np.sort(self.rng.permutation(len(objects))[:wanted])
            objects = objects[keep]
            with torch.no_grad():
                logits = answers[-1].best()[torch.as_tensor(keep, device=images.device)].detach()
                logits = logits.clamp(-MASK_PROMPT_LIMIT, MASK_PROMPT_LIMIT)
                masks = F.interpolate(logits, self.image_size, mode="bilinear")[:, 0] > 0
            more, kinds = self.prompts.corrections(self.rng, truth[objects], masks.cpu().numpy())
            points = np.concatenate([points[keep], more[:, None]], axis=1)
            labels = np.concatenate([labels[keep], kinds[:, None]], axis=1)
            answers.append(self._ask(features, images, objects, points, labels, logits))
        return answers

    def _ask(
        self,
        features: ImageFeatures,
        images: torch.Tensor,
        objects: np.ndarray,
        points: np.ndarray,
        labels: np.ndarray,
        masks: torch.Tensor | None,
    ) -> Answers:
        device = images.device
        chosen = torch.as_tensor(objects, device=device)
        logits, scores, presence = self.decode(
            features.of(images[chosen]),
            torch.as_tensor(points, device=device),
            torch.as_tensor(labels, device=device),
            masks,
        )
        ambiguous = labels.shape[1] == 1
        return Answers(logits, scores, presence, chosen, ambiguous)


def unwrap(model: nn.Module) -> nn.Module:
    """The model inside a ``DistributedDataParallel``, or the model itself."""
    if isinstance(model, nn.parallel.DistributedDataParallel):
        inner: nn.Module = model.module
        return inner
    return model
