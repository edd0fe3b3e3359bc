"""What the model saw in the plans that are open: each encoded once, bounded in bytes."""

from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock

from floorseg.core.predictor import Embedding

Key = tuple[str, str]  # key of the weights, digest of the plan


class EmbeddingCache:
    """Embeddings by weights and plan, the least recently used dropped first.

    Whoever asks for one that is being made waits for it instead of making it again.

    Args:
        max_bytes: memory for all embeddings; the newest is kept whatever its size.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._entries: OrderedDict[Key, Future[Embedding]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Key, make: Callable[[], Embedding]) -> Embedding:
        """The embedding of ``key``, made by ``make`` if nobody has made it yet."""
        with self._lock:
            future = self._entries.get(key)
            mine = future is None
            if future is None:
                future = self._entries[key] = Future()
            self._entries.move_to_end(key)
        if not mine:
            return future.result()
        try:
            future.set_result(make())
        except BaseException as problem:  # any: those who wait must hear of it, not wait for ever
            with self._lock:
                self._entries.pop(key, None)
            future.set_exception(problem)
            raise
        self._shrink(keep=key)
        return future.result()

    def keep_only(self, digests: set[str]) -> None:
        """Drop the embeddings of plans that nobody has open."""
        with self._lock:
            for key in [k for k, f in self._entries.items() if f.done() and k[1] not in digests]:
                del self._entries[key]

    def forget_model(self, model: str) -> None:
        """Drop what weights saw that nobody will ask for again."""
        with self._lock:
            for key in [k for k, f in self._entries.items() if f.done() and k[0] == model]:
                del self._entries[key]

    @property
    def nbytes(self) -> int:
        """Bytes of memory held."""
        with self._lock:
            return self._held()

    def __len__(self) -> int:
        return len(self._entries)

    def _shrink(self, keep: Key) -> None:
        with self._lock:
            for key in list(self._entries):
                if self._held() <= self._max_bytes:
                    return
                if key != keep and self._entries[key].done():
                    del self._entries[key]

    def _held(self) -> int:
        return sum(f.result().nbytes for f in self._entries.values() if f.done())
