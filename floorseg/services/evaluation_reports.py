"""Finished reports set beside each other: the leaderboard, what forbids it, how long things take.

Reads reports and computes nothing but differences; those of two reports are kept until one changes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from eval.report import (
    LOWER_IS_BETTER,
    Comparison,
    EvalReport,
    coco_of,
    compare,
    figures_of,
    load_report,
    order_of,
    warnings_between,
)
from floorseg.core.checkpoint_info import CheckpointInfo
from floorseg.errors import RunError
from floorseg.services.evaluations import EvaluationForm, reports_in
from floorseg.settings import Settings

MOST = 12  # reports side by side
_PROMPTS = {"click": 12, "jitter": 15, "box": 3, "hard": 6, "everything": 0}  # an object, roughly


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of one report, and how it differs from the base's.

    Attributes:
        mean: the figure.
        low, high: its 95 % interval; None for pycocotools' figures, which have none.
        difference, difference_low, difference_high: to the base; None for the base itself and
            where the two may not be compared.
        verdict: "better", "worse", "cannot tell" or "".
    """

    mean: float
    low: float | None = None
    high: float | None = None
    difference: float | None = None
    difference_low: float | None = None
    difference_high: float | None = None
    p_value: float | None = None
    verdict: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """A report in the table; ``figures`` by the name of the score."""

    name: str
    report: EvalReport
    figures: Mapping[str, Figure]


@dataclass(frozen=True, slots=True, eq=False)
class Leaderboard:
    """Reports in one table, the base first.

    Attributes:
        rows: the base, then the others in the order they were chosen.
        columns: names of the scores that any of them has.
        warnings: why they should not stand in one table; then no difference is computed.
    """

    rows: tuple[Row, ...]
    columns: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Estimate:
    """How long an evaluation may take, in seconds, and what that is based on."""

    seconds: float
    basis: str


def report_folder(settings: Settings, name: str) -> Path:
    """The folder of a finished report that a visitor named.

    Raises:
        RunError: if there is none of that name.
    """
    root = settings.reports
    top = name.split("/")[0]
    known = root.is_dir() and top in {p.name for p in root.iterdir() if p.is_dir()}
    if not known or name not in reports_in(root / top):
        raise RunError(f"there is no report {name[:80]!r}; reload the list")
    return root / name


def read_report(settings: Settings, name: str) -> EvalReport:
    """A finished report.

    Raises:
        RunError: if there is none, or it cannot be read.
    """
    folder = report_folder(settings, name)
    return _load(str(folder), _changed(folder))


def leaderboard(settings: Settings, names: Sequence[str], base: str = "") -> Leaderboard:
    """Reports in one table.

    Args:
        settings: where reports lie.
        names: as listed.
        base: which of them the others are compared with; "" for the first.

    Raises:
        RunError: if there are none or too many, or one cannot be read.
    """
    if not 1 <= len(names) <= MOST:
        raise RunError(f"choose between 1 and {MOST} reports")
    ordered = list(dict.fromkeys([base, *names] if base in names else names))
    folders = [report_folder(settings, name) for name in ordered]
    reports = [read_report(settings, name) for name in ordered]
    warnings = [line for other in reports[1:] for line in warnings_between(reports[0], other)]
    rows = []
    for name, folder, report in zip(ordered, folders, reports, strict=True):
        comparable = report is not reports[0] and not warnings_between(reports[0], report)
        gap = _gap(folders[0], folder) if comparable else None
        rows.append(Row(name, report, _figures(report, gap)))
    coco = dict.fromkeys(name for report in reports for name in coco_of(report))
    columns = (*order_of(reports), *coco)
    return Leaderboard(tuple(rows), columns, tuple(dict.fromkeys(warnings)))


def lower_is_better(column: str) -> bool:
    """Whether a smaller figure is the better one."""
    return column in LOWER_IS_BETTER


def estimate(
    settings: Settings,
    form: EvaluationForm,
    checkpoints: Sequence[CheckpointInfo],
    *,
    images: int,
    objects: float,
) -> Estimate:
    """How long an evaluation may take here.

    Args:
        settings: where earlier reports lie.
        form: what was chosen.
        checkpoints: the chosen ones.
        images: of the split.
        objects: an image has, on average.
    """
    wanted = min(images, form.limit) if form.limit else images
    measured = _measured(settings, form.protocol)
    seconds, guessed = 0.0, False
    for info in checkpoints:
        alike = [took for size, side, took in measured if _alike(info, size, side)]
        known = alike[-1] if alike else None
        guessed = guessed or known is None
        seconds += wanted * (_guess(info, form, objects) if known is None else known)
    basis = "a guess: nothing like it was measured here yet" if guessed else "from reports here"
    return Estimate(seconds, basis)


def _measured(settings: Settings, protocol: str) -> list[tuple[int, int, float]]:
    """(parameters, image size, seconds a picture) of earlier reports, the newest last."""
    root = settings.reports
    folders = sorted(path for path in root.iterdir() if path.is_dir()) if root.is_dir() else []
    found = []
    for name in (name for folder in folders for name in reports_in(folder)):
        try:
            report = read_report(settings, name)
        except RunError:  # of another version
            continue
        facts, took = report.checkpoint, report.cost.image_seconds
        if report.protocol.name == protocol and took:
            found.append((facts.parameters, facts.image_size, took))
    return found


def _alike(info: CheckpointInfo, parameters: int, image_size: int) -> bool:
    """Whether a checkpoint will be about as quick as one of this size."""
    near = abs(info.parameters - parameters) <= 0.1 * max(1, parameters)
    return near and (info.image_size or image_size) == image_size


def _guess(info: CheckpointInfo, form: EvaluationForm, objects: float) -> float:
    """Seconds a picture: the encoder grows with weights and pixels, prompts cost about 10 ms."""
    side = info.image_size or 1024
    encoder = 2.4 * (info.parameters / 39e6) * (side / 1024) ** 2  # measured: tiny at 1024 px
    prompts = form.clicks or _PROMPTS[form.protocol]
    return 0.1 + encoder + 0.01 * objects * prompts + (5.0 if not prompts else 0.0)


def _figures(report: EvalReport, gap: Comparison | None) -> dict[str, Figure]:
    figures = {name: Figure(value) for name, value in coco_of(report).items()}
    for name, value in figures_of(report).items():
        mine = (value.mean, value.low, value.high)
        to_base = gap.scores.get(name) if gap is not None else None
        figures[name] = (
            Figure(*mine)
            if to_base is None
            else Figure(
                *mine, to_base.mean, to_base.low, to_base.high, to_base.p_value,
                str(to_base.verdict),
            )
        )  # fmt: skip
    return figures


def _changed(folder: Path) -> int:
    return (folder / "report.json").stat().st_mtime_ns


def _gap(base: Path, other: Path) -> Comparison:
    return _compared(str(base), str(other), _changed(base), _changed(other))


@lru_cache(maxsize=64)
def _load(folder: str, _: int) -> EvalReport:
    return load_report(folder)


@lru_cache(maxsize=64)
def _compared(base: str, other: str, _: int, __: int) -> Comparison:
    return compare(base, other)
