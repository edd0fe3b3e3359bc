"""Evaluations, tables and galleries of the Evaluate tab as its script reads them."""

import base64
from dataclasses import asdict
from typing import Any

from eval.report import EvalReport, meaning
from floorseg.services.evaluation_gallery import Piece
from floorseg.services.evaluation_reports import Leaderboard, lower_is_better
from floorseg.services.evaluations import Evaluation
from floorseg.ui.evaluate_plots import label


def evaluation_json(one: Evaluation) -> dict[str, Any]:
    """One line of the list."""
    return {
        "name": one.name,
        "state": str(one.state),
        "done": one.done,
        "total": one.total,
        "seconds_left": one.seconds_left,
        "command": one.command,
        "message": one.message,
        "ours": one.ours,
    }


def report_json(name: str, report: EvalReport) -> dict[str, Any]:
    """One report of the list; no folder of the server."""
    data, protocol = report.data, report.protocol
    labels = ",".join(data.labels)
    return {
        "name": name,
        "checkpoint": report.checkpoint.name,
        "looks": "from four sides, closely at what is small, for lines"
        if report.checkpoint.close_ups
        else "once",
        "data": data.folder.rstrip("/").split("/")[-1],
        "split": data.split,
        "images": data.images,
        "objects": data.objects,
        "protocol": f"{protocol.name} v{protocol.version}",
        "created": report.environment.created,
        "iou": report.scores["iou"].mean if "iou" in report.scores else None,
        "group": f"{data.digest}/{data.split}/{protocol.name}/{protocol.version}/"
        f"{protocol.clicks}/{protocol.preset}/{protocol.seed}/{labels}",
    }


def board_json(board: Leaderboard) -> dict[str, Any]:
    """The table."""
    return {
        "warnings": [_without_folders(line, board) for line in board.warnings],
        "columns": [
            {"name": name, "says": meaning(name), "lower": lower_is_better(name)}
            for name in board.columns
        ],
        "describes": board.rows[0].report.protocol.describes,
        "rows": [
            report_json(row.name, row.report)
            | {
                "label": label(row, board.rows),
                "figures": {name: asdict(figure) for name, figure in row.figures.items()},
                "cost": asdict(row.report.cost),
                "device": row.report.environment.device,
                "coco": dict(row.report.coco),
                "skipped": [
                    {"image": skipped.image, "problem": _without_folders(skipped.problem, board)}
                    for skipped in row.report.skipped[:20]
                ],
            }
            for row in board.rows
        ],
    }


def _without_folders(sentence: str, board: Leaderboard) -> str:
    """A sentence without where on this server the data lie."""
    for row in board.rows:
        sentence = sentence.replace(f"{row.report.data.folder.rpartition('/')[0]}/", "")
    return sentence


def piece_json(piece: Piece) -> dict[str, Any]:
    """One picture of the gallery, with what opens it in the Compare tab."""
    example = piece.example
    data = base64.b64encode(piece.picture).decode("ascii")
    return {
        "image": example.image,
        "label": example.label,
        "trial": example.trial,
        "iou": example.iou,
        "row": piece.row,
        "points": [list(point) for point in piece.points],
        "box": list(piece.box) if piece.box is not None else None,
        "picture": f"data:image/jpeg;base64,{data}" if data else "",
        "problem": piece.problem,
    }
