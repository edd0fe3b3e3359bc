"""``python -m floorseg segment``: masks of one plan, or of a folder of plans, into files."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from floorseg.errors import ConfigError
from floorseg.settings import Settings

if TYPE_CHECKING:
    from rich.console import Console

    from floorseg.core.structures import Prompt
    from floorseg.services.plan_folder import Outcome, Wanted


def segment(
    plan: Annotated[Path, typer.Argument(help="A picture of a floorplan, or a folder of them.")],
    out: Annotated[
        Path, typer.Option(help="Folder to write: JSON and picture, overlays/, labels/.")
    ],
    checkpoint: Annotated[
        str, typer.Option(help="Name, path or Hugging Face id of the weights.")
    ] = Settings().checkpoint,
    point: Annotated[
        list[str] | None,
        typer.Option(
            metavar="X,Y[,0|1]",
            help="A click in pixels; 1 (default) belongs, 0 does not. All points describe one "
            "region, together with the box if there is one. Repeatable.",
        ),
    ] = None,
    box: Annotated[
        list[str] | None,
        typer.Option(metavar="X0,Y0,X1,Y1", help="A box in pixels around a region. Repeatable."),
    ] = None,
    everything: Annotated[
        bool,
        typer.Option("--everything", help="Find all regions; the default without point and box."),
    ] = False,
    preset: Annotated[
        str, typer.Option(help="How all regions are found: rooms, regions or details.")
    ] = "rooms",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.")] = (
        Settings().device
    ),
) -> None:
    """Segment a plan, or every plan of a folder, into masks. What is done already is skipped."""
    from rich.console import Console

    from floorseg.core.presets import find_preset
    from floorseg.services.plan_folder import Wanted
    from floorseg.services.plan_pictures import find_plans

    prompts = parse_prompts(point or [], box or [])
    find_preset(preset)  # refuse it before the model is loaded
    plans = find_plans(plan)
    search = everything or not prompts
    wanted = Wanted(checkpoint, prompts, preset if search else None)
    console = Console()
    outcomes = _work(console, plans, out, wanted, device)
    if len(plans) == 1 and outcomes[0].problem is None:
        _show_regions(console, outcomes[0])
    else:
        _show_plans(console, outcomes)
    console.print(f"written to [bold]{out}[/bold]: JSON and pictures, overlays/, labels/")
    unread = [outcome for outcome in outcomes if outcome.problem is not None]
    for outcome in unread:
        console.print(f"[red]skipped:[/red] {outcome.problem}", soft_wrap=True)
    raise typer.Exit(1 if unread else 0)


def parse_prompts(points: list[str], boxes: list[str]) -> tuple["Prompt", ...]:
    """What was typed as prompts: the points are one region, together with the box if it is one.

    Raises:
        ConfigError: if a point or box is not made of numbers, or a box is inside out.
    """
    from floorseg.core.structures import Point, Prompt

    clicks = []
    for text in points:
        numbers = _numbers(text, "--point", "X,Y or X,Y,1 or X,Y,0", (2, 3))
        if len(numbers) == 3 and numbers[2] not in (0, 1):
            raise ConfigError(f"--point {text}: the third number is 1 (belongs) or 0 (does not)")
        clicks.append(Point(numbers[0], numbers[1], inside=len(numbers) == 2 or numbers[2] == 1))
    frames = []
    for text in boxes:
        x0, y0, x1, y1 = _numbers(text, "--box", "X0,Y0,X1,Y1", (4,))
        if x1 <= x0 or y1 <= y0:
            raise ConfigError(f"--box {text}: the second corner must lie right of and below it")
        frames.append((x0, y0, x1, y1))
    if clicks and len(frames) == 1:
        return (Prompt(points=tuple(clicks), box=frames[0]),)
    together = (Prompt(points=tuple(clicks)),) if clicks else ()
    return (*together, *(Prompt(box=frame) for frame in frames))


def _numbers(text: str, option: str, form: str, lengths: tuple[int, ...]) -> list[float]:
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) not in lengths or not all(abs(number) < 1e6 for number in numbers):
        raise ConfigError(f"{option} takes {form} in pixels, got {text!r}")
    return numbers


def _work(
    console: "Console", plans: list[Path], out: Path, wanted: "Wanted", device: str
) -> list["Outcome"]:
    """Segment with a progress bar: plan by plan, and clicks within a plan."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    from floorseg.core.closeup import make_predictor
    from floorseg.core.model import load_model
    from floorseg.core.structures import Progress
    from floorseg.services.plan_folder import segment_plans

    settings = Settings()
    with console.status(f"loading {wanted.checkpoint}"):
        model = load_model(wanted.checkpoint, device, folders=(settings.checkpoints, settings.runs))
    outcomes = []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Bars(*columns, TimeRemainingColumn(), console=console, transient=True) as bars:
        whole = bars.add_task("plans", total=len(plans))
        within = bars.add_task("clicks", total=None)

        def show(progress: Progress) -> None:
            bars.update(
                within, completed=progress.done, total=progress.total, description=progress.what
            )

        for outcome in segment_plans(make_predictor(model), plans, out, wanted, progress=show):
            outcomes.append(outcome)
            bars.update(whole, advance=1)
    return outcomes


def _show_regions(console: "Console", outcome: "Outcome") -> None:
    from rich.table import Table

    how = "complete already" if outcome.skipped else f"{outcome.seconds:.1f} s"
    table = Table(title=f"{outcome.path.name}: {len(outcome.regions)} regions, {how}")
    for heading in ("region", "area px", "x", "y", "width", "height", "score", "stability"):
        table.add_column(heading, justify="right")
    for region in outcome.regions:
        stability = "" if region.stability is None else f"{region.stability:.2f}"
        table.add_row(
            str(region.number), f"{region.area:,}", *(f"{side:.0f}" for side in region.bbox),
            f"{region.score:.2f}", stability,
        )  # fmt: skip
    console.print(table)


def _show_plans(console: "Console", outcomes: list["Outcome"]) -> None:
    from rich.table import Table

    regions = sum(len(outcome.regions) for outcome in outcomes)
    table = Table(title=f"{len(outcomes)} plans, {regions} regions")
    table.add_column("plan", overflow="fold")
    for heading in ("regions", "mean score", "s"):
        table.add_column(heading, justify="right")
    for outcome in outcomes:
        if outcome.problem is not None:
            table.add_row(outcome.path.name, "[red]not read[/red]", "", "")
            continue
        scores = [region.score for region in outcome.regions]
        mean = f"{sum(scores) / len(scores):.2f}" if scores else ""
        seconds = "done before" if outcome.skipped else f"{outcome.seconds:.1f}"
        table.add_row(outcome.path.name, str(len(scores)), mean, seconds)
    console.print(table)
