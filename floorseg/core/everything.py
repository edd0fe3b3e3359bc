"""Every region of a plan, without prompts.

The plan is clicked at a grid of points. ``SAM2AutomaticMaskGenerator`` judges, boxes and compares
every answer at the picture's full size. Here that is done at the decoder's own resolution, as far
as it can be sure there, and at full size only for the answers that might be kept: the same result,
many times faster.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor
from torchvision.ops import box_iou

from floorseg.core.candidates import Candidates, click_grid, never, sweep
from floorseg.core.enlarge import enlarge, enlarge_mask
from floorseg.core.partition import find_rooms
from floorseg.core.predictor import Embedding, Predictor
from floorseg.core.presets import PRESETS, EverythingSettings, find_preset
from floorseg.core.structures import MaskProposal, ProgressCallback, ignore_progress

__all__ = ["PRESETS", "EverythingSettings", "everything", "find_regions"]

_BOX_ERROR = 1.5  # pixels of the picture, of a box measured at the decoder's resolution
_PEAK_ERROR = 0.5  # logits by which the enlarged picture may miss a peak between its pixels
_AT_ONCE = 128  # answers looked at together: 34 MB as floats with the official models
_JUDGED_SIDE = 2048  # pixels; masks of larger pictures are judged at this size


def everything(
    predictor: Predictor,
    image: np.ndarray | Embedding,
    preset: str | EverythingSettings = "rooms",
    *,
    progress: ProgressCallback = ignore_progress,
    stop: Callable[[], bool] = never,
) -> list[MaskProposal]:
    """All regions of a plan as masks of its full size, the best first.

    Args:
        predictor: whose model is asked.
        image: uint8 (H, W, 3), RGB, or its embedding.
        preset: a name of ``PRESETS``, or settings of your own.
        progress: called after every batch of clicks.
        stop: asked between batches; True ends the work.

    Raises:
        Stopped: if ``stop`` said so.
        ConfigError: if there is no such preset.
    """
    return list(find_regions(predictor, image, preset, progress=progress, stop=stop))


def find_regions(
    predictor: Predictor,
    image: np.ndarray | Embedding,
    preset: str | EverythingSettings = "rooms",
    *,
    progress: ProgressCallback = ignore_progress,
    stop: Callable[[], bool] = never,
) -> Iterator[MaskProposal]:
    """As ``everything``, one full-size mask at a time: for sheets whose masks fill the memory."""
    settings = find_preset(preset)
    embedding = image if isinstance(image, Embedding) else predictor.encode(image)
    if settings.partition:
        yield from find_rooms(predictor, embedding, settings, progress=progress, stop=stop)
        return
    points = click_grid(settings.points_per_side, embedding.size)
    found = sweep(
        predictor, embedding, points,
        min_score=settings.min_score,
        min_stability=settings.min_stability,
        stability_offset=settings.stability_offset,
        lenient=True,
        multimask=settings.multimask,
        progress=progress,
        stop=stop,
    )  # fmt: skip
    yield from _decide(found, embedding.size, settings)


def _decide(
    found: Candidates, size: tuple[int, int], settings: EverythingSettings
) -> Iterator[MaskProposal]:
    """Judge and drop doubles as sam2 does, the best first.

    Only what was kept drops others, so that an answer which turns out to be unstable at full size
    takes none with it.
    """
    found = found[found.scores.argsort(descending=True, stable=True)]
    judged = _bounded(size)
    parts = [_rough_boxes(some.float(), judged) for some in found.logits.split(_AT_ONCE)]
    boxes, errors = (torch.cat(each) for each in zip(*parts, strict=True))
    kept = torch.zeros(0, 4)
    for index, (box, error) in enumerate(zip(boxes, errors, strict=True)):
        if _overlaps(box[None], kept, settings.max_overlap + error):
            continue
        logits = found.logits[index].float()
        answer = _Judged.of(enlarge(logits, judged).cpu().numpy(), settings.stability_offset)
        if not answer.passes(settings) or _overlaps(answer.box, kept, settings.max_overlap):
            continue
        kept = torch.cat([kept, answer.box])
        x, y = found.points[index].tolist()
        yield MaskProposal(
            mask=answer.mask if judged == size else enlarge_mask(logits, size),
            score=min(max(float(found.scores[index]), 0.0), 1.0),
            stability=answer.stability,
            point=(x, y),
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Judged:
    """An answer at full size: bool mask, its box float32 (1, 4), stability and part of the plan."""

    mask: np.ndarray
    box: Tensor
    stability: float
    part: float

    @classmethod
    def of(cls, logits: np.ndarray, offset: float) -> "_Judged":
        mask = logits > 0
        outer = int(np.count_nonzero(logits > -offset))
        steady = int(np.count_nonzero(logits > offset)) / max(outer, 1)
        box = torch.tensor([_box(mask)])
        return cls(mask, box, steady, int(np.count_nonzero(mask)) / mask.size)

    def passes(self, settings: EverythingSettings) -> bool:
        is_stable = self.stability >= settings.min_stability
        return is_stable and settings.min_area <= self.part <= settings.max_area


def _overlaps(box: Tensor, kept: Tensor, limit: float | Tensor) -> bool:
    return bool((box_iou(box, kept) > limit).any())


def _rough_boxes(logits: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Boxes float32 (K, 4) as at full size, and how far an IoU with one may be off, float32 (K,).

    A speck that hardly rises above 0 may be missed at full size: how much the box depends on it
    is part of the error.
    """
    boxes = _boxes(logits, size)
    margin = _boxes(logits + _PEAK_ERROR, size) - _boxes(logits - _PEAK_ERROR, size)
    sides = (boxes[:, 2:] - boxes[:, :2]).clamp(min=1.0)
    wrong = margin.abs().view(-1, 2, 2).sum(dim=1) + 2 * _BOX_ERROR
    return boxes.cpu(), (wrong / sides).sum(dim=1).cpu()


