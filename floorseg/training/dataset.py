"""Plans as the datapoints sam2's trainer learns from.

:class:`PlanDataset` gives what sam2's ``VOSDataset`` would, from reduced plans with augmentation
of our own, a hundred times as fast.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import cv2
import numpy as np
import torch
from torch.utils.data import Dataset
from training.dataset.vos_dataset import VOSDataset
from training.utils.data_utils import BatchedVideoDatapoint, Frame, Object, VideoDatapoint

from floorseg.errors import DatasetError, FloorsegError
from floorseg.training.augment import NO_AUGMENTATION, PlanAugmentation, Subject
from floorseg.training.raw import FloorplanRawDataset
from floorseg.training.reduced import ReducedCache, ReducedPlan

OUTSIDE = -1  # an object's key: not a thing on the plan, but where there is none
OUTSIDE_MARGIN = 0.02  # of the picture's side, between any mask and what counts as outside
MEAN = np.array([0.485, 0.456, 0.406], dtype=np.float32)  # ImageNet's, as sam2 normalises
STD = np.array([0.229, 0.224, 0.225], dtype=np.float32)


class StrictVOSDataset(VOSDataset):
    """sam2's ``VOSDataset``, except that a plan that cannot be read is told, never replaced.

    The upstream class swallows every failure and draws another image at random (a hundred times),
    so that training goes on with the wrong data.
    """

    def _get_datapoint(self, idx: int | torch.Tensor) -> VideoDatapoint:
        video, segments = self.video_dataset.get_video(int(idx))
        sampled = self.sampler.sample(video, segments, epoch=self.curr_epoch)
        datapoint = self.construct(video, sampled, segments)
        for transform in self._transforms:
            datapoint = transform(datapoint, epoch=self.curr_epoch)
        return datapoint


class PlanDataset(Dataset):
    """Reduced, augmented plans as sam2 datapoints.

    An item depends on seed, epoch, index and how often it was asked for in this epoch, on nothing
    else: a run can be repeated and resumed exactly.

    Args:
        video_dataset: the plans.
        image_size: what is delivered, pixels a side; the trainer may change it between stages.
        max_num_objects: at most so many masks a plan, drawn at random.
        augmentation: how far plans are changed; None leaves them as they are.
        category_weights: how likely a mask of a class is drawn beside the others (1 otherwise).
        outside: how often a plan has one more object, with the key ``OUTSIDE``: all that lies away
            from every mask, in [0, 1]. :class:`floorseg.training.plans.PlanTrain` learns from
            clicks there to be sure of nothing.
        min_pixels: masks of which fewer pixels are left after augmentation are not used.
        reserve: plans are kept this much larger than ``image_size``, for zooming in.
        plans_per_epoch: an epoch has so many plans, going on where the last one ended; None for
            all. With it datasets of any size are mixed in the proportion one wants.
        crowding: how much more often plans of many masks are seen: as the count of their masks to
            this power. A metric that is a mean over masks wants it, for of a plan with forty rooms
            no more than ``max_num_objects`` are learned from at a time; 0 sees all plans alike.
        multiplier: how often each plan is seen in an epoch, for sam2's ``RepeatFactorWrapper``.
        cache: where reduced plans are kept.
    """

    def __init__(
        self,
        video_dataset: FloorplanRawDataset,
        image_size: int,
        max_num_objects: int,
        *,
        augmentation: PlanAugmentation | None = None,
        category_weights: Mapping[str, float] | None = None,
        outside: float = 0.0,
        min_pixels: int = 12,
        reserve: float = 1.25,
        plans_per_epoch: int | None = None,
        crowding: float = 0.0,
        multiplier: float = 1,
        cache: ReducedCache | None = None,
        seed: int = 0,
    ) -> None:
        self.video_dataset = video_dataset
        self.image_size = image_size
        self.max_num_objects = max_num_objects
        self._augmentation = augmentation or NO_AUGMENTATION
        self._weights = dict(category_weights or {})
        self._outside = outside
        self._min_pixels = min_pixels
        self._reserve = reserve if augmentation else 1.0
        self._cache = cache or ReducedCache()
        self._seed = seed
        self.epoch = 0
        self._visits: Counter[int] = Counter()
        self._per_epoch = plans_per_epoch
        counts = np.array([len(sample.annotations) for sample in video_dataset.samples])
        self._shares = counts**crowding / (counts**crowding).sum()
        self._in_order = plans_per_epoch is None and not crowding
        self.repeat_factors = torch.full((len(self),), float(multiplier))

    def __len__(self) -> int:
        return self._per_epoch or len(self.video_dataset)

    def set_epoch(self, epoch: int) -> None:
        """Another epoch draws other augmentations."""
        self.epoch = epoch
        self._visits.clear()

    def __getitem__(self, idx: int | torch.Tensor) -> VideoDatapoint:
        position = int(idx)
        rng = np.random.default_rng((self._seed, self.epoch, position, self._visits[position]))
        self._visits[position] += 1
        index = self._index(position)
        plan = self._plan(index)
        for _ in range(8):  # a zoom may have left the masks outside: look elsewhere on this plan
            found = self._view(rng, plan)
            if found is not None:
                return self._datapoint(index, *found)
        raise DatasetError(
            f"{self.video_dataset.samples[index].image_path}: no mask has "
            f"{self._min_pixels} pixels at {self.image_size} px; raise image_size, lower "
            "min_pixels, or take the plan out of the dataset"
        )

    def _index(self, position: int) -> int:
        """Which plan stands at a position of this epoch."""
        if self._in_order:
            return position
        cycle, place = divmod(self.epoch * len(self) + position, len(self.video_dataset))
        rng = np.random.default_rng((self._seed, cycle))
        order = rng.permutation(len(self.video_dataset))
        # evenly spaced on the line of shares: each plan as often as its share says, or once more
        spot = (place + rng.random()) / len(order)
        ends = np.cumsum(self._shares[order])
        found = order[min(int(np.searchsorted(ends, spot, side="right")), len(order) - 1)]
        return int(found)

    def _plan(self, index: int) -> ReducedPlan:
        sample = self.video_dataset.samples[index]
        # never larger than the picture: there would be nothing more to see
        size = min(round(self.image_size * self._reserve), max(sample.width, sample.height))
        try:
            return self._cache.load(sample, size)
        except (FloorsegError, OSError) as problem:
            raise DatasetError(f"training cannot read {sample.image_path}: {problem}") from problem

    def _view(
        self, rng: np.random.Generator, plan: ReducedPlan
    ) -> tuple[np.ndarray, list[tuple[int, np.ndarray]]] | None:
        size = self.image_size
        weights = np.array([self._weights.get(name, 1.0) for name in plan.categories])
        ranks = rng.random(len(plan)) ** (1 / np.maximum(weights, 1e-6))  # weighted, no repeats
        near = rng.random() < self._augmentation.p_approach
        subject = _subject(plan, int(ranks.argmax())) if near else None
        warp_image, warp_mask = self._augmentation.geometry(rng, plan.image.shape[1], size, subject)
        chosen: list[tuple[int, np.ndarray]] = []
        for index in np.argsort(-ranks):
            if weights[index] <= 0:
                continue
            mask = warp_mask(plan.mask(index))
            if int(mask.sum()) >= self._min_pixels:
                chosen.append((int(index), mask))
            if len(chosen) == self.max_num_objects:
                break
        if not chosen:
            return None
        if self._outside and rng.random() < self._outside:
            nothing = warp_mask(plan.union()) == 0
            nothing = _away_from_masks(nothing, round(size * OUTSIDE_MARGIN))
            if int(nothing.sum()) >= self._min_pixels:
                chosen.append((OUTSIDE, nothing))
        return self._augmentation.photometry(rng, warp_image(plan.image)), chosen

    def _datapoint(
        self, index: int, image: np.ndarray, chosen: list[tuple[int, np.ndarray]]
    ) -> VideoDatapoint:
        pixels = (image.astype(np.float32) * (1 / 255) - MEAN) / STD
        objects = [Object(key, 0, torch.from_numpy(mask)) for key, mask in chosen]
        frame = Frame(torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1))), objects)
        sample = self.video_dataset.samples[index]
        return VideoDatapoint([frame], video_id=index, size=(sample.height, sample.width))


def _subject(plan: ReducedPlan, index: int) -> Subject | None:
    """Where one of a plan's masks is; None if nothing of it was left when the plan was reduced."""
    mask = plan.mask(index)
    area = np.count_nonzero(mask)
    if area == 0:
        return None
    x, y, width, height = cv2.boundingRect(mask)
    return Subject(x + width / 2, y + height / 2, float(np.sqrt(area)))


