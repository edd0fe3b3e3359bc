"""Reports on disk: written whole, read back, found."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from pydantic import TypeAdapter, ValidationError

from eval.report.schema import SCHEMA, EvalReport
from floorseg.errors import RunError

if TYPE_CHECKING:
    import pandas as pd

REPORT, ROWS, PROGRESS = "report.json", "rows.parquet", "progress.json"

_ADAPTER = TypeAdapter(EvalReport)


def save_report(folder: Path, report: EvalReport) -> None:
    """Write ``report.json``, whole or not at all."""
    beside = folder / f".{REPORT}.{os.getpid()}"
    content = orjson.loads(_ADAPTER.dump_json(report))
    beside.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2) + b"\n")
    os.replace(beside, folder / REPORT)


def load_report(path: str | Path) -> EvalReport:
    """Read a report.

    Args:
        path: its folder, or the ``report.json`` in it.

    Raises:
        RunError: if there is none, or it cannot be read here.
    """
    folder = Path(path)
    file = folder if folder.name == REPORT else folder / REPORT
    try:
        return _ADAPTER.validate_json(file.read_bytes())
    except FileNotFoundError as missing:
        hint = (
            "it is unfinished; start it again to go on"
            if (folder / "plan.json").is_file()
            else ("python -m eval makes one")
        )
        raise RunError(f"{folder} holds no {REPORT}: {hint}") from missing
    except ValidationError as problem:
        raise RunError(
            f"{file} is no report of schema {SCHEMA} ({problem.error_count()} problems); "
            "evaluate again"
        ) from problem


def find_reports(paths: Iterable[str | Path]) -> list[Path]:
    """Folders of the finished reports at or below some paths, in the order given.

    Raises:
        RunError: if a path holds none.
    """
    found: list[Path] = []
    for path in map(Path, paths):
        below = (
            [path]
            if (path / REPORT).is_file()
            else [report.parent for report in sorted(path.glob(f"*/{REPORT}"))]
        )
        if not below:
            load_report(path)  # says what is missing
        found += below
    return list(dict.fromkeys(found))


def load_rows(path: str | Path) -> "pd.DataFrame":
    """The table behind a report: one row an object and trial, columns as ``ROW_COLUMNS``.

    Raises:
        RunError: if there is none.
    """
    import pandas as pd

    file = Path(path) / ROWS
    if not file.is_file():
        raise RunError(f"{path} holds no {ROWS}; evaluate again")
    return pd.read_parquet(file)


def read_progress(path: str | Path) -> Mapping[str, Any]:
    """How far a running evaluation is: ``done``, ``total``, ``seconds_left``; {} where unknown."""
    try:
        facts: Mapping[str, Any] = orjson.loads((Path(path) / PROGRESS).read_bytes())
    except (FileNotFoundError, orjson.JSONDecodeError):
        return {}
    return facts
