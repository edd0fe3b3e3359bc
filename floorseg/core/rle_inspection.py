"""Any run-length encoding laid open: its runs as a table, what they add up to, what they draw.

For the page's RLE inspector: accepts what a person pastes and never raises for what is wrong with
the runs, but says it. Everything is computed from the runs; a mask is laid out only where somebody
asks for its pixels, and then no larger than asked.
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson

from floorseg.core import rle, run_lengths
from floorseg.core.multiclass_rle import is_multiclass, runs_of_labels
from floorseg.errors import DatasetError

MAX_TEXT = 5_000_000  # characters of a pasted encoding
MAX_PYTHON = 100_000  # characters of one in Python's writing, whose parser is hungry

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
        kind: ``runs``, ``pairs``, ``multi-class`` or ``polygons``, in a person's words.
        size: (height, width) in pixels.
        values: int64 (N,), the value of each run.
        counts: int64 (N,), its length.
        starts: int64 (N,), where it begins in reading order.
        by_column: whether the runs go down the columns, as COCO's do, or along the rows.
        total: sum of the counts, exact.
        problem: why nothing can be drawn, or "".
    """

    kind: str
    size: tuple[int, int]
    values: np.ndarray
    counts: np.ndarray
    starts: np.ndarray
    by_column: bool
    total: int
    problem: str

    @property
    def labels(self) -> np.ndarray | None:
        """int32 (H, W), what is drawn; None where there is a problem."""
        if self.problem:
            return None
        flat = np.repeat(self.values.astype(np.int32), self.counts)
        return flat.reshape(self.size, order="F" if self.by_column else "C")

    @property
    def area(self) -> int:
        """Pixels that are not background."""
        return sum(self.counts[self.values != 0].tolist())

    @property
    def bbox(self) -> tuple[int, int, int, int] | None:
        """(x, y, width, height) of what is not background, or None where there is nothing."""
        drawn = (self.values != 0) & (self.counts > 0)
        if self.problem or not drawn.any():
            return None
        height, width = self.size
        along = height if self.by_column else width
        first, last = self.starts[drawn], self.starts[drawn] + self.counts[drawn] - 1
        lines = int((first // along).min()), int((last // along).max())
        if (first // along != last // along).any():  # a run that turns the corner touches both ends
            places = 0, along - 1
        else:
            places = int((first % along).min()), int((last % along).max())
        (x0, x1), (y0, y1) = (lines, places) if self.by_column else (places, lines)
        return x0, y0, x1 - x0 + 1, y1 - y0 + 1

    def picture(self, side: int) -> np.ndarray | None:
        """The labels, small enough to be looked at.

        Args:
            side: the longer side in pixels that is not exceeded.

        Returns:
            int32 array of shape (h, w), each pixel the label at its middle; None where there is a
            problem.
        """
        if self.problem:
            return None
        height, width = self.size
        scale = max(1.0, max(self.size) / side)
        rows, columns = (
            ((np.arange(max(1, int(n / scale))) + 0.5) * n / max(1, int(n / scale))).astype(int)
            for n in (height, width)
        )
        if self.by_column:
            pixels = columns[None] * height + rows[:, None]
        else:
            pixels = rows[:, None] * width + columns[None]
        run = np.searchsorted(self.starts + self.counts, pixels, side="right")
        return self.values[run].astype(np.int32)

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


@dataclass(frozen=True, slots=True, eq=False)
class Pasted:
    """What was found in a text.

    Attributes:
        encoding: the run-length encoding, or polygons.
        stated: ``area`` and ``bbox`` where an annotation around it states them, unchecked.
    """

    encoding: Any
    stated: Mapping[str, Any] = field(default_factory=dict)


def inspect_rle(encoded: Any, size: tuple[int, int] | None = None) -> RleInspection:
    """Lay an encoding open.

    Args:
        encoded: ``counts`` as list, str or bytes, with ``size``; multi-class with ``values``; or
            polygons, which are drawn to pixels first.
        size: (height, width) where the encoding states none.

    Raises:
        DatasetError: if there are no runs in it at all, or its size is impossible.
    """
    if is_multiclass(encoded):
        return _multiclass(encoded)
    if isinstance(encoded, (list, tuple)):
        drawn = rle.read(encoded, size)
        height, width = drawn["size"]
        return _binary("polygons, drawn to pixels", (height, width), rle.runs(drawn))
    if not isinstance(encoded, Mapping) or "counts" not in encoded:
        raise DatasetError("paste an object with 'size' and 'counts'")
    height, width = rle.checked_size(encoded.get("size", size))
    numbers = rle.read_counts(encoded["counts"])
    if run_lengths.are_pairs(numbers, height * width):
        return _laid_open(
            "Roboflow's (value, run) pairs", (height, width), numbers[::2], numbers[1::2], False
        )
    return _binary("runs of zeros and ones", (height, width), numbers)


def parse_rle(text: str) -> Any:
    """The encoding in what a person pasted; see :func:`parse_pasted`."""
    return parse_pasted(text).encoding


def parse_pasted(text: str) -> Pasted:
    """What a person pasted: JSON, Python's way of writing it, or bare counts.

    Raises:
        DatasetError: if it cannot be understood.
    """
    if len(text) > MAX_TEXT:
        raise DatasetError(f"{len(text):,} characters are too many for one mask")
    found = _parsed(text)
    if isinstance(found, dict):
        inner = found.get("segmentation")
        if not isinstance(inner, (dict, list)):
            return Pasted(found)
        return Pasted(inner, {key: found[key] for key in ("area", "bbox") if key in found})
    if isinstance(found, (list, tuple)) and found and all(type(n) is int for n in found):
        return Pasted({"size": [sum(found), 1], "counts": list(found)})
    raise DatasetError("paste an object with 'size' and 'counts', or a list of counts")


def _parsed(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as problem:
        hint = 'this is no encoding; paste for example {"size": [7, 1], "counts": [2, 3, 1, 1]}'
        if len(text) > MAX_PYTHON:
            raise DatasetError(hint) from problem
        try:
            return ast.literal_eval(text.strip())
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError) as other:
            raise DatasetError(hint) from other


def _multiclass(encoded: Mapping[str, Any]) -> RleInspection:
    problem = ""
    try:
        runs_of_labels(encoded)
    except DatasetError as wrong:
        problem = str(wrong)
    size = rle.checked_size(encoded["size"])
    values, counts = (rle.read_counts(encoded[key]) for key in ("values", "counts"))
    shared = min(len(values), len(counts))
    return _laid_open("multi-class", size, values[:shared], counts[:shared], True, problem)


def _binary(kind: str, size: tuple[int, int], numbers: np.ndarray) -> RleInspection:
    return _laid_open(kind, size, np.arange(numbers.size) % 2, numbers, True)


def _laid_open(
    kind: str,
    size: tuple[int, int],
    values: np.ndarray,
    counts: np.ndarray,
    by_column: bool,
    problem: str = "",
) -> RleInspection:
    height, width = size
    total = sum(counts.tolist())  # exact, where int64 might overflow
    before = np.cumsum(counts, dtype=np.float64) - counts
    starts = np.clip(before, -(2.0**62), 2.0**62).astype(np.int64)
    if counts.size == 0 or int(counts.min()) < 0:
        problem = problem or "a run cannot be shorter than nothing"
    elif total != height * width:
        problem = problem or (
            f"the runs add up to {total:,}, not to {height} x {width} = {height * width:,}"
        )
    return RleInspection(kind, size, values, counts, starts, by_column, total, problem)
