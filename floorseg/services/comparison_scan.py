"""Where do checkpoints differ most? A split gone through in the background, the worst first.

Every annotated object is clicked once at its centre (a grid where nothing is annotated), all
checkpoints answer, and the spot where two of them agree least comes first. Masks are compared
small, at ``SIDE`` pixels: enough to sort by, and many times quicker.
"""

import secrets
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from threading import Lock
from time import monotonic

import numpy as np

from floorseg.core.enlarge import enlarge
from floorseg.core.metrics import mask_iou
from floorseg.core.predictor import Predictor
from floorseg.core.prompts import centre_click
from floorseg.core.structures import Point, Progress, Prompt
from floorseg.data.annotation import Sample
from floorseg.data.spread import spread
from floorseg.errors import FloorsegError
from floorseg.services.borrowed_gpu import borrowed_predictor, borrows_gpu, gpu_is_borrowed
from floorseg.services.comparison import read_sample, relative_name, scaled
from floorseg.services.datasets import Opened
from floorseg.services.segmenter import Segmenter
from floorseg.services.watched import Watched

SIDE = 256  # pixels that masks are compared at
MAX_OBJECTS = 24  # of one picture that are clicked, the largest
MAX_SPOTS = 2000
_GRID = 5  # clicks along each side of a picture without annotations
_KEPT = 32  # scans remembered


@dataclass(frozen=True, slots=True)
class Spot:
    """A click and what it showed.

    Attributes:
        row: the sample in its dataset.
        file: its picture.
        label: the clicked object's class; "" on a grid.
        point: (x, y) of the click in pixels of the picture.
        agreement: the lowest IoU between two checkpoints' answers.
        ious: IoU of each checkpoint's answer with the truth; empty where none is known.
    """

    row: int
    file: str
    label: str
    point: tuple[float, float]
    agreement: float
    ious: tuple[float, ...]


@dataclass(slots=True, eq=False, kw_only=True)
class Scan(Watched):
    """One scan.

    Attributes:
        checkpoints: who is compared.
        spots: found so far, least agreement first.
        skipped: samples that could not be read, with the sentence.
    """

    checkpoints: tuple[str, ...]
    spots: tuple[Spot, ...] = ()
    skipped: tuple[str, ...] = ()


class Scans:
    """Goes through splits, one scan after the other, giving way to whoever clicks.

    Args:
        segmenter: holds the models.
    """

    def __init__(self, segmenter: Segmenter) -> None:
        self._segmenter = segmenter
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="scan")
        self._scans: dict[str, Scan] = {}
        self._lock = Lock()

    def start(
        self, opened: Opened, split: str, checkpoints: Sequence[str], owner: str, *, limit: int
    ) -> Scan:
        """Begin; a page's earlier scan is stopped.

        Args:
            opened: the dataset.
            split: one of its splits, or "" for all.
            checkpoints: two or more, as listed.
            owner: the page.
            limit: so many pictures, spread over the split; 0 for all.

        Raises:
            FloorsegError: if fewer than two are compared, one is unknown, or the split is empty.
        """
        if len(set(checkpoints)) < 2:
            raise FloorsegError("choose two different checkpoints to see where they differ")
        for checkpoint in checkpoints:
            self._segmenter.load(checkpoint)
        rows = spread(rows_of(opened, split), limit)
        if not rows:
            raise FloorsegError(f"{opened.name} has no samples in the split {split!r}")
        scan = Scan(secrets.token_urlsafe(24), owner, checkpoints=tuple(checkpoints))
        self.forget_owner(owner)
        with self._lock:
            for old in [t for t, s in self._scans.items() if s.ended][:-_KEPT]:
                del self._scans[old]
            self._scans[scan.token] = scan
        self._pool.submit(self._run, scan, opened, rows)
        return scan

    def get(self, token: str) -> Scan:
        """The scan of this name.

        Raises:
            FloorsegError: if there is none.
        """
        with self._lock:
            scan = self._scans.get(token)
        if scan is None:
            raise FloorsegError("this search is no longer known; start it again")
        return scan

    def forget_owner(self, owner: str) -> None:
        """Stop and drop everything of a page that went away."""
        with self._lock:
            for token in [t for t, s in self._scans.items() if s.owner == owner]:
                self._scans.pop(token).stopping.set()

    def _run(self, scan: Scan, opened: Opened, rows: Sequence[int]) -> None:
        scan.started = monotonic()
        scan.state = "running"
        state = "failed"
        try:
            for count, row in enumerate(rows):
                scan.progress = Progress(count, len(rows), opened.entry(row).name)
                if scan.stopping.is_set():
                    state = "stopped"
                    return
                self._one(scan, opened, row)
            scan.progress = Progress(len(rows), len(rows))
            state = "done"
        except FloorsegError as problem:
            scan.problem = str(problem)
        finally:
            scan.state = state
            if state == "failed" and not scan.problem:
                scan.problem = "the search broke off; the server's log says why"

    def _one(self, scan: Scan, opened: Opened, row: int) -> None:
        root = self._segmenter.settings.data_root
        try:
            sample = read_sample(opened, row, root)
            pixels = sample.image()
        except FloorsegError as problem:
            said = str(problem).replace(f"{opened.folder}/", "")
            scan.skipped = (*scan.skipped, said)
            return
        name = relative_name(sample.image_path, opened.dataset.folder)
        lanes = self._segmenter.lanes
        clicks = clicks_of(sample)
        answers = []
        for checkpoint in scan.checkpoints:
            with lanes.long():
                points = [click.point for click in clicks]
                answers.append(self._answers(checkpoint, pixels, points))
        spots = [
            _spot(row, name, click, [masks[i] for masks in answers])
            for i, click in enumerate(clicks)
        ]
        ordered = sorted((*scan.spots, *spots), key=lambda s: (s.agreement, s.row, s.point))
        scan.spots = tuple(ordered[:MAX_SPOTS])

    def _answers(self, checkpoint: str, pixels: np.ndarray, points: Sequence[Point]) -> np.ndarray:
        if gpu_is_borrowed():
            file = self._segmenter.models.find(checkpoint)
            return _answer_at_once(file, self._segmenter.settings.device, pixels, points)
        return answer_all(self._segmenter.predictor(checkpoint), pixels, points)


