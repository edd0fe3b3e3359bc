"""Reports as tables for people in a terminal."""

from collections.abc import Sequence

from rich.table import Table

from eval.report import (
    Comparison,
    EvalReport,
    GroupScore,
    coco_of,
    figures_of,
    meaning,
    order_of,
    trials_beside,
)
from eval.statistics import Difference, Interval, Verdict

_STYLE = {Verdict.BETTER: "green", Verdict.WORSE: "red", Verdict.CANNOT_TELL: "dim"}


def leaderboard(reports: Sequence[EvalReport], gaps: Sequence[Comparison]) -> Table:
    """One column a checkpoint; the first is what the others are compared with.

    Args:
        reports: in the order to be shown.
        gaps: of every report but the first, against the first.
    """
    facts = reports[0]
    table = Table(
        "score",
        title=f"{facts.protocol.name} v{facts.protocol.version}, {facts.data.split or 'all'}: "
        f"{facts.data.objects} objects on {facts.data.images} pictures",
    )
    for place, report in enumerate(reports):
        table.add_column(report.checkpoint.name, justify="right")
        if place:
            table.add_column(f"against {facts.checkpoint.name}", justify="right")
    found = [figures_of(report) for report in reports]
    for name in order_of(reports):
        cells = [_interval(found[0].get(name))]
        for figures, gap in zip(found[1:], gaps, strict=True):
            cells += [_interval(figures.get(name)), _difference(gap.scores.get(name))]
        table.add_row(name, *cells)
    _add_coco(table, reports)
    _add_trials(table, reports, gaps)
    return table


def details(report: EvalReport) -> list[Table]:
    """Everything else that stands in a report."""
    tables = [
        _groups("by class", report.labels),
        _groups("by size (part of the picture)", report.bands),
    ]
    if len(report.trials) > 1:
        tables.append(_groups("by trial", report.trials))
    if report.curve:
        curve = Table("clicks", *(str(point.clicks) for point in report.curve), title="mean IoU")
        curve.add_row("", *(f"{point.iou.mean:.3f}" for point in report.curve))
        tables.append(curve)
    if report.matches:
        tables.append(_coco(report))
    return tables


def comparison(found: Comparison) -> Table:
    """B against A."""
    table = Table(
        "figure", "difference", "95 % interval", "p", "verdict",
        title=f"{found.second} against {found.first}",
    )  # fmt: skip
    groups = {
        "": found.scores,
        "class ": found.labels if len(found.labels) > 1 else {},
        "size ": found.bands,
        "prompt ": found.trials,
    }
    for prefix, gaps in groups.items():
        for name, gap in gaps.items():
            table.add_row(
                f"{prefix}{name}",
                f"{gap.mean:+.4f}",
                f"{gap.low:+.4f} to {gap.high:+.4f}",
                f"{gap.p_value:.4f}",
                f"[{_STYLE[gap.verdict]}]{gap.verdict}",
            )
    return table


def meanings(report: EvalReport) -> list[str]:
    """What the figures mean, and what the model was asked."""
    names = [*order_of([report]), *coco_of(report)]
    lines = [f"{name}: {meaning(name)}" for name in names]
    return [report.protocol.describes, *lines, "Intervals: 95 %, bootstrap over pictures."]


def cost(report: EvalReport) -> str:
    """One sentence on time and memory."""
    what = "for all regions" if report.matches else "a prompt"
    more = (
        ", looking from four sides, closely at what is small, at the middle of answers, and for "
        "lines where a mask may end"
        if report.checkpoint.close_ups
        else ""
    )
    parts = [
        f"{report.checkpoint.name}{more}: "
        f"encoding a picture {_milliseconds(report.cost.encode_seconds)}",
        f"{_milliseconds(report.cost.prompt_seconds)} {what}" if report.cost.prompts else "",
        f"{_milliseconds(report.cost.image_seconds)} a picture in all",
        f"{report.cost.peak_memory_mb:,.0f} MB at most",
    ]
    return ", ".join(part for part in parts if part)


def disagreements(reports: Sequence[EvalReport], warnings: Sequence[Sequence[str]]) -> list[str]:
    """Why reports should not be put into one table, each reason once."""
    if len(reports) < 2:
        return []
    return list(dict.fromkeys(line for lines in warnings for line in lines))


def seconds(left: float | None) -> str:
    """Time left, as people say it."""
    if left is None:
        return "time left unknown"
    for unit, size in (("h", 3600), ("min", 60)):
        if left >= size:
            return f"about {left / size:.1f} {unit} left"
    return f"about {left:.0f} s left"


def _groups(title: str, groups: Sequence[GroupScore]) -> Table:
    table = Table("", "objects", "IoU", "last", "best", "boundary", "pixels", title=title)
    for group in groups:
        others = (group.last_iou, group.best_iou, group.boundary_iou, group.pixel_iou)
        table.add_row(
            group.name,
            str(group.objects),
            _interval(group.iou),
            *("" if found is None else f"{found.mean:.3f}" for found in others),
        )
    return table


def _add_coco(table: Table, reports: Sequence[EvalReport]) -> None:
    found = [coco_of(report) for report in reports]
    for name in dict.fromkeys(name for figures in found for name in figures):
        texts = [f"{figures[name]:.3f}" if name in figures else "" for figures in found]
        table.add_row(name, texts[0], *(cell for text in texts[1:] for cell in (text, "")))


def _add_trials(table: Table, reports: Sequence[EvalReport], gaps: Sequence[Comparison]) -> None:
    """The IoU of trials that the headline leaves out, beside those it is of."""
    found = [{group.name: group.iou for group in trials_beside(report)} for report in reports]
    for place, name in enumerate(dict.fromkeys(name for trials in found for name in trials)):
        if not place:
            table.add_section()
        cells = [_interval(found[0].get(name))]
        for trials, gap in zip(found[1:], gaps, strict=True):
            cells += [_interval(trials.get(name)), _difference(gap.trials.get(name))]
        table.add_row(f"iou, {name}", *cells)


def _coco(report: EvalReport) -> Table:
    table = Table(*report.coco, title="pycocotools")
    table.add_row(*(f"{value:.3f}" for value in report.coco.values()))
    return table


def _interval(found: Interval | None) -> str:
    return "" if found is None else f"{found.mean:.3f} ({found.low:.3f}-{found.high:.3f})"


def _difference(found: Difference | None) -> str:
    if found is None:
        return ""
    return f"[{_STYLE[found.verdict]}]{found.mean:+.3f} {found.verdict}"


def _milliseconds(value: float | None) -> str:
    return "?" if value is None else f"{value * 1e3:,.0f} ms"
