"""The page as a table of contents: services, then one tab after the other."""

import gradio as gr

from floorseg.services.segmenter import Segmenter
from floorseg.settings import Settings
from floorseg.ui.api import build_api
from floorseg.ui.segment_tab import build_segment_tab, forget_visitors
from floorseg.ui.theme import TITLE, build_header


def build_page(settings: Settings, segmenter: Segmenter | None = None) -> gr.Blocks:
    """All tabs, not yet served.

    Args:
        settings: folders and limits.
        segmenter: the service behind the Segment tab; made from the settings by default.
    """
    segmenter = segmenter or Segmenter(settings)
    with gr.Blocks(title=TITLE, analytics_enabled=False, fill_width=True) as page:
        build_header()
        with gr.Tabs():  # noqa: SIM117
            with gr.Tab("Segment", id="segment"):
                build_segment_tab(segmenter)
        build_api(segmenter)
        forget_visitors(page, segmenter)
    return page
