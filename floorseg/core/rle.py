"""Run-length encoding of masks, on pycocotools.

COCO's RLE counts runs down the columns (column-major), starting with a run of zeros. Files hold
other things under the same name: polygons, lists of runs, Roboflow's row-major (value, run) pairs;
:func:`read` turns all of them into COCO's compressed form.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from floorseg.core import run_lengths
from floorseg.core.images import MAX_PIXELS
from floorseg.errors import DatasetError

Segmentation = Mapping[str, Any]

AT_ONCE = 255  # pycocotools 2.0 fails on more: it counts them in eight bits on the way


def encode(mask: np.ndarray) -> dict[str, Any]:
    """Compressed COCO RLE of a mask.

    Args:
        mask: bool or 0/1 array of shape (H, W).

    Returns:
        ``{"size": [H, W], "counts": str}``, ready for JSON.
    """
    return _from_coco(coco_mask.encode(np.asfortranarray(mask, dtype=np.uint8)))


def decode(segmentation: Segmentation) -> np.ndarray:
    """bool array of shape (H, W) of a compressed COCO RLE."""
    return coco_mask.decode(dict(segmentation)).view(bool)


def area(segmentation: Segmentation) -> int:
    """Number of pixels of a compressed COCO RLE, without decoding it."""
    return int(coco_mask.area(dict(segmentation)))


def bbox(segmentation: Segmentation) -> tuple[float, float, float, float]:
    """(x, y, width, height) in pixels of a compressed COCO RLE, without decoding it."""
    x, y, width, height = (float(v) for v in coco_mask.toBbox(dict(segmentation)))
    return x, y, width, height


def areas(segmentations: Sequence[Segmentation]) -> np.ndarray:
    """int64 (N,) numbers of pixels of many compressed COCO RLEs, in one call."""
    if len(segmentations) > AT_ONCE:
        starts = range(0, len(segmentations), AT_ONCE)
        return np.concatenate([areas(segmentations[start : start + AT_ONCE]) for start in starts])
    return np.asarray(coco_mask.area(list(segmentations))).astype(np.int64)


def boxes(segmentations: Sequence[Segmentation]) -> np.ndarray:
    """float64 (N, 4) boxes, (x, y, width, height), of many compressed COCO RLEs, in one call."""
    if not segmentations:
        return np.zeros((0, 4))
    return np.asarray(coco_mask.toBbox(list(segmentations)), dtype=np.float64)


def runs(segmentation: Segmentation) -> np.ndarray:
    """int64 run lengths of a compressed COCO RLE: zeros, ones, zeros, ... down the columns."""
    counts = segmentation["counts"]
    return run_lengths.unpack(counts if isinstance(counts, bytes) else counts.encode("ascii"))


def from_runs(lengths: Sequence[int] | np.ndarray, size: tuple[int, int]) -> dict[str, Any]:
    """Compressed COCO RLE of column-major run lengths, zeros first.

    Args:
        lengths: run lengths that add up to the number of pixels.
        size: (height, width) in pixels.
    """
    height, width = size
    listed = lengths.tolist() if isinstance(lengths, np.ndarray) else list(lengths)
    return _from_coco(
        coco_mask.frPyObjects({"counts": listed, "size": [height, width]}, height, width)
    )


def read(
    segmentation: Any, size: tuple[int, int] | None = None, *, pairs: bool | None = None
) -> dict[str, Any]:
    """Compressed COCO RLE of whatever a file calls a segmentation.

    Reads polygons (``[[x0, y0, x1, y1, ...], ...]`` or one flat list), run lengths as a list,
    COCO's compressed counts as str or bytes, and Roboflow's row-major (value, run) pairs in either
    writing, which are told from run lengths by their sums.

    Args:
        segmentation: as parsed from JSON.
        size: the image's (height, width). Polygons need it; where a run-length encoding states
            (width, height) instead, it says so.
        pairs: True where the file is known to hold pairs: decides ``[0, pixels]``, which is an
            empty mask as pairs and a full one as runs. None to judge this mask alone.

    Raises:
        DatasetError: if it is none of these, or its runs do not add up to its size.
    """
    if isinstance(segmentation, (list, tuple)):
        return _from_polygons(segmentation, size)
    if not isinstance(segmentation, Mapping) or "counts" not in segmentation:
        raise DatasetError(
            f"a segmentation must be polygons or {{counts, size}}, got {_shown(segmentation)}"
        )
    height, width = checked_size(segmentation.get("size", size))
    if size is not None and (height, width) == (size[1], size[0]):
        height, width = size  # written as (width, height): the sums cannot tell, the image can
    numbers = read_counts(segmentation["counts"])
    return _from_numbers(numbers, (height, width), pairs, segmentation["counts"])


def read_sound(segmentations: Sequence[Any], size: tuple[int, int]) -> list[dict[str, Any] | None]:
    """What :func:`read` would make of many segmentations, where nothing about them is unusual.

    Args:
        segmentations: as parsed from JSON.
        size: the image's (height, width).

    Returns:
        compressed COCO RLE for what holds just that, of this size and with run lengths that add up
        to it; None for everything else, which :func:`read` has to look at.
    """
    height, width = size
    found: list[dict[str, Any] | None] = [None] * len(segmentations)
    usual = [place for place, each in enumerate(segmentations) if _is_usual(each, size)]
    texts = [segmentations[place]["counts"] for place in usual]
    sums = run_lengths.add_up([text.encode("ascii") for text in texts])
    for place, text, total in zip(usual, texts, sums.tolist(), strict=True):
        if total == height * width <= MAX_PIXELS:
            found[place] = {"size": [height, width], "counts": text}
    return found


def _is_usual(segmentation: Any, size: tuple[int, int]) -> bool:
    if not isinstance(segmentation, dict):
        return False
    stated, counts = segmentation.get("size"), segmentation.get("counts")
    return (
        isinstance(stated, list)
        and stated == list(size)
        and all(type(n) is int for n in stated)
        and isinstance(counts, str)
        and counts.isascii()
    )


def read_counts(counts: Any) -> np.ndarray:
    """int64 numbers held by ``counts``: a list of whole numbers, or COCO's code as str or bytes.

    Raises:
        DatasetError: if it is neither.
    """
    try:
        if isinstance(counts, str):
            return run_lengths.unpack(counts.encode("ascii"))
        if isinstance(counts, bytes):
            return run_lengths.unpack(counts)
        if isinstance(counts, (list, tuple)) and all(type(n) is int for n in counts):
            return np.array(counts, dtype=np.int64)
    except (ValueError, OverflowError) as problem:
        raise DatasetError(
            f"the run-length code is damaged: {problem}; export it again"
        ) from problem
    raise DatasetError(
        f"counts must be a list of whole numbers or a string of COCO's code, got {_shown(counts)}"
    )


def holds_pairs(segmentation: Any) -> bool:
    """Whether a segmentation certainly holds Roboflow's row-major (value, run) pairs."""
    if not isinstance(segmentation, Mapping) or "counts" not in segmentation:
        return False
    try:
        height, width = checked_size(segmentation.get("size"))
        return run_lengths.are_pairs(read_counts(segmentation["counts"]), height * width)
    except DatasetError:
        return False