def _bounded(size: tuple[int, int]) -> tuple[int, int]:
    """The size itself, or of a huge sheet one small enough to judge a hundred masks at."""
    scale = min(1.0, _JUDGED_SIDE / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _boxes(logits: Tensor, size: tuple[int, int]) -> Tensor:
    """Where each mask begins and ends once enlarged, without enlarging it.

    Args:
        logits: float32 (K, h, w).
        size: (H, W), what it would be enlarged to.

    Returns:
        float32 (K, 4): x0, y0, x1, y1 of the zero crossings, in pixels of that size.
    """
    sides = []
    for along, length in ((logits.mT, size[1]), (logits, size[0])):  # columns, rows
        scale = length / along.shape[1]
        first, last = _begins(along), along.shape[1] - 1 - _begins(along.flip(1))
        for place in (first, last):
            sides.append(((place + 0.5) * scale - 0.5).clamp(0, length - 1))
    x0, x1, y0, y1 = sides
    return torch.stack([x0, y0, x1, y1], dim=1)


def _begins(lines: Tensor) -> Tensor:
    """Where the first of L lines of values rises above 0, between two lines where they differ.

    Args:
        lines: float32 (K, L, n).

    Returns:
        float32 (K,) in lines; -1 where the first line is above 0 already: it reaches the edge.
    """
    above = (lines > 0).any(dim=2)
    first = above.int().argmax(dim=1)
    at = torch.arange(len(lines), device=lines.device)
    value, before = lines[at, first], lines[at, (first - 1).clamp(min=0)]
    step = (value / (value - before).clamp(min=1e-6)).where(value > 0, 0.0).amax(dim=1)
    return torch.where(first == 0, -1.0, first - step.clamp(max=1.0))


def _box(mask: np.ndarray) -> list[float]:
    """x0, y0, x1, y1 with the last pixel as the end, as sam2 measures boxes."""
    x, y, width, height = cv2.boundingRect(mask.view(np.uint8))
    return [float(x), float(y), float(x + width - 1), float(y + height - 1)]
