"""The models that answer: loaded when first asked for, loaded anew when their file changes."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from floorseg.core.checkpoint_info import CheckpointInfo
from floorseg.core.closeup import make_predictor
from floorseg.core.find_checkpoint import find_checkpoint
from floorseg.core.model import load_model
from floorseg.core.predictor import Predictor
from floorseg.errors import CheckpointError
from floorseg.services.catalog import checkpoint_folders, list_checkpoints
from floorseg.settings import Settings

Stamp = tuple[int, int, int]  # time of the last change, size, inode: a replaced file has another


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """A model in memory.

    Attributes:
        key: stands for these very weights; those of another file of the same name have another.
        path: the file they came from.
        stamp: of that file, before it was read.
        predictor: answers with them.
    """

    key: str
    path: Path
    stamp: Stamp
    predictor: Predictor


class Models:
    """Loaded models by the name of their checkpoint, the least recently used dropped first.

    Args:
        settings: where checkpoints lie, and the device.
        keep: how many models stay loaded.
        replaced: told the key of weights whose file has changed.
    """

    def __init__(self, settings: Settings, *, keep: int, replaced: Callable[[str], None]) -> None:
        self._settings = settings
        self._keep = keep
        self._replaced = replaced
        self._loaded: OrderedDict[str, Loaded] = OrderedDict()
        self._lock = Lock()
        self._loading = Lock()

    def listed(self) -> list[CheckpointInfo]:
        """The checkpoints that can be used, the default one first."""
        usable = [c for c in list_checkpoints(checkpoint_folders(self._settings)) if c.usable]
        return sorted(usable, key=lambda c: c.name != self._settings.checkpoint)

    def find(self, checkpoint: str) -> Path:
        """The file of a listed checkpoint.

        Raises:
            CheckpointError: if no such checkpoint is listed; paths and hub ids are refused, since
                anybody may ask.
        """
        known = [c.name for c in self.listed()]
        if checkpoint not in known:
            raise CheckpointError(_no_such_checkpoint(checkpoint, known))
        return find_checkpoint(checkpoint, checkpoint_folders(self._settings))

    def get(self, checkpoint: str) -> Loaded:
        """The model of a listed checkpoint, as its file is now.

        Raises:
            CheckpointError: as ``find``, or if the file cannot be loaded.
        """
        found = self._current(checkpoint)
        if found is not None:
            return found
        with self._loading:  # held for seconds: whoever uses a loaded model does not come here
            found = self._current(checkpoint)
            return found if found is not None else self._load(checkpoint)

    def _current(self, checkpoint: str) -> Loaded | None:
        """The loaded model, unless its file is another by now."""
        with self._lock:
            found = self._loaded.get(checkpoint)
            if found is None:
                return None
            if _stamp(found.path) == found.stamp:
                self._loaded.move_to_end(checkpoint)
                return found
            del self._loaded[checkpoint]
        self._replaced(found.key)
        return None

    def _load(self, checkpoint: str) -> Loaded:
        path = self.find(checkpoint)
        stamp = _stamp(path)
        if stamp is None:
            raise CheckpointError(f"the checkpoint {checkpoint!r} was removed; choose another")
        predictor = make_predictor(load_model(path, self._settings.device))
        loaded = Loaded(f"{checkpoint}@{stamp}", path, stamp, predictor)
        with self._lock:
            self._loaded[checkpoint] = loaded
            while len(self._loaded) > self._keep:
                self._loaded.popitem(last=False)
        return loaded


def _stamp(path: Path) -> Stamp | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _no_such_checkpoint(name: str, known: list[str]) -> str:
    if not known:
        return (
            "there are no checkpoints; put one into the checkpoints folder, or make one with "
            "python -m floorseg train -c configs/nano_rooms.yaml"
        )
    return f"there is no checkpoint {name[:80]!r}; choose from {', '.join(known[:20])}"
