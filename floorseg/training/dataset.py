"""Folders of plans as sam2's trainer wants them, and nothing skipped in silence.

:class:`FloorplanRawDataset` has the shape of sam2's ``VOSRawDataset``, so its ``VOSDataset``,
samplers and transforms work on it. :class:`PlanDataset` gives the same datapoints from reduced
plans with augmentation of our own, a hundred times as fast.
"""

import hashlib
import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset
from training.dataset.vos_dataset import VOSDataset
from training.dataset.vos_raw_dataset import VOSFrame, VOSRawDataset, VOSVideo
from training.dataset.vos_segment_loader import LazySegments
from training.utils.data_utils import Frame, Object, VideoDatapoint

from floorseg.data.annotation import Annotation, Sample
from floorseg.data.dataset import open_dataset
from floorseg.errors import DatasetError, FloorsegError
from floorseg.training.augment import NO_AUGMENTATION, PlanAugmentation
from floorseg.training.reduced import ReducedCache, ReducedPlan

MEAN = np.array([0.485, 0.456, 0.406], dtype=np.float32)  # ImageNet's, as sam2 normalises
STD = np.array([0.229, 0.224, 0.225], dtype=np.float32)
logger = logging.getLogger(__name__)


class FloorplanRawDataset(VOSRawDataset):
    """The plans of one split that have something to learn from.

    Whatever the files are called and whatever type of image they are. Plans without usable
    annotations are counted, listed in the log and left out.

    Args:
        folder: a dataset in any format :func:`floorseg.data.dataset.open_dataset` reads.
        split: ``train``, ``valid``, ``test``, or None for everything.
        categories: keep only annotations of these classes; None keeps all.
        min_area: annotations of fewer pixels are left out, and counted.
        limit: use only the first so many plans.

    Raises:
        DatasetError: if nothing is left to train on.
    """

    def __init__(
        self,
        folder: str,
        split: str | None = None,
        *,
        categories: Sequence[str] | None = None,
        min_area: int = 1,
        limit: int | None = None,
    ) -> None:
        super().__init__()
        self.folder = Path(folder).expanduser()
        self._kept = set(categories) if categories else None
        self._min_area = min_area
        self.split = split
        read = open_dataset(self.folder, split)
        self.samples: list[Sample] = []
        self.left_out: dict[str, str] = {}
        for index in range(len(read) if limit is None else min(limit, len(read))):
            self._take(read[index])
        self._report(split)

    def __len__(self) -> int:
        return len(self.samples)

    def get_video(self, idx: int) -> tuple[VOSVideo, "PlanSegments"]:
        """Plan ``idx`` as a video of one frame, and its masks.

        Raises:
            ImageError: if the picture cannot be read.
        """
        sample = self.samples[idx]
        pixels = torch.from_numpy(sample.image()).permute(2, 0, 1).float() / 255
        frame = VOSFrame(0, image_path=str(sample.image_path), data=pixels)
        return VOSVideo(sample.image_path.name, idx, [frame]), PlanSegments(sample.annotations)

    def facts(self) -> dict[str, Any]:
        """What a run notes about its data; the digest changes when a name or a mask does."""
        digest = hashlib.blake2b(digest_size=16)
        for sample in self.samples:
            digest.update(f"{sample.image_path.name} {sample.width} {sample.height}".encode())
            for annotation in sample.annotations:
                digest.update(str(annotation.segmentation["counts"]).encode())
        return {
            "folder": str(self.folder.resolve()),
            "split": self.split,
            "plans": len(self),
            "masks": sum(len(sample.annotations) for sample in self.samples),
            "left_out": len(self.left_out),
            "digest": digest.hexdigest(),
        }

    def _take(self, sample: Sample) -> None:
        usable = [a for a in sample.annotations if self._wants(a) and a.area() >= self._min_area]
        if not usable:
            found = len(sample.annotations)
            self.left_out[str(sample.image_path)] = (
                f"none of its {found} annotations can be used" if found else "no annotations"
            )
            return
        if len(usable) != len(sample.annotations):
            sample = Sample(
                sample.image_path, sample.width, sample.height, tuple(usable),
                sample.image_id, sample.split, sample.extra,
            )  # fmt: skip
        self.samples.append(sample)

    def _wants(self, annotation: Annotation) -> bool:
        return self._kept is None or annotation.category_name in self._kept

    def _report(self, split: str | None) -> None:
        where = f"{self.folder}" + (f" ({split})" if split else "")
        for name, why in self.left_out.items():
            logger.warning("left out %s: %s", name, why)
        logger.info(
            "%s: %d plans, %d masks; %d plans left out",
            where, len(self), sum(len(s.annotations) for s in self.samples), len(self.left_out),
        )  # fmt: skip
        if not self.samples:
            raise DatasetError(
                f"{where} has no plan with usable annotations ({len(self.left_out)} left out); "
                f'look at it with "python -m floorseg data check {self.folder}"'
            )


