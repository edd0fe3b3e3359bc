"""The plots of the Evaluate tab as Plotly traces, each with its title, its units and its table."""

from collections.abc import Sequence
from typing import Any

from eval.report import EvalReport, GroupScore
from floorseg.services.evaluation_reports import Leaderboard, Row

MOST_CLASSES = 24  # bars that can be told apart; the table has all of them

Traces = list[dict[str, Any]]
Table = list[list[Any]]


def figures(board: Leaderboard) -> list[dict[str, Any]]:
    """Every plot that the reports have numbers for.

    Args:
        board: the reports, the base first.
    """
    rows = board.rows
    drawn = [
        _curve(rows), _groups(rows, "labels"), _histogram(rows), _groups(rows, "bands"),
        _calibration(rows), _groups(rows, "trials"),
    ]  # fmt: skip
    return [figure for figure in drawn if figure is not None]


def label(row: Row, rows: Sequence[Row]) -> str:
    """What a report is called beside the others: its checkpoint, and its folder where two share."""
    name = row.report.checkpoint.name
    twins = sum(other.report.checkpoint.name == name for other in rows)
    return f"{name} ({row.name.split('/')[0]})" if twins > 1 else name


def _figure(
    kind: str, title: str, traces: Traces, table: Table, *, x: dict[str, Any], y: dict[str, Any]
) -> dict[str, Any]:
    layout = {"xaxis": x, "yaxis": y, "barmode": "group"}
    return {"id": kind, "title": title, "data": traces, "layout": layout, "table": table}


def _title(text: str) -> dict[str, Any]:
    return {"text": text}


def _share(text: str) -> dict[str, Any]:
    """An axis from 0 to 1, written in per cent."""
    return {"title": _title(text), "range": [0, 1.02], "tickformat": ".0%", "dtick": 0.2}


def _bars(means: Sequence[Any]) -> tuple[list[float | None], dict[str, Any]]:
    """Means, and their intervals as error bars."""
    y = [m.mean if m is not None else None for m in means]
    up = [m.high - m.mean if m is not None else 0 for m in means]
    down = [m.mean - m.low if m is not None else 0 for m in means]
    return y, {"type": "data", "symmetric": False, "array": up, "arrayminus": down, "thickness": 1}


def _curve(rows: Sequence[Row]) -> dict[str, Any] | None:
    traces: Traces = []
    table: Table = [["checkpoint", "clicks", "mean_iou", "low", "high"]]
    for number, row in enumerate(rows):
        curve = row.report.curve
        if len(curve) < 2:
            continue
        name = label(row, rows)
        y, errors = _bars([point.iou for point in curve])
        x = [point.clicks for point in curve]
        traces.append(
            {"type": "scatter", "mode": "lines+markers", "name": name, "x": x, "y": y,
             "error_y": errors, "series": number}
        )  # fmt: skip
        table += [[name, p.clicks, p.iou.mean, p.iou.low, p.iou.high] for p in curve]
    if not traces:
        return None
    x_axis = {"title": _title("clicks on an object"), "dtick": 1}
    return _figure(
        "clicks", "IoU over clicks", traces, table,
        x=x_axis, y=_share("mean IoU, 95 % interval"),
    )  # fmt: skip


_GROUPS = {
    "labels": ("classes", "IoU of each class", "class"),
    "bands": ("size", "IoU by size", "part of the picture that an object covers"),
    "trials": ("trials", "IoU by kind of prompt", "prompt"),
}


def _groups(rows: Sequence[Row], what: str) -> dict[str, Any] | None:
    kind, title, axis = _GROUPS[what]
    of = {row.name: _by_name(row.report, what) for row in rows}
    names = list(dict.fromkeys(name for groups in of.values() for name in groups))
    if not names or (what == "trials" and len(names) < 2):
        return None
    table: Table = [["checkpoint", axis, "objects", "mean_iou", "low", "high", "boundary_iou"]]
    for row in rows:
        table += [_group_cells(label(row, rows), group) for group in of[row.name].values()]
    counts = {name: max(g[name].objects for g in of.values() if name in g) for name in names}
    shown = sorted(names, key=lambda n: -counts[n])[:MOST_CLASSES] if what == "labels" else names
    traces: Traces = []
    for number, row in enumerate(rows):
        found = [of[row.name].get(name) for name in shown]
        y, errors = _bars([group.iou if group is not None else None for group in found])
        hover = [f"{group.objects} objects" if group is not None else "" for group in found]
        traces.append(
            {"type": "bar", "name": label(row, rows), "x": shown, "y": y, "error_y": errors,
             "text": hover, "textposition": "none", "series": number}
        )  # fmt: skip
    if len(shown) < len(names):
        title = f"{title}, the {len(shown)} with most objects of {len(names)}"
    x_axis = {"title": _title(axis), "type": "category"}
    return _figure(kind, title, traces, table, x=x_axis, y=_share("mean IoU, first prompt"))


def _by_name(report: EvalReport, what: str) -> dict[str, GroupScore]:
    groups: tuple[GroupScore, ...] = getattr(report, what)
    return {group.name: group for group in groups}


def _group_cells(name: str, group: GroupScore) -> list[Any]:
    iou, edge = group.iou, group.boundary_iou
    interval = [iou.mean, iou.low, iou.high] if iou is not None else ["", "", ""]
    return [name, group.name, group.objects, *interval, edge.mean if edge is not None else ""]


def _histogram(rows: Sequence[Row]) -> dict[str, Any] | None:
    traces: Traces = []
    table: Table = [["checkpoint", "iou_from", "iou_to", "objects"]]
    for number, row in enumerate(rows):
        counts = row.report.histogram
        total = sum(counts)
        if not total:
            continue
        name, width = label(row, rows), 1 / len(counts)
        traces.append(
            {"type": "bar", "name": name, "x": [(i + 0.5) * width for i in range(len(counts))],
             "y": [count / total for count in counts], "text": [f"{n} objects" for n in counts],
             "textposition": "none", "series": number}
        )  # fmt: skip
        table += [[name, i * width, (i + 1) * width, n] for i, n in enumerate(counts)]
    if not traces:
        return None
    x_axis = {
        "title": _title("IoU after the first prompt"),
        "range": [0, 1],
        "tickformat": ".0%",
        "dtick": 0.2,
    }
    y_axis = {"title": _title("part of the objects"), "tickformat": ".0%", "rangemode": "tozero"}
    return _figure("histogram", "How the IoU is spread", traces, table, x=x_axis, y=y_axis)


def _calibration(rows: Sequence[Row]) -> dict[str, Any] | None:
    ideal = {"type": "scatter", "mode": "lines", "name": "perfectly calibrated", "x": [0, 1],
             "y": [0, 1], "ideal": True}  # fmt: skip
    traces: Traces = [ideal]
    table: Table = [["checkpoint", "score_from", "score_to", "answers", "mean_score", "mean_iou"]]
    for number, row in enumerate(rows):
        bins = row.report.calibration
        if not bins:
            continue
        name = label(row, rows)
        traces.append(
            {"type": "scatter", "mode": "lines+markers", "name": name,
             "x": [b.mean_score for b in bins], "y": [b.mean_iou for b in bins],
             "text": [f"{b.count} answers" for b in bins], "series": number}
        )  # fmt: skip
        table += [[name, b.low, b.high, b.count, b.mean_score, b.mean_iou] for b in bins]
    if len(traces) == 1:
        return None
    return _figure(
        "calibration", "Does it know how good it is?", traces, table,
        x=_share("the model's own score"), y=_share("IoU it reached"),
    )  # fmt: skip
