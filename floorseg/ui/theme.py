"""How every tab looks: one theme, one frame, fonts that the visitor's computer has."""

from pathlib import Path

import gradio as gr

_HERE = Path(__file__).resolve().parent
_SCRIPTS = (  # in this order: each builds on those before
    "masks.js", "canvas.js", "canvas_draw.js", "dom.js", "plan_file.js",
    "segment.js", "segment_regions.js", "segment_tools.js", "segment_side.js",
    "segment_files.js",
    "rle_inspector.js", "rle_draw.js", "dataset.js", "dataset_charts.js", "dataset_gallery.js",
    "dataset_sample.js", "dataset_findings.js",
    "compare.js", "compare_views.js", "compare_side.js",
    "evaluate.js", "evaluate_results.js",
)  # fmt: skip
_STYLES = (
    "theme.css", "canvas.css",
    "dataset.css",
    "compare.css",
    "train.css",
    "evaluate.css",
)  # fmt: skip
_FONT = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif")

TITLE = "floorseg"
TAGLINE = "Segment floorplans with SAM 2: click a room, take it away."


def make_theme() -> gr.themes.Base:
    """Quiet greys and one indigo; nothing is fetched from anywhere."""
    theme = gr.themes.Base(
        primary_hue="indigo",
        neutral_hue="slate",
        radius_size=gr.themes.sizes.radius_md,
        spacing_size=gr.themes.sizes.spacing_md,
        font=_FONT,
        font_mono=("ui-monospace", "Consolas", "monospace"),
    )
    return theme.set(
        body_background_fill="*neutral_50",
        body_background_fill_dark="*neutral_950",
        block_background_fill="white",
        block_background_fill_dark="*neutral_900",
        block_shadow="none",
        block_border_width="1px",
    )


def page_css() -> str:
    """The style sheets of all tabs."""
    return "\n".join((_HERE / name).read_text() for name in _STYLES)


def page_head() -> str:
    """What stands in the page's head: its scripts, inline, so that nothing is fetched."""
    scripts = "".join(f"<script>{(_HERE / name).read_text()}</script>" for name in _SCRIPTS)
    return f'<meta name="color-scheme" content="light dark">{scripts}'


def build_header() -> None:
    """Title and tagline, above the tabs."""
    gr.HTML(f"<div class='fs-head'><h1>{TITLE}</h1><p>{TAGLINE}</p></div>")
