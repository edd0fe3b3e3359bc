"""A folder of plans in the shape of sam2's ``VOSRawDataset``, and nothing skipped in silence."""

import hashlib
import logging
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np
import torch
from training.dataset.vos_raw_dataset import VOSFrame, VOSRawDataset, VOSVideo
from training.dataset.vos_segment_loader import LazySegments

from floorseg.data.annotation import Annotation, Sample
from floorseg.data.dataset import open_dataset
from floorseg.errors import DatasetError

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
        exclude: patterns of picture names to leave out, as a shell writes them (``Copy_of_*``):
            plans known to look like some of another split, for example.

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
        exclude: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self.folder = Path(folder).expanduser()
        self._kept = set(categories) if categories else None
        self._min_area = min_area
        self._excluded = tuple(exclude)
        self.split = split
        read = open_dataset(self.folder, split)
        self.samples: list[Sample] = []
        self.left_out: dict[str, str] = {}
        self.masks_left_out = 0
        count = len(read) if limit is None else min(limit, len(read))
        logger.info("%s: reading %d plans", self._where(), count)  # of ten thousand, a while
        for index in range(count):
            self._take(read[index])
        self._report()

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
            "masks_left_out": self.masks_left_out,
            "digest": digest.hexdigest(),
        }

    def _take(self, sample: Sample) -> None:
        if any(fnmatchcase(sample.image_path.name, pattern) for pattern in self._excluded):
            self.left_out[str(sample.image_path)] = "excluded by the config"
            return
        usable = [a for a in sample.annotations if self._wants(a) and a.area() >= self._min_area]
        self.masks_left_out += len(sample.annotations) - len(usable)
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

    def _where(self) -> str:
        return f"{self.folder}" + (f" ({self.split})" if self.split else "")

    def _report(self) -> None:
        where = self._where()
        for name, why in self.left_out.items():
            logger.warning("left out %s: %s", name, why)
        logger.info(
            "%s: %d plans, %d masks; %d plans and %d masks left out",
            where, len(self), sum(len(s.annotations) for s in self.samples), len(self.left_out),
            self.masks_left_out,
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
