"""``floorseg checkpoints``: what weights are here; show, verify, change, fit them to plans."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from floorseg.settings import Settings

if TYPE_CHECKING:
    from floorseg.core.checkpoint_info import CheckpointInfo

app = typer.Typer(
    help="List, show, verify, change and calibrate checkpoints.", no_args_is_help=False
)

WIDE = 110  # columns a terminal needs for the origin to fit beside the rest

_NAME = typer.Argument(help="A file, a name as the list shows it, or a Hugging Face id.")
_JSON = typer.Option(False, "--json", help="Print JSON instead of a table.")
_FOLDERS = typer.Option(
    None, "--folder", help="Look in this folder instead of checkpoints/ and runs/; may be repeated."
)


@app.callback(invoke_without_command=True)
def checkpoints(
    context: typer.Context,
    folder: list[Path] | None = _FOLDERS,
    as_json: bool = _JSON,
) -> None:
    """List the checkpoints that are here: architecture, parameters, size, origin."""
    if context.invoked_subcommand is not None:
        return
    from floorseg.services.catalog import checkpoint_folders, list_checkpoints

    folders = folder or checkpoint_folders(Settings())
    found = list_checkpoints(folders)
    if as_json:
        print(json.dumps([_as_json(info) for info in found], indent=2))
    elif found:
        _print_table(found)
    else:
        where = " or ".join(str(path) for path in folders)
        print(f"No checkpoint in {where}; fetch the official ones: checkpoints/download_ckpts.sh")


@app.command()
def show(name: str = _NAME, as_json: bool = _JSON) -> None:
    """Show all that one checkpoint says about itself."""
    from floorseg.core.checkpoint_file import digest
    from floorseg.core.checkpoint_info import describe_checkpoint

    path = _find(name)
    facts = {**_as_json(describe_checkpoint(path)), "sha256": digest(path)}
    if as_json:
        print(json.dumps(facts, indent=2))
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(show_header=False, box=None)
    for key, value in facts.items():
        table.add_row(f"[bold]{key.replace('_', ' ')}[/bold]", escape(_plain(value)))
    Console().print(table)


@app.command()
def verify(name: str = _NAME) -> None:
    """Read a checkpoint to its last byte: check sums, every name and shape, no NaN."""
    from floorseg.core.model import verify_checkpoint

    path = _find(name)
    whole = verify_checkpoint(path)
    print(f"{path} is whole: {whole.architecture}, {whole.tensors} weights, sha256 {whole.sha256}")


@app.command()
def slim(
    source: str = _NAME,
    target: Path = typer.Argument(help="The file to write; it must not exist."),
    full: bool = typer.Option(False, "--full", help="Keep float32; half precision otherwise."),
) -> None:
    """Make a trainer's checkpoint small: weights for inference, without the optimizer."""
    from floorseg.core.model import slim_checkpoint

    path = _find(source)
    slim_checkpoint(path, target, half=not full)
    before, after = path.stat().st_size, target.stat().st_size
    print(f"{target}: {_size(after)}, {before / after:.1f} times smaller than {path}")


@app.command()
def average(
    target: Path = typer.Argument(help="The file to write; it must not exist."),
    sources: list[str] = typer.Argument(help="Two or more; one named twice counts twice."),
    full: bool = typer.Option(False, "--full", help="Keep float32; half precision otherwise."),
) -> None:
    """Take the mean of checkpoints that went on from one another: often better than each."""
    from floorseg.core.soup import average_checkpoints

    paths = [_find(source) for source in sources]
    average_checkpoints(paths, target, half=not full)
    print(f"{target}: the mean of {len(sources)} checkpoints")
    _tell_lost_odds(paths)


@app.command()
def deepen(
    source: str = _NAME,
    target: Path = typer.Argument(help="The file to write; it must not exist."),
    full: bool = typer.Option(False, "--full", help="Keep float32; half precision otherwise."),
) -> None:
    """Make a nano of 9 blocks one of 12 that answers the same, to train it further."""
    from floorseg.core.deepen import deepen_checkpoint

    path = _find(source)
    deepen_checkpoint(path, target, half=not full)
    print(f"{target}: answers what {path} does, three blocks deeper")


