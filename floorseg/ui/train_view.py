"""What the Train tab shows of runs: words, tables and charts, made from what services say."""

import html
from collections.abc import Mapping, Sequence

from floorseg.runs import RunFolder, RunState
from floorseg.services.machine import Load
from floorseg.services.queues import Waiting
from floorseg.services.run_summary import Curves, RunSummary, config_differences, curves
from floorseg.services.tensorboard import TensorBoard
from floorseg.ui.plots import line_chart

SMOOTH = 0.8
TABLE = ["run", "state", "done", "epoch", "step", "click1", "click3", "box", "best", "started"]
_LOCAL = ("127.0.0.1", "localhost", "[::1]", "")
_SCORES = ("click1", "click3", "box")


def rows(found: Sequence[RunSummary]) -> list[list[str]]:
    """The table of runs."""
    return [
        [
            run.name, str(run.state), f"{run.share:.0%}", f"{run.epoch:g}", str(run.step),
            *(f"{run.scores[key]:.3f}" if key in run.scores else "" for key in _SCORES),
            "" if run.best is None else f"{run.best:.3f}",
            run.began.strftime("%d %b %H:%M"),
        ]
        for run in found
    ]  # fmt: skip


def queue_words(waiting: Sequence[Waiting], running: Sequence[RunSummary]) -> str:
    """Who runs and who waits, as Markdown."""
    parts = [f"**Running:** {', '.join(run.name for run in running) or 'nothing'}"]
    if waiting:
        order = ", ".join(
            f"{number}. {each.run.name} ({each.device})" for number, each in enumerate(waiting, 1)
        )
        parts.append(f"**Waiting:** {order}")
    return "  \n".join(parts)


def status(run: RunSummary, load: Load | None) -> str:
    """State, progress and pace of a run, as HTML."""
    facts = [
        ("state", str(run.state)),
        ("step", _of_about(run.step, run.share)),
        ("epoch", f"{run.epoch:g}" + _of(run, "epochs")),
        ("taken", _duration(run.minutes) + _of(run, "minutes", " min")),
        ("left", "" if run.minutes_left is None else _duration(run.minutes_left)),
        ("images/s", "" if run.images_per_second is None else f"{run.images_per_second:.1f}"),
        ("learning rate", "" if run.learning_rate is None else f"{run.learning_rate:.2e}"),
        ("best", "" if run.best is None else f"{run.best:.4f}"),
        *(_load(load) if load and run.state is RunState.RUNNING else []),
    ]
    cells = "".join(
        f"<div><dt>{_text(name)}</dt><dd>{_text(value)}</dd></div>"
        for name, value in facts
        if value
    )
    message = f"<p class='fs-run-message'>{_text(run.message)}</p>" if run.message else ""
    bar = f"<progress max='1' value='{run.share:.4f}'></progress>"
    title = f"<h3>{_text(run.name)}</h3>"
    return (
        f"<div class='fs-run fs-run-{run.state}'>{title}{bar}<dl>{cells}</dl>{message}</div>"
        f"{_test(run.test)}"
    )


def board_words(board: TensorBoard, host: str) -> str:
    """Where TensorBoard is, as Markdown, for a browser that calls the page's machine ``host``."""
    link = f"[{board.address()}]({board.address()})"
    said = f"TensorBoard: {link}. In a terminal: `{board.command}`"
    if host in _LOCAL:
        return said
    return f"{said}. It answers on its own machine only; first: `{board.from_elsewhere(host)}`"


def charts(run: RunFolder, beside: Sequence[RunFolder] = ()) -> str:
    """Each loss term on its own curve, scores, learning rate and pace; several runs overlaid."""
    known = {each.name: curves(each) for each in (run, *beside)}
    mine = known[run.name]
    found = []
    if len(known) == 1:
        found.append(line_chart("validation, mean IoU", _iou(mine)))
    else:
        for key in _SCORES:
            together = {n: c.scores[key] for n, c in known.items() if key in c.scores}
            found.append(line_chart(f"validation {key}", together))
    names = [name for name in mine.terms if name not in ("lr", "images_per_second")]
    for name in [*names, "lr", "images_per_second"]:
        if len(known) == 1:
            together = {name: mine.terms.get(name, [])}
        else:
            together = {n: c.terms[name] for n, c in known.items() if name in c.terms}
        smooth = SMOOTH if name in names else 0.0
        found.append(line_chart(name.replace("_", " "), together, smooth=smooth))
    return f"<div class='fs-charts'>{''.join(found)}</div>"


def differences(runs: Sequence[RunFolder]) -> str:
    """In which settings runs differ, as Markdown."""
    found = config_differences(list(runs))
    if len(runs) < 2:
        return ""
    if not found:
        return "These runs have the same settings."
    head = "| setting | " + " | ".join(run.name for run in runs) + " |"
    lines = [head, "|" + "---|" * (len(runs) + 1)]
    for key, values in list(found.items())[:40]:
        lines.append(f"| {key} | " + " | ".join(values[run.name] or "–" for run in runs) + " |")
    return "\n".join(lines)


def _iou(mine: Curves) -> Mapping[str, Sequence[tuple[int, float]]]:
    return {name: points for name, points in mine.scores.items() if name != "score_error"}


def _test(test: Mapping[str, object]) -> str:
    """Scores on the test split beside the base's."""
    scores = test.get("scores")
    if not isinstance(scores, Mapping):
        return ""
    lines = "".join(
        f"<tr><td>{_text(name)}</td><td>{pair.get('base', float('nan')):.4f}</td>"
        f"<td><b>{pair.get('tuned', float('nan')):.4f}</b></td><td>{_gain(pair)}</td></tr>"
        for name, pair in scores.items()
    )
    return (
        "<table class='fs-test'><tr><th>test split, mean IoU</th><th>base</th><th>fine-tuned</th>"
        "<th>gain, 95 % interval</th></tr>"
        f"{lines}</table>"
    )


def _gain(pair: Mapping[str, float]) -> str:
    """What was gained, object by object, and how sure that is."""
    if "gain" not in pair:
        return ""
    return f"{pair['gain']:+.4f} ({pair['low']:+.4f} to {pair['high']:+.4f})"


def _of_about(step: int, share: float) -> str:
    """``120 of about 480``: as far as the share of the schedule tells."""
    return f"{step} of about {round(step / share)}" if 0 < share < 1 and step else str(step)


def _of(run: RunSummary, unit: str, word: str = "") -> str:
    """`` of 40``, where the run's length is counted in this unit."""
    return f" of {run.length:g}{word}" if run.length and run.unit == unit else ""


def _load(load: Load) -> list[tuple[str, str]]:
    found = [
        ("CPU", f"{load.cpu:.0%}"),
        ("memory", f"{load.used_gb:.1f} of {load.total_gb:.0f} GB"),
    ]
    for gpu in load.gpus:
        found.append((gpu.name, f"{gpu.busy:.0%}, {gpu.used_gb:.1f} of {gpu.total_gb:.0f} GB"))
    return found


def _duration(minutes: float) -> str:
    if minutes < 1:
        return f"{60 * minutes:.0f} s"
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"


def _text(words: str) -> str:
    return html.escape(words, quote=True)
