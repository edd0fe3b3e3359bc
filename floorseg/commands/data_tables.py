"""What ``floorseg data`` prints for a person to read."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from floorseg.data.checks.run import Report

SHOWN = 8  # sentences of one kind in the terminal; --json has them all


def print_counts(title: str, content: dict[str, Any]) -> None:
    """A table of names and numbers."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, show_header=False)
    for key, value in content.items():
        if isinstance(value, dict):
            items = list(value.items())
            text = ", ".join(
                f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v:,}" for k, v in items[:20]
            )
            text += f", ... ({len(items)} in all)" if len(items) > 20 else ""
        else:
            text = f"{value:,}" if isinstance(value, int) else str(value)
        table.add_row(key.replace("_", " "), text)
    Console().print(table)


def print_report(report: "Report") -> None:
    """Findings by kind, worst first, each kind with examples and its fix."""
    from rich.console import Console
    from rich.markup import escape

    from floorseg.data.checks.findings import RULES, Severity

    console = Console(highlight=False, soft_wrap=True)
    colours = {"error": "red", "warning": "yellow", "note": "cyan"}
    console.print(
        f"[bold]{escape(str(report.folder))}[/]: {report.format}, {report.samples:,} images, "
        f"{report.masks:,} masks"
    )
    for code, (found, concerned) in report.totals.items():
        rule = RULES[code]
        console.print(
            f"\n[{colours[rule.severity]} bold]{rule.severity}[/] [bold]{rule.title}[/] ({code}): "
            f"{found:,} findings, {concerned:,} concerned"
        )
        shown = [one for one in report.findings if one.code == code][
            : 3 if found > SHOWN else SHOWN
        ]
        for one in shown:
            console.print(f"  {escape(one.file)}{': ' if one.file else ''}{escape(one.sentence)}")
        if found > len(shown):
            console.print(f"  ... and {found - len(shown):,} more (--json lists them)")
        console.print(f"  [dim]{rule.fix}{' (--fix does it)' if rule.fixable else ''}[/]")
    counts = ", ".join(f"{report.count(s):,} {s}s" for s in Severity)
    console.print(f"\n[bold]{counts}[/]")


def print_conversion(content: dict[str, Any]) -> None:
    """What was written, changed, not kept and left out."""
    from rich.console import Console
    from rich.markup import escape

    console = Console(highlight=False, soft_wrap=True)
    resumed = f" ({content['resumed']:,} from before)" if content["resumed"] else ""
    console.print(
        f"[bold]{escape(content['folder'])}[/]: {content['samples']:,} samples as "
        f"{content['format']}{resumed}"
    )
    if "split" in content:
        drawn = content["split"]
        sizes = ", ".join(f"{name} {size:,}" for name, size in drawn["sizes"].items())
        console.print(f"{sizes}; {drawn['plans']:,} different plans. {drawn['note']}")
    titles = {"changes": "changed", "notes": "not kept", "left_out": "left out"}
    for key, title in titles.items():
        if content[key]:
            console.print(f"[bold]{title}[/] ({len(content[key]):,})")
            for sentence in content[key][:SHOWN]:
                console.print(f"  {escape(sentence)}")
            if len(content[key]) > SHOWN:
                console.print(f"  ... and {len(content[key]) - SHOWN:,} more (--json lists them)")
