"""What the Evaluate tab's script asks of the server: payload in, one service call, JSON out."""

import base64
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from floorseg.errors import FloorsegError
from floorseg.services.catalog import checkpoint_folders, list_checkpoints
from floorseg.services.comparison_scan import rows_of
from floorseg.services.dataset_paths import refuse_public
from floorseg.services.datasets import Datasets, Opening
from floorseg.services.evaluation_export import export_reports, leaderboard_csv
from floorseg.services.evaluation_gallery import dataset_of, gallery
from floorseg.services.evaluation_reports import MOST, estimate, leaderboard, read_report
from floorseg.services.evaluations import PROTOCOLS, Evaluation, EvaluationForm, Evaluations
from floorseg.ui.canvas import Handler
from floorseg.ui.evaluate_plots import figures
from floorseg.ui.evaluate_wire import board_json, evaluation_json, piece_json, report_json

_PATIENCE = 20.0  # seconds that opening a dataset may take

Name = Annotated[str, Field(max_length=400)]
Count = Annotated[int, Field(ge=0, le=10**6)]


class _Payload(BaseModel):
    model_config = ConfigDict(extra="ignore")


class Form(_Payload):
    """What the visitor chose; ``visitor`` is who the server knows it to be."""

    checkpoints: Annotated[list[Name], Field(max_length=20)] = []
    dataset: Name = ""
    split: Annotated[str, Field(max_length=20)] = "test"
    protocol: Annotated[str, Field(max_length=20)] = "click"
    clicks: Annotated[int, Field(ge=0, le=100)] = 0
    limit: Count = 0
    seed: Count = 0
    visitor: str | None = None

    def form(self) -> EvaluationForm:
        """As the service takes it."""
        chosen = tuple(dict.fromkeys(self.checkpoints))
        return EvaluationForm(
            chosen, self.dataset, self.split, self.protocol, self.clicks, self.limit, self.seed
        )


class OfEvaluation(_Payload):
    """An evaluation of the list."""

    name: Name
    visitor: str | None = None


class Chosen(_Payload):
    """Reports of the list, and which of them is the base."""

    reports: Annotated[list[Name], Field(max_length=MOST)]
    base: Name = ""


class OfGallery(_Payload):
    """A report and a group of its answers."""

    report: Name
    group: Annotated[str, Field(max_length=20)] = "worst"


