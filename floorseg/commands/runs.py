"""``floorseg runs``: list, show, stop, resume, delete and export training runs."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from floorseg.runs import RunFolder
from floorseg.settings import Settings

if TYPE_CHECKING:
    from floorseg.services.run_summary import RunSummary

app = typer.Typer(help="List, show, stop, resume, delete and export runs.", no_args_is_help=False)

Name = Annotated[str, typer.Argument(help="A run's folder, its name, or the end of its name.")]
Runs = Annotated[Path | None, typer.Option(help="The folder of runs; runs/ without.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
# Plans for the odds of rooms. A rooms model that shipped had F1 0.83 on other plans when fitted to
# 60, 0.86 when fitted to 220; weights fine-tuned for 16 minutes gained 0.03 by a hundred.
_PLANS = 100
_MINUTES = 5.0  # for all of them: on a slow machine fewer must do


@app.callback(invoke_without_command=True)
def runs(context: typer.Context, runs: Runs = None, as_json: Json = False) -> None:
    """List the runs: how they are doing, how far they are, what they score."""
    if context.invoked_subcommand is not None:
        return
    from floorseg.services.run_summary import summaries

    folder = runs or Settings().runs
    found = summaries(folder)
    if as_json:
        print(json.dumps([_as_json(summary) for summary in found], indent=2))
    elif found:
        _print_table(found)
    else:
        print(f"No run in {folder}; start one: python -m floorseg train -c CONFIG")


@app.command()
def show(name: Name, runs: Runs = None, as_json: Json = False) -> None:
    """Show one run: state, scores, how it was started, the end of its log."""
    from floorseg.services.run_summary import log_tail, summarise

    run = find_run(name, runs)
    facts = _as_json(summarise(run))
    if as_json:
        print(json.dumps(facts, indent=2))
        return
    for key, value in facts.items():
        if value not in (None, "", {}):
            print(f"{key:18} {_in_words(value)}")
    print(f"{'folder':18} {run.path}\n\n{log_tail(run, lines=12)}")


@app.command()
def stop(
    name: Name,
    runs: Runs = None,
    now: Annotated[bool, typer.Option(help="End it at once; what was not saved is lost.")] = False,
    wait: Annotated[float, typer.Option(help="Seconds to wait for it to have saved.")] = 60.0,
) -> None:
    """Stop a run: it finishes the step it is at, saves and ends. A waiting run leaves the queue."""
    from floorseg.services.jobs import kill_run, stop_run

    run = find_run(name, runs)
    if now:
        kill_run(run)
    else:
        stop_run(run, patience=wait)
    print(f"{run.state()}: {run.path}")


@app.command()
def resume(
    name: Name,
    runs: Runs = None,
    more: Annotated[
        float, typer.Option(help="Lengthen it by so many epochs (minutes, steps: its own unit).")
    ] = 0.0,
) -> None:
    """Go on with a run exactly where it was, in the background; it waits if the device is busy."""
    from floorseg.services.jobs import resume_run

    run = find_run(name, runs)
    resume_run(run, more=more)
    print(f"{run.state()}: {run.path}")


@app.command()
def delete(
    name: Name,
    runs: Runs = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete a run with its checkpoints."""
    from floorseg.services.jobs import delete_run

    run = find_run(name, runs)
    if not yes:
        typer.confirm(f"Delete {run.path} with everything in it?", abort=True)
    delete_run(run)
    print(f"deleted: {run.path}")


@app.command()
def score(name: Name, runs: Runs = None) -> None:
    """Score the best weights on the run's test split, beside those it began with."""
    from floorseg.services.final_scores import in_words
    from floorseg.services.final_scores import score as score_run

    run = find_run(name, runs)
    found = score_run(run)
    for kind, facts in found.items():
        print(in_words(kind, facts))
    if not found:
        print(f"{run.name} has no test split; name one: dataset.test=test")