def _away_from_masks(outside: np.ndarray, margin: int) -> np.ndarray:
    """uint8 (S, S) of 0 and 1: what is left of a bool mask, ``margin`` pixels from its edge."""
    around = np.ones((2 * margin + 1, 2 * margin + 1), np.uint8)
    return cv2.erode(outside.view(np.uint8), around, borderValue=1)


def set_image_size(dataset: object, size: int) -> int:
    """Change what every :class:`PlanDataset` inside ``dataset`` (wrapped, mixed) delivers.

    Returns:
        how many were changed.
    """
    found = [each for each in _inside(dataset) if isinstance(each, PlanDataset)]
    for each in found:
        each.image_size = size
    return len(found)


def raw_datasets(dataset: object) -> list[FloorplanRawDataset]:
    """Every folder of plans inside a training dataset, however wrapped and mixed."""
    return [each for each in _inside(dataset) if isinstance(each, FloorplanRawDataset)]


def plans_of(batch: BatchedVideoDatapoint, dataset: object) -> list[Path]:
    """The pictures that a batch was made of, found by their place in the dataset and their size."""
    shown = zip(
        batch.metadata.unique_objects_identifier[0][:, 0].tolist(),
        batch.metadata.frame_orig_size[0].tolist(),
        strict=True,
    )
    places = {(int(place), int(height), int(width)) for place, (height, width) in shown}
    return sorted(
        sample.image_path
        for raw in raw_datasets(dataset)
        for index, sample in enumerate(raw.samples)
        if (index, sample.height, sample.width) in places
    )


def _inside(dataset: object) -> Iterator[object]:
    yield dataset
    for each in getattr(dataset, "datasets", ()):
        yield from _inside(each)
    for name in ("dataset", "video_dataset"):
        if hasattr(dataset, name):
            yield from _inside(getattr(dataset, name))
