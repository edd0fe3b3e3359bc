"""sam2's own training model, faster on still images: nothing computed that one frame needs not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from sam2.modeling.sam2_base import NO_OBJ_SCORE
from sam2.modeling.sam2_utils import sample_box_points
from torch.nn import functional as F
from training.utils.data_utils import BatchedVideoDatapoint

from floorseg.errors import ConfigError
from floorseg.training.attention import fast_attention
from floorseg.training.dataset import OUTSIDE
from floorseg.training.sampling import centre_of_errors, pixel_of_errors
from floorseg.training.still import ImageFeatures, StillImageModel


@dataclass(frozen=True, slots=True, eq=False)
class _Step:
    """What was said to one more click: M candidates, M = 3 after the first and 1 later."""

    points: torch.Tensor  # float (N, P, 2)
    labels: torch.Tensor  # int32 (N, P)
    candidates: torch.Tensor  # float (N, M, h, w), logits at stride 4
    scores: torch.Tensor  # float (N, M)
    presence: torch.Tensor  # float (N, 1)

    def best(self) -> torch.Tensor:
        """Logits (N, 1, h, w) of the candidate with the highest score."""
        choice = self.scores.argmax(dim=1)
        rows = torch.arange(len(choice), device=choice.device)
        return self.candidates[rows, choice].unsqueeze(1)


class SAM2Train(StillImageModel):
    """Trains exactly as sam2's own ``SAM2Train`` does on one frame: same prompts, same losses.

    What is left out changes nothing: no memory is encoded that no other frame will read, no object
    pointer is made, features are gathered once, and a click is drawn from the wrong pixels by
    counting them instead of drawing a random number for every pixel.
    """

    def forward(self, input: BatchedVideoDatapoint) -> list[dict[str, Any]]:  # noqa: A002
        """What sam2's losses and meters read, one entry a frame; videos go sam2's own way.

        Raises:
            ConfigError: if the dataset asks for clicks on nothing, which sam2 does not know.
        """
        if input.num_frames != 1:
            outputs: list[dict[str, Any]] = super().forward(input)
            return outputs
        if (input.metadata.unique_objects_identifier[0][:, 1] == OUTSIDE).any():
            raise ConfigError(
                "the dataset has outside above 0, but only floorseg.training.plans.PlanTrain "
                "learns from clicks on nothing; take outside out of the dataset's settings"
            )
        with fast_attention(input.img_batch.device):
            return [self._one_frame(input)]

    def _one_frame(self, batch: BatchedVideoDatapoint) -> dict[str, Any]:
        truth = batch.masks[0].unsqueeze(1)
        features = self.features(batch.flat_img_batch).of(batch.flat_obj_to_img_idx[0].long())
        points, labels = self._first_prompt(truth)
        steps = [self._answer(features, points, labels, None)]
        for _ in range(self.num_correction_pt_per_frame):
            more, kinds = self._next_click(truth, steps[-1].best())
            points = torch.cat([points, more], dim=1)
            labels = torch.cat([labels, kinds], dim=1)
            steps.append(self._answer(features, points, labels, steps[-1].best()))
        return _as_sam2_says(steps, self.image_size)

    def _first_prompt(self, truth: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """A box or a click for every object, decided once a batch as sam2 does."""
        self.rng.random()  # sam2 first draws whether to prompt at all; a still image always is
        boxes = (
            self.prob_to_use_box_input_for_train
            if self.training
            else self.prob_to_use_box_input_for_eval
        )
        if self.rng.random() < boxes:
            points, labels = sample_box_points(truth)
            return points, labels
        return self._click(truth, None)

    def _next_click(
        self, truth: torch.Tensor, logits: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        often = self.prob_to_sample_from_gt_for_train
        if self.training and often > 0 and self.rng.random() < often:
            return self._click(truth, None)
        with torch.no_grad():
            full = F.interpolate(logits, self.image_size, mode="bilinear", align_corners=False)
            return self._click(truth, full > 0)

    def _click(
        self, truth: torch.Tensor, predicted: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        if self.training or self.pt_sampling_for_eval == "uniform":
            return pixel_of_errors(truth, predicted)
        return centre_of_errors(truth, predicted)

    def _answer(
        self,
        features: ImageFeatures,
        points: torch.Tensor,
        labels: torch.Tensor,
        masks: torch.Tensor | None,
    ) -> _Step:
        many = self._use_multimask(True, {"point_labels": labels})
        kept = slice(1, None) if many else slice(0, 1)
        logits, scores, presence = self.decode(features, points, labels, masks, kept=kept)
        if self.pred_obj_scores:
            logits = torch.where(presence[:, :, None, None] > 0, logits, NO_OBJ_SCORE)
        return _Step(points, labels, logits, scores, presence)


class _Enlarged(Sequence[torch.Tensor]):
    """Candidates at the image's size, each made when it is looked at."""

    def __init__(self, small: Sequence[torch.Tensor], size: int) -> None:
        self._small = small
        self._size = size

    def __len__(self) -> int:
        return len(self._small)

    def __getitem__(self, index: Any) -> Any:
        return F.interpolate(self._small[index], self._size, mode="bilinear", align_corners=False)

    def __iter__(self) -> Iterator[torch.Tensor]:
        return (self[index] for index in range(len(self)))


def _as_sam2_says(steps: Sequence[_Step], size: int) -> dict[str, Any]:
    candidates = [step.candidates for step in steps]
    last = steps[-1].best()
    return {
        "multistep_pred_multimasks": candidates,
        "multistep_pred_multimasks_high_res": _Enlarged(candidates, size),
        "multistep_pred_masks": torch.cat([step.best() for step in steps], dim=1),
        "multistep_pred_ious": [step.scores for step in steps],
        "multistep_object_score_logits": [step.presence for step in steps],
        "multistep_point_inputs": [
            {"point_coords": step.points, "point_labels": step.labels} for step in steps
        ],
        "pred_masks": last,
    }
