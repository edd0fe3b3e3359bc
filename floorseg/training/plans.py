"""Training of a small SAM 2 from random weights: clicks and boxes mixed within a batch."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F
from training.utils.data_utils import BatchedVideoDatapoint

from floorseg.training.attention import fast_attention
from floorseg.training.dataset import OUTSIDE
from floorseg.training.prompting import LOWER_RIGHT, POSITIVE, UPPER_LEFT, PromptMix
from floorseg.training.still import MASK_PROMPT_LIMIT, ImageFeatures, StillImageModel

FirstPrompt = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What the decoder says to N prompts.

    Attributes:
        logits: float (N, 4, 4h, 4w): the single mask, then the three candidates.
        scores: float (N, 4): estimated IoU.
        presence: float (N, 1): logit of "there is something".
        objects: int64 (N,): which objects of the batch were asked for.
        ambiguous: whether one click was all that was known.
        nothing: whether the clicks lie where no object is, so that no score is right but zero.
    """

    logits: torch.Tensor
    scores: torch.Tensor
    presence: torch.Tensor
    objects: torch.Tensor
    ambiguous: bool
    nothing: bool = False

    def best(self) -> torch.Tensor:
        """Logits (N, 1, 4h, 4w) of the candidate the model itself holds for the best."""
        choice = self.scores[:, 1:].argmax(dim=1) + 1
        return self.logits[torch.arange(len(choice), device=choice.device), choice].unsqueeze(1)


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
        outside = (batch.metadata.unique_objects_identifier[0][:, 1] == OUTSIDE).cpu().numpy()
        boxed = self.rng.random(len(truth)) < self.prompts.p_box
        answers: list[Answers] = []
        if outside.any():
            answers.append(self._in_vain(features, images, truth, np.flatnonzero(outside)))
        for chosen, start in ((~boxed, self._clicks), (boxed, self._boxes)):
            chosen = chosen & ~outside
            objects = np.flatnonzero(chosen)
            if len(objects):
                answers += self._conversation(features, images, truth, objects, start)
        return answers

    def _in_vain(
        self, features: ImageFeatures, images: torch.Tensor, where: np.ndarray, objects: np.ndarray
    ) -> Answers:
        """What is said to clicks on nothing."""
        points, labels = self._clicks(where[objects])
        return replace(self._ask(features, images, objects, points, labels, None), nothing=True)

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
        start: FirstPrompt,
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