@borrows_gpu
def _answer_at_once(
    file: Path, device: str, pixels: np.ndarray, points: Sequence[Point]
) -> np.ndarray:
    return answer_all(borrowed_predictor(file, device), pixels, points)


@dataclass(frozen=True, slots=True, eq=False)
class Click:
    """Where to click, on what, and the truth there at ``SIDE`` pixels."""

    point: Point
    label: str
    truth: np.ndarray | None


def clicks_of(sample: Sample) -> list[Click]:
    """The centre of each annotated object, the largest first; a grid where there is none."""
    usable = [
        a for a in sample.annotations if tuple(a.segmentation["size"]) == _size(sample) and a.area()
    ]
    largest = sorted(usable, key=lambda a: -a.area())[:MAX_OBJECTS]
    found = []
    for annotation in largest:
        mask = annotation.mask()
        small = scaled(mask, (SIDE, SIDE))
        found.append(Click(centre_click(mask), annotation.category_name or "object", small))
    if found:
        return found
    steps = [(i + 0.5) / _GRID for i in range(_GRID)]
    spots = [Point(x * sample.width, y * sample.height) for y in steps for x in steps]
    return [Click(point, "", None) for point in spots]


def answer_all(predictor: Predictor, pixels: np.ndarray, points: Sequence[Point]) -> np.ndarray:
    """A model's preferred answer to each click by itself: bool (N, SIDE, SIDE).

    Args:
        predictor: the model.
        pixels: uint8 (H, W, 3), RGB.
        points: clicks in pixels.
    """
    embedding = predictor.encode(pixels)
    decoded = predictor.decode_logits(embedding, [Prompt((point,)) for point in points])
    return (enlarge(decoded.chosen(), (SIDE, SIDE)) > 0).cpu().numpy()


def rows_of(opened: Opened, split: str) -> list[int]:
    """The rows of a split, or of all."""
    entries = enumerate(opened.dataset.entries)
    return [row for row, entry in entries if not split or entry.split == split]


def _spot(row: int, file: str, click: Click, masks: Sequence[np.ndarray]) -> Spot:
    agreement = min(_alike(a, b) for a, b in combinations(masks, 2))
    truth = click.truth
    ious = () if truth is None or not truth.any() else tuple(_alike(m, truth) for m in masks)
    where = (round(click.point.x, 1), round(click.point.y, 1))
    return Spot(row, file, click.label, where, agreement, ious)


def _alike(a: np.ndarray, b: np.ndarray) -> float:
    """IoU; two empty answers agree."""
    return mask_iou(a, b) if a.any() or b.any() else 1.0


def _size(sample: Sample) -> tuple[int, int]:
    return sample.height, sample.width