@app.command()
def odds(
    name: Name,
    runs: Runs = None,
    plans: Annotated[
        int, typer.Option(help="So many of the run's plans; 0 for all.", min=0)
    ] = _PLANS,
    minutes: Annotated[float, typer.Option(help="Begin no plan later than this.")] = _MINUTES,
) -> None:
    """Teach the best weights which regions of the run's plans are rooms, for the preset "rooms".

    Every training that has ended does so by itself: dataset.odds names the split.
    """
    from floorseg.training.final_odds import fit_final_odds

    run = find_run(name, runs)
    done = fit_final_odds(run, plans=plans, minutes=minutes)
    if done is None:
        print(f"{run.name} names no plans for it; name a split: dataset.odds=train")
        return
    print(
        f"which are rooms: over {done.regions} regions of {done.plans} plans the cross entropy "
        f"went from {done.before:.3f} to {done.after:.3f}"
    )


@app.command()
def export(
    name: Name,
    to: Annotated[
        Path | None, typer.Option(help="The file to write; checkpoints/NAME.pt without.")
    ] = None,
    runs: Runs = None,
    full: Annotated[bool, typer.Option(help="Keep full precision: twice the size.")] = False,
) -> None:
    """Export a run's best weights for use, with a model card beside them."""
    from floorseg.core.model import slim_checkpoint
    from floorseg.errors import RunError
    from floorseg.services.model_card import model_card

    run = find_run(name, runs)
    best = run.checkpoints / "best.pt"
    if not best.is_file():
        raise RunError(f"{run.name} has no best checkpoint yet; it comes with the first validation")
    target = to or Settings().checkpoints / f"{run.name}.pt"
    slim_checkpoint(best, target, half=not full)
    card = target.with_suffix(".md")
    card.write_text(model_card(run, target), encoding="utf-8")
    print(f"{target} ({target.stat().st_size / 1e6:.1f} MB), model card: {card}")


@app.command(hidden=True)
def work(
    runs: Annotated[Path, typer.Argument(help="The folder of runs.")],
    device: Annotated[str, typer.Option(help="Whose queue.")] = "cpu",
) -> None:
    """Work through a device's queue until it is empty; started by whoever puts a run into it."""
    from floorseg.services.queues import work as work_through

    work_through(runs, device)


def find_run(name: str, runs: Path | None = None) -> RunFolder:
    """The run a person means: a folder, a name, or an unmistakable part of one.

    Raises:
        RunError: if there is none, or there are several.
    """
    from floorseg.errors import RunError
    from floorseg.runs import list_runs

    if (Path(name).expanduser() / "config.yaml").is_file():
        return RunFolder.open(name)
    folder = runs or Settings().runs
    known = list_runs(folder)
    for matches in (
        [run for run in known if run.name == name],
        [run for run in known if run.name.endswith(f"-{name}")],
        [run for run in known if name in run.name],
    ):
        if len(matches) == 1:
            return matches[0]
        if matches:
            names = ", ".join(run.name for run in matches[:4])
            raise RunError(f"{name!r} could be {len(matches)} runs: {names}; say more of the name")
    recent = ", ".join(run.name for run in known[:3]) or "none"
    raise RunError(f"no run in {folder} is called {name!r}; the newest: {recent}")


def _as_json(summary: "RunSummary") -> dict[str, Any]:
    facts = asdict(summary)
    return {**facts, "state": str(summary.state), "began": summary.began.isoformat("T", "seconds")}


def _in_words(value: Any) -> str:
    if isinstance(value, dict):
        return "  ".join(f"{key} {_in_words(inner)}" for key, inner in value.items())
    if isinstance(value, list | tuple):
        return " ".join(str(part) for part in value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _print_table(found: "list[RunSummary]") -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for title in ("run", "state", "done", "step", "left", "click1", "click3", "box", "best"):
        left = title in ("run", "state")
        table.add_column(
            title,
            justify="left" if left else "right",
            overflow="fold" if title == "run" else "ellipsis",  # a name is copied: never cut
        )
    for run in found:
        time_left = "" if run.minutes_left is None else f"{run.minutes_left:.0f} min"
        scores = [f"{run.scores[key]:.3f}" if key in run.scores else "" for key in _SCORES]
        best = "" if run.best is None else f"{run.best:.3f}"
        table.add_row(
            run.name, str(run.state), f"{run.share:.0%}", str(run.step), time_left, *scores, best
        )
    Console().print(table)


_SCORES = ("click1", "click3", "box")
