"""Who may use the model now: clicks first, long work in between, one piece at a time.

A click must never wait for a stranger's search of a whole plan. Long work holds the long lane and
asks, between its pieces, whether somebody clicked meanwhile; then it waits for them. Clicks wait
for one another, and for at most the one piece that is running.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition, Lock


class Lanes:
    """A lane for clicks, one for newly opened plans, one for long work that gives way to both."""

    def __init__(self) -> None:
        self._long = Lock()
        self._click = Lock()
        self._encode = Lock()
        self._calm = Condition()
        self._clicks = 0

    @contextmanager
    def click(self) -> Iterator[None]:
        """Hold the quick lane for some milliseconds."""
        with self._ahead(self._click):
            yield

    @contextmanager
    def encode(self) -> Iterator[None]:
        """Hold the lane of newly opened plans: one at a time, ahead of long work, beside clicks."""
        with self._ahead(self._encode):
            yield

    @contextmanager
    def _ahead(self, lane: Lock) -> Iterator[None]:
        with self._calm:
            self._clicks += 1
        try:
            with lane:
                yield
        finally:
            with self._calm:
                self._clicks -= 1
                self._calm.notify_all()

    @contextmanager
    def long(self) -> Iterator[None]:
        """Hold the lane of long work; call :meth:`give_way` between its pieces."""
        with self._long:
            self.give_way()
            yield

    def give_way(self, *, at_most: float = 2.0) -> None:
        """Wait until nobody clicks, or for so many seconds: long work ends some day too."""
        with self._calm:
            self._calm.wait_for(lambda: self._clicks == 0, timeout=at_most)
