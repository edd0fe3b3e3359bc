"""YOLO text labels: ``images/plan.jpg`` with ``labels/plan.txt``, boxes and polygons mixed.

Outlines are written along the edges of the pixels, holes and separate parts joined by bridges of no
width, so that reading them gives the same masks again.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from floorseg.core import rle
from floorseg.core.images import image_size
from floorseg.core.outlines import bridged_outline
from floorseg.data.annotation import Annotation, Sample
from floorseg.data.layout import Entry, image_files, paired_folders, stem
from floorseg.errors import DatasetError, ImageError

CONFIGS = ("data.yaml", "data.yml", "dataset.yaml")
MAX_LINE = 2_000_000  # characters; a longer line is no polygon
MAX_CONFIG = 5_000_000


def entries(root: Path) -> list[Entry]:
    """Every image of a folder with YOLO labels, or nothing; images without a file included."""
    found = []
    names = class_names(root)
    for pair in paired_folders(root, label_prefixes=("label",)):
        texts = {stem(path) for path in pair.labels.glob("*.txt")}
        if texts:
            found += [
                Entry(stem(path), pair.labels / f"{stem(path)}.txt", pair.split, (path, names))
                for path in image_files(pair.images)
            ]
    return found


def class_names(root: Path) -> dict[int, str]:
    """Class names by number, from ``data.yaml``; empty where there is none.

    Raises:
        DatasetError: if the file is not YAML.
    """
    path = next((root / name for name in CONFIGS if (root / name).is_file()), None)
    if path is None:
        return {}
    try:
        if path.stat().st_size > MAX_CONFIG:
            raise DatasetError(
                f"{path} is too large to be a list of classes; is it the right file?"
            )
        content = yaml.safe_load(path.read_bytes())
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as problem:
        raise DatasetError(f"{path} cannot be read: {str(problem)[:200]}; mend it") from problem
    names = content.get("names") if isinstance(content, Mapping) else None
    listed = names if isinstance(names, list) else []
    pairs = names.items() if isinstance(names, Mapping) else enumerate(listed)
    return {number: str(name) for number, name in pairs if type(number) is int}


def read(entry: Entry, problems: list[str] | None = None) -> Sample:
    """The sample of an entry.

    Args:
        entry: from :func:`entries`.
        problems: None to refuse a file with a line that cannot be read; a list to leave such lines
            out and have them told here.

    Raises:
        DatasetError: if a line cannot be read or the image is damaged.
    """
    image, names = entry.key
    try:
        width, height = image_size(image)
    except ImageError as problem:
        raise DatasetError(str(problem)) from problem
    annotations = []
    for place, line in enumerate(_lines(entry.source)):
        try:
            annotations.append(_annotation(line, place, (height, width), names))
        except DatasetError as problem:
            sentence = f"{entry.source}: line {place + 1}: {problem}"
            if problems is None:
                raise DatasetError(sentence) from problem
            problems.append(sentence)
    return Sample(image, width, height, tuple(annotations), image_id=0, split=entry.split)


def outline_text(annotation: Annotation) -> str:
    """A label line without its class number; "" for an empty mask, which YOLO cannot hold."""
    height, width = annotation.segmentation["size"]
    outline = bridged_outline(annotation.mask())
    if outline.size == 0:
        return ""
    scaled = (outline / np.array([width, height])).ravel().tolist()
    return " ".join(f"{value:.9g}" for value in scaled)


def numbered_classes(
    keys: Iterable[tuple[int | None, str | None]],
) -> dict[tuple[int | None, str | None], int]:
    """(class number, class name) -> YOLO's number: as given where they count 0, 1, 2, ..."""
    ordered = sorted(set(keys), key=lambda key: (key[0] is None, key[0] or 0, key[1] or ""))
    given = [key[0] for key in ordered]
    if given == list(range(len(given))):
        return {key: place for place, key in enumerate(ordered)}
    named: dict[str, int] = {}
    return {key: named.setdefault(class_label(key), len(named)) for key in ordered}


def class_label(key: tuple[int | None, str | None]) -> str:
    """What ``data.yaml`` calls a class."""
    number, name = key
    return name or ("unlabelled" if number is None else f"class {number}")


def config(names: Mapping[int, str], splits: list[str]) -> str:
    """The text of ``data.yaml``."""
    about: dict[str, Any] = {"path": "."}
    for split in splits:
        about["val" if split == "valid" else split or "train"] = f"{split}/images".lstrip("/")
    about["names"] = dict(names)
    return yaml.safe_dump(about, sort_keys=False, allow_unicode=True)


def _lines(path: Path) -> list[str]:
    if not path.is_file():
        return []
    try:
        return [line for line in path.read_text("utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as problem:
        raise DatasetError(f"{path} is not a text file: {problem}") from problem


def _annotation(
    line: str, place: int, size: tuple[int, int], names: Mapping[int, str]
) -> Annotation:
    if len(line) > MAX_LINE:
        raise DatasetError(f"{len(line):,} characters on one line are no polygon")
    number, *values = line.split()
    try:
        category, numbers = int(number), [float(value) for value in values]
    except ValueError as problem:
        raise DatasetError(
            f"a line must be a class number and coordinates: {line[:60]!r}"
        ) from problem
    shape = "box" if len(numbers) == 4 else "polygon"
    if shape == "polygon" and (len(numbers) < 6 or len(numbers) % 2):
        raise DatasetError(f"4 numbers make a box, 6, 8, ... a polygon; got {len(numbers)}")
    if shape == "box":
        x, y, w, h = numbers
        numbers = [x - w / 2, y - h / 2, x + w / 2, y - h / 2]
        numbers += [x + w / 2, y + h / 2, x - w / 2, y + h / 2]
    scale = (size[1], size[0])
    points = [value * scale[i % 2] for i, value in enumerate(numbers)]
    return Annotation(
        place, rle.read([points], size), category, names.get(category), {"shape": shape}
    )