class PlanSegments(LazySegments):
    """Masks of one plan by their position, decoded only when asked for."""

    def __init__(self, annotations: Sequence[Annotation]) -> None:
        super().__init__()
        for index, annotation in enumerate(annotations):
            self[index] = annotation

    def __getitem__(self, key: int) -> torch.Tensor:
        if key not in self.cache:
            self.cache[key] = torch.from_numpy(self.segments[key].mask().astype(np.uint8))
        return self.cache[key]

    def load(self, frame_id: int, obj_ids: Sequence[int] | None = None) -> "PlanSegments":
        """What sam2's samplers call; a plan has one frame, so it is always the same."""
        return self


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
        min_pixels: masks of which fewer pixels are left after augmentation are not used.
        reserve: plans are kept this much larger than ``image_size``, for zooming in.
        plans_per_epoch: an epoch has so many plans, going on where the last one ended; None for
            all. With it datasets of any size are mixed in the proportion one wants.
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
        min_pixels: int = 12,
        reserve: float = 1.25,
        plans_per_epoch: int | None = None,
        multiplier: float = 1,
        cache: ReducedCache | None = None,
        seed: int = 0,
    ) -> None:
        self.video_dataset = video_dataset
        self.image_size = image_size
        self.max_num_objects = max_num_objects
        self._augmentation = augmentation or NO_AUGMENTATION
        self._weights = dict(category_weights or {})
        self._min_pixels = min_pixels
        self._reserve = reserve if augmentation else 1.0
        self._cache = cache or ReducedCache()
        self._seed = seed
        self.epoch = 0
        self._visits: Counter[int] = Counter()
        self._per_epoch = plans_per_epoch
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
        if self._per_epoch is None:
            return position
        cycle, place = divmod(self.epoch * self._per_epoch + position, len(self.video_dataset))
        order = np.random.default_rng((self._seed, cycle)).permutation(len(self.video_dataset))
        return int(order[place])

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
        warp_image, warp_mask = self._augmentation.geometry(rng, plan.image.shape[1], size)
        weights = np.array([self._weights.get(name, 1.0) for name in plan.categories])
        ranks = rng.random(len(plan)) ** (1 / np.maximum(weights, 1e-6))  # weighted, no repeats
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
        return self._augmentation.photometry(rng, warp_image(plan.image)), chosen

    def _datapoint(
        self, index: int, image: np.ndarray, chosen: list[tuple[int, np.ndarray]]
    ) -> VideoDatapoint:
        pixels = (image.astype(np.float32) * (1 / 255) - MEAN) / STD
        objects = [Object(key, 0, torch.from_numpy(mask)) for key, mask in chosen]
        frame = Frame(torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1))), objects)
        sample = self.video_dataset.samples[index]
        return VideoDatapoint([frame], video_id=index, size=(sample.height, sample.width))


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


def _inside(dataset: object) -> Iterator[object]:
    yield dataset
    for each in getattr(dataset, "datasets", ()):
        yield from _inside(each)
    for name in ("dataset", "video_dataset"):
        if hasattr(dataset, name):
            yield from _inside(getattr(dataset, name))
