"""Each plan made small once: image and masks at the size training looks at, kept on disk.

Decoding a large picture and twenty run-length masks costs more than a whole training step at low
resolution, so it is done once a plan and size. Everything is squeezed to a square, which is what
SAM 2 does with every picture it is given.
"""

import hashlib
import logging
import math
import os
import zlib
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from floorseg.data.annotation import Sample
from floorseg.errors import DatasetError
from floorseg.settings import Settings

VERSION = 1  # raise when what is stored changes: older entries are then ignored
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class ReducedPlan:
    """One plan, small.

    Attributes:
        image: uint8 (S, S, 3), RGB.
        packed: uint8 (N, S, ceil(S / 8)), the masks, eight pixels a byte along x.
        categories: N class names, "" where the file says none.
    """

    image: np.ndarray
    packed: np.ndarray
    categories: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.packed)

    def mask(self, index: int) -> np.ndarray:
        """uint8 array (S, S) of 0 and 255."""
        return _unpack_bits(self.packed[index], self.image.shape[1])

    def union(self) -> np.ndarray:
        """uint8 array (S, S) of 0 and 255: where any mask is."""
        return _unpack_bits(np.bitwise_or.reduce(self.packed, axis=0), self.image.shape[1])


def reduce_sample(sample: Sample, size: int) -> ReducedPlan:
    """Picture and masks of ``sample`` at ``size`` x ``size`` pixels.

    Masks are averaged over the pixels they are made from and cut at one half.

    Raises:
        ImageError: if the picture cannot be read.
        DatasetError: if a mask does not have the picture's size.
    """
    image = sample.image()
    packed = np.zeros((len(sample.annotations), size, -(-size // 8)), dtype=np.uint8)
    for row, annotation in zip(packed, sample.annotations, strict=True):
        mask = annotation.mask()
        if mask.shape != image.shape[:2]:
            raise DatasetError(
                f"{sample.image_path} is {image.shape[1]} x {image.shape[0]} pixels but annotation "
                f"{annotation.id} is {mask.shape[1]} x {mask.shape[0]}; re-export it at the "
                "picture's size"
            )
        row[:] = np.packbits(_reduce_mask(mask, annotation.bbox(), size), axis=1)
    names = tuple(annotation.category_name or "" for annotation in sample.annotations)
    return ReducedPlan(_resize(image, size), packed, names)


class ReducedCache:
    """Reduced plans on disk, made when first asked for, found again by picture, masks and size.

    Args:
        folder: where they are kept, shared by every run; None for the settings' cache folder.
        max_gigabytes: nothing more is written once the folder holds this much; plans beyond it
            are reduced every time.
    """

    def __init__(self, folder: str | Path | None = None, *, max_gigabytes: float = 20.0) -> None:
        self.folder = Path(folder or Settings().cache / "reduced").expanduser()
        self._room = max_gigabytes * 1e9
        self._checked = False

    def load(self, sample: Sample, size: int) -> ReducedPlan:
        """The reduced plan, from disk where it has been made before.

        Raises:
            ImageError: if the picture cannot be read.
            DatasetError: if a mask does not have the picture's size.
        """
        path = self._path(sample, size)
        try:
            return _unpack(path.read_bytes())
        except FileNotFoundError:
            pass
        except (ValueError, zlib.error) as damaged:
            logger.warning("%s is damaged (%s) and made anew", path, damaged)
        plan = reduce_sample(sample, size)
        self._store(path, plan)
        return plan

    def _path(self, sample: Sample, size: int) -> Path:
        facts = sample.image_path.stat()
        key = hashlib.blake2b(digest_size=16)
        key.update(f"{VERSION} {sample.image_path.resolve()} {facts.st_mtime_ns} ".encode())
        key.update(f"{facts.st_size} {size}".encode())
        for annotation in sample.annotations:
            counts = annotation.segmentation["counts"]
            key.update(counts.encode() if isinstance(counts, str) else bytes(counts))
            key.update((annotation.category_name or "").encode())
        name = key.hexdigest()
        return self.folder / str(size) / name[:2] / f"{name}.plan"

    def _store(self, path: Path, plan: ReducedPlan) -> None:
        if not self._checked:
            held = sum(file.stat().st_size for file in self.folder.rglob("*.plan"))
            self._room -= held
            self._checked = True
        blob = _pack(plan)
        if len(blob) > self._room:
            return
        self._room -= len(blob)
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(f".{os.getpid()}.tmp")
        beside.write_bytes(blob)
        os.replace(beside, path)


def _reduce_mask(mask: np.ndarray, box: tuple[float, float, float, float], size: int) -> np.ndarray:
    """bool (size, size): where at least half of what a pixel stands for is inside.

    Only the part around the mask is looked at, cut where old and new pixels share an edge.
    """
    height, width = mask.shape
    if min(mask.shape) < size:
        return _resize(mask.astype(np.uint8) * 255, size) > 127
    left, right, from_x, to_x = _shared_edges(box[0], box[2], width, size)
    top, bottom, from_y, to_y = _shared_edges(box[1], box[3], height, size)
    part = np.ascontiguousarray(mask[top:bottom, left:right]).view(np.uint8) * 255
    result = np.zeros((size, size), dtype=bool)
    small = cv2.resize(part, (to_x - from_x, to_y - from_y), interpolation=cv2.INTER_AREA)
    result[from_y:to_y, from_x:to_x] = small > 127
    return result


def _shared_edges(start: float, length: float, old: int, new: int) -> tuple[int, int, int, int]:
    """The least span of old pixels around ``start .. start + length`` that new pixels fill exactly.

    Returns:
        its first and last edge in old pixels, and the same two edges in new ones.
    """
    common = math.gcd(old, new)
    step = old // common  # old pixels between two edges that both grids share
    first = min(int(start) // step, common - 1)
    last = max(first + 1, min(common, math.ceil((start + length) / step)))
    return first * step, last * step, first * (new // common), last * (new // common)


def _unpack_bits(packed: np.ndarray, size: int) -> np.ndarray:
    bits = np.unpackbits(packed, axis=1, count=size)
    return np.multiply(bits, 255, out=bits)


def _resize(array: np.ndarray, size: int) -> np.ndarray:
    shrinks = array.shape[0] >= size and array.shape[1] >= size
    return cv2.resize(
        array, (size, size), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    )


def _pack(plan: ReducedPlan) -> bytes:
    names = "\n".join(plan.categories).encode()
    header = np.array([plan.image.shape[1], len(plan), len(names)], dtype=np.uint32)
    parts = header.tobytes(), names, plan.image.tobytes(), plan.packed.tobytes()
    return zlib.compress(b"".join(parts), 1)


def _unpack(blob: bytes) -> ReducedPlan:
    data = zlib.decompress(blob)
    size, count, length = (int(n) for n in np.frombuffer(data, dtype=np.uint32, count=3))
    start = 12 + length
    names = tuple(data[12:start].decode().split("\n")) if count else ()
    pixels, row = size * size * 3, -(-size // 8)
    image = np.frombuffer(data, np.uint8, pixels, start).reshape(size, size, 3)
    packed = np.frombuffer(data, np.uint8, count * size * row, start + pixels)
    return ReducedPlan(image, packed.reshape(count, size, row), names)
