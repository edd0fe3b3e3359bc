"""Evaluate tab: which checkpoint is better, where, and are we sure?"""

from pathlib import Path

import gradio as gr
import plotly

from floorseg.services.datasets import Datasets
from floorseg.services.evaluations import Evaluations
from floorseg.settings import Settings
from floorseg.ui.canvas import scripted_component
from floorseg.ui.evaluate_calls import EvaluateCalls

PLOTLY = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"


def build_evaluate_tab(settings: Settings) -> None:
    """Lay the tab out inside the current ``gr.Blocks``."""
    calls = EvaluateCalls(Evaluations(settings), Datasets(settings), plotly=str(PLOTLY))
    gr.set_static_paths([PLOTLY])  # the charts' library, from here and not from the net
    scripted_component("mountEvaluate", calls.by_name(), elem_id="evaluate")
