"""The ``rooms`` preset: a partition of a plan into rooms.

``next_clicks`` says where to click, ``consensus`` makes regions of the answers, ``room_choice``
says which of those are the rooms; here every pixel is given to the room that claims it most.
Knows nothing of files.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

import cv2
import numpy as np
import torch
from torch import Tensor

from floorseg.core.candidates import Candidates, never, sweep
from floorseg.core.closeup import SMALL_COUNTED, Sheet, finer
from floorseg.core.consensus import Ballot, Regions
from floorseg.core.edge_smoothing import Edges
from floorseg.core.enlarge import enlarge
from floorseg.core.next_clicks import (
    MORE_CLICKS,
    click_levels,
    doubtful_spots,
    enclosed_spots,
    uncovered_spots,
    unsettled,
)
from floorseg.core.predictor import Embedding, Predictor
from floorseg.core.presets import EverythingSettings
from floorseg.core.room_choice import choose
from floorseg.core.room_odds import odds_of
from floorseg.core.sprinkles import crumbs_of
from floorseg.core.structures import MaskProposal, Progress, ProgressCallback, ignore_progress
from floorseg.core.unions import with_unions

_WORK_SIDE = 1024  # pixels, the longer side at which pixels are given to rooms
_MINOR_PART = 0.25  # a detached piece smaller than this part of the largest is not the room


def find_rooms(
    predictor: Predictor,
    embedding: Embedding,
    settings: EverythingSettings,
    *,
    progress: ProgressCallback = ignore_progress,
    stop: Callable[[], bool] = never,
) -> Iterator[MaskProposal]:
    """Rooms that do not overlap, the surest first.

    Args:
        predictor: whose model is asked.
        embedding: of the plan.
        settings: with ``partition``.
        progress: called after every batch of clicks.
        stop: asked between batches.

    Raises:
        Stopped: if ``stop`` said so.
    """
    regions = find_regions(predictor, embedding, settings, progress=progress, stop=stop)
    judge = odds_of(predictor.model).on(embedding.image)
    yield from _draw(choose(regions, settings, judge), embedding.size, settings)


def find_regions(
    predictor: Predictor,
    embedding: Embedding,
    settings: EverythingSettings,
    *,
    progress: ProgressCallback = ignore_progress,
    stop: Callable[[], bool] = never,
) -> Regions:
    """All that clicks all over the plan agree on: its rooms, and much that overlaps them.

    And unions of regions that may be parts of one room.

    Takes and raises what :func:`find_rooms` does, which chooses among them.
    """
    size = embedding.size
    judge = odds_of(predictor.model).on(embedding.image)
    levels = click_levels(settings.points_per_side, size)
    total = sum(map(len, levels)) + settings.extra_rounds * MORE_CLICKS

    def ask(points: np.ndarray, ballot: Ballot, seen: Embedding) -> None:
        before = len(ballot.clicked)
        answers = sweep(
            predictor, seen, points,
            min_score=settings.min_score,
            min_stability=settings.min_stability,
            stability_offset=settings.stability_offset,
            multimask=settings.multimask,
            rough=True,
            progress=lambda done: progress(Progress(before + done.done, total, done.what)),
            stop=stop,
        )  # fmt: skip
        # paper and specks have no vote
        ballot.add(points, answers[_may_be_room(answers.logits, settings)])

    if isinstance(embedding, Sheet):  # most of a grid's clicks are on what is large
        grid = _grid(levels, partial(ask, seen=embedding.overview), size)
        ballot = Ballot(size, partial(_to_edges, edges=embedding.edges))
        ballot.add(grid.clicked, _finer(grid.found))
    else:
        ballot = _grid(levels, partial(ask, seen=embedding), size)
    regions = ballot.regions()
    before = -1
    for number in range(settings.extra_rounds):
        rooms = choose(regions, settings, judge)
        if len(rooms) <= before:  # the last round has found no more
            break
        before = len(rooms)
        spots = _next_spots(rooms, ballot.clicked, embedding, settings, first=number == 0)
        total += max(0, len(spots) - MORE_CLICKS)
        if len(spots) == 0:
            break
        ask(spots, ballot, embedding)
        regions = ballot.regions()
    progress(Progress(total, total, "drawing"))
    return with_unions(regions, embedding.edges) if isinstance(embedding, Sheet) else regions


def _grid(
    levels: Sequence[np.ndarray],
    ask: Callable[[np.ndarray, Ballot], None],
    size: tuple[int, int],
) -> Ballot:
    """Answers to a grid of clicks, from coarse to fine."""
    ballot = Ballot(size)
    ask(levels[0], ballot)
    for level in levels[1:]:
        clicks = unsettled(level, ballot.regions(), size, within=level is levels[-1])
        if len(clicks):
            ask(clicks, ballot)
    return ballot


def _next_spots(
    rooms: Regions,
    clicked: np.ndarray,
    embedding: Embedding,
    settings: EverythingSettings,
    *,
    first: bool,
) -> np.ndarray:
    """Where a round clicks, float32 (N, 2): what no room covers, and what lines enclose there.

    The first round also asks again what has been found: it may be two rooms, or be seen better.
    """
    size = embedding.size
    spots = uncovered_spots(rooms, clicked, size, settings)
    if not isinstance(embedding, Sheet):
        return spots
    blank = embedding.edges.blank
    all_spots = [spots, enclosed_spots(rooms, np.concatenate([clicked, spots]), size, blank)]
    if first:
        all_spots.append(doubtful_spots(rooms, clicked, size, blank))
        if embedding.closely(counted=True):
            all_spots.append(rooms.points[_small(rooms)])
    return np.concatenate(all_spots).astype(np.float32)


def _to_edges(logits: Tensor, edges: Edges) -> tuple[Tensor, Tensor]:
    """Regions that end at the plan's edges, and how well they follow them."""
    smooth = edges.smooth(logits)
    return smooth, edges.followed(smooth > 0)


