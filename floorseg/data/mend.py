"""``data check --fix``: a copy in which everything unambiguous is put right.

Most of it is done by reading and writing: masks come out as COCO RLE, boxes and areas are measured,
names are the files'. What is left is here: runs along the rows, empty and double masks, double ids,
spellings of one class. The source is never touched.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from floorseg.core.structures import ProgressCallback, ignore_progress
from floorseg.data.annotation import Annotation, Sample
from floorseg.data.checks.look import MaskLook
from floorseg.data.checks.masks import read_along_rows, reads_along_rows
from floorseg.data.checks.run import Report, check_dataset, check_one
from floorseg.data.checks.whole import ClassKey, fold
from floorseg.data.convert import Conversion, convert
from floorseg.data.dataset import Dataset, open_dataset
from floorseg.data.layout import Entry
from floorseg.data.writers import WRITERS

Spelling = Mapping[ClassKey, ClassKey]


@dataclass(frozen=True, slots=True)
class Mended:
    """What was found, and what was done about it.

    Attributes:
        report: the findings in the source.
        conversion: the mended copy, its changes and what had to be left out.
    """

    report: Report
    conversion: Conversion


def mend_dataset(
    source: str | Path | Dataset,
    target: str | Path,
    *,
    report: Report | None = None,
    workers: int | None = None,
    progress: ProgressCallback = ignore_progress,
    stop: Callable[[], bool] = lambda: False,
) -> Mended:
    """Write a mended copy.

    Args:
        source: a folder of any known format, or an opened dataset.
        target: the folder to make; it must not exist. It has the source's format where that can be
            written, SA-1B otherwise.
        report: of the source, where it has been checked already.
        workers: processes; None for one a processor.
        progress: told after every sample.
        stop: asked after every sample.

    Raises:
        DatasetError: if the source cannot be read or the target exists.
        Stopped: if ``stop`` said so.
    """
    dataset = source if isinstance(source, Dataset) else open_dataset(source)
    if report is None:
        report = check_dataset(
            dataset, find_look_alikes=False, workers=workers, progress=progress, stop=stop
        )
    spelling = one_spelling(report.classes)
    meta = {**dataset.meta, "categories": _respelt(dataset.meta.get("categories"), spelling)}
    conversion = convert(
        replace(dataset, meta=meta if meta["categories"] else dataset.meta),
        target,
        to=dataset.format if dataset.format in WRITERS else "sa1b",
        pictures="mend",
        change=partial(mend_sample, format_=dataset.format, root=dataset.folder, spelling=spelling),
        workers=workers,
        progress=progress,
        stop=stop,
    )
    return Mended(report, conversion)


def mend_sample(
    entry: Entry, sample: Sample, *, format_: str, root: Path, spelling: Spelling
) -> tuple[Sample, tuple[str, ...]]:
    """One sample put right, and what was changed, in sentences.

    Args:
        entry: where it comes from.
        sample: as read.
        format_: the dataset's format.
        root: its folder.
        spelling: of :func:`one_spelling`.
    """
    found = check_one(entry, format_=format_, root=root).findings
    said = [f"{one.fix}: {one.sentence}" for one in found if one.fixable]
    annotations = [_down_columns(annotation) for annotation in sample.annotations]
    annotations = [a for a in annotations if a.area()]
    annotations = _numbered(_without_doubles(annotations))
    respelt = [_one_class(annotation, spelling) for annotation in annotations]
    changed = sum(a is not b for a, b in zip(annotations, respelt, strict=True))
    if changed:
        said.append(f"use one spelling: {changed} class names changed")
    return replace(sample, annotations=tuple(respelt)), tuple(said)


def one_spelling(classes: Mapping[ClassKey, int]) -> Spelling:
    """Classes whose names differ by case or spaces only -> the one of them with most masks."""
    best: dict[str, ClassKey] = {}
    for key in sorted(classes, key=lambda key: (-classes[key], str(key))):
        if key[1] is not None:
            best.setdefault(fold(key[1]), key)
    chosen = {key: best[fold(key[1])] for key in classes if key[1] is not None}
    return {key: other for key, other in chosen.items() if key[1] != other[1]}


def _down_columns(annotation: Annotation) -> Annotation:
    box = annotation.extra.get("bbox")
    if not isinstance(box, list) or len(box) != 4 or not annotation.area():
        return annotation
    if not all(type(value) in (int, float) for value in box):
        return annotation
    stated = np.array(box, dtype=np.float64)
    mask = MaskLook("", {}, annotation.segmentation, bbox=annotation.bbox())
    if np.abs(stated - mask.bbox).max() <= 2 or not reads_along_rows(mask, stated):
        return annotation
    turned = read_along_rows(annotation.segmentation)
    return annotation if turned is None else replace(annotation, segmentation=turned)


def _without_doubles(annotations: list[Annotation]) -> list[Annotation]:
    kept: dict[tuple[Any, ...], Annotation] = {}
    for annotation in annotations:
        key = (annotation.segmentation["counts"], annotation.category_id, annotation.category_name)
        kept.setdefault(key, annotation)
    return list(kept.values())


def _numbered(annotations: list[Annotation]) -> list[Annotation]:
    """New numbers for annotations whose id is taken."""
    taken = {annotation.id for annotation in annotations}
    following = max((number for number in taken if isinstance(number, int)), default=0) + 1
    seen: set[int | str] = set()
    numbered = []
    for annotation in annotations:
        if annotation.id in seen:
            annotation = replace(annotation, id=following)
            following += 1
        seen.add(annotation.id)
        numbered.append(annotation)
    return numbered


def _one_class(annotation: Annotation, spelling: Spelling) -> Annotation:
    other = spelling.get((annotation.category_id, annotation.category_name))
    if other is None:
        return annotation
    return replace(annotation, category_id=other[0], category_name=other[1])


def _respelt(categories: Any, spelling: Spelling) -> list[Any]:
    given_up = {key for key, other in spelling.items() if key[0] != other[0]}
    listed = categories if isinstance(categories, list) else []
    return [c for c in listed if not _is_one_of(c, given_up)]


def _is_one_of(category: Any, keys: set[ClassKey]) -> bool:
    return isinstance(category, dict) and (category.get("id"), category.get("name")) in keys
