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
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from floorseg.core import rle
from floorseg.core.structures import Progress, ProgressCallback, ignore_progress
from floorseg.data.checks.look import look_at
from floorseg.data.checks.whole import ClassKey
from floorseg.data.dataset import Dataset
from floorseg.data.files import write_atomically
from floorseg.data.layout import Entry
from floorseg.data.parallel import map_in_order

VERSION = 1  # another number makes every cached index old
FEW_MASKS = 4  # of a file, that are always counted
BLOCK = 256  # files a process takes at once
LARGEST = 2**31 - 1  # pixels; whoever states more is told so by the checks
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


@dataclass(frozen=True, slots=True, eq=False)
class _Columns:
    """One block: ``sizes`` (n, 3) of width, height, masks; ``numbers`` (m, 3) of area, x, y."""

    sizes: np.ndarray
    numbers: np.ndarray
    classes: np.ndarray
    keys: list[ClassKey]


def _build(dataset: Dataset, *, workers: int | None, progress: ProgressCallback) -> Index:
    entries = dataset.entries
    blocks = [entries[start : start + BLOCK] for start in range(0, len(entries), BLOCK)]
    work = partial(_read_block, format_=dataset.format, root=dataset.folder)
    if dataset.format == "sa1b":  # paths as text: entries cost more to send than files to parse
        paths = [[str(entry.source) for entry in block] for block in blocks]
        results = map_in_order(_read_paths, paths, workers=workers, chunk=1, few=FEW_BLOCKS)
    else:
        results = map_in_order(work, blocks, workers=workers, chunk=1, few=FEW_BLOCKS)
    columns: list[_Columns] = []
    for found in results:
        columns.append(found)
        progress(Progress(min(len(columns) * BLOCK, len(entries)), len(entries), "reading"))
    return _joined([entry.split for entry in entries], columns)


def _joined(splits: list[str], columns: Sequence[_Columns]) -> Index:
    numbers_of: dict[ClassKey, int] = {}
    classes = [
        np.array([numbers_of.setdefault(key, len(numbers_of)) for key in c.keys], dtype=np.int32)[
            c.classes
        ]
        for c in columns
        if len(c.classes)
    ]
    sizes = np.concatenate([c.sizes for c in columns]) if columns else np.zeros((0, 3), np.int64)
    numbers = np.concatenate([c.numbers for c in columns]) if columns else np.zeros((0, 3))
    masks = sizes[:, 2].astype(np.int32)
    return Index(
        split=np.array(splits, dtype=str),
        width=sizes[:, 0].astype(np.int32),
        height=sizes[:, 1].astype(np.int32),
        masks=masks,
        image=np.repeat(np.arange(len(masks), dtype=np.int32), masks),
        area=numbers[:, 0].astype(np.int64),
        x=np.clip(numbers[:, 1], 0, 1).astype(np.float32),
        y=np.clip(numbers[:, 2], 0, 1).astype(np.float32),
        class_number=np.concatenate(classes) if classes else np.zeros(0, np.int32),
        classes=tuple(numbers_of),
    )


class _Reader:
    """Gathers the columns of one block."""

    def __init__(self) -> None:
        self._sizes: list[tuple[int, int, int]] = []
        self._areas: list[np.ndarray] = []
        self._boxes: list[np.ndarray] = []
        self._classes: list[int] = []
        self._keys: dict[ClassKey, int] = {}

    def add(
        self,
        size: tuple[int, int],
        areas: np.ndarray,
        boxes: np.ndarray,
        keys: Sequence[ClassKey],
    ) -> None:
        """One image: (width, height), int64 (n,), float64 (n, 4), and the class of each mask."""
        numbers = [self._keys.setdefault(key, len(self._keys)) for key in keys]
        # nothing above this line is kept where it raises: a file is added whole or not at all
        width, height = (min(side, LARGEST) for side in size)
        self._sizes.append((width, height, len(keys)))
        self._areas.append(areas)
        self._boxes.append(boxes)
        self._classes += numbers

    def columns(self) -> _Columns:
        sizes = np.array(self._sizes, dtype=np.int64).reshape(-1, 3)
        areas = np.concatenate([*self._areas, np.zeros(0, np.int64)])
        boxes = np.concatenate([*self._boxes, np.zeros((0, 4))])
        sides = np.repeat(sizes[:, :2], sizes[:, 2], axis=0)
        centres = (boxes[:, :2] + boxes[:, 2:] / 2) / np.maximum(sides, 1)
        return _Columns(
            sizes,
            np.column_stack([areas.astype(np.float64), centres]),
            np.array(self._classes, dtype=np.int32),
            list(self._keys),
        )


def _read_paths(paths: list[str]) -> _Columns:
    """SA-1B files by the short way, which trusts nothing it has not looked at."""
    reader = _Reader()
    for path in paths:
        if not _add_quickly(reader, path):
            _add_looked_at(reader, Entry("", Path(path)), "sa1b", Path(path).parent)
    return reader.columns()


def _add_quickly(reader: _Reader, path: str) -> bool:
    """Whether the file was as SA-1B files should be; nothing is added where it was not."""
    try:
        with open(path, "rb") as file:
            content = orjson.loads(file.read())
        head, rows = content["image"], content["annotations"]
        width, height = head["width"], head["height"]
        size = [height, width]
        masks = [row["segmentation"] for row in rows]
        boxes = np.fromiter(chain.from_iterable([row["bbox"] for row in rows]), np.float64).reshape(
            -1, 4
        )
        if len(boxes) != len(rows) or [mask["size"] for mask in masks] != [size] * len(masks):
            return False
        areas = _areas(masks, rows)
        # an area of the whole image is what Roboflow's pairs look like to pycocotools
        if areas.size and areas.max() >= width * height:
            return False
        keys = [(row.get("category_id"), row.get("category_name")) for row in rows]
        reader.add((width, height), areas, boxes, keys)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ArithmeticError):
        return False
    return True


def _areas(masks: list[Any], rows: list[Any]) -> np.ndarray:
    """Pixels of each mask: counted, or as stated in a file whose first and last area are exact.

    An exporter writes all areas of a file the same way; ``data check`` counts every one.
    """
    if len(masks) > FEW_MASKS:
        stated = [row.get("area") for row in rows]
        if rle.areas([masks[0], masks[-1]]).tolist() == [stated[0], stated[-1]]:
            return np.array(stated, dtype=np.float64).astype(np.int64)
    return rle.areas(masks)


def _read_block(entries: Sequence[Entry], *, format_: str, root: Path) -> _Columns:
    reader = _Reader()
    for entry in entries:
        _add_looked_at(reader, entry, format_, root)
    return reader.columns()


def _add_looked_at(reader: _Reader, entry: Entry, format_: str, root: Path) -> None:
    """The long way: whatever is wrong with the file, what can be read is counted."""
    look = look_at(entry, format_=format_, root=root, pictures=False)
    masks = [mask for mask in look.masks if mask.segmentation is not None]
    areas = np.array([mask.area for mask in masks], dtype=np.int64)
    boxes = np.array([mask.bbox for mask in masks], dtype=np.float64).reshape(-1, 4)
    reader.add(look.size or (0, 0), areas, boxes, [mask.class_key for mask in masks])


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
