"""Any run-length encoding laid open: its runs as a table, what they add up to, what they draw.

For the page's RLE inspector: accepts what a person pastes and never raises for what is wrong with
the runs, but says it.
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from floorseg.core import rle, run_lengths
from floorseg.core.multiclass_rle import decode_labels, is_multiclass
from floorseg.errors import DatasetError

MAX_TEXT = 5_000_000  # characters of a pasted encoding

EXAMPLES: Mapping[str, dict[str, Any]] = {
    "binary, starts with 0": {"size": [7, 1], "counts": [2, 3, 1, 1]},
    "binary, starts with 1": {"size": [7, 1], "counts": [0, 6, 1]},
    "multi-class": {
        "size": [4, 5],
        "values": [0, 3, 0, 3, 1, 0, 1, 0],
        "counts": [1, 3, 2, 2, 3, 1, 3, 5],
    },
}


@dataclass(frozen=True, slots=True, eq=False)
class RleInspection:
    """An encoding, laid open.

    Attributes:
        kind: ``runs``, ``pairs`` or ``multi-class``, in a person's words.
        size: (height, width) in pixels.
        values: int64 (N,), the value of each run.
        counts: int64 (N,), its length.
        starts: int64 (N,), where it begins in reading order.
        by_column: whether the runs go down the columns, as COCO's do, or along the rows.
        total: sum of the counts.
        problem: why nothing can be drawn, or "".
        labels: int32 (H, W), what is drawn; None where there is a problem.
    """

    kind: str
    size: tuple[int, int]
    values: np.ndarray
    counts: np.ndarray
    starts: np.ndarray
    by_column: bool
    total: int
    problem: str
    labels: np.ndarray | None

    @property
    def area(self) -> int:
        """Pixels that are not background."""
        return int(self.counts[self.values != 0].sum())

    @property
    def bbox(self) -> tuple[int, int, int, int] | None:
        """(x, y, width, height) of what is not background, or None where there is nothing."""
        if self.labels is None or not self.labels.any():
            return None
        rows = np.flatnonzero(self.labels.any(axis=1))
        columns = np.flatnonzero(self.labels.any(axis=0))
        width, height = columns[-1] - columns[0] + 1, rows[-1] - rows[0] + 1
        return int(columns[0]), int(rows[0]), int(width), int(height)

    def table(self, limit: int = 1000) -> list[dict[str, int]]:
        """One row a run: its value, length, and the pixel (column, row) where it begins."""
        height, width = self.size
        rows = []
        for place in range(min(limit, len(self.counts))):
            start = int(self.starts[place])
            column, row = divmod(start, height) if self.by_column else divmod(start, width)[::-1]
            rows.append(
                {
                    "run": place,
                    "value": int(self.values[place]),
                    "length": int(self.counts[place]),
                    "column": column,
                    "row": row,
                }
            )
        return rows


def inspect_rle(encoded: Mapping[str, Any], size: tuple[int, int] | None = None) -> RleInspection:
    """Lay an encoding open.

    Args:
        encoded: ``counts`` as list, str or bytes, with ``size``; or multi-class with ``values``.
        size: (height, width) where the encoding states none.

    Raises:
        DatasetError: if there are no runs in it at all, or its size is impossible.
    """
    if is_multiclass(encoded):
        return _multiclass(encoded)
    if not isinstance(encoded, Mapping) or "counts" not in encoded:
        raise DatasetError("paste an object with 'size' and 'counts'")
    height, width = rle.checked_size(encoded.get("size", size))
    numbers = rle.read_counts(encoded["counts"])
    if run_lengths.are_pairs(numbers, height * width):
        return _laid_open(
            "Roboflow's (value, run) pairs", (height, width), numbers[::2], numbers[1::2], False
        )
    values = np.arange(numbers.size) % 2
    return _laid_open("runs of zeros and ones", (height, width), values, numbers, True)


def parse_rle(text: str) -> Mapping[str, Any]:
    """What a person pasted: JSON, Python's way of writing it, or bare counts with a size before.

    Raises:
        DatasetError: if it cannot be understood.
    """
    if len(text) > MAX_TEXT:
        raise DatasetError(f"{len(text):,} characters are too many for one mask")
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        try:
            found = ast.literal_eval(text.strip())
        except (ValueError, SyntaxError, MemoryError, RecursionError) as problem:
            raise DatasetError(
                'this is no encoding; paste for example {"size": [7, 1], "counts": [2, 3, 1, 1]}'
            ) from problem
    if isinstance(found, dict):
        inner = found.get("segmentation")
        return inner if isinstance(inner, dict) else found
    if isinstance(found, (list, tuple)) and found and all(type(n) is int for n in found):
        return {"size": [sum(found), 1], "counts": list(found)}
    raise DatasetError("paste an object with 'size' and 'counts', or a list of counts")


def _multiclass(encoded: Mapping[str, Any]) -> RleInspection:
    problem, labels = "", None
    try:
        labels = decode_labels(encoded)
    except DatasetError as wrong:
        problem = str(wrong)
    size = rle.checked_size(list(encoded["size"]) if encoded["size"] else None)
    values, counts = (rle.read_counts(list(encoded[key])) for key in ("values", "counts"))
    shared = min(len(values), len(counts))
    opened = _laid_open("multi-class", size, values[:shared], counts[:shared], True)
    return RleInspection(
        "multi-class", size, opened.values, opened.counts, opened.starts, True, sum(counts.tolist()),
        problem, labels,
    )  # fmt: skip


def _laid_open(
    kind: str, size: tuple[int, int], values: np.ndarray, counts: np.ndarray, by_column: bool
) -> RleInspection:
    height, width = size
    total = sum(counts.tolist())  # exact, where int64 might overflow
    starts = np.cumsum(counts) - counts
    problem, labels = "", None
    if counts.size == 0 or int(counts.min()) < 0:
        problem = "a run cannot be shorter than nothing"
    elif total != height * width:
        problem = f"the runs add up to {total:,}, not to {height} x {width} = {height * width:,}"
    else:
        flat = np.repeat(values.astype(np.int32), counts)
        labels = flat.reshape(size, order="F" if by_column else "C")
    return RleInspection(kind, size, values, counts, starts, by_column, total, problem, labels)
