"""The same work for programs: named, typed endpoints that ``gradio_client`` calls."""

from pathlib import Path
from time import sleep
from typing import Any

import gradio as gr

from floorseg.core.presets import PRESETS
from floorseg.core.structures import Point, Prompt
from floorseg.errors import FloorsegError
from floorseg.services.plans import Plan
from floorseg.services.segmenter import Segmenter
from floorseg.ui.feedback import explains_failures

ENDPOINTS = ("segment", "everything", "list_checkpoints")
Answer = dict[str, Any]


def build_api(segmenter: Segmenter) -> None:
    """Three endpoints, ``/segment``, ``/everything`` and ``/list_checkpoints``, nothing to see."""
    api = Api(segmenter)
    default = segmenter.settings.checkpoint
    with gr.Row(visible=False):
        plan = gr.File(label="plan", type="filepath", height=60)
        points = gr.JSON(label="points: [[x, y, 1 inside or 0 outside], ...]", value=[])
        box = gr.JSON(label="box: [x0, y0, x1, y1] or null", value=None)
        checkpoint = gr.Textbox(label="checkpoint", value=default)
        preset = gr.Dropdown(list(PRESETS), value="rooms", label="preset")
        found = gr.JSON(label="masks as COCO run lengths, best first")
        names = gr.JSON(label="checkpoints")
        ask, search, names_please = gr.Button(), gr.Button(), gr.Button()
    ask.click(
        api.segment, [plan, points, box, checkpoint], found,
        api_name="segment", api_description=Api.segment.__doc__,
    )  # fmt: skip
    search.click(
        api.everything, [plan, preset, checkpoint], found,
        api_name="everything", api_description=Api.everything.__doc__, concurrency_limit=4,
    )  # fmt: skip
    names_please.click(
        api.list_checkpoints, None, names,
        api_name="list_checkpoints", api_description=Api.list_checkpoints.__doc__,
    )  # fmt: skip


def hide_what_is_not_api(page: gr.Blocks) -> None:
    """Leave only the documented endpoints in the page's API; what the tabs call is no promise."""
    for event in page.fns.values():
        if event.api_name not in ENDPOINTS:
            event.api_visibility = "private"


class Api:
    """Handlers of the endpoints.

    Args:
        segmenter: the service behind them.
    """

    def __init__(self, segmenter: Segmenter) -> None:
        self._segmenter = segmenter
        self.segment = explains_failures(self.segment)  # type: ignore[method-assign]
        self.everything = explains_failures(self.everything)  # type: ignore[method-assign]

    def segment(
        self, plan: str | None, points: Any, box: Any, checkpoint: str, request: gr.Request
    ) -> Answer:
        """Segment one region by clicks and a box, in pixels of the picture as a person sees it."""
        opened = self._open(plan, request)
        prompt = _prompt(points, box)
        answer = self._segmenter.segment(opened.token, checkpoint, prompt)
        masks = [patch.mask(opened.size) for patch in answer.patches]
        return _answer(opened, masks, list(answer.scores))

    def everything(
        self, plan: str | None, preset: str, checkpoint: str, request: gr.Request
    ) -> Answer:
        """Segment every region of a plan; the preset 'rooms' gives a partition into rooms."""
        opened = self._open(plan, request)
        search = self._segmenter.start_search(opened.token, checkpoint, preset)
        while not search.ended:
            sleep(0.05)
        if search.state != "done":
            raise FloorsegError(search.problem or "the search was stopped before its end")
        masks = [found.patch.mask(opened.size) for found in search.found]
        return _answer(opened, masks, [found.score for found in search.found])

    def list_checkpoints(self) -> list[Answer]:
        """The models that can be named as checkpoint, the default one first."""
        return [
            {"name": c.name, "architecture": c.title, "image_size": c.image_size}
            for c in self._segmenter.checkpoints()
        ]

    def _open(self, plan: str | None, request: gr.Request) -> Plan:
        if not plan:
            raise FloorsegError("no plan was sent; pass plan=handle_file('plan.png')")
        file = Path(plan)
        return self._segmenter.open_plan(file.read_bytes(), file.name, str(request.session_hash))


def _prompt(points: Any, box: Any) -> Prompt:
    try:
        clicks = [Point(float(p[0]), float(p[1]), inside=bool(p[2]) if len(p) > 2 else True)
                  for p in points or []]  # fmt: skip
        corners = tuple(float(value) for value in box) if box else None
    except (TypeError, ValueError, IndexError, KeyError) as problem:
        raise FloorsegError(
            "points must be [[x, y, 1 or 0], ...] and box [x0, y0, x1, y1], in pixels"
        ) from problem
    if corners is not None and len(corners) != 4:
        raise FloorsegError(f"a box has four numbers, x0, y0, x1, y1; got {len(corners)}")
    return Prompt(tuple(clicks), corners)


def _answer(plan: Plan, masks: list[Any], scores: list[float]) -> Answer:
    from floorseg.core import rle

    found = [rle.encode(mask) for mask in masks]
    height, width = plan.size
    return {
        "width": width,
        "height": height,
        "masks": [
            {"segmentation": code, "score": score, "area": rle.area(code), "bbox": rle.bbox(code)}
            for code, score in zip(found, scores, strict=True)
        ],
    }
