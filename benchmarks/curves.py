"""The validation scores of runs that went on from one another, as one picture.

    python -m benchmarks.curves checkpoints/curves.png --run RUN --run NEXT --title "..."

Plotly draws it and Chromium, which the browser tests use too, takes the picture.
"""

import argparse
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright
from plotly import graph_objects as go

from floorseg.runs import RunFolder

SHOWN = {"click1": "1 click", "click3": "3 clicks", "box": "box", "best_of_3": "best of 3, 1 click"}
COLOURS = ("#1f77b4", "#2ca02c", "#d62728", "#9467bd")
WIDTH, HEIGHT = 900, 460  # pixels


def main() -> None:
    """Draw the curves."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="the PNG to write")
    parser.add_argument("--run", type=Path, action="append", required=True, help="a run's folder")
    parser.add_argument("--title", default="Validation while training")
    options = parser.parse_args()
    events = list(one_after_another(options.run))
    figure = draw(events, options.title)
    photograph(figure.to_html(include_plotlyjs=True, config={"staticPlot": True}), options.out)
    print(f"{options.out}: {events[-1]['minutes']:.0f} minutes, {len(options.run)} runs")


def one_after_another(runs: list[Path]) -> Iterator[dict[str, Any]]:
    """Every validation, its minutes counted from the beginning of the first run."""
    begun = 0.0
    for run in runs:
        minutes = begun
        for event in RunFolder(run).events("validation"):
            minutes = begun + event["minutes"]
            yield {**event, "minutes": minutes}
        begun = minutes


def draw(events: list[dict[str, Any]], title: str) -> go.Figure:
    """Scores against minutes, with a line where the resolution changes."""
    figure = go.Figure()
    for (key, name), colour in zip(SHOWN.items(), COLOURS, strict=True):
        figure.add_scatter(
            x=[event["minutes"] for event in events], y=[event[key] for event in events],
            name=name, mode="lines+markers", line={"color": colour}, marker={"size": 4},
        )  # fmt: skip
    before = None
    for event in events:
        if event["image_size"] != before:
            before = event["image_size"]
            figure.add_vline(
                event["minutes"], line={"color": "lightgrey"}, annotation_text=f"{before} px",
                annotation={"textangle": -90, "font": {"size": 10}},  # short stages lie close
                annotation_position="bottom right",
            )  # fmt: skip
    figure.update_layout(
        title=title, template="plotly_white", width=WIDTH, height=HEIGHT,
        xaxis_title="minutes of training", yaxis_title="mean IoU",
        margin={"l": 60, "r": 20, "t": 60, "b": 50},
    )  # fmt: skip
    return figure


def photograph(html: str, out: Path) -> None:
    """A page as a PNG."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": WIDTH + 16, "height": HEIGHT + 16})
        page.set_content(html)
        page.locator(".main-svg").first.wait_for()
        page.screenshot(path=out)
        browser.close()


if __name__ == "__main__":
    main()
