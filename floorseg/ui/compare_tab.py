"""Compare tab: one plan, the same clicks, two to four checkpoints."""

import gradio as gr

from floorseg.services.comparison import Comparison
from floorseg.services.comparison_scan import Scans
from floorseg.services.datasets import Datasets
from floorseg.services.segmenter import Segmenter
from floorseg.ui.canvas import scripted_component
from floorseg.ui.compare_calls import CompareCalls, compare_owner


def build_compare_tab(page: gr.Blocks, segmenter: Segmenter) -> None:
    """Lay the tab out inside the current ``gr.Blocks``.

    Args:
        page: the whole page, which tells when a visitor leaves.
        segmenter: the models and plans that all tabs share.
    """
    comparison, scans = Comparison(segmenter), Scans(segmenter)
    calls = CompareCalls(comparison, scans, Datasets(segmenter.settings))
    scripted_component("mountCompare", calls.by_name(), elem_id="compare")

    def left(request: gr.Request) -> None:
        owner = compare_owner(str(request.session_hash))
        scans.forget_owner(owner)
        comparison.close_owner(owner)

    page.unload(left)
