"""Which folders the page may read: those under the data root, whatever a name or a link says."""

import os
from collections.abc import Iterator
from pathlib import Path

from floorseg.data.dataset import Dataset
from floorseg.data.layout import SPLITS, folders
from floorseg.errors import DatasetError, PermissionRefused
from floorseg.settings import Settings

ROOT_ITSELF = "."  # offered where the data root is a dataset and not a folder of datasets
MAX_OFFERED = 300
_DEPTH = 5  # folders below a dataset that readers may look into


def refuse_public(settings: Settings) -> None:
    """Stop where strangers may visit.

    Raises:
        PermissionRefused: in public mode.
    """
    if settings.public:
        raise PermissionRefused(
            "this page is public: folders on its server are not shown; run floorseg on your own "
            "computer to inspect datasets"
        )


def offered_folders(settings: Settings) -> list[str]:
    """Names under the data root that may be datasets, relative to it, by name.

    Raises:
        PermissionRefused: in public mode.
        DatasetError: if the data root cannot be read.
    """
    refuse_public(settings)
    root = settings.data_root
    if not root.is_dir():
        return []
    try:
        if _has_splits(root):
            return [ROOT_ITSELF]
        found = [name for folder in folders(root) for name in _offers_of(folder)]
    except OSError as problem:
        raise DatasetError(f"{root} cannot be read: {problem.strerror}") from problem
    return found[:MAX_OFFERED]


def dataset_folder(settings: Settings, name: str) -> Path:
    """The folder of a name that a visitor sent.

    Raises:
        PermissionRefused: in public mode.
        DatasetError: if there is no such folder under the data root.
    """
    refuse_public(settings)
    root = settings.data_root.resolve()
    try:
        folder = (root / name).resolve() if name and "\0" not in name else None
        inside = folder is not None and folder.is_relative_to(root) and folder.is_dir()
    except (OSError, ValueError, RuntimeError):
        folder, inside = None, False
    if folder is None or not inside:
        raise DatasetError(
            f"there is no dataset {name[:80]!r} under the data root; choose one from the list"
        )
    return folder


def refuse_links_out(folder: Path, root: Path) -> None:
    """Stop before anything is read through a link that leaves the data root.

    Args:
        folder: a dataset.
        root: the data root.

    Raises:
        DatasetError: naming the link.
    """
    real_root = os.path.realpath(root)
    for path in _links(folder, _DEPTH):
        if not _inside(os.path.realpath(path), real_root):
            shown = os.path.relpath(path, folder)
            raise DatasetError(
                f"{shown} is a link that leaves the data root, so this dataset is not read; "
                "copy the files in, or set FLOORSEG_DATA_ROOT to a folder above them"
            )


def refuse_samples_outside(dataset: Dataset, root: Path) -> None:
    """Stop where an annotation file names pictures outside the data root.

    Raises:
        DatasetError: naming one.
    """
    real_root = os.path.realpath(root)
    parents: dict[str, bool] = {}
    for entry in dataset.entries:
        parent, name = os.path.split(str(entry.source))
        if parent not in parents:
            parents[parent] = _inside(os.path.realpath(parent), real_root)
        is_plain = name not in ("", ".", "..") and not os.path.islink(entry.source)
        if parents[parent] and (is_plain or _inside(os.path.realpath(entry.source), real_root)):
            continue
        raise DatasetError(
            f"{str(entry.name)[:80]!r} of this dataset lies outside the data root, so it is not "
            "read; correct its file_name"
        )


def refuse_outside(path: Path, root: Path) -> None:
    """Stop before a file outside the data root is opened.

    Raises:
        DatasetError: if it lies outside.
    """
    if not _inside(os.path.realpath(path), os.path.realpath(root)):
        raise DatasetError(f"{path.name[:80]!r} lies outside the data root and is not read")


def _offers_of(folder: Path) -> list[str]:
    """The folder's name, or the names of the datasets in it where it only gathers them."""
    if folder.name.endswith(".partial"):
        return []
    inner = [] if _has_splits(folder) or _has_files(folder) else folders(folder)
    gathered = [f"{folder.name}/{path.name}" for path in inner if _has_splits(path)]
    return gathered or [folder.name]


def _has_splits(folder: Path) -> bool:
    return any(path.name.lower() in SPLITS for path in folders(folder))


def _has_files(folder: Path) -> bool:
    with os.scandir(folder) as found:
        return any(entry.is_file() and not entry.name.startswith(".") for entry in found)


def _links(folder: Path | str, depth: int) -> Iterator[str]:
    with os.scandir(folder) as found:
        for entry in found:
            if entry.is_symlink():
                yield entry.path
            elif depth and entry.is_dir(follow_symlinks=False):
                yield from _links(entry.path, depth - 1)


def _inside(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip(os.sep) + os.sep)
