"""The plans that visitors have open: pixels under a name that nobody can guess.

A plan belongs to the page that opened it. It is forgotten when that page goes away, or when memory
is short and others were used more recently; the page then sends it again by itself.
"""

import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from hashlib import blake2b
from threading import Lock

import cv2
import numpy as np

from floorseg.errors import FloorsegError
from floorseg.services.uploads import Picture

WORKING_SIDE = 4096  # pixels; larger plans are shown and edited scaled down, exported at full size


class PlanGone(FloorsegError):
    """The server no longer holds this plan; the page opens it again."""


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """One open plan.

    Attributes:
        token: its unguessable name.
        owner: the page it belongs to.
        picture: name, page and the pixels as they came.
        pixels: uint8 (H, W, 3), RGB, what the page shows and the model sees: at most
            ``WORKING_SIDE`` on its longer side.
        digest: hexadecimal digest of ``pixels``; equal plans are encoded once.
    """

    token: str
    owner: str
    picture: Picture
    pixels: np.ndarray = field(repr=False)
    digest: str

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels that prompts and masks are given in."""
        return int(self.pixels.shape[0]), int(self.pixels.shape[1])

    @property
    def full_size(self) -> tuple[int, int]:
        """(height, width) in pixels of the picture as it came."""
        return int(self.picture.pixels.shape[0]), int(self.picture.pixels.shape[1])

    @property
    def nbytes(self) -> int:
        """Bytes of memory held."""
        own = self.pixels.nbytes if self.pixels is not self.picture.pixels else 0
        return own + self.picture.pixels.nbytes


class PlanStore:
    """Open plans, the least recently used forgotten first.

    Args:
        max_bytes: memory for all plans together; the newest is kept whatever its size.
        per_owner: how many plans one page may hold.
    """

    def __init__(self, max_bytes: int, *, per_owner: int = 4) -> None:
        self._max_bytes = max_bytes
        self._per_owner = per_owner
        self._plans: OrderedDict[str, Plan] = OrderedDict()
        self._lock = Lock()

    def add(self, picture: Picture, owner: str) -> Plan:
        """Hold a picture for a page."""
        pixels = _working(picture.pixels)
        shape = repr(pixels.shape).encode()
        digest = blake2b(np.ascontiguousarray(pixels).data, digest_size=16, key=shape[:64])
        plan = Plan(secrets.token_urlsafe(24), owner, picture, pixels, digest.hexdigest())
        with self._lock:
            self._plans[plan.token] = plan
            mine = [token for token, other in self._plans.items() if other.owner == owner]
            for token in mine[: -self._per_owner]:
                del self._plans[token]
            while len(self._plans) > 1 and self._held() > self._max_bytes:
                self._plans.popitem(last=False)
        return plan

    def get(self, token: str) -> Plan:
        """The plan of this name.

        Raises:
            PlanGone: if it is not held, or never was.
        """
        with self._lock:
            plan = self._plans.get(token)
            if plan is None:
                raise PlanGone("the server no longer holds this plan; open it again")
            self._plans.move_to_end(token)
            return plan

    def holds(self, token: str) -> bool:
        """Whether a plan is still here; asking does not keep it."""
        with self._lock:
            return token in self._plans

    def forget_owner(self, owner: str) -> None:
        """Drop everything of a page that went away."""
        with self._lock:
            for token in [t for t, plan in self._plans.items() if plan.owner == owner]:
                del self._plans[token]

    def digests(self) -> set[str]:
        """Of all plans that are held."""
        with self._lock:
            return {plan.digest for plan in self._plans.values()}

    @property
    def nbytes(self) -> int:
        """Bytes of memory held."""
        with self._lock:
            return self._held()

    def _held(self) -> int:
        return sum(plan.nbytes for plan in self._plans.values())


def _working(pixels: np.ndarray) -> np.ndarray:
    height, width = pixels.shape[:2]
    scale = WORKING_SIDE / max(height, width)
    if scale >= 1:
        return pixels
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
