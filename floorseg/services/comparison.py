"""One plan, one set of prompts, several checkpoints: what does each of them say?

Every answer carries the name it was asked under, so that nobody can take it for another model's.
A page's plans are encoded one after the other, however many checkpoints it compares; clicks of
other pages go on meanwhile.
"""

from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from time import perf_counter

import cv2
import numpy as np

from floorseg.core.patch import Patch
from floorseg.core.structures import Prompt
from floorseg.data.annotation import Sample
from floorseg.errors import FloorsegError
from floorseg.services.dataset_paths import refuse_outside
from floorseg.services.datasets import Opened
from floorseg.services.plans import Plan
from floorseg.services.segmenter import Segmenter
from floorseg.services.uploads import Picture

MOST = 4  # checkpoints side by side
MAX_TRUTHS = 500  # masks of one sample that are sent
_TIMES_KEPT = 512  # how long which plan took to encode
_OWNERS_KEPT = 256


@dataclass(frozen=True, slots=True, eq=False)
class ModelAnswer:
    """What one checkpoint says to a prompt.

    Attributes:
        checkpoint: its name, as it was asked.
        patch: its preferred mask.
        score: its own estimate of that mask's IoU, in [0, 1].
        encode_seconds: how long reading the plan took, when it was first read.
        seconds: how long the answer took.
        weight_bytes: memory of its weights.
        plan_bytes: memory of what it holds of this plan.
    """

    checkpoint: str
    patch: Patch
    score: float
    encode_seconds: float
    seconds: float
    weight_bytes: int
    plan_bytes: int


@dataclass(frozen=True, slots=True)
class Truth:
    """An annotated object of the plan, in pixels of the shown plan."""

    name: str
    label: str
    patch: Patch


@dataclass(frozen=True, slots=True, eq=False)
class OpenedSample:
    """A dataset's sample as an open plan, with what is true there.

    Attributes:
        plan: the open plan.
        file: the picture, relative to the dataset.
        split: it belongs to.
        truths: its annotated objects, empty ones left out.
    """

    plan: Plan
    file: str
    split: str
    truths: tuple[Truth, ...]


class Comparison:
    """Asks several checkpoints the same.

    Args:
        segmenter: holds the models, the plans and what the models saw in them.
    """

    def __init__(self, segmenter: Segmenter) -> None:
        self.segmenter = segmenter
        self._times: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._turns: OrderedDict[str, Lock] = OrderedDict()
        self._lock = Lock()

    def ask(self, token: str, checkpoint: str, prompt: Prompt) -> ModelAnswer:
        """One checkpoint's answer; a plan it has not seen yet is encoded first.

        Args:
            token: of an open plan.
            checkpoint: as listed.
            prompt: clicks and a box in pixels of the shown plan.

        Raises:
            FloorsegError: if the plan is gone, there is no such checkpoint, or the prompt is empty.
        """
        if not prompt:
            raise FloorsegError("there is nothing to answer; click on the plan or draw a box")
        encode_seconds = self.prepare(token, checkpoint)
        answer = self.segmenter.segment(token, checkpoint, prompt)
        return ModelAnswer(
            checkpoint=checkpoint,
            patch=answer.patches[0],
            score=answer.scores[0],
            encode_seconds=encode_seconds,
            seconds=answer.seconds,
            weight_bytes=self.segmenter.weight_bytes(checkpoint),
            plan_bytes=self.segmenter.embedding_bytes(token, checkpoint),
        )

    def prepare(self, token: str, checkpoint: str) -> float:
        """Have a checkpoint see a plan, unless it has; seconds that took when it was done.

        Raises:
            FloorsegError: if the plan is gone or there is no such checkpoint.
        """
        plan = self.segmenter.plans.get(token)
        key = (checkpoint, plan.digest)
        with self._turn(plan.owner):
            self.segmenter.load(checkpoint)  # loading is not encoding
            start = perf_counter()
            self.segmenter.prepare(token, checkpoint)
            took = perf_counter() - start
        with self._lock:
            took = max(took, self._times.get(key, 0.0))
            self._times[key] = took
            self._times.move_to_end(key)
            while len(self._times) > _TIMES_KEPT:
                self._times.popitem(last=False)
        return took

    def open_sample(self, opened: Opened, row: int, owner: str) -> OpenedSample:
        """A dataset's sample as a plan of a page.

        Args:
            opened: the dataset.
            row: which of its samples.
            owner: the page.

        Raises:
            DatasetError: if it cannot be read or lies outside the data root.
            ImageError: if its picture cannot be read.
        """
        sample = read_sample(opened, row, self.segmenter.settings.data_root)
        picture = Picture(sample.image(), sample.image_path.name)
        plan = self.segmenter.plans.add(picture, owner)
        return OpenedSample(
            plan, relative_name(sample.image_path, opened.dataset.folder),
            opened.entry(row).split, truths_of(sample, plan.size),
        )  # fmt: skip

    def close_owner(self, owner: str) -> None:
        """Forget everything of a page that went away."""
        self.segmenter.close_owner(owner)
        with self._lock:
            self._turns.pop(owner, None)

    def _turn(self, owner: str) -> Lock:
        """A page's encodings stand in one row; other pages have rows of their own."""
        with self._lock:
            turn = self._turns.setdefault(owner, Lock())
            self._turns.move_to_end(owner)
            while len(self._turns) > _OWNERS_KEPT:
                self._turns.popitem(last=False)
            return turn


def read_sample(opened: Opened, row: int, root: Path) -> Sample:
    """A sample whose picture lies under the data root; masks that cannot be read are left out.

    Raises:
        DatasetError: if it cannot be read or lies outside.
    """
    sample = opened.dataset.read(opened.entry(row), [])
    refuse_outside(sample.image_path, root)
    return sample


def relative_name(path: Path, folder: Path) -> str:
    """A file's name as a person finds it in the dataset."""
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.name


def truths_of(sample: Sample, size: tuple[int, int]) -> tuple[Truth, ...]:
    """The annotated objects of a sample, those of another size than the picture left out.

    Args:
        sample: as it was read.
        size: (height, width) in pixels that the plan is shown in.
    """
    found = []
    for annotation in sample.annotations[:MAX_TRUTHS]:
        if tuple(annotation.segmentation["size"]) != (sample.height, sample.width):
            continue
        patch = Patch.of(scaled(annotation.mask(), size))
        if patch.w:
            found.append(Truth(str(annotation.id), annotation.category_name or "object", patch))
    return tuple(found)


def scaled(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A bool mask at another size (height, width), nearest pixels."""
    if mask.shape == size:
        return mask
    pixels = cv2.resize(
        mask.astype(np.uint8), (size[1], size[0]), interpolation=cv2.INTER_NEAREST_EXACT
    )
    return pixels.astype(bool)
