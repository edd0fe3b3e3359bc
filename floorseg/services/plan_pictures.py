"""Pictures of plans on disk: found, named, and read in groups that fit into memory."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from floorseg.core.images import image_size, is_image_name, read_image
from floorseg.errors import ImageError

_GROUP_PIXELS = 24_000_000  # pictures held at a time: 72 MB, and one more group being read


def find_plans(source: Path) -> list[Path]:
    """The picture itself, or all pictures of a folder, by name.

    Raises:
        ImageError: if there is nothing there.
    """
    if source.is_dir():
        plans = sorted(
            path for path in source.iterdir()
            if path.is_file() and is_image_name(path.name) and not path.name.startswith(".")
        )  # fmt: skip
        if not plans:
            raise ImageError(f"there is no picture in {source}; name a folder of plans")
        return plans
    if not source.is_file():
        raise ImageError(f"there is no picture or folder at {source}; check the path")
    return [source]


def names_of(plans: Sequence[Path]) -> dict[Path, str]:
    """A name for each picture's results: its stem, with the suffix where two share one."""
    stems = [path.stem for path in plans]
    return {
        path: path.stem if stems.count(path.stem) == 1 else path.name.replace(".", "_")
        for path in plans
    }


@dataclass(frozen=True, slots=True, eq=False)
class PlanPicture:
    """One picture as it was read.

    Attributes:
        path: its file.
        image: uint8 (H, W, 3), RGB; None where it cannot be read.
        problem: why it cannot, in a sentence.
    """

    path: Path
    image: np.ndarray | None
    problem: str | None = None


def read_ahead(plans: Sequence[Path]) -> Iterator[list[PlanPicture]]:
    """Groups of pictures, in their order; the next one is read while this one is worked on."""
    groups = _groups(plans)
    with ThreadPoolExecutor(1) as ahead:
        coming = [ahead.submit(_read_all, group) for group in groups[:1]]
        for number in range(len(groups)):
            pictures = coming.pop().result()
            coming = [ahead.submit(_read_all, g) for g in groups[number + 1 : number + 2]]
            yield pictures


def _groups(plans: Sequence[Path]) -> list[list[Path]]:
    """Pictures grouped so that each group's pixels fit the memory set aside; at most eight."""
    groups: list[list[Path]] = []
    pixels = _GROUP_PIXELS + 1
    for path in plans:
        size = _pixels(path)
        if pixels + size > _GROUP_PIXELS or len(groups[-1]) == 8:
            groups.append([])
            pixels = 0
        groups[-1].append(path)
        pixels += size
    return groups


def _pixels(path: Path) -> int:
    try:
        width, height = image_size(path)
    except ImageError:
        return 0  # said when it is read
    return width * height


def _read_all(group: Sequence[Path]) -> list[PlanPicture]:
    pictures = []
    for path in group:
        try:
            pictures.append(PlanPicture(path, read_image(path)))
        except ImageError as problem:
            pictures.append(PlanPicture(path, None, str(problem)))
    return pictures
