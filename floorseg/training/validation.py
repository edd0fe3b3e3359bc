"""How good the model is at this moment: one click, three clicks, a box, on a fixed set of plans.

The same prompts and the same IoU as ``eval/``, at the resolution being trained at, so that it costs
seconds; ``python -m eval`` measures at the pictures' own size.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

from floorseg.core.metrics import mask_iou
from floorseg.core.prompts import box_of, centre_click, next_click
from floorseg.core.structures import Point
from floorseg.training.dataset import MEAN, STD, FloorplanRawDataset
from floorseg.training.pictures import Example
from floorseg.training.prompting import LOWER_RIGHT, UPPER_LEFT
from floorseg.training.reduced import ReducedCache
from floorseg.training.still import MASK_PROMPT_LIMIT, ImageFeatures, StillImageModel

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class _Plan:
    image: torch.Tensor  # float (1, 3, S, S), normalised
    masks: np.ndarray  # bool (N, S, S)
    classes: np.ndarray  # N class names


class ClickValidation:
    """Scores a model: mean IoU of one click, of three, of a box, and of the best candidate.

    Args:
        video_dataset: the plans.
        max_images: the first so many of a fixed shuffle.
        max_objects: masks a plan.
        clicks: how many clicks the longest conversation has.
        min_pixels: smaller masks are not asked for.
        cache: where reduced plans are kept.
    """

    def __init__(
        self,
        video_dataset: FloorplanRawDataset,
        *,
        max_images: int = 40,
        max_objects: int = 10,
        clicks: int = 3,
        min_pixels: int = 12,
        cache: ReducedCache | None = None,
    ) -> None:
        order = np.random.default_rng(0).permutation(len(video_dataset))[:max_images]
        self._samples = [video_dataset.samples[index] for index in sorted(order)]
        self._max_objects = max_objects
        self._clicks = clicks
        self._min_pixels = min_pixels
        self._cache = cache or ReducedCache()

    def __call__(self, model: StillImageModel) -> dict[str, float]:
        """Mean IoU over all masks: ``click1``, ``click3`` (or as many), ``box``, ``best_of_3``.

        ``score_error`` is the mean distance of the model's own score from the IoU it has; where
        there are several classes, ``click1_<class>`` tells them apart.
        """
        found: list[dict[str, np.ndarray]] = []
        with torch.no_grad():
            for index in range(len(self._samples)):
                plan = self._plan(index, model)
                if len(plan.masks):
                    found.append(self._scores(model, plan))
        if not found:
            return {f"click{n}": 0.0 for n in (1, self._clicks)} | {"box": 0.0, "best_of_3": 0.0}
        whole = {key: np.concatenate([f[key] for f in found]) for key in found[0]}
        classes = whole.pop("class")
        names = sorted(set(classes)) if len(set(classes)) > 1 else []
        return {key: float(values.mean()) for key, values in whole.items()} | {
            f"click1_{name}": float(whole["click1"][classes == name].mean()) for name in names
        }

    def examples(self, model: StillImageModel, count: int) -> list[Example]:
        """What the model answers to one click on each mask of the first plans, always the same."""
        found = []
        for index in range(min(count, len(self._samples))):
            plan = self._plan(index, model)
            clicks = [centre_click(mask) for mask in plan.masks]
            predicted = plan.masks[:0]
            if len(plan.masks):
                whole = model.features(plan.image)
                one = torch.zeros(len(plan.masks), dtype=torch.long, device=model.device)
                points = [[click] for click in clicks]
                predicted = _Answer.to_clicks(model, whole.of(one), points, None).masks()
            pixels = plan.image[0].permute(1, 2, 0).float().cpu().numpy() * STD + MEAN
            image = np.clip(pixels * 255 + 0.5, 0, 255).astype(np.uint8)
            at = [(click.x, click.y) for click in clicks]
            found.append(Example(image, plan.masks, predicted, at))
        return found

    def _plan(self, index: int, model: StillImageModel) -> _Plan:
        sample = self._samples[index]
        reduced = self._cache.load(sample, model.image_size)
        masks = [reduced.mask(i) > 0 for i in range(len(reduced))]
        large = [i for i, mask in enumerate(masks) if mask.sum() >= self._min_pixels]
        order = np.random.default_rng(index).permutation(large)[: self._max_objects]
        pixels = torch.from_numpy((reduced.image.astype(np.float32) / 255 - MEAN) / STD)
        stack = np.array([masks[i] for i in order], dtype=bool)
        names = np.array([reduced.categories[i] or "object" for i in order], dtype=object)
        return _Plan(pixels.permute(2, 0, 1)[None].to(model.device), stack, names)

    def _scores(self, model: StillImageModel, plan: _Plan) -> dict[str, np.ndarray]:
        whole = model.features(plan.image)
        features = whole.of(torch.zeros(len(plan.masks), dtype=torch.long, device=model.device))
        points = [[centre_click(mask)] for mask in plan.masks]
        answer = _Answer.to_clicks(model, features, points, None)
        first = answer.iou(plan.masks)
        result = {
            "class": plan.classes,
            "click1": first,
            "best_of_3": np.max([answer.iou(plan.masks, n) for n in range(3)], axis=0),
            "score_error": np.abs(first - answer.scores.max(axis=1)),
        }
        for _ in range(self._clicks - 1):
            for clicks, mask, got in zip(points, plan.masks, answer.masks(), strict=True):
                clicks.append(next_click(mask, got) or clicks[0])
            answer = _Answer.to_clicks(model, features, points, answer.best())
        result[f"click{self._clicks}"] = answer.iou(plan.masks)
        boxes = np.array([box_of(mask) for mask in plan.masks], dtype=np.float32)
        result["box"] = _Answer.to_boxes(model, features, boxes).iou(plan.masks)
        return result


@dataclass(frozen=True, slots=True, eq=False)
class _Answer:
    """The three candidates: logits float (N, 3, h, w), scores (N, 3), pixels a side."""

    logits: torch.Tensor
    scores: np.ndarray
    size: int

    @classmethod
    def to_clicks(
        cls,
        model: StillImageModel,
        features: ImageFeatures,
        clicks: Sequence[Sequence[Point]],
        masks: torch.Tensor | None,
    ) -> "_Answer":
        points = np.array([[(p.x, p.y) for p in each] for each in clicks], dtype=np.float32)
        labels = np.array([[int(p.inside) for p in each] for each in clicks], dtype=np.int32)
        return cls._ask(model, features, points, labels, masks)

    @classmethod
    def to_boxes(
        cls, model: StillImageModel, features: ImageFeatures, boxes: np.ndarray
    ) -> "_Answer":
        labels = np.tile(np.array([UPPER_LEFT, LOWER_RIGHT], dtype=np.int32), (len(boxes), 1))
        return cls._ask(model, features, boxes.reshape(-1, 2, 2), labels, None)

    @classmethod
    def _ask(
        cls,
        model: StillImageModel,
        features: ImageFeatures,
        points: np.ndarray,
        labels: np.ndarray,
        masks: torch.Tensor | None,
    ) -> "_Answer":
        at = (
            torch.as_tensor(points, device=model.device),
            torch.as_tensor(labels, device=model.device),
        )
        logits, scores, _ = model.decode(features, *at, masks)
        return cls(logits[:, 1:], scores[:, 1:].cpu().numpy(), model.image_size)

    def best(self) -> torch.Tensor:
        """Logits (N, 1, h, w) of the candidates the model prefers, as they are fed back."""
        choice = self.scores.argmax(axis=1)
        best = self.logits[torch.arange(len(choice)), torch.as_tensor(choice)]
        return best[:, None].clamp(-MASK_PROMPT_LIMIT, MASK_PROMPT_LIMIT)

    def masks(self, candidate: int | None = None) -> np.ndarray:
        """bool (N, S, S): a candidate, or the one the model prefers."""
        chosen = self.best() if candidate is None else self.logits[:, candidate : candidate + 1]
        full = F.interpolate(chosen, self.size, mode="bilinear")
        return (full[:, 0] > 0).cpu().numpy()

    def iou(self, truth: np.ndarray, candidate: int | None = None) -> np.ndarray:
        """IoU with each truth, float (N,)."""
        pairs = zip(truth, self.masks(candidate), strict=True)
        return np.array([mask_iou(wanted, got) for wanted, got in pairs])
