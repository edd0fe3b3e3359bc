"""Every handler of the Train tab gets who asks from Gradio, which gives it by position only."""

import inspect

import gradio as gr
from gradio.helpers import special_args

from floorseg.services.trainings import Trainings
from floorseg.settings import Settings
from floorseg.ui.train_form import FIELDS
from floorseg.ui.train_tab import build_train_tab


def test_who_asks_reaches_every_handler(tmp_path):
    trainings = Trainings(Settings(runs=tmp_path, data_root=tmp_path))
    with gr.Blocks() as page, gr.Tabs() as tabs, gr.Tab("Train"):
        build_train_tab(trainings, tabs)
    asked = [fn for fn in page.fns.values() if fn.fn is not None]

    for block in asked:
        parameters = inspect.signature(block.fn).parameters.values()
        assert all(p.kind is not p.KEYWORD_ONLY for p in parameters), block.fn
    (start,) = [block for block in asked if block.fn.__name__ == "start"]
    given, *_ = special_args(start.fn, [None] * len(FIELDS), gr.Request())
    assert isinstance(given[0], gr.Request)
    assert len(given) == len(FIELDS) + 1