def any_holds_pairs(segmentations: Sequence[Any]) -> bool:
    """Whether one of a file's segmentations certainly holds Roboflow's pairs.

    Read as runs, the pixels of such pairs add up to the whole image, which pycocotools tells for
    all at once; only those are looked at closely.
    """
    packed = [s for s in segmentations if _is_packed(s)]
    whole = [s["size"][0] * s["size"][1] for s in packed]
    suspects = [s for s, a, n in zip(packed, areas(packed), whole, strict=True) if int(a) == n]
    rest = [s for s in segmentations if isinstance(s, Mapping) and not _is_packed(s)]
    return any(holds_pairs(segmentation) for segmentation in (*suspects, *rest))


def _is_packed(segmentation: Any) -> bool:
    if not isinstance(segmentation, Mapping):
        return False
    try:
        checked_size(segmentation.get("size"))
    except DatasetError:
        return False
    counts = segmentation.get("counts")
    return isinstance(counts, bytes) or (isinstance(counts, str) and counts.isascii())


def _from_numbers(
    numbers: np.ndarray, size: tuple[int, int], pairs: bool | None, counts: Any
) -> dict[str, Any]:
    height, width = size
    pixels = height * width
    try:
        if run_lengths.are_pairs(numbers, pixels) or (pairs and numbers.tolist() == [0, pixels]):
            along = run_lengths.pairs_to_runs(numbers)
            return from_runs(run_lengths.transpose(along, height, width), size)
    except ValueError as problem:
        raise DatasetError(f"the mask cannot be used: {problem}; draw it again") from problem
    if numbers.size == 0 or int(numbers.min()) < 0:
        raise DatasetError("the run lengths are empty or negative; export the mask again")
    small = int(numbers.max()) <= pixels and numbers.size < 2**32
    total = int(numbers.sum()) if small else sum(numbers.tolist())  # int64 might overflow
    if total != pixels:
        raise DatasetError(
            f"the run lengths add up to {total:,}, not to the {pixels:,} pixels of "
            f"{height} x {width} (height x width); export the mask again"
        )
    if isinstance(counts, str):
        return {"size": [height, width], "counts": counts}
    if isinstance(counts, bytes):
        return {"size": [height, width], "counts": counts.decode("ascii")}
    return from_runs(numbers, size)


