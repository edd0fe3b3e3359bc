"""Segment tab: click on a floorplan, see the room."""

import gradio as gr

from floorseg.services.segmenter import Segmenter
from floorseg.ui.canvas import scripted_component
from floorseg.ui.segment_calls import SegmentCalls


def build_segment_tab(segmenter: Segmenter) -> None:
    """Lay the tab out inside the current ``gr.Blocks``."""
    calls = SegmentCalls(segmenter)
    scripted_component("mountSegment", calls.by_name(), elem_id="segment")


def forget_visitors(page: gr.Blocks, segmenter: Segmenter) -> None:
    """Free what a page held as soon as it goes away."""

    def left(request: gr.Request) -> None:
        segmenter.close_owner(str(request.session_hash))

    page.unload(left)
