"""Freed memory goes back to the operating system, so that a server shrinks when visitors leave."""

import ctypes
import sys
from functools import cache
from typing import Protocol


class _Trim(Protocol):
    def __call__(self, keep: int, /) -> int: ...


def give_back() -> None:
    """Return what was freed; does nothing where the C library is not glibc."""
    trim = _malloc_trim()
    if trim is not None:
        trim(0)


@cache
def _malloc_trim() -> _Trim | None:
    if not sys.platform.startswith("linux"):
        return None
    found: _Trim | None = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return found
