"""Run-length encoding of a label image: one dict for all classes or instances at once.

``{"size": (H, W), "values": (...), "counts": (...)}``: run ``i`` is ``counts[i]`` pixels of
``values[i]``, read down the columns (column-major), as in COCO's binary encoding.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from floorseg.core.images import MAX_PIXELS
from floorseg.errors import DatasetError


def encode_labels(labels: np.ndarray) -> dict[str, tuple[int, ...]]:
    """The runs of a label image.

    Args:
        labels: integer array of shape (H, W).

    Returns:
        ``size`` (H, W), ``values`` and ``counts``, tuples of int.
    """
    flat = labels.ravel(order="F")
    starts = np.concatenate(([0], np.flatnonzero(flat[1:] != flat[:-1]) + 1))
    counts = np.diff(starts, append=flat.size)
    return {
        "size": (int(labels.shape[0]), int(labels.shape[1])),
        "values": tuple(flat[starts].tolist()),
        "counts": tuple(counts.tolist()),
    }


def decode_labels(encoded: Mapping[str, Any]) -> np.ndarray:
    """The label image of its runs.

    Returns:
        int32 array of shape (H, W).

    Raises:
        DatasetError: if a field is missing, no whole number, or the runs do not fill the size.
    """
    size, values, counts = runs_of_labels(encoded)
    flat = np.repeat(np.array(values, dtype=np.int32), np.array(counts, dtype=np.int64))
    return flat.reshape(size, order="F")


def runs_of_labels(encoded: Mapping[str, Any]) -> tuple[list[int], list[int], list[int]]:
    """(size, values, counts) of an encoding, checked, without laying it out.

    Raises:
        DatasetError: if a field is missing, no whole number, or the runs do not fill the size.
    """
    size, values, counts = (_whole_numbers(encoded, key) for key in ("size", "values", "counts"))
    if len(size) != 2 or min(size) < 1 or size[0] * size[1] > MAX_PIXELS:
        raise DatasetError(
            f"size must be (height, width) of at most {MAX_PIXELS / 1e6:.0f} megapixels, "
            f"got {str(size)[:60]}"
        )
    if len(values) != len(counts):
        raise DatasetError(
            f"every run needs a value: got {len(values)} values and {len(counts)} counts"
        )
    if any(n < 0 for n in counts) or sum(counts) != size[0] * size[1]:
        raise DatasetError(
            f"counts add up to {sum(counts):,}, not to the {size[0] * size[1]:,} pixels of "
            f"{size[0]} x {size[1]} (height x width)"
        )
    if any(not 0 <= value < 2**31 for value in values):
        raise DatasetError("values must be class or instance numbers from 0 to 2147483647")
    return size, values, counts


def binary_counts(mask: Sequence[int] | np.ndarray) -> list[int]:
    """Run lengths of zeros and ones, zeros first: ``[1, 1, 0]`` -> ``[0, 2, 1]``.

    Args:
        mask: 0/1 values; a 2-D array is read down its columns.
    """
    flat = np.asarray(mask, dtype=bool).ravel(order="F")
    edges = np.flatnonzero(np.diff(flat.astype(np.int8), prepend=0))
    return np.diff(edges, prepend=0, append=flat.size).tolist()


def is_multiclass(encoded: Any) -> bool:
    """Whether a parsed value looks like a multi-class run-length encoding."""
    return isinstance(encoded, Mapping) and {"size", "values", "counts"} <= encoded.keys()


def _whole_numbers(encoded: Mapping[str, Any], key: str) -> list[int]:
    found = encoded.get(key)
    if not isinstance(found, (list, tuple)) or not all(type(n) is int for n in found):
        raise DatasetError(f"{key} must be a list of whole numbers, got {str(found)[:60]}")
    return list(found)