def _from_polygons(polygons: Sequence[Any], size: tuple[int, int] | None) -> dict[str, Any]:
    if size is None:
        raise DatasetError("polygons need the image's width and height; add them to the file")
    height, width = checked_size(size)
    if polygons and not isinstance(polygons[0], (list, tuple)):
        polygons = [polygons]
    usable = [_checked_polygon(polygon, height, width) for polygon in polygons]
    usable = [polygon for polygon in usable if len(polygon) >= 6]
    if not usable:
        return from_runs([height * width], (height, width))
    return _from_coco(coco_mask.merge(coco_mask.frPyObjects(usable, height, width)))


def _checked_polygon(polygon: Any, height: int, width: int) -> list[float]:
    try:
        points = [float(value) for value in polygon]
    except (TypeError, ValueError, OverflowError) as problem:
        raise DatasetError(
            f"a polygon must be a list of numbers, got {_shown(polygon)}"
        ) from problem
    if len(points) % 2:
        raise DatasetError(f"a polygon has {len(points)} numbers; x and y must come in pairs")
    reach = 4 * max(height, width)
    if not all(math.isfinite(value) and abs(value) <= reach for value in points):
        raise DatasetError(
            f"a polygon reaches far outside the {width} x {height} image; check its coordinates"
        )
    around = np.asarray(points).reshape(-1, 2)
    if np.abs(np.diff(around, axis=0)).sum() > run_lengths.MAX_BOUNDARY:
        raise DatasetError("a polygon's outline is longer than any shape on a plan; draw it again")
    return points


def checked_size(size: Any) -> tuple[int, int]:
    """(height, width) as a file states it.

    Raises:
        DatasetError: if it is not two whole numbers, or larger than any picture read here.
    """
    if (
        not isinstance(size, (list, tuple))
        or len(size) != 2
        or not all(type(n) is int and n > 0 for n in size)
    ):
        raise DatasetError(f"size must be [height, width] in whole pixels, got {_shown(size)}")
    if size[0] * size[1] > MAX_PIXELS:
        raise DatasetError(
            f"a mask of {size[0]} x {size[1]} pixels is larger than the {MAX_PIXELS / 1e6:.0f} "
            "megapixels that are read here; scale image and mask down"
        )
    return size[0], size[1]


def _from_coco(encoded: Mapping[str, Any]) -> dict[str, Any]:
    return {"size": [int(n) for n in encoded["size"]], "counts": encoded["counts"].decode("ascii")}


def _shown(value: Any) -> str:
    text = repr(value)[:60] if not isinstance(value, (list, dict)) else type(value).__name__
    return f"{text}"
