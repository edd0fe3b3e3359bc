"""Every image and mask of a dataset as columns of numbers: for statistics, filters and sorting.

Built at about the speed at which the files can be parsed, kept in a cache folder, and built again
only when a file has changed.
"""

import hashlib
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path

import numpy as np
import orjson

from floorseg.core.structures import Progress, ProgressCallback, ignore_progress
from floorseg.data.checks.whole import ClassKey
from floorseg.data.columns import Columns, read_entries, read_files
from floorseg.data.dataset import Dataset
from floorseg.data.files import write_atomically
from floorseg.data.parallel import map_in_order

VERSION = 1  # another number makes every cached index old
BLOCK = 256  # files a process takes at once
FEW_BLOCKS = 4  # fewer blocks are read before other processes have started


@dataclass(frozen=True, slots=True, eq=False)
class Index:
    """One row an image, one row a mask, in the dataset's order.

    Attributes:
        split: str (N,).
        width, height: int32 (N,) pixels as stated; 0 where the file cannot be read.
        masks: int32 (N,) number of masks.
        image: int32 (M,) row of the image a mask lies on.
        area: int64 (M,) pixels, counted; as stated in SA-1B files whose first and last stated area
            are exact.
        x, y: float32 (M,) centre of the mask's box, in [0, 1] of the image.
        class_number: int32 (M,) row of ``classes``.
        classes: (class number, class name).
    """

    split: np.ndarray
    width: np.ndarray
    height: np.ndarray
    masks: np.ndarray
    image: np.ndarray
    area: np.ndarray
    x: np.ndarray
    y: np.ndarray
    class_number: np.ndarray
    classes: tuple[ClassKey, ...]

    def __len__(self) -> int:
        return len(self.width)

    def share(self) -> np.ndarray:
        """float64 (M,): part of its image that a mask covers."""
        pixels = (self.width.astype(np.int64) * self.height)[self.image]
        return self.area / np.maximum(pixels, 1)


def read_index(
    dataset: Dataset,
    *,
    cache: Path | None = None,
    workers: int | None = None,
    progress: ProgressCallback = ignore_progress,
) -> Index:
    """The index of a dataset, from the cache where no file has changed.

    Args:
        dataset: opened.
        cache: folder for indexes; None to keep none.
        workers: processes; None for one a processor.
        progress: told after every block of files.
    """
    path = None if cache is None else cache / f"{_cache_name(dataset)}.npz"
    stamp = stamp_of(dataset) if path is not None else np.zeros(0, np.int64)
    known = _load(path, stamp) if path is not None else None
    if known is not None:
        return known
    index = _build(dataset, workers=workers, progress=progress)
    if path is not None:
        _save(path, index, stamp)
    return index


def _build(dataset: Dataset, *, workers: int | None, progress: ProgressCallback) -> Index:
    entries = dataset.entries
    blocks = [entries[start : start + BLOCK] for start in range(0, len(entries), BLOCK)]
    if dataset.format == "sa1b":  # paths as text: entries cost more to send than files to parse
        paths = [[str(entry.source) for entry in block] for block in blocks]
        results = map_in_order(read_files, paths, workers=workers, chunk=1, few=FEW_BLOCKS)
    else:
        work = partial(read_entries, format_=dataset.format, root=dataset.folder)
        results = map_in_order(work, blocks, workers=workers, chunk=1, few=FEW_BLOCKS)
    columns: list[Columns] = []
    for found in results:
        columns.append(found)
        progress(Progress(min(len(columns) * BLOCK, len(entries)), len(entries), "reading"))
    return _joined([entry.split for entry in entries], columns)


def _joined(splits: list[str], blocks: Sequence[Columns]) -> Index:
    numbers_of: dict[ClassKey, int] = {}
    rows = [[numbers_of.setdefault(key, len(numbers_of)) for key in b.keys] for b in blocks]
    classes = [
        np.array(known, dtype=np.int32)[b.classes]
        for known, b in zip(rows, blocks, strict=True)
        if len(b.classes)
    ]
    sizes = np.concatenate([np.zeros((0, 3), np.int64), *(b.sizes for b in blocks)])
    boxes = np.concatenate([np.zeros((0, 4)), *(b.boxes for b in blocks)])
    masks = sizes[:, 2].astype(np.int32)
    sides = np.repeat(sizes[:, :2], masks, axis=0)
    centres = np.clip((boxes[:, :2] + boxes[:, 2:] / 2) / np.maximum(sides, 1), 0, 1)
    return Index(
        split=np.array(splits, dtype=str),
        width=sizes[:, 0].astype(np.int32),
        height=sizes[:, 1].astype(np.int32),
        masks=masks,
        image=np.repeat(np.arange(len(masks), dtype=np.int32), masks),
        area=np.concatenate([np.zeros(0, np.int64), *(b.areas for b in blocks)]),
        x=centres[:, 0].astype(np.float32),
        y=centres[:, 1].astype(np.float32),
        class_number=np.concatenate([np.zeros(0, np.int32), *classes]),
        classes=tuple(numbers_of),
    )


def _cache_name(dataset: Dataset) -> str:
    text = f"{VERSION} {dataset.folder.resolve()} {dataset.splits} {len(dataset)}"
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def stamp_of(dataset: Dataset) -> np.ndarray:
    """int64: modification time and size of every file the index was read from."""
    key = [dataset.entries[0].key[0]] if dataset.format == "coco" and dataset.entries else []
    sources = dict.fromkeys([*(str(entry.source) for entry in dataset.entries), *map(str, key)])
    facts = [_fact(path) for path in sources]
    return np.array(facts, dtype=np.int64).ravel()


def _fact(path: str) -> tuple[int, int]:
    try:
        found = os.stat(path)
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size


def _load(path: Path, stamp: np.ndarray) -> Index | None:
    try:
        with np.load(path, allow_pickle=False) as stored:
            if not np.array_equal(stored["stamp"], stamp):
                return None
            columns = {f.name: stored[f.name] for f in fields(Index) if f.name != "classes"}
            classes = orjson.loads(stored["classes"].tobytes())
    except (OSError, ValueError, KeyError, EOFError):
        return None
    return Index(**columns, classes=tuple((number, name) for number, name in classes))


def _save(path: Path, index: Index, stamp: np.ndarray) -> None:
    columns = {f.name: getattr(index, f.name) for f in fields(Index) if f.name != "classes"}
    classes = np.frombuffer(orjson.dumps([list(key) for key in index.classes]), np.uint8)
    content = io.BytesIO()
    np.savez(content, stamp=stamp, **columns, classes=classes)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, content.getvalue())
