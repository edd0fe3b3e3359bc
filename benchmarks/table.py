"""One way to show a table of measurements, and to keep it in ``benchmarks/RESULTS.md``."""

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import torch

RESULTS = Path(__file__).with_name("RESULTS.md")


def show(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The table as Markdown, its columns in line so that a terminal shows it well too."""
    cells = [list(headings), *[list(row) for row in rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(headings))]
    lines = []
    for number, row in enumerate(cells):
        padded = [
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append(f"| {' | '.join(padded)} |")
        if number == 0:
            lines.append("|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def machine(device: str = "cpu") -> str:
    """What it was measured on, in a line."""
    if device.startswith("cuda"):
        chip = torch.cuda.get_device_name(torch.device(device))
    else:
        chip = f"{_processor()}, {torch.get_num_threads()} threads of {os.cpu_count()} processors"
    return f"{chip}; Python {platform.python_version()}, torch {torch.__version__}"


def keep(title: str, command: str, text: str, device: str = "cpu") -> Path:
    """Append a measurement to the file of results, with date, machine and command."""
    today = datetime.now(UTC).strftime("%Y-%m-%d")
    entry = f"\n## {title} ({today})\n\n`{command}`, {machine(device)}.\n\n{text}\n"
    head = "" if RESULTS.exists() else "# Benchmarks: what was measured, when, on what\n"
    with RESULTS.open("a", encoding="utf-8") as file:
        file.write(head + entry)
    return RESULTS


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
