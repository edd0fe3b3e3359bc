"""Datasets under the data root, opened once and kept: the index, the numbers, what a check found.

Opening runs in the background, so that a page can show how far it has come; the index and the
findings lie in the cache folder, and a second open takes as long as looking at the file dates.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import orjson

from floorseg.core.structures import Progress
from floorseg.data.checks.look import relative
from floorseg.data.dataset import Dataset, open_dataset
from floorseg.data.files import write_atomically
from floorseg.data.index import Index, read_index, stamp_of
from floorseg.data.layout import Entry
from floorseg.data.statistics import Statistics, statistics_of
from floorseg.errors import DatasetError
from floorseg.services.dataset_paths import (
    dataset_folder,
    offered_folders,
    refuse_links_out,
    refuse_samples_outside,
)
from floorseg.settings import Settings

_KEPT = 3  # opened datasets held in memory
_SEVERITIES = ("error", "warning", "note")


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """What a check found, as ``floorseg data check --json`` says it.

    Attributes:
        report: the command's answer.
        fresh: whether the files are still those that were checked.
        codes: row of the dataset -> the kinds of finding it has, worst first.
    """

    report: Mapping[str, Any]
    fresh: bool
    codes: Mapping[int, tuple[str, ...]]

    @property
    def counts(self) -> dict[str, int]:
        """Findings by severity."""
        found = self.report.get("counts", {})
        return {severity: int(found.get(severity, 0)) for severity in _SEVERITIES}


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """A dataset, ready to be looked at.

    Attributes:
        name: as offered, relative to the data root.
        folder: where it lies, every link followed.
        dataset: its samples, unread.
        index: their numbers.
        stamp: digest of the dates and sizes of its files.
        rows: file as findings tell it -> row.
        thumbnails: row -> file of its small picture, as far as anybody asked.
    """

    name: str
    folder: Path
    dataset: Dataset
    index: Index
    stamp: str
    rows: Mapping[str, int]
    thumbnails: dict[int, Path] = field(default_factory=dict)

    def entry(self, row: int) -> Entry:
        """One sample, unread.

        Raises:
            DatasetError: if there is no such row.
        """
        if not 0 <= row < len(self.dataset.entries):
            raise DatasetError(f"this dataset has no sample number {row}; open it again")
        return self.dataset.entries[row]

    def statistics(self, split: str = "") -> Statistics:
        """Everything counted, of one split or of all."""
        return statistics_of(
            self.index if not split else subset(self.index, self.index.split == split)
        )


@dataclass(slots=True)
class Opening:
    """A dataset that is being read; ``progress`` is replaced as it goes on."""

    progress: Progress = field(default_factory=lambda: Progress(0, 1, "looking"))


class Datasets:
    """Opens datasets by name and keeps the latest.

    Args:
        settings: where datasets and the cache lie, and whether strangers visit.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="dataset")
        self._lock = Lock()
        self._kept: OrderedDict[str, Opened] = OrderedDict()
        self._findings: dict[str, tuple[tuple[str, int], Findings]] = {}
        self._reading: dict[str, tuple[Future[Opened], Opening]] = {}

    def offered(self) -> list[str]:
        """Names of the folders that may be datasets; see :func:`offered_folders`."""
        return offered_folders(self.settings)

    def open(self, name: str, *, wait: float | None = None) -> Opened | Opening:
        """Open a dataset, looking at its files again.

        Args:
            name: as offered.
            wait: seconds until the caller would rather know how far it has come; None for ever.

        Raises:
            PermissionRefused: in public mode.
            DatasetError: if there is no such dataset, or it cannot be read.
        """
        folder = dataset_folder(self.settings, name)
        with self._lock:
            if name not in self._reading:
                opening = Opening()
                self._reading[name] = (
                    self._pool.submit(self._read, name, folder, opening),
                    opening,
                )
            future, opening = self._reading[name]
        try:
            opened = future.result(timeout=wait)
        except NotYet:
            return opening
        finally:
            if future.done():
                self._forget(name, future)
        return opened

    def get(self, name: str) -> Opened:
        """A dataset as it was opened last, without looking at its files again.

        Raises:
            PermissionRefused: in public mode.
            DatasetError: if it cannot be opened.
        """
        dataset_folder(self.settings, name)
        with self._lock:
            kept = self._kept.get(name)
        if kept is not None:
            return kept
        opened = self.open(name)
        if isinstance(opened, Opening):
            raise DatasetError(f"{name} is still being read; wait a moment")
        return opened

    def findings(self, opened: Opened) -> Findings | None:
        """What the last check found, or None where none was made."""
        path = self._findings_file(opened.folder)
        try:
            key = (opened.stamp, path.stat().st_mtime_ns)
            kept = self._findings.get(opened.name)
            if kept is not None and kept[0] == key:
                return kept[1]
            stored = orjson.loads(path.read_bytes())
            report, stamp = stored["report"], stored["stamp"]
            found = report["findings"]
        except (OSError, orjson.JSONDecodeError, KeyError, TypeError):
            return None
        codes: dict[int, dict[str, None]] = {}
        for one in found:
            row = opened.rows.get(one["file"])
            if row is not None:
                codes.setdefault(row, {})[one["code"]] = None
        listed = {row: tuple(kinds) for row, kinds in codes.items()}
        findings = Findings(report, stamp == opened.stamp, listed)
        self._findings[opened.name] = (key, findings)
        return findings

    def keep_findings(self, opened: Opened, report: Mapping[str, Any]) -> None:
        """Remember what a check of a dataset found.

        Args:
            opened: the dataset as it was before the check began.
            report: what ``floorseg data check --json`` answered.
        """
        path = self._findings_file(opened.folder)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, orjson.dumps({"stamp": opened.stamp, "report": dict(report)}))

    def _findings_file(self, folder: Path) -> Path:
        digest = hashlib.sha256(str(folder).encode()).hexdigest()[:24]
        return self.settings.cache / "checks" / f"{digest}.json"

    def _forget(self, name: str, future: Future[Opened]) -> None:
        with self._lock:
            if name in self._reading and self._reading[name][0] is future:
                del self._reading[name]

    def _read(self, name: str, folder: Path, opening: Opening) -> Opened:
        root = self.settings.data_root
        try:
            refuse_links_out(folder, root)
            dataset = open_dataset(folder)
            refuse_samples_outside(dataset, root)
            stamp = hashlib.sha256(_names(dataset) + stamp_of(dataset).tobytes()).hexdigest()
        except OSError as problem:
            raise DatasetError(f"{name} cannot be read: {problem.strerror}") from problem
        with self._lock:
            kept = self._kept.get(name)
        if kept is None or kept.stamp != stamp:
            opening.progress = Progress(0, len(dataset), "reading")
            index = read_index(
                dataset,
                cache=self.settings.cache / "indexes",
                progress=lambda progress: setattr(opening, "progress", progress),
            )
            kept = Opened(name, folder, dataset, index, stamp, _rows(dataset))
        self._keep(kept)
        return kept

    def _keep(self, opened: Opened) -> None:
        with self._lock:
            self._kept[opened.name] = opened
            self._kept.move_to_end(opened.name)
            while len(self._kept) > _KEPT:
                dropped, _ = self._kept.popitem(last=False)
                self._findings.pop(dropped, None)


def subset(index: Index, chosen: np.ndarray) -> Index:
    """Some images of an index with their masks.

    Args:
        index: of a whole dataset.
        chosen: bool (N,), the images to keep.
    """
    masks = chosen[index.image]
    number = np.cumsum(chosen) - 1
    return Index(
        split=index.split[chosen],
        width=index.width[chosen],
        height=index.height[chosen],
        masks=index.masks[chosen],
        image=number[index.image[masks]].astype(np.int32),
        area=index.area[masks],
        x=index.x[masks],
        y=index.y[masks],
        class_number=index.class_number[masks],
        classes=index.classes,
    )


def _rows(dataset: Dataset) -> dict[str, int]:
    return {relative(e.source, dataset.folder): row for row, e in enumerate(dataset.entries)}


def _names(dataset: Dataset) -> bytes:
    return "\0".join(f"{e.split}/{e.name}" for e in dataset.entries).encode()
