"""Work in a thread that a page watches: how far it is, how long it will take, how to stop it."""

from dataclasses import dataclass, field
from threading import Event
from time import monotonic

from floorseg.core.structures import Progress


@dataclass(slots=True, eq=False)
class Watched:
    """One piece of work; written by its thread, read by the page.

    Attributes:
        token: its unguessable name.
        owner: the page it belongs to.
        progress: how far it has come.
        state: "waiting", "running", "done", "stopped" or "failed".
        problem: what went wrong, once failed; why it was stopped, if not by its page.
        started: when it began, by the monotonic clock.
        stopping: set where it shall end.
    """

    token: str
    owner: str
    progress: Progress = field(default_factory=lambda: Progress(0, 1, "waiting"))
    state: str = "waiting"
    problem: str = ""
    started: float | None = None
    stopping: Event = field(default_factory=Event)

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in ("done", "stopped", "failed")

    def seconds_left(self) -> float | None:
        """From the pace so far; None while nobody can tell."""
        if self.started is None or self.ended or self.progress.done == 0:
            return None
        pace = (monotonic() - self.started) / self.progress.done
        return pace * max(0, self.progress.total - self.progress.done)
