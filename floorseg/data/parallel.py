"""The same work on many items in several processes, in order, with bounded memory."""

import multiprocessing
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from typing import TypeVar

from floorseg.errors import DatasetError

T = TypeVar("T")
R = TypeVar("R")

FEW = 48  # fewer items are done before other processes have started
AHEAD = 3  # chunks a process may be ahead of the reader


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def map_in_order(
    work: Callable[[T], R],
    items: Sequence[T],
    *,
    workers: int | None = None,
    chunk: int = 32,
    few: int = FEW,
) -> Iterator[R]:
    """``work(item)`` of every item, in order.

    Args:
        work: a function of a module, with arguments bound by :func:`functools.partial` at most.
        items: each must be picklable.
        workers: processes; None for one a processor. Few items are done in this process.
        chunk: items sent to a process at once.
        few: fewer items than this are done in this process.

    Raises:
        DatasetError: if a process was killed, for want of memory most likely.
    """
    count = processors() if workers is None else workers
    if count <= 1 or len(items) < few:
        yield from map(work, items)
        return
    chunks = [items[start : start + chunk] for start in range(0, len(items), chunk)]
    with ProcessPoolExecutor(count, mp_context=_context()) as pool:
        waiting: deque[Future[list[R]]] = deque()
        try:
            for block in chunks:
                waiting.append(pool.submit(partial(_work_through, work), block))
                if len(waiting) > AHEAD * count:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()
        except BrokenProcessPool as broken:
            raise DatasetError(
                "a process ended while it worked, for want of memory most likely; try --workers 1"
            ) from broken
        finally:
            for future in waiting:
                future.cancel()


def _context() -> multiprocessing.context.BaseContext:
    """Copies of this process start at once; where it runs threads (a page, torch) they may hang."""
    lonely = threading.active_count() == 1 and "torch" not in sys.modules
    can_fork = "fork" in multiprocessing.get_all_start_methods() and sys.platform != "darwin"
    return multiprocessing.get_context("fork" if lonely and can_fork else "spawn")


def _work_through(work: Callable[[T], R], block: Sequence[T]) -> list[R]:
    return [work(item) for item in block]