class EvaluateCalls:
    """The calls by name; each is a thin translation.

    Args:
        evaluations: starts and watches them.
        datasets: what is evaluated on.
        plotly: path of the charts' library on this server.
    """

    def __init__(self, evaluations: Evaluations, datasets: Datasets, *, plotly: str = "") -> None:
        self._evaluations = evaluations
        self._datasets = datasets
        self._settings = evaluations.settings
        self._plotly = plotly

    def by_name(self) -> dict[str, Handler]:
        """What the page's script may call."""
        calls: tuple[Callable[[dict[str, Any], str], dict[str, Any]], ...] = (
            self.hello_evaluate, self.splits_of, self.plan_evaluation, self.start_evaluation,
            self.stop_evaluation, self.resume_evaluation, self.delete_evaluation,
            self.list_evaluations, self.board, self.gallery_of, self.export_all,
        )  # fmt: skip
        return {call.__name__: call for call in calls}

    def hello_evaluate(self, _: dict[str, Any], __: str) -> dict[str, Any]:
        """What the page needs to know whenever it is shown."""
        public = self._settings.public
        listed = list_checkpoints(checkpoint_folders(self._settings))
        usable = [info for info in listed if info.usable]
        return {
            "public": public,
            "plotly": self._plotly,
            "checkpoints": [{"name": c.name, "title": c.title} for c in usable],
            "datasets": [] if public else self._datasets.offered(),
            "protocols": [{"name": name, "summary": says} for name, says in PROTOCOLS.items()],
            "most": MOST,
        }

    def splits_of(self, payload: dict[str, Any], _: str) -> dict[str, Any]:
        """A dataset's splits, each with the number of its samples."""
        opened = self._datasets.open(Form.model_validate(payload).dataset, wait=_PATIENCE)
        if isinstance(opened, Opening):
            raise FloorsegError("the dataset is still being read; try again in a moment")
        return {"splits": [[s, len(rows_of(opened, s))] for s in opened.dataset.splits]}

    def plan_evaluation(self, payload: dict[str, Any], _: str) -> dict[str, Any]:
        """The command, and how long it may take."""
        asked = Form.model_validate(payload)
        self._evaluations.permit(asked.visitor)
        form = asked.form()
        command = self._evaluations.command(form)
        opened = self._datasets.open(form.dataset, wait=_PATIENCE)
        if isinstance(opened, Opening):
            return {"command": command, "seconds": None, "basis": "the dataset is being read"}
        rows = rows_of(opened, form.split)
        objects = int(opened.index.masks[rows].sum()) if rows else 0
        listed = list_checkpoints(checkpoint_folders(self._settings))
        chosen = [info for info in listed if info.name in form.checkpoints]
        said = estimate(
            self._settings, form, chosen, images=len(rows),
            objects=objects / max(1, len(rows)),
        )  # fmt: skip
        return {"command": command, "seconds": said.seconds, "basis": said.basis}

    def start_evaluation(self, payload: dict[str, Any], _: str) -> dict[str, Any]:
        """Put one into the queue."""
        asked = Form.model_validate(payload)
        self._evaluations.permit(asked.visitor)
        return {"name": self._evaluations.start(asked.form(), asked.visitor)}

    def stop_evaluation(self, payload: dict[str, Any], _: str) -> dict[str, Any]:
        """End one after the current picture."""
        asked = OfEvaluation.model_validate(payload)
        self._evaluations.stop(asked.name, asked.visitor)
        return {"stopping": True}

    def resume_evaluation(self, payload: dict[str, Any], _: str) -> dict[str, Any]:
        """Go on with one."""
        asked = OfEvaluation.model_validate(payload)
        self._evaluations.resume(asked.name, asked.visitor)
        return {"name": asked.name}

    def delete_evaluation(self, payload: dict[str, Any], _: str) -> dict[str, Any]:
        """Remove one with its reports."""
        asked = OfEvaluation.model_validate(payload)
        self._evaluations.delete(asked.name, asked.visitor)
        return {"deleted": asked.name}

    def list_evaluations(self, _: dict[str, Any], __: str) -> dict[str, Any]:
        """All evaluations with their reports."""
        return {"evaluations": [self._listed(one) for one in self._evaluations.listed()]}

    def board(self, payload: dict[str, Any], _: str) -> dict[str, Any]:
        """Chosen reports in one table, their plots, and why they may not stand together."""
        asked = Chosen.model_validate(payload)
        board = leaderboard(self._settings, asked.reports, asked.base)
        return board_json(board) | {"figures": figures(board), "csv": leaderboard_csv(board)}

    def gallery_of(self, payload: dict[str, Any], _: str) -> dict[str, Any]:
        """Pictures of a report's worst, middling or best answers."""
        refuse_public(self._settings)
        asked = OfGallery.model_validate(payload)
        report = read_report(self._settings, asked.report)
        pieces = gallery(self._datasets, asked.report, asked.group)
        shown = any(piece.row is not None for piece in pieces)
        return {
            "dataset": dataset_of(self._datasets, report) if shown else "",
            "split": report.data.split,
            "checkpoint": report.checkpoint.name,
            "pieces": [piece_json(piece) for piece in pieces],
        }

    def export_all(self, payload: dict[str, Any], _: str) -> dict[str, Any]:
        """Table, reports, rows and pictures in one zip; reports name folders of the server."""
        refuse_public(self._settings)
        asked = Chosen.model_validate(payload)
        board = leaderboard(self._settings, asked.reports, asked.base)
        content = base64.b64encode(export_reports(self._datasets, board)).decode("ascii")
        return {"name": "evaluation.zip", "type": "application/zip", "content": content}

    def _listed(self, one: Evaluation) -> dict[str, Any]:
        found = []
        for name in one.reports:
            try:
                found.append(report_json(name, read_report(self._settings, name)))
            except FloorsegError as problem:
                found.append({"name": name, "problem": str(problem)})
        said = evaluation_json(one) | {"reports": found}
        return said | ({"command": ""} if self._settings.public else {})
