"""What the Dataset tab's script asks of the server: payload in, one service call, JSON out."""

from collections.abc import Callable
from typing import Any

from floorseg.data.writers import WRITERS
from floorseg.errors import DatasetError, FloorsegError
from floorseg.services.dataset_findings import of_split
from floorseg.services.dataset_gallery import SORTS, choose
from floorseg.services.dataset_paths import refuse_public
from floorseg.services.dataset_samples import annotation_text, thumbnail, view_sample
from floorseg.services.dataset_tasks import DatasetTasks, Task
from floorseg.services.datasets import Datasets, Findings, Opened, Opening
from floorseg.services.rle_view import examples
from floorseg.settings import Settings
from floorseg.ui.canvas import Handler
from floorseg.ui.dataset_payloads import (
    PAGE,
    Browse,
    Copy,
    Draw,
    OfDataset,
    OfFindings,
    OfRows,
    OfSample,
    OfTask,
)
from floorseg.ui.dataset_plots import class_label, figures
from floorseg.ui.dataset_wire import (
    card_json,
    filtered,
    findings_of_file,
    findings_text,
    sample_json,
    summary_json,
    task_json,
)

PATIENCE = 0.8  # seconds until a page rather hears how far the opening is
AUTOMATIC = 2000  # images up to which a dataset is checked as soon as it is opened
_ROWS = 100  # findings sent at a time


