"""The page as a table of contents: services, then one tab after the other."""

import gradio as gr

from floorseg.services.segmenter import Segmenter
from floorseg.services.trainings import Trainings
from floorseg.settings import Settings
from floorseg.ui.api import build_api
from floorseg.ui.compare_tab import build_compare_tab
from floorseg.ui.dataset_tab import build_dataset_tab
from floorseg.ui.evaluate_tab import build_evaluate_tab
from floorseg.ui.segment_tab import build_segment_tab, forget_visitors
from floorseg.ui.theme import TITLE, build_header
from floorseg.ui.train_tab import build_train_tab

_UPLOADS_KEPT = (600, 3600)  # seconds: how often is looked, how old a file nobody took may become


def build_page(settings: Settings, segmenter: Segmenter | None = None) -> gr.Blocks:
    """All tabs, not yet served.

    Args:
        settings: folders and limits.
        segmenter: the service behind the Segment tab; made from the settings by default.
    """
    segmenter = segmenter or Segmenter(settings)
    with gr.Blocks(
        title=TITLE, analytics_enabled=False, fill_width=True, delete_cache=_UPLOADS_KEPT
    ) as page:
        build_header()
        with gr.Tabs() as tabs:
            with gr.Tab("Segment", id="segment"):
                build_segment_tab(segmenter)
            with gr.Tab("Compare", id="compare"):
                build_compare_tab(page, segmenter)
            with gr.Tab("Dataset", id="dataset"):
                build_dataset_tab(settings)
            with gr.Tab("Train", id="train"):
                build_train_tab(Trainings(settings), tabs)
            with gr.Tab("Evaluate", id="evaluate"):
                build_evaluate_tab(settings)
        build_api(segmenter)
        forget_visitors(page, segmenter)
    return page
