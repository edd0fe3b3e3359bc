"""The command line: ``python -m floorseg COMMAND``. Everything the page does, without a browser."""

import importlib
import sys

import typer

from floorseg import __version__
from floorseg.errors import FloorsegError

COMMANDS = ("segment", "synth", "train", "doctor")  # one function each
GROUPS = ("checkpoints", "data", "runs")  # one typer.Typer each

app = typer.Typer(
    name="floorseg",
    help="Segment floorplans with SAM 2: click, compare, inspect, fine-tune, evaluate.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Evaluate checkpoints with [bold]python -m eval --help[/bold]; "
    "open the page with [bold]python app.py[/bold].",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"floorseg {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: bool = typer.Option(
        False, "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
    ),
) -> None:
    """Options that stand before a command."""


def _register() -> None:
    for name in COMMANDS:
        module = importlib.import_module(f"floorseg.commands.{name}")
        app.command(name, **getattr(module, "COMMAND", {}))(getattr(module, name))
    for name in GROUPS:
        module = importlib.import_module(f"floorseg.commands.{name}")
        app.add_typer(module.app, name=name)


def main() -> None:
    """Run one command; what a person can fix is one line on standard error and exit code 2."""
    _register()
    try:
        app()
    except FloorsegError as problem:
        print(f"floorseg: {problem}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("floorseg: stopped", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