@app.command()
def calibrate(
    source: str = _NAME,
    target: Path = typer.Argument(help="The file to write; it must not exist."),
    data: Path = typer.Option(help="Plans with truth that the model was not trained on."),
    split: list[str] = typer.Option(["valid"], help="Which of them; repeatable, empty for all."),
    limit: int = typer.Option(0, help="Only so many plans of each split; 0 for all.", min=0),
    labels: str = typer.Option("", help="Only masks of these classes, separated by commas."),
    full: bool = typer.Option(False, "--full", help="Keep float32; half precision otherwise."),
) -> None:
    """Make the model's own scores fit the IoU it really reaches; its masks stay as they are.

    Odds of rooms are made of scores: the copy is without; fit them anew with ``odds``.
    """
    from rich.progress import track

    from floorseg.data.dataset import open_dataset
    from floorseg.data.spread import spread
    from floorseg.training.score_calibration import Again
    from floorseg.training.score_calibration import calibrate as fit

    path = _find(source)
    splits = [open_dataset(data, name or None) for name in split]
    plans = [(some, place) for some in splits for place in spread(range(len(some)), limit)]
    samples = Again(lambda: (some[place] for some, place in track(plans, "asking the model")))
    done = fit(path, target, samples, labels=_names(labels), half=not full)
    print(
        f"{target}: over {done.answers} clicks and boxes the scores were {done.before:.3f} off, "
        f"now {done.after:.3f} (scale {done.fit.scale:.3f}, shift {done.fit.shift:+.3f})"
    )
    _tell_lost_odds([path])


@app.command()
def odds(
    source: str = _NAME,
    target: Path = typer.Argument(help="The file to write; it must not exist."),
    data: Path = typer.Option(help="Plans with truth; never those of a test."),
    split: list[str] = typer.Option(
        ["train", "valid"], help="Which of them; repeatable, empty for all."
    ),
    limit: int = typer.Option(150, help="Only so many plans of each split; 0 for all.", min=0),
    labels: str = typer.Option("", help="Only masks of these classes, separated by commas."),
    full: bool = typer.Option(False, "--full", help="Keep float32; half precision otherwise."),
) -> None:
    """Teach the preset "rooms" which of the regions that this model finds are rooms.

    The odds lie in the written file, beside the weights, which stay as they are; a training goes on
    without them. After ``calibrate``, if you want both.
    """
    from rich.progress import track

    from floorseg.data.dataset import open_dataset
    from floorseg.data.spread import spread
    from floorseg.training.room_odds_fit import fit_odds

    path = _find(source)
    splits = [open_dataset(data, name or None) for name in split]
    plans = [(some, place) for some in splits for place in spread(range(len(some)), limit)]
    samples = (some[place] for some, place in track(plans, "searching for rooms"))
    done = fit_odds(path, target, samples, labels=_names(labels), half=not full)
    print(
        f"{target}: over {done.regions} regions of {done.plans} plans the odds of a room had a "
        f"cross entropy of {done.before:.3f}, now {done.after:.3f}"
    )


def _tell_lost_odds(sources: list[Path]) -> None:
    from floorseg.core.checkpoint_file import read_checkpoint

    if any(read_checkpoint(source).room_odds for source in sources):
        print("without odds of rooms, which belong to other weights or scores; fit them anew: odds")


def _names(labels: str) -> tuple[str, ...]:
    return tuple(label.strip() for label in labels.split(",") if label.strip())


def _find(name: str) -> Path:
    from floorseg.core.find_checkpoint import find_checkpoint
    from floorseg.services.catalog import checkpoint_folders

    return find_checkpoint(name, checkpoint_folders(Settings()))


def _print_table(found: "list[CheckpointInfo]") -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    with_origin = console.width > WIDE  # otherwise ``show`` tells it
    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in ("name", "architecture"):
        table.add_column(title, no_wrap=True)
    for title in ("weights", "size", "image"):
        table.add_column(title, justify="right", no_wrap=True)
    if with_origin:
        table.add_column("origin", overflow="fold")
    for info in found:
        row = [
            info.name,
            info.title or "-",
            f"{info.parameters / 1e6:.1f} M" if info.parameters else "-",
            _size(info.bytes),
            f"{info.image_size} px" if info.image_size else "-",
        ]
        table.add_row(*row, *([Text(_origin(info))] if with_origin else []))
    console.print(table)
    for info in found:
        if info.problem:
            console.print(Text(f"{info.name}: {info.problem}", "red"))


def _origin(info: "CheckpointInfo") -> str:
    """Which run and step, in a word or two; ``show`` tells the rest."""
    first = list(info.origin.items())[:2]
    said = "; ".join(f"{key} {_plain(value)}" for key, value in first)
    kind = "trainer's, with optimizer" if info.trainer else ""
    epoch = f"epoch {info.epoch}" if info.epoch is not None else ""
    return "; ".join(part for part in (kind, epoch, said) if part) or "-"


def _as_json(info: "CheckpointInfo") -> dict[str, Any]:
    written = datetime.fromtimestamp(info.modified, UTC).isoformat(timespec="seconds")
    return {**asdict(info), "path": str(info.path), "modified": written}


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_plain(inner)}" for key, inner in value.items()) or "-"
    if isinstance(value, list | tuple):
        return ", ".join(_plain(inner) for inner in value)
    return "-" if value is None or value == "" else str(value)


def _size(count: int) -> str:
    return f"{count / 1e9:.2f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
