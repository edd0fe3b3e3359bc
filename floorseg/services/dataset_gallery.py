"""Which samples of a dataset a person wants to see, and in what order."""

from dataclasses import dataclass

import numpy as np

from floorseg.data.checks.whole import class_text
from floorseg.errors import DatasetError
from floorseg.services.datasets import Findings, Opened

SORTS = {  # key -> what the page calls it
    "name": "file name",
    "masks": "number of masks",
    "covered": "part of the image covered",
    "largest": "largest mask",
    "smallest": "smallest mask",
    "classes": "number of classes",
    "size": "image size",
    "findings": "findings",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person asked for.

    Attributes:
        split: only this split; "" for all.
        class_row: only samples with a mask of this class (a row of the index's classes).
        code: only samples with this kind of finding; "any" for any kind.
        at_least, at_most: number of masks.
        text: part of the file's name, case does not matter.
        sort: a key of :data:`SORTS`.
        descending: largest first.
    """

    split: str = ""
    class_row: int | None = None
    code: str = ""
    at_least: int = 0
    at_most: int | None = None
    text: str = ""
    sort: str = "name"
    descending: bool = False


def choose(opened: Opened, wanted: Wanted, findings: Findings | None) -> np.ndarray:
    """The rows of the samples that are wanted, in order.

    Args:
        opened: the dataset.
        wanted: what to keep, and how to sort it.
        findings: of its last check; without one nothing has a finding.

    Returns:
        int array of shape (k,).

    Raises:
        DatasetError: if it shall be sorted by what is not known.
    """
    if wanted.sort not in SORTS:
        raise DatasetError(f"samples are sorted by {', '.join(SORTS)}, not {wanted.sort[:40]!r}")
    rows = np.flatnonzero(_kept(opened, wanted, findings))
    keys = _keys(opened, wanted.sort, findings)[rows]
    order = np.argsort(-keys if wanted.descending else keys, kind="stable")
    return rows[order]


def classes_of(opened: Opened) -> list[str]:
    """The classes by row of the index, as a person reads them."""
    return [class_text(key) for key in opened.index.classes]


def _kept(opened: Opened, wanted: Wanted, findings: Findings | None) -> np.ndarray:
    index = opened.index
    kept = index.masks >= wanted.at_least
    if wanted.at_most is not None:
        kept &= index.masks <= wanted.at_most
    if wanted.split:
        kept &= index.split == wanted.split
    if wanted.class_row is not None:
        kept &= _any_of(len(index), index.image[index.class_number == wanted.class_row])
    if wanted.code:
        codes = findings.codes if findings is not None else {}
        having = [row for row, kinds in codes.items() if wanted.code in ("any", *kinds)]
        kept &= _any_of(len(index), np.array(having, dtype=np.int64))
    if wanted.text:
        part = wanted.text.lower()
        kept &= np.array([part in e.name.lower() for e in opened.dataset.entries], dtype=bool)
    return kept


def _any_of(count: int, rows: np.ndarray) -> np.ndarray:
    flags = np.zeros(count, dtype=bool)
    flags[rows] = True
    return flags


def _keys(opened: Opened, sort: str, findings: Findings | None) -> np.ndarray:
    index, count = opened.index, len(opened.index)
    if sort == "masks":
        return index.masks
    if sort == "size":
        return index.width.astype(np.int64) * index.height
    if sort == "covered":
        return np.bincount(index.image, weights=index.share(), minlength=count)
    if sort in ("largest", "smallest"):
        return _extreme(index.image, index.share(), count, largest=sort == "largest")
    if sort == "classes":
        pairs = np.unique(np.stack([index.image, index.class_number]), axis=1)
        return np.bincount(pairs[0], minlength=count)
    if sort == "findings":
        codes = findings.codes if findings is not None else {}
        return np.array([len(codes.get(row, ())) for row in range(count)])
    names = np.array([entry.name.lower() for entry in opened.dataset.entries], dtype=object)
    return np.argsort(np.argsort(names, kind="stable"), kind="stable")


def _extreme(image: np.ndarray, share: np.ndarray, count: int, *, largest: bool) -> np.ndarray:
    """The largest or smallest mask of each image; images without masks come as the smallest."""
    found = np.full(count, 0.0 if largest else np.inf)
    (np.maximum if largest else np.minimum).at(found, image, share)
    return np.where(np.isinf(found), 0.0, found)
