"""A folder of images and annotations -> samples, read one by one when they are asked for."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from floorseg.core.images import is_image_name
from floorseg.data import sa1b
from floorseg.data.annotation import Sample
from floorseg.errors import DatasetError

SPLITS = {  # folder name, lower case -> what it is called here
    "train": "train",
    "training": "train",
    "valid": "valid",
    "val": "valid",
    "validation": "valid",
    "test": "test",
    "testing": "test",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One sample that has not been read yet.

    Attributes:
        source: the file that holds its annotations, or the image where it has none.
        split: ``train``, ``valid``, ``test`` or "".
        key: where in the file it stands, for formats with many images in one file.
    """

    source: Path
    split: str = ""
    key: Any = None


@dataclass(frozen=True, slots=True)
class Dataset(Sequence[Sample]):
    """Samples of one folder, in order of split and name; each read when it is asked for.

    Attributes:
        folder: where it lies.
        format: ``sa1b``, ``coco``, ...
        entries: what is there, unread.
        read: entry -> sample.
    """

    folder: Path
    format: str
    entries: tuple[Entry, ...]
    read: Callable[[Entry], Sample]

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that occur, train first."""
        order = {name: place for place, name in enumerate(("train", "valid", "test", ""))}
        return tuple(sorted({entry.split for entry in self.entries}, key=lambda s: order.get(s, 9)))

    def of_split(self, split: str) -> "Dataset":
        """The samples of one split.

        Raises:
            DatasetError: if the dataset has no such split.
        """
        wanted = SPLITS.get(split.lower(), split)
        kept = tuple(entry for entry in self.entries if entry.split == wanted)
        if not kept:
            found = ", ".join(name or "(no split)" for name in self.splits)
            raise DatasetError(f"{self.folder} has no split {split!r}; it has {found}")
        return replace(self, entries=kept)

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, slice):
            return replace(self, entries=self.entries[place])
        return self.read(self.entries[place])

    def __iter__(self) -> Iterator[Sample]:
        return (self.read(entry) for entry in self.entries)


def open_dataset(folder: str | Path, split: str | None = None) -> Dataset:
    """Find out what a folder holds, without reading its annotations.

    Args:
        folder: with ``train``, ``valid`` and ``test`` folders, or with the samples themselves.
        split: only this one; ``val`` and ``validation`` mean ``valid``.

    Raises:
        DatasetError: if there is no such folder, split, or nothing in it can be read.
    """
    root = Path(folder)
    if not root.is_dir():
        raise DatasetError(f"there is no dataset folder {root}; check the path")
    entries = [
        Entry(path, name)
        for name, place in split_folders(root).items()
        for path in sorted(place.glob("*.json"))
    ]
    dataset = Dataset(root, "sa1b", tuple(entries), lambda e: sa1b.read_sample(e.source, e.split))
    if not entries:
        images = sum(is_image_name(path.name) for path in root.rglob("*"))
        raise DatasetError(f"{root} holds no annotations that can be read here ({images} images)")
    return dataset if split is None else dataset.of_split(split)


def split_folders(root: Path) -> dict[str, Path]:
    """Split -> folder: the folders named like splits, or the folder itself as the split ""."""
    found = {
        SPLITS[path.name.lower()]: path
        for path in sorted(root.iterdir())
        if path.is_dir() and path.name.lower() in SPLITS
    }
    order = ("train", "valid", "test")
    return {name: found[name] for name in order if name in found} or {"": root}
