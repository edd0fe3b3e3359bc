"""Evaluate checkpoints: ``python -m eval --checkpoint A --data DIR --out FOLDER``.

The first checkpoint is what the others are compared with. The same command goes on where it was
stopped (Ctrl+C) or killed.

    python -m eval --checkpoint floorseg-nano --data PLANS --split test --out out/r1
    python -m eval --checkpoint floorseg-nano --checkpoint mine.pt --data PLANS --out out/r2
    python -m eval compare out/r1 out/r2/mine
    python -m eval show out/r1
"""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from eval import options
from floorseg.core.structures import Progress
from floorseg.errors import ConfigError, FloorsegError, Stopped

# The same sums in the same order wherever an array happens to lie: read when torch loads MKL.
os.environ.setdefault("MKL_CBWR", "AUTO,STRICT")

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
console = Console(stderr=True, highlight=False)


@app.callback(invoke_without_command=True)
def evaluate(
    context: typer.Context,
    checkpoint: options.Checkpoints = None,
    data: options.Data = None,
    out: options.Out = None,
    split: options.Split = "test",
    protocol: options.Name = "click",
    clicks: options.Clicks = 0,
    seed: options.Seed = 0,
    limit: options.Limit = 0,
    labels: options.Labels = "",
    preset: options.Preset = "rooms",
    image_size: options.ImageSize = 0,
    close_ups: options.CloseUps = True,
    device: options.Device = "auto",
    workers: options.Workers = 0,
    use_cluster: options.UseCluster = 0,
    partition: options.Partition = None,
    cpus: options.Cpus = 1,
    gpus: options.Gpus = 0,
    minutes: options.Minutes = 240,
    exclude: options.Exclude = None,
) -> None:
    """Evaluate checkpoints; the same command goes on where it was stopped or killed."""
    if context.invoked_subcommand is not None:
        return
    if not checkpoint or data is None or out is None:
        raise ConfigError("--checkpoint, --data and --out are needed; see python -m eval --help")
    from eval.cluster import Cluster, cluster
    from eval.crews import processes
    from eval.plan import EvalPlan, folders_for
    from eval.runner import evaluate as run

    asked = Cluster(
        jobs=workers or 4, partition=partition, cpus=cpus, gpus=gpus, minutes=minutes,
        exclude=exclude,
    )  # fmt: skip
    alone = None if workers == 0 else processes(workers)
    crew = cluster(asked) if use_cluster else alone
    folders = folders_for(out, checkpoint)
    stop = _stop_on_signals()
    for name, folder in zip(checkpoint, folders, strict=True):
        plan = EvalPlan(
            checkpoint=name, data=str(data), split=split, protocol=protocol, clicks=clicks,
            seed=seed, limit=limit, preset=preset, image_size=image_size,
            close_ups=close_ups, device=device,
            labels=tuple(label.strip() for label in labels.split(",") if label.strip()),
        )  # fmt: skip
        run(plan, folder, crew=crew, progress=_Progress(plan.name, folder), stop=stop)
    _print_reports(folders, with_details=len(folders) == 1)


@app.command()
def show(
    reports: Annotated[list[Path], typer.Argument(help="Report folders, or folders of them.")],
) -> None:
    """Print everything that stands in finished reports."""
    from eval.report import find_reports

    _print_reports(find_reports(reports), with_details=True)


@app.command()
def compare(
    reports: Annotated[list[Path], typer.Argument(help="Report folders; the first is the base.")],
) -> None:
    """Compare reports of the same pictures and prompts, object by object.

    One that cannot be set against the first is set against the earliest that it can.
    """
    from eval.report import compare as compare_reports
    from eval.report import find_reports
    from eval.tables import comparison

    folders = find_reports(reports)
    if len(folders) < 2:
        raise ConfigError(f"two reports are needed to compare, found {len(folders)}")
    for place, other in enumerate(folders[1:], start=1):
        found = compare_reports(folders[0], other)
        for line in found.warnings:
            console.print(f"not comparable: {line}", markup=False)
        if found.warnings:  # a report before it may be of the same pictures and prompts
            others = (compare_reports(base, other) for base in folders[1:place])
            found = next((one for one in others if not one.warnings), found)
        if found.scores:
            Console().print(comparison(found))


@app.command(hidden=True)
def work(
    folder: Path,
    part: int = 0,
    of: int = 1,
    parent: int = 0,
    device: str = "",
) -> None:
    """Do one part of an evaluation that another process has planned."""
    from eval.work import Part, do_part

    stop = _stop_on_signals()
    do_part(
        folder,
        Part(part, of),
        device=device,
        stop=lambda: stop() or bool(parent and os.getppid() != parent),
    )


def main() -> None:
    """Run; what a person can fix is one line on standard error and exit code 2."""
    try:
        app()
    except Stopped as early:
        console.print(str(early), soft_wrap=True, markup=False)
        sys.exit(130)
    except FloorsegError as problem:
        console.print(f"eval: {problem}", soft_wrap=True, markup=False)
        sys.exit(2)


def _print_reports(folders: list[Path], *, with_details: bool) -> None:
    """A table of all that may stand in one, and what else is known about each."""
    from eval import tables
    from eval.report import compare as compare_reports
    from eval.report import load_report

    reports = [load_report(folder) for folder in folders]
    gaps = [compare_reports(folders[0], folder) for folder in folders[1:]]
    for line in tables.disagreements(reports, [gap.warnings for gap in gaps]):
        console.print(f"not comparable: {line}", markup=False)
    paper = Console()
    paper.print(tables.leaderboard(reports, gaps))
    for report, folder in zip(reports, folders, strict=True):
        for skipped in report.skipped:
            console.print(f"left out {skipped.image}: {skipped.problem}", markup=False)
        if with_details:
            for table in tables.details(report):
                paper.print(table)
        paper.print(tables.cost(report), folder / "report.json", sep="\n", soft_wrap=True)
    for line in tables.meanings(reports[0]):
        paper.print(line, style="dim")


def _stop_on_signals() -> Callable[[], bool]:
    """The first Ctrl+C or SIGTERM ends the work after the current picture, the second at once."""
    asked: list[int] = []

    def note(number: int, _: object) -> None:
        if asked:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        asked.append(number)
        console.print("stopping after this picture; once more to stop at once")

    signal.signal(signal.SIGINT, note)
    signal.signal(signal.SIGTERM, note)
    return lambda: bool(asked)


class _Progress:
    """A line on a terminal that is written over; a line every ten seconds in a log."""

    def __init__(self, name: str, folder: Path) -> None:
        self._name = name
        self._folder = folder
        self._said = 0.0
        self._done = -1

    def __call__(self, step: Progress) -> None:
        from eval.report import read_progress
        from eval.tables import seconds

        now = time.monotonic()
        if self._done == step.total:
            return
        if step.done < step.total and now - self._said < (0.5 if console.is_terminal else 10):
            return
        self._said, self._done = now, step.done
        left = seconds(read_progress(self._folder).get("seconds_left"))
        line = f"{self._name}: {step.done} of {step.total} pictures, {left}"
        end = "\r" if console.is_terminal and step.done < step.total else "\n"
        console.print(f"{line:<70}", end=end, markup=False)


if __name__ == "__main__":
    main()
