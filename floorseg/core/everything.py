"""Every region of a plan, without prompts.

The plan is clicked at a grid of points. What ``SAM2AutomaticMaskGenerator`` does at the picture's
full size (judging, finding boxes, dropping doubles) is done at the decoder's own resolution first,
with a margin, and decided at full size for the few answers that are left: the same result, many
times faster.
"""

from collections.abc import Callable, Iterator

import cv2
import numpy as np
import torch
from torch import Tensor
from torchvision.ops import box_iou, nms

from floorseg.core.candidates import Candidates, click_grid, never, sweep
from floorseg.core.enlarge import enlarge, enlarge_mask
from floorseg.core.partition import find_rooms
from floorseg.core.predictor import Embedding, Predictor
from floorseg.core.presets import PRESETS, EverythingSettings, find_preset
from floorseg.core.structures import MaskProposal, ProgressCallback, ignore_progress

__all__ = ["PRESETS", "EverythingSettings", "everything", "find_regions"]

_SLACK_STABILITY = 0.05  # at low resolution; the last word is spoken at full size
_SLACK_OVERLAP = 0.12
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
        min_stability=settings.min_stability - _SLACK_STABILITY,
        stability_offset=settings.stability_offset,
        multimask=settings.multimask,
        progress=progress,
        stop=stop,
    )  # fmt: skip
    boxes = _boxes(found.logits)
    some = found[nms(boxes, found.scores, min(1.0, settings.max_overlap + _SLACK_OVERLAP))]
    yield from _decide(some, embedding.size, settings)


def _decide(
    found: Candidates, size: tuple[int, int], settings: EverythingSettings
) -> Iterator[MaskProposal]:
    """Judge and drop doubles as sam2 does, at full size; ``found`` is sorted, the best first."""
    kept = torch.zeros(0, 4)
    judged = _bounded(size)
    pixels = judged[0] * judged[1]
    for logits, score, point in zip(
        found.logits, found.scores.tolist(), found.points.tolist(), strict=True
    ):
        large = enlarge(logits.float(), judged).cpu().numpy()
        mask = large > 0
        outer = int(np.count_nonzero(large > -settings.stability_offset))
        steady = int(np.count_nonzero(large > settings.stability_offset)) / max(outer, 1)
        part = int(np.count_nonzero(mask)) / pixels
        if steady < settings.min_stability or not settings.min_area <= part <= settings.max_area:
            continue
        box = torch.tensor([_box(mask)])
        if (box_iou(box, kept) > settings.max_overlap).any():
            continue
        kept = torch.cat([kept, box])
        yield MaskProposal(
            mask=mask if judged == size else enlarge_mask(logits.float(), size),
            score=min(max(score, 0.0), 1.0),
            stability=float(steady),
            point=(point[0], point[1]),
        )


def _bounded(size: tuple[int, int]) -> tuple[int, int]:
    """The size itself, or of a huge sheet one small enough to judge a hundred masks at."""
    scale = min(1.0, _JUDGED_SIDE / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _boxes(logits: Tensor) -> Tensor:
    """float32 (K, 4): x0, y0, x1, y1 of the pixels above 0, the last ones included."""
    inside = logits > 0
    sides = []
    for along in (inside.any(dim=1), inside.any(dim=2)):  # columns, rows
        length = along.shape[1]
        place = torch.arange(length, device=logits.device)
        first = torch.where(along, place, length).amin(dim=1)
        last = torch.where(along, place, -1).amax(dim=1)
        sides.append((first, last))
    (x0, x1), (y0, y1) = sides
    return torch.stack([x0, y0, x1 + 1, y1 + 1], dim=1).float()


def _box(mask: np.ndarray) -> list[float]:
    """x0, y0, x1, y1 with the last pixel as the end, as sam2 measures boxes."""
    x, y, width, height = cv2.boundingRect(mask.view(np.uint8))
    return [float(x), float(y), float(x + width - 1), float(y + height - 1)]
