"""Chosen reports as one file to take home: the table, the reports whole, their rows, pictures."""

import csv
import io
import zipfile
from typing import Any

from eval.report import REPORT
from floorseg.errors import FloorsegError
from floorseg.services.datasets import Datasets
from floorseg.services.evaluation_gallery import GROUPS, gallery
from floorseg.services.evaluation_reports import Leaderboard, report_folder


def leaderboard_csv(board: Leaderboard) -> str:
    """The table: one line a report and score."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(
        ["report", "checkpoint", "data", "split", "protocol", "close_ups", "score", "mean", "low",
         "high", "difference", "difference_low", "difference_high", "p_value", "verdict"]
    )  # fmt: skip
    for row in board.rows:
        facts = row.report
        head = [row.name, facts.checkpoint.name, _plain(facts.data.folder), facts.data.split,
                f"{facts.protocol.name} v{facts.protocol.version}",
                "yes" if facts.checkpoint.close_ups else "no"]  # fmt: skip
        for name in board.columns:
            figure = row.figures.get(name)
            if figure is None:
                continue
            cells: list[Any] = [
                figure.mean, figure.low, figure.high, figure.difference, figure.difference_low,
                figure.difference_high, figure.p_value, figure.verdict,
            ]  # fmt: skip
            writer.writerow([*map(_cell, head), name, *("" if c is None else c for c in cells)])
    return text.getvalue()


def export_reports(datasets: Datasets, board: Leaderboard) -> bytes:
    """A zip of everything: not for a public page, whose visitors may not see the server's folders.

    Args:
        datasets: what the gallery's pictures come from; left out where they cannot be shown.
        board: the chosen reports.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("leaderboard.csv", leaderboard_csv(board))
        for number, row in enumerate(board.rows, start=1):
            folder = f"{number:02d}-{_file(row.report.checkpoint.name)}"
            report = report_folder(datasets.settings, row.name) / REPORT
            archive.writestr(f"{folder}/{REPORT}", report.read_bytes())
            archive.writestr(f"{folder}/rows.csv", _rows_csv(datasets, row.name))
            for group in GROUPS:
                for place, piece in enumerate(gallery(datasets, row.name, group), start=1):
                    if piece.picture:
                        archive.writestr(f"{folder}/pictures/{group}-{place}.jpg", piece.picture)
    return buffer.getvalue()


def _rows_csv(datasets: Datasets, name: str) -> str:
    from eval.report import load_rows

    try:
        table = load_rows(report_folder(datasets.settings, name))
    except FloorsegError as problem:
        return f"{problem}\n"
    return str(table.drop(columns=["answer"], errors="ignore").to_csv(index=False))


def _plain(folder: str) -> str:
    return folder.rstrip("/").split("/")[-1]


def _file(name: str) -> str:
    return "".join(c if c.isalnum() or c in "-_." else "-" for c in name)[:60]


def _cell(value: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{value}" if value[:1] in ("=", "+", "-", "@", "\t") else value
