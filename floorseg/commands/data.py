"""``floorseg data``: what is in a dataset, what is wrong with it; mend, convert, split, fetch."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from floorseg.commands.data_tables import print_conversion, print_counts, print_report
from floorseg.settings import PROJECT, Settings

if TYPE_CHECKING:
    from floorseg.core.structures import ProgressCallback
    from floorseg.data.convert import Conversion

app = typer.Typer(
    help="Inspect, check, mend, convert, split and fetch datasets.", no_args_is_help=True
)

_FOLDER = typer.Argument(help="A folder of any known format.", metavar="DIR")
_SOURCE = typer.Argument(help="A folder of any known format.", metavar="SRC")
_TARGET = typer.Argument(help="The folder to make; it must not exist.", metavar="DST")
_JSON = typer.Option(False, "--json", help="Print JSON instead of a table.")
_WORKERS = typer.Option(None, "--workers", min=1, help="Processes; one a processor by default.")


class Gate(StrEnum):
    """From which severity on ``data check`` fails."""

    ERROR = "error"
    WARNING = "warning"
    NEVER = "never"


class Target(StrEnum):
    """Formats that can be written."""

    SA1B = "sa1b"
    COCO = "coco"
    MULTICLASS = "multiclass"
    PNG = "png"
    YOLO = "yolo"


@app.command()
def info(
    folder: Path = _FOLDER,
    split: str = typer.Option("", "--split", help="Only train, valid or test."),
    as_json: bool = _JSON,
    workers: int | None = _WORKERS,
) -> None:
    """Count what is in a dataset: images, masks, classes, sizes."""
    from floorseg.data.dataset import open_dataset
    from floorseg.data.index import read_index
    from floorseg.data.statistics import statistics_of

    dataset = open_dataset(folder, split or None)
    with _progress(quiet=as_json) as progress:
        index = read_index(
            dataset, cache=Settings().cache / "indexes", workers=workers, progress=progress
        )
    counted = {"format": dataset.format, **statistics_of(index).as_json()}
    if as_json:
        print(json.dumps(counted, indent=2))
    else:
        print_counts(str(folder), counted)


@app.command()
def check(
    folder: Path = _FOLDER,
    as_json: bool = _JSON,
    fix: Path | None = typer.Option(
        None, "--fix", metavar="OUT", help="Write a mended copy to this folder."
    ),
    fail_on: Gate = typer.Option(
        Gate.NEVER, "--fail-on", help="Exit with 1 where a finding is this bad or worse."
    ),
    images: bool = typer.Option(True, help="Look at the images too, not only at annotations."),
    look_alikes: bool = typer.Option(True, help="Search for one plan in two splits."),
    workers: int | None = _WORKERS,
) -> None:
    """Find what is wrong with a dataset; with --fix, write a mended copy."""
    from floorseg.data.checks.findings import Severity
    from floorseg.data.checks.run import check_dataset
    from floorseg.data.dataset import open_dataset

    dataset = open_dataset(folder)
    with _progress(quiet=as_json) as progress:
        report = check_dataset(
            dataset,
            look_at_pictures=images,
            find_look_alikes=look_alikes,
            workers=workers,
            progress=progress,
        )
    content = report.as_json()
    if fix is not None:
        from floorseg.data.mend import mend_dataset

        with _progress(quiet=as_json) as progress:
            mended = mend_dataset(dataset, fix, report=report, workers=workers, progress=progress)
        done = mended.conversion
        content["mended"] = _conversion_json(done)
    if as_json:
        print(json.dumps(content, indent=2))
    else:
        print_report(report)
        if fix is not None:
            print_conversion(content["mended"])
    if fail_on is not Gate.NEVER and report.fails(Severity(fail_on.value)):
        raise typer.Exit(1)


@app.command()
def convert(
    source: Path = _SOURCE,
    target: Path = _TARGET,
    to: Target = typer.Option(..., "--to", help="The format to write."),
    for_sam2: bool = typer.Option(
        False, "--for-sam2", help="Names and JPEGs as sam2's own trainer needs them (sa_1.jpg)."
    ),
    as_json: bool = _JSON,
    workers: int | None = _WORKERS,
) -> None:
    """Write a dataset in another format; a killed conversion continues when called again."""
    from floorseg.data.convert import convert as convert_dataset

    with _progress(quiet=as_json) as progress:
        done = convert_dataset(
            source,
            target,
            to=to.value,
            names="sam2" if for_sam2 else "keep",
            pictures="jpeg" if for_sam2 else "copy",
            workers=workers,
            progress=progress,
        )
    _show(_conversion_json(done), as_json, print_conversion)


@app.command()
def split(
    source: Path = _SOURCE,
    target: Path = _TARGET,
    train: float = typer.Option(0.8, "--train", min=0, max=1, help="Share of the images."),
    valid: float = typer.Option(0.1, "--valid", min=0, max=1, help="Share of the images."),
    test: float = typer.Option(0.1, "--test", min=0, max=1, help="Share of the images."),
    seed: int = typer.Option(0, "--seed", help="Another seed gives another split."),
    nearest: bool = typer.Option(
        False, "--nearest", help="Take the nearest sizes where these cannot be had without leaks."
    ),
    as_json: bool = _JSON,
    workers: int | None = _WORKERS,
) -> None:
    """Draw new splits: look-alikes stay together, classes are balanced."""
    from floorseg.data.split import split_dataset

    with _progress(quiet=as_json) as progress:
        plan, done = split_dataset(
            source,
            target,
            shares={"train": train, "valid": valid, "test": test},
            seed=seed,
            accept_nearest=nearest,
            workers=workers,
            progress=progress,
        )
    drawn = {"sizes": dict(plan.sizes), "plans": len(plan.groups), "note": plan.explanation()}
    _show({**_conversion_json(done), "split": drawn}, as_json, print_conversion)


@app.command()
def fetch(
    name: str = typer.Argument(help="set1 or set2, or another name in configs/datasets.yaml."),
    config: Path = typer.Option(
        PROJECT / "configs" / "datasets.yaml", "--config", help="Where the links are."
    ),
    root: Path | None = typer.Option(
        None, "--to", help="The folder of datasets; FLOORSEG_DATA_ROOT by default."
    ),
) -> None:
    """Download and unpack a dataset; continues where it was broken off."""
    from floorseg.data.fetch import fetch as fetch_dataset
    from floorseg.data.fetch import read_sources
    from floorseg.errors import ConfigError

    sources = read_sources(config)
    if name not in sources:
        raise ConfigError(f"{config} knows no dataset {name!r}; it has {', '.join(sources)}")
    with _progress() as progress:
        folder = fetch_dataset(sources[name], root or Settings().data_root, progress=progress)
    print(f"{folder} is ready; look at it with: python -m floorseg data check {folder}")


def _show(content: dict[str, Any], as_json: bool, table: Callable[[dict[str, Any]], None]) -> None:
    if as_json:
        print(json.dumps(content, indent=2))
    else:
        table(content)


@contextmanager
def _progress(*, quiet: bool = False) -> Iterator["ProgressCallback"]:
    from rich.console import Console
    from rich.progress import Progress as Bar

    from floorseg.core.structures import Progress

    with Bar(console=Console(stderr=True), transient=True, disable=quiet) as bar:
        task = bar.add_task("", total=None)

        tell = _teller()

        def show(state: Progress) -> None:
            bar.update(task, completed=state.done, total=state.total, description=state.what)
            tell(state)

        yield show


def _teller() -> "ProgressCallback":
    """Tells a page that started this command how far it is, in the file it named."""
    from time import monotonic

    from floorseg.core.structures import Progress, ignore_progress
    from floorseg.data.files import write_atomically

    named = os.environ.get("FLOORSEG_PROGRESS_FILE")
    if not named:
        return ignore_progress
    told = 0.0

    def tell(state: Progress) -> None:
        nonlocal told
        if monotonic() - told > 0.2 or state.done == state.total:
            told = monotonic()
            content = {"done": state.done, "total": state.total, "what": state.what}
            write_atomically(Path(named), json.dumps(content).encode())

    return tell


def _conversion_json(done: "Conversion") -> dict[str, Any]:
    return {
        "folder": str(done.folder),
        "format": done.format,
        "samples": done.samples,
        "resumed": done.resumed,
        "notes": list(done.notes),
        "left_out": list(done.problems),
        "changes": list(done.changes),
    }
