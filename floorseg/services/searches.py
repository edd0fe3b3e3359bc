"""Searches of whole plans in the background: watched, stopped, and forgotten with their page."""

import logging
import secrets
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from time import monotonic

from floorseg.core.patch import Patch
from floorseg.core.structures import MaskProposal, Progress, ProgressCallback
from floorseg.errors import FloorsegError, Stopped
from floorseg.services.watched import Watched

_log = logging.getLogger(__name__)
_KEPT = 64  # finished searches whose result was not fetched
_PER_OWNER = 2  # waiting or running at a time

Find = Callable[[ProgressCallback, Callable[[], bool]], list[MaskProposal]]


@dataclass(frozen=True, slots=True)
class Found:
    """One region that a search found."""

    patch: Patch
    score: float


@dataclass(slots=True, eq=False, kw_only=True)
class Search(Watched):
    """One search of one plan.

    Attributes:
        found: the regions, once done.
        seconds: how long it took.
    """

    found: tuple[Found, ...] = ()
    seconds: float = 0.0


class Searches:
    """Runs searches one after the other.

    Args:
        max_seconds: a search is stopped after so long; None for no limit.
    """

    def __init__(self, *, max_seconds: float | None = None) -> None:
        self._max_seconds = max_seconds
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="search")
        self._searches: dict[str, Search] = {}
        self._lock = Lock()

    def start(self, owner: str, find: Find) -> Search:
        """Put a search into the queue.

        Raises:
            FloorsegError: if this page has enough of them under way.
        """
        search = Search(secrets.token_urlsafe(24), owner)
        with self._lock:
            mine = [s for s in self._searches.values() if s.owner == owner and not s.ended]
            if len(mine) >= _PER_OWNER:
                raise FloorsegError("this page is searching already; stop that or wait for it")
            over = [token for token, s in self._searches.items() if s.ended]
            for token in over[: max(0, len(self._searches) - _KEPT)]:
                del self._searches[token]
            self._searches[search.token] = search
        self._pool.submit(self._run, search, find).add_done_callback(_log_a_bug)
        return search

    def get(self, token: str) -> Search:
        """The search of this name.

        Raises:
            FloorsegError: if there is none.
        """
        search = self._searches.get(token)
        if search is None:
            raise FloorsegError("this search is no longer known; start it again")
        return search

    def stop(self, token: str) -> None:
        """Ask a search to end soon."""
        self.get(token).stopping.set()

    def forget_owner(self, owner: str) -> None:
        """Stop and drop everything of a page that went away."""
        with self._lock:
            for token, search in list(self._searches.items()):
                if search.owner == owner:
                    search.stopping.set()
                    del self._searches[token]

    def _run(self, search: Search, find: Find) -> None:
        if search.stopping.is_set():
            search.state = "stopped"
            return
        search.started = monotonic()
        search.state = "running"

        def told(progress: Progress) -> None:
            search.progress = progress

        def over() -> bool:
            limit = self._max_seconds
            if limit and monotonic() - (search.started or 0) > limit:
                search.problem = (
                    f"the search took longer than the {limit:.0f} s that this public page allows; "
                    "choose another preset or a smaller model"
                )
                search.stopping.set()
            return search.stopping.is_set()

        state = "failed"
        try:
            proposals = find(told, over)
            search.found = tuple(Found(Patch.of(p.mask), p.score) for p in proposals)
            state = "done"
        except Stopped:
            state = "stopped"
        except FloorsegError as problem:
            search.problem = str(problem)
        finally:
            search.seconds = monotonic() - search.started
            search.state = state
            if state == "failed" and not search.problem:
                search.problem = "the search broke off; the server's log says why"


def _log_a_bug(ended: Future[None]) -> None:
    """What is no ``FloorsegError`` would otherwise vanish with its thread."""
    if not ended.cancelled() and (bug := ended.exception()) is not None:
        _log.error("a search broke off", exc_info=bug)