class DatasetCalls:
    """The calls by name; each is a thin translation.

    Args:
        datasets: the service behind them.
        tasks: what starts checks and copies.
        plotly: path of the charts' library on this server.
    """

    def __init__(self, datasets: Datasets, tasks: DatasetTasks, *, plotly: str = "") -> None:
        self._datasets = datasets
        self._plotly = plotly
        self._tasks = tasks
        self._settings: Settings = datasets.settings

    def by_name(self) -> dict[str, Handler]:
        """What the page's script may call."""
        calls: tuple[Callable[[dict[str, Any], str], dict[str, Any]], ...] = (
            self.hello_datasets, self.open_dataset, self.overview, self.gallery, self.thumbnails,
            self.sample, self.annotation, self.findings, self.findings_file, self.check,
            self.mend, self.convert, self.draw, self.task, self.stop_task,
        )  # fmt: skip
        return {call.__name__: call for call in calls}

    def hello_datasets(self, _: dict[str, Any], __: str) -> dict[str, Any]:
        """What the page needs to know once; in public mode, that there is nothing to see."""
        public = self._settings.public
        return {
            "public": public,
            "datasets": [] if public else self._datasets.offered(),
            "root": "" if public else str(self._settings.data_root),
            "sorts": SORTS,
            "formats": list(WRITERS),
            "examples": examples(),
            "plotly": "" if public else self._plotly,
        }

    def open_dataset(self, payload: dict[str, Any], _: str) -> dict[str, Any]:
        """Open a dataset, or tell how far that is."""
        asked = OfDataset.model_validate(payload)
        opened = self._datasets.open(asked.name, wait=PATIENCE)
        if isinstance(opened, Opening):
            now = opened.progress
            return {"ready": False, "done": now.done, "total": now.total, "what": now.what}
        findings = self._datasets.findings(opened)
        stale = findings is None or not findings.fresh
        return {
            "ready": True,
            "format": opened.dataset.format,
            "splits": list(opened.dataset.splits),
            "images": len(opened.dataset),
            "classes": [class_label(key) for key in opened.index.classes],
            "check_now": stale and len(opened.dataset) <= AUTOMATIC,
            "tasks": [task_json(task) for task in self._tasks.of(opened.name)],
        }

    def overview(self, payload: dict[str, Any], _: str) -> dict[str, Any]:
        """Cards and charts of a split, and what the last check found in it."""
        asked = OfDataset.model_validate(payload)
        opened = self._datasets.get(asked.name)
        counted = opened.statistics(asked.split)
        sizes = [[w, h] for w, h in counted.sizes if w > 1 and h > 1]
        by_pixels = sorted((w * h, [w, h]) for w, h in sizes)
        return {
            "images": counted.images,
            "masks": counted.masks,
            "empty": counted.empty,
            "classes": sum(n > 0 for key, n in counted.classes.items() if key != (None, None)),
            "sizes": len(sizes),
            "size": sizes[0] if sizes else None,
            "smallest": by_pixels[0][1] if sizes else None,
            "largest": by_pixels[-1][1] if sizes else None,
            "splits": dict(counted.splits),
            "figures": figures(counted),
            "checked": summary_json(self._found(opened, asked.split)),
        }

    def gallery(self, payload: dict[str, Any], _: str) -> dict[str, Any]:
        """One page of samples, without their pictures."""
        asked = Browse.model_validate(payload)
        opened = self._datasets.get(asked.name)
        findings = self._datasets.findings(opened)
        rows = choose(opened, asked.wanted(), findings)
        pages = max(1, -(-len(rows) // PAGE))
        page = min(asked.page, pages - 1)
        shown = rows[page * PAGE : (page + 1) * PAGE].tolist()
        return {
            "total": len(rows),
            "page": page,
            "pages": pages,
            "samples": [card_json(opened, findings, row) for row in shown],
        }

    def thumbnails(self, payload: dict[str, Any], _: str) -> dict[str, Any]:
        """Small pictures of some samples, or why there is none."""
        asked = OfRows.model_validate(payload)
        opened = self._datasets.get(asked.name)
        return {"thumbnails": [self._thumbnail(opened, row) for row in asked.rows]}

    def sample(self, payload: dict[str, Any], _: str) -> dict[str, Any]:
        """One sample, its neighbours in the gallery and what is wrong with it."""
        asked = OfSample.model_validate(payload)
        opened = self._datasets.get(asked.name)
        view = view_sample(opened, asked.row, self._settings)
        findings = self._datasets.findings(opened)
        order = choose(opened, asked.wanted(), findings).tolist()
        at = order.index(asked.row) if asked.row in order else None
        return sample_json(view) | card_json(opened, findings, asked.row) | {
            "previous": order[at - 1] if at else None,
            "next": order[at + 1] if at is not None and at + 1 < len(order) else None,
            "at": at,
            "of": len(order),
            "findings_here": findings_of_file(findings, view.file),
        }  # fmt: skip

    def annotation(self, payload: dict[str, Any], _: str) -> dict[str, Any]:
        """One annotation as JSON, whole."""
        asked = OfSample.model_validate(payload)
        opened = self._datasets.get(asked.name)
        index = opened.index
        return {
            "text": annotation_text(opened, asked.row, asked.place),
            "size": [int(index.height[asked.row]), int(index.width[asked.row])],
        }

    def findings(self, payload: dict[str, Any], _: str) -> dict[str, Any]:
        """One page of findings."""
        asked = OfFindings.model_validate(payload)
        opened = self._datasets.get(asked.name)
        found = filtered(self._found(opened, asked.split), asked.code, asked.text)
        pages = max(1, -(-len(found) // _ROWS))
        page = min(asked.page, pages - 1)
        shown = found[page * _ROWS : (page + 1) * _ROWS]
        rows = [{**one, "row": opened.rows.get(one["file"])} for one in shown]
        return {"total": len(found), "page": page, "pages": pages, "findings": rows}

    def findings_file(self, payload: dict[str, Any], _: str) -> dict[str, Any]:
        """All findings of a kind as a file."""
        asked = OfFindings.model_validate(payload)
        opened = self._datasets.get(asked.name)
        found = filtered(self._found(opened, asked.split), asked.code, asked.text)
        plain = asked.name.strip("./").replace("/", "_") or "dataset"
        return {"name": f"{plain}_findings.{asked.kind}", "text": findings_text(found, asked.kind)}

    def check(self, payload: dict[str, Any], _: str) -> dict[str, Any]:
        """Start a check."""
        return task_json(self._tasks.check(self._fresh(OfDataset.model_validate(payload))))

    def mend(self, payload: dict[str, Any], _: str) -> dict[str, Any]:
        """Start writing a mended copy."""
        asked = Copy.model_validate(payload)
        return task_json(self._tasks.mend(self._fresh(asked), asked.target))

    def convert(self, payload: dict[str, Any], _: str) -> dict[str, Any]:
        """Start a conversion."""
        asked = Copy.model_validate(payload)
        task = self._tasks.convert(
            self._fresh(asked), asked.target, asked.to, for_sam2=asked.for_sam2
        )
        return task_json(task)

    def draw(self, payload: dict[str, Any], _: str) -> dict[str, Any]:
        """Start drawing a synthetic dataset."""
        asked = Draw.model_validate(payload)
        return task_json(self._tasks.draw(asked.target, asked.images))

    def task(self, payload: dict[str, Any], _: str) -> dict[str, Any]:
        """How far a task is."""
        return task_json(self._tasks.get(OfTask.model_validate(payload).task))

    def stop_task(self, payload: dict[str, Any], _: str) -> dict[str, Any]:
        """End a task soon."""
        task: Task = self._tasks.get(OfTask.model_validate(payload).task)
        self._tasks.stop(task.token)
        return task_json(task)

    def _found(self, opened: Opened, split: str) -> Findings | None:
        return of_split(self._datasets.findings(opened), opened, split)

    def _fresh(self, asked: OfDataset) -> Opened:
        refuse_public(self._settings)
        opened = self._datasets.open(asked.name, wait=PATIENCE)
        if isinstance(opened, Opening):
            raise DatasetError("the dataset is still being read; wait a moment")
        return opened

    def _thumbnail(self, opened: Opened, row: int) -> dict[str, Any]:
        try:
            return {"row": row, "picture": thumbnail(opened, row, self._settings)}
        except FloorsegError as problem:
            said = str(problem).replace(f"{opened.folder}/", "")
            return {"row": row, "picture": "", "problem": said}
