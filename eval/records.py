"""What was found so far, one line a picture, in files that survive a kill at any moment.

Each part of the work appends to a file of its own; a line is written with one call and counts only
once its newline stands there. Whoever resumes reads all files and does what is missing.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from floorseg.errors import RunError

FOLDER = "pictures"
_PLACE = re.compile(rb'\{"place":(\d+),')  # how every line begins

Record = dict[str, Any]


class RecordWriter:
    """Appends records to one part's file. Use it in a ``with`` statement.

    Args:
        folder: of the evaluation.
        part: number of the part; two processes never write the same one at a time.
    """

    def __init__(self, folder: Path, part: int) -> None:
        self._path = folder / FOLDER / f"part-{part:04d}.jsonl"
        self._path.parent.mkdir(parents=True, exist_ok=True)
        _drop_torn_line(self._path)
        self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._file)

    def append(self, record: Record) -> None:
        """Write one record to the end, whole.

        Args:
            record: what is known of a picture, its ``place`` first.

        Raises:
            RunError: if the disk is full or gone.
        """
        line = orjson.dumps(record, option=orjson.OPT_SERIALIZE_NUMPY) + b"\n"
        try:
            written = os.write(self._file, line)
            os.fsync(self._file)
        except OSError as problem:
            raise RunError(f"{self._path} cannot be written: {problem.strerror}") from problem
        if written != len(line):
            raise RunError(f"{self._path} was cut off: the disk is full; make room and start again")


def read_records(folder: Path) -> dict[int, Record]:
    """Every finished picture by its place in the dataset; torn last lines are left out."""
    found: dict[int, Record] = {}
    for path in sorted((folder / FOLDER).glob("part-*.jsonl")):
        for line in _whole_lines(path):
            record = orjson.loads(line)
            found.setdefault(int(record["place"]), record)
    return dict(sorted(found.items()))


def count_records(folder: Path) -> int:
    """How many pictures are finished, each once, without parsing all that is known of them."""
    found: set[bytes] = set()
    for path in (folder / FOLDER).glob("part-*.jsonl"):
        found.update(match[1] for line in _whole_lines(path) if (match := _PLACE.match(line)))
    return len(found)


def _whole_lines(path: Path) -> Iterator[bytes]:
    content = path.read_bytes()
    return iter(content[: content.rfind(b"\n") + 1].splitlines())


def _drop_torn_line(path: Path) -> None:
    """Cut off what a killed process left half written."""
    if not path.is_file():
        return
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.truncate(path, whole)
