"""Pictures without annotations: what a folder holds before anybody has labelled it."""

from pathlib import Path

from floorseg.core.images import image_size
from floorseg.data.annotation import Sample
from floorseg.data.layout import Entry, folders, image_files, split_folders, stem
from floorseg.errors import DatasetError, ImageError


def entries(root: Path) -> list[Entry]:
    """Every picture of a folder, of its splits, and of their ``images`` folders."""
    found = []
    for split, place in split_folders(root).items():
        places = [place, *(p for p in folders(place) if p.name.lower() in ("images", "imgs"))]
        found += [Entry(stem(path), path, split) for inner in places for path in image_files(inner)]
    return found


def read(entry: Entry, problems: list[str] | None = None) -> Sample:
    """The sample of an entry, without masks.

    Raises:
        DatasetError: if the picture cannot be read.
    """
    try:
        width, height = image_size(entry.source)
    except ImageError as problem:
        raise DatasetError(str(problem)) from problem
    return Sample(entry.source, width, height, (), split=entry.split)