def _finer(found: Candidates) -> Candidates:
    logits = finer(found.logits[:, None].float())[:, 0].half()
    return replace(found, logits=logits)


def _small(rooms: Regions) -> np.ndarray:
    """bool (R,): rooms that a close-up shows better."""
    return np.asarray((rooms.logits > 0).mean(axis=(1, 2)) < SMALL_COUNTED**2)


def _may_be_room(logits: Tensor, settings: EverythingSettings) -> Tensor:
    """bool (K,): neither a speck nor the sheet, and not the paper along the picture's edge."""
    masks = logits > 0
    share = masks.flatten(1).float().mean(dim=1)
    edges = (masks[:, 0], masks[:, -1], masks[:, :, 0], masks[:, :, -1])
    border = torch.cat(edges, dim=1).float().mean(dim=1)
    fits = (share >= settings.min_area) & (share <= settings.max_area)
    return fits & (border <= settings.max_border)


def _draw(
    rooms: Regions, size: tuple[int, int], settings: EverythingSettings
) -> Iterator[MaskProposal]:
    """Give every pixel to the room that claims it most, tidy each room, enlarge it."""
    if len(rooms) == 0:
        return
    scale = min(1.0, _WORK_SIDE / max(size))
    work = (max(1, round(size[0] * scale)), max(1, round(size[1] * scale)))
    labels = _assign(torch.from_numpy(rooms.logits), work)
    least = settings.min_area * labels.size
    for i in range(len(rooms)):
        mask = np.asarray(labels == i + 1)
        x, y, width, height = cv2.boundingRect(mask.view(np.uint8))
        window = (slice(y, y + height), slice(x, x + width))
        mask[window] = tidy(mask[window], labels[window] == 0)
        if np.count_nonzero(mask) < max(least, 1):
            continue
        labels[mask] = i + 1
        yield MaskProposal(
            mask=_full_size(mask, size),
            score=float(np.clip(rooms.scores[i], 0, 1)),
            stability=float(np.clip(rooms.stability[i], 0, 1)),
            point=(float(rooms.points[i, 0]), float(rooms.points[i, 1])),
        )


def _assign(logits: Tensor, size: tuple[int, int]) -> np.ndarray:
    """int32 (H, W): number of the room, from 1, with the highest logit above 0; 0 for none."""
    labels = np.zeros(size, dtype=np.int32)
    highest = np.zeros(size, dtype=np.float32)
    for number, room in enumerate(logits, start=1):
        large = enlarge(room, size).numpy()
        claimed = large > highest
        labels[claimed] = number
        highest[claimed] = large[claimed]
    return labels


def tidy(mask: np.ndarray, free: np.ndarray) -> np.ndarray:
    """A room without detached crumbs and with its holes filled where nobody else lives.

    Args:
        mask: bool (H, W).
        free: bool (H, W), pixels that belong to no room.
    """
    mask = mask & ~crumbs_of(mask, _MINOR_PART)
    outlines, _ = cv2.findContours(mask.view(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = np.zeros(mask.shape, dtype=np.uint8)
    cv2.drawContours(filled, outlines, -1, 1, cv2.FILLED)
    return mask | (filled.view(bool) & free)


def _full_size(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Enlarged with smooth edges; masks that did not overlap do not overlap afterwards."""
    if mask.shape == size:
        return mask
    # two neighbours' shares of a pixel add up to 254, so that only one is above 127
    shares = mask.view(np.uint8) * np.uint8(254)
    large = cv2.resize(shares, (size[1], size[0]), interpolation=cv2.INTER_LINEAR)
    return large > 127
