"""Checks for annotations that are not there."""

from collections.abc import Iterable

from floorseg.data.checks.findings import Finding, finding
from floorseg.data.checks.look import relative
from floorseg.data.dataset import Dataset
from floorseg.data.layout import files, image_files

_LIKELY = (".json", ".txt", ".xml", ".csv", ".yaml")  # what annotations of other kinds are kept in
_NAMED = 3  # files


def check_is_annotated(dataset: Dataset) -> Iterable[Finding]:
    """A folder of pictures alone; files that might have been meant as annotations are named."""
    if dataset.format != "images":
        return
    folders = dict.fromkeys([dataset.folder, *(entry.source.parent for entry in dataset.entries)])
    likely = [path for folder in folders for path in files(folder) if path.suffix in _LIKELY]
    said = f"{len(dataset)} pictures and no annotations in a format that is known here"
    if likely:
        listed = ", ".join(relative(path, dataset.folder) for path in likely[:_NAMED])
        more = f" and {len(likely) - _NAMED} more files" if len(likely) > _NAMED else ""
        said += f"; not understood: {listed}{more}"
    yield finding("annotations-none", "", said, count=len(dataset))


def unannotated(dataset: Dataset) -> list[str]:
    """Images beside the samples that no annotation file belongs to, relative to the dataset."""
    if dataset.format not in ("sa1b", "multiclass", "coco"):
        return []
    known = {entry.name for entry in dataset.entries}
    folders = sorted({entry.source.parent for entry in dataset.entries})
    return [
        relative(path, dataset.folder)
        for folder in folders
        if folder.is_dir()
        for path in image_files(folder)
        if path.name[: len(path.name) - len(path.suffix)] not in known
    ]
