"""A folder of images and annotations -> samples, read one by one when they are asked for."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self, overload

from floorseg.data import coco, label_png, multiclass, plain, sa1b, sav, yolo
from floorseg.data.annotation import Sample
from floorseg.data.files import read_json
from floorseg.data.layout import ORDER, SPLITS, Entry, folders
from floorseg.errors import DatasetError

MAX_CHILDREN = 30  # folders looked into where the folder itself holds no dataset


@dataclass(frozen=True, slots=True)
class Format:
    """How one format is found and read.

    Attributes:
        entries: folder -> its samples unread, or nothing where it holds another format.
        read: entry -> sample; given a list, what cannot be read is told there and left out.
        meta: folder -> what it says of the whole dataset.
    """

    entries: Callable[[Path], list[Entry]]
    read: Callable[[Entry, list[str] | None], Sample]
    meta: Callable[[Path], dict[str, Any]]


def _described(root: Path) -> dict[str, Any]:
    path = root / sa1b.META_NAME
    content = read_json(path) if path.is_file() else {}
    return content if isinstance(content, dict) else {}


def _yolo_classes(root: Path) -> dict[str, Any]:
    names = yolo.class_names(root)
    return {"categories": [{"id": number, "name": name} for number, name in names.items()]}


FORMATS: dict[str, Format] = {  # asked in this order
    "coco": Format(coco.entries, coco.read, coco.meta),
    "sav": Format(sav.entries, sav.read, _described),
    "multiclass": Format(multiclass.entries, multiclass.read, _described),
    "sa1b": Format(sa1b.entries, sa1b.read, _described),
    "yolo": Format(yolo.entries, yolo.read, _yolo_classes),
    "png": Format(label_png.entries, label_png.read, _described),
    "images": Format(plain.entries, plain.read, _described),
}


@dataclass(frozen=True, slots=True, eq=False)
class Dataset(Sequence[Sample]):
    """Samples of one folder, in order of split and name; each read when it is asked for.

    Attributes:
        folder: where it lies.
        format: a key of :data:`FORMATS`; ``images`` has no annotations.
        entries: what is there, unread.
        meta: what the folder says of the whole dataset: ``categories``, ``info``, ``licenses``.
    """

    folder: Path
    format: str
    entries: tuple[Entry, ...]
    meta: Mapping[str, Any] = field(default_factory=dict)

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that occur, train first."""
        present = {entry.split for entry in self.entries}
        return tuple(split for split in ORDER if split in present)

    def of_split(self, split: str) -> Self:
        """The samples of one split.

        Raises:
            DatasetError: if the dataset has no such split.
        """
        wanted = SPLITS.get(split.lower(), split)
        kept = tuple(entry for entry in self.entries if entry.split == wanted)
        if not kept:
            found = ", ".join(name or "no splits at all" for name in self.splits)
            raise DatasetError(f"{self.folder} has no split {split!r}; it has {found}")
        return replace(self, entries=kept)

    def read(self, entry: Entry, problems: list[str] | None = None) -> Sample:
        """One sample.

        Args:
            entry: one of ``entries``.
            problems: None to refuse a sample with a mask that cannot be read; a list to leave such
                masks out and have them told here.

        Raises:
            DatasetError: if it cannot be read.
        """
        return FORMATS[self.format].read(entry, problems)

    def __len__(self) -> int:
        return len(self.entries)

    @overload
    def __getitem__(self, place: int) -> Sample: ...

    @overload
    def __getitem__(self, place: slice) -> Self: ...

    def __getitem__(self, place: int | slice) -> "Sample | Dataset":
        if isinstance(place, slice):
            return replace(self, entries=self.entries[place])
        return self.read(self.entries[place])

    def __iter__(self) -> Iterator[Sample]:
        return (self.read(entry) for entry in self.entries)


def open_dataset(folder: str | Path, split: str | None = None) -> Dataset:
    """Find out what a folder holds, without reading more than it must.

    Args:
        folder: with ``train``, ``valid`` and ``test`` folders, or with the samples themselves.
        split: only this one; ``val`` and ``validation`` mean ``valid``.

    Raises:
        DatasetError: if there is no such folder or split, nothing in it can be read, or what must
            be an annotation file is damaged.
    """
    root = Path(folder)
    if not root.is_dir():
        raise DatasetError(f"there is no dataset folder {root}; check the path")
    dataset = _detect(root) or _detect_inside(root)
    if dataset is None:
        raise DatasetError(
            f"{root} holds no images and no annotations that are known here; "
            f"known are {', '.join(FORMATS)}"
        )
    return dataset if split is None else dataset.of_split(split)


def _detect(root: Path) -> Dataset | None:
    for name, format_ in FORMATS.items():
        entries = format_.entries(root)
        if entries:
            return Dataset(root, name, tuple(entries), format_.meta(root))
    return None


def _detect_inside(root: Path) -> Dataset | None:
    """An unzipped export often lies one folder deeper; it is taken where there is only one."""
    inner = [_detect(folder) for folder in folders(root)[:MAX_CHILDREN]]
    found = [dataset for dataset in inner if dataset is not None]
    return found[0] if len(found) == 1 else None
