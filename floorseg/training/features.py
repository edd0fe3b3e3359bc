"""What a frozen encoder makes of each picture, computed once and kept on disk.

A picture is known by its own pixels and the encoder by its own weights, so nothing can be mixed up:
another turn, another resolution, another checkpoint are other keys.
"""

import hashlib
import json
import logging
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import torch

from floorseg.settings import Settings
from floorseg.training.turns import orbit

Encode = Callable[[torch.Tensor], Sequence[torch.Tensor]]
logger = logging.getLogger(__name__)


class FeatureCache:
    """Arrays by picture on disk, in half precision.

    Args:
        folder: where they are kept, shared by every run; None for the settings' cache folder.
        max_gigabytes: the most the folder may hold. What other weights left goes first; when that
            is not enough, further pictures are encoded every time.
        ways: in how many right-angle turns and mirrorings training shows a picture: when one is
            encoded the others are too, so that the second epoch finds all of them.
    """

    def __init__(
        self, folder: str | Path | None = None, *, max_gigabytes: float = 20.0, ways: int = 4
    ) -> None:
        self.folder = Path(folder or Settings().cache / "features").expanduser()
        self.ways = ways
        self.encoded = 0  # pictures that went through the encoder
        self._limit = max_gigabytes * 1e9
        self._held: int | None = None  # bytes, known after the first look
        self._full = False

    def fetch(
        self, images: torch.Tensor, encode: Encode, *, weights: str, ways: int | None = None
    ) -> list[torch.Tensor]:
        """What ``encode`` makes of images, from disk where it has been made before.

        Args:
            images: float (B, 3, S, S), normalised.
            encode: a batch of images -> arrays (B, ...).
            weights: digest of what ``encode`` computes with.
            ways: as for the class, for these images.

        Returns:
            arrays (B, ...) on the images' device, in the precision of the running autocast.
        """
        keys = [_key(image) for image in images]
        found = [self._read(weights, key) for key in keys]
        for index in [i for i, arrays in enumerate(found) if arrays is None]:
            found[index] = self._encode(images[index], encode, weights, ways or self.ways)
        precision = _precision(images.device)
        return [
            # autocast on a CPU cannot stack half precision: converted before, not after
            torch.stack([torch.from_numpy(a).to(precision) for a in arrays]).to(images.device)
            for arrays in zip(*(arrays for arrays in found if arrays is not None), strict=True)
        ]

    def _encode(
        self, image: torch.Tensor, encode: Encode, weights: str, ways: int
    ) -> list[np.ndarray]:
        """Encode one picture in every way it will be seen; answer the one it is seen in now."""
        mine: list[np.ndarray] = []
        for view in orbit(image, ways if not self._full else 1):
            with torch.no_grad():
                arrays = [a[0].to(torch.float16).cpu().numpy() for a in encode(view[None])]
            self.encoded += 1
            self._write(weights, _key(view), arrays)
            mine = mine or arrays
        return mine

    def _path(self, weights: str, key: str) -> Path:
        return self.folder / weights / key[:2] / f"{key}.features"

    def _read(self, weights: str, key: str) -> list[np.ndarray] | None:
        try:
            with self._path(weights, key).open("rb") as file:
                shapes = json.loads(file.readline())
                data = np.fromfile(file, dtype=np.float16)
        except (FileNotFoundError, json.JSONDecodeError, UnicodeDecodeError):
            return None
        sizes = [int(np.prod(shape)) for shape in shapes]
        if len(data) != sum(sizes):
            return None
        parts = np.split(data, np.cumsum(sizes)[:-1])
        return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]

    def _write(self, weights: str, key: str, arrays: Sequence[np.ndarray]) -> None:
        if not all(np.isfinite(array).all() for array in arrays):
            logger.warning("features beyond half precision are not kept")
            return
        header = json.dumps([array.shape for array in arrays]).encode() + b"\n"
        size = len(header) + sum(array.nbytes for array in arrays)
        if not self._make_room(size, keep=weights):
            return
        path = self._path(weights, key)
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(f".{os.getpid()}.tmp")
        try:
            with beside.open("wb") as file:
                file.write(header)
                for array in arrays:
                    file.write(np.ascontiguousarray(array).data)
            os.replace(beside, path)
        except OSError as problem:  # a cache may fail: the training goes on, slower
            logger.warning("features cannot be kept in %s: %s", self.folder, problem)
            beside.unlink(missing_ok=True)
            self._full = True

    def _make_room(self, size: int, *, keep: str) -> bool:
        """Whether ``size`` more bytes may be kept, after throwing out what others left."""
        if self._full:
            return False
        if self._held is None:
            self._held = sum(path.stat().st_size for path in self._files())
        if self._held + size > self._limit:
            self._throw_out(size, keep)
        if self._held + size > self._limit:
            self._full = True
            logger.warning(
                "%s holds %.1f GB, its limit: further pictures are encoded every time; raise "
                "max_gigabytes to keep them", self.folder, self._held / 1e9,
            )  # fmt: skip
            return False
        self._held += size
        return True

    def _throw_out(self, size: int, keep: str) -> None:
        others = [path for path in self._files() if path.parent.parent.name != keep]
        held = self._held or 0
        for path in sorted(others, key=lambda path: path.stat().st_mtime):
            if held + size <= self._limit:
                break
            held -= path.stat().st_size
            path.unlink(missing_ok=True)
        self._held = held

    def _files(self) -> Iterable[Path]:
        return self.folder.glob("*/??/*.features")


def weights_digest(tensors: Iterable[torch.Tensor]) -> str:
    """Name for a set of weights; the same numbers have the same name."""
    digest = hashlib.blake2b(digest_size=12)
    for tensor in tensors:
        digest.update(tensor.detach().float().cpu().contiguous().numpy().data)
    return digest.hexdigest()


def _key(image: torch.Tensor) -> str:
    pixels = image.detach().float().cpu().contiguous().numpy()
    digest = hashlib.blake2b(pixels.data, digest_size=16)
    return digest.hexdigest()


def _precision(device: torch.device) -> torch.dtype:
    if torch.is_autocast_enabled(device.type):
        return torch.get_autocast_dtype(device.type)
    return torch.float32
