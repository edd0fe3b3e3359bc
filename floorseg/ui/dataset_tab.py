"""Dataset tab: what is in a dataset, what is wrong with it, and its masks run by run."""

from pathlib import Path

import gradio as gr
import plotly

from floorseg.services.dataset_tasks import DatasetTasks
from floorseg.services.datasets import Datasets
from floorseg.settings import Settings
from floorseg.ui.canvas import scripted_component
from floorseg.ui.dataset_calls import DatasetCalls
from floorseg.ui.rle_inspector import rle_calls

PLOTLY = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"


def build_dataset_tab(settings: Settings) -> None:
    """Lay the tab out inside the current ``gr.Blocks``."""
    datasets = Datasets(settings)
    calls = DatasetCalls(datasets, DatasetTasks(datasets), plotly=str(PLOTLY))
    gr.set_static_paths([PLOTLY])  # the charts' library, from here and not from the net
    scripted_component("mountDatasets", calls.by_name() | rle_calls(), elem_id="datasets")
