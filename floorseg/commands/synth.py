"""``python -m floorseg synth``: draw floorplans with exact truth, and look at them."""

from pathlib import Path
from typing import Annotated

import typer


def synth(
    out: Annotated[Path, typer.Argument(help="Folder to write; one subfolder a split.")],
    images: Annotated[int, typer.Option(min=1, help="How many plans.")] = 100,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 0,
    size: Annotated[str, typer.Option(help="Pixels: 640, or 1280x960.")] = "640",
    split: Annotated[
        str, typer.Option(help="Shares of the splits; empty for one folder.")
    ] = "train=0.8,valid=0.1,test=0.1",
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes that draw; one a core without.")
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option(
            help="Leave a trait out (repeatable): furniture, text, dimensions, thin-walls, fills, "
            "layouts, degradation."
        ),
    ] = None,
    style: Annotated[
        list[str] | None,
        typer.Option(
            help="Only these schools of drawing (repeatable): furnished, agent, survey, cad, "
            "brochure, bare, sketch, blueprint."
        ),
    ] = None,
    png: Annotated[bool, typer.Option("--png", help="Write PNG instead of JPEG.")] = False,
    sheet: Annotated[
        Path | None, typer.Option(help="Also write a contact sheet of the first plans here.")
    ] = None,
    sheet_masks: Annotated[bool, typer.Option(help="Draw the masks on the contact sheet.")] = False,
) -> None:
    """Draw synthetic floorplans with one mask for each room, wall, door and window."""
    from rich.progress import Progress as Bar

    from floorseg.core.structures import Progress
    from floorseg.data.parallel import processors
    from floorseg.data.synth.contact import write_contact_sheet
    from floorseg.data.synth.options import parse_names, parse_size, parse_split
    from floorseg.data.synth.plan import TRAITS
    from floorseg.data.synth.schools import STYLES
    from floorseg.data.synth.writer import Order, write_plans

    order = Order(
        images=images,
        seed=seed,
        size=parse_size(size),
        split=parse_split(split),
        without=parse_names(without or [], TRAITS, "trait"),
        styles=parse_names(style or [], tuple(STYLES), "style"),
        png=png,
    )
    with Bar(transient=True) as bar:
        task = bar.add_task("drawing plans", total=images)

        def show(progress: Progress) -> None:
            bar.update(task, completed=progress.done)

        drawn = write_plans(out, order, workers=workers or processors(), progress=show)
    print(f"{out}: {images} plans, {drawn} drawn now")
    if sheet is not None:
        write_contact_sheet(sheet, out, order, masks=sheet_masks)
        print(f"{sheet}: contact sheet")
