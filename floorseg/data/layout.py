"""Where splits, images and annotations lie in the folders that exporters make."""

import os
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from floorseg.core.images import is_image_name

SPLITS = {  # folder name, lower case -> what it is called here
    "train": "train",
    "training": "train",
    "train2017": "train",
    "valid": "valid",
    "val": "valid",
    "val2017": "valid",
    "validation": "valid",
    "test": "test",
    "testing": "test",
    "test2017": "test",
}
ORDER = ("train", "valid", "test", "")


@dataclass(frozen=True, slots=True)
class Entry:
    """One sample that has not been read yet. Can be sent to another process.

    Attributes:
        name: file name without suffix, as a copy of the sample will be called.
        source: the file that holds its annotations, or the image where it has none.
        split: ``train``, ``valid``, ``test`` or "".
        key: what else its format needs to read it.
    """

    name: str
    source: Path
    split: str = ""
    key: Any = None


@dataclass(frozen=True, slots=True)
class Pair:
    """A folder of images and the folder of their labels, in one split."""

    split: str
    images: Path
    labels: Path


def split_folders(root: Path) -> dict[str, Path]:
    """Split -> folder: the folders named like splits, or the folder itself as the split ""."""
    found: dict[str, Path] = {}
    for path in folders(root):
        split = SPLITS.get(path.name.lower())
        if split is not None:
            found.setdefault(split, path)
    return {name: found[name] for name in ORDER if name in found} or {"": root}


def paired_folders(root: Path, *, label_prefixes: Collection[str]) -> list[Pair]:
    """``images`` folders with a folder of labels beside them.

    Three layouts are known: ``train/images`` and ``train/labels``; ``images/train`` and
    ``labels/train``; ``images`` and ``labels``. Where several folders could be the labels, the one
    whose files match most images is taken.

    Args:
        root: the dataset.
        label_prefixes: how a labels folder's name may begin, lower case.
    """
    pairs = []
    for split, place in split_folders(root).items():
        named = {path.name.lower(): path for path in folders(place)}
        images = named.get("images", named.get("imgs"))
        if images is None:
            continue
        candidates = [p for n, p in sorted(named.items()) if n.startswith(tuple(label_prefixes))]
        for inner, inner_images in split_folders(images).items():
            inner_labels = [c if not inner else _child(c, inner_images.name) for c in candidates]
            best = _best_match(inner_images, [p for p in inner_labels if p is not None])
            if best is not None:
                pairs.append(Pair(inner or split, inner_images, best))
    return pairs


def image_files(folder: Path) -> list[Path]:
    """The pictures directly in a folder, by name."""
    return [path for path in files(folder) if is_image_name(path.name)]


def files(folder: Path) -> list[Path]:
    """The files directly in a folder, by name; hidden ones are left out."""
    return [folder / name for name in file_names(folder)]


def file_names(folder: Path) -> tuple[str, ...]:
    """The names of the files directly in a folder, sorted; read again when the folder changes."""
    return _file_names(str(folder), os.stat(folder).st_mtime_ns)


@lru_cache(maxsize=16)
def _file_names(folder: str, changed: int) -> tuple[str, ...]:
    with os.scandir(folder) as found:
        return tuple(sorted(e.name for e in found if e.name[0] != "." and e.is_file()))


def folders(folder: Path) -> list[Path]:
    """The folders directly in a folder, by name; hidden ones are left out."""
    with os.scandir(folder) as found:
        names = sorted(e.name for e in found if not e.name.startswith(".") and e.is_dir())
    return [folder / name for name in names]


def stem(path: Path) -> str:
    """The file's name without its last suffix: ``12_png.rf.3f.jpg`` -> ``12_png.rf.3f``."""
    return path.name[: len(path.name) - len(path.suffix)] if path.suffix else path.name


def _child(folder: Path, name: str) -> Path | None:
    child = folder / name
    return child if child.is_dir() else None


def _best_match(images: Path, candidates: list[Path]) -> Path | None:
    names = {stem(path) for path in image_files(images)}
    matches = {path: len(names & {stem(f) for f in files(path)}) for path in candidates}
    best = max(matches, key=lambda path: matches[path], default=None)
    return best if best is not None and matches[best] else None
