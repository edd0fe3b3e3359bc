"""What the Segment tab's script asks of the server: payload in, one service call, JSON out."""

import base64
import io
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from gradio.utils import get_upload_folder
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field

from floorseg.core.presets import PRESETS
from floorseg.core.structures import Point, Prompt
from floorseg.errors import CheckpointError, ImageError, PermissionRefused
from floorseg.services.collect import add_to_dataset, list_datasets
from floorseg.services.exports import export_work
from floorseg.services.plans import Plan
from floorseg.services.searches import Search
from floorseg.services.segmenter import MAX_POINTS, Segmenter
from floorseg.services.work import Work, read_saved, read_work
from floorseg.ui.canvas import Handler
from floorseg.ui.examples import example_thumbnail, find_example, list_examples

CLASSES = ("room", "wall", "door", "window", "stairs", "balcony")
Token = Annotated[str, Field(max_length=64)]
Name = Annotated[str, Field(max_length=300)]
Pixel = Annotated[float, Field(ge=-1e5, le=1e5)]


class _Payload(BaseModel):
    model_config = ConfigDict(extra="ignore")


class OpenPlan(_Payload):
    """An uploaded file; ``seen`` is the size the browser itself decodes it to."""

    path: Annotated[str, Field(max_length=4096)]
    name: Name = "plan"
    page: Annotated[int, Field(ge=1, le=10_000)] = 1
    seen: tuple[int, int] | None = None


class OfPlan(_Payload):
    """Something about an open plan."""

    plan: Token


class Ask(OfPlan):
    """Clicks as (x, y, inside) and a box, in pixels of the shown plan."""

    checkpoint: Name
    points: Annotated[list[tuple[Pixel, Pixel, int]], Field(max_length=MAX_POINTS)] = []
    box: tuple[Pixel, Pixel, Pixel, Pixel] | None = None

    def prompt(self) -> Prompt:
        """As the model takes it."""
        return Prompt(tuple(Point(x, y, inside=bool(sign)) for x, y, sign in self.points), self.box)


class OfCheckpoint(OfPlan):
    """A plan and a model; ``preset`` where it shall be searched."""

    checkpoint: Name
    preset: Annotated[str, Field(max_length=40)] = "rooms"


class OfSearch(_Payload):
    """A search that was started."""

    search: Token


class Regions(OfPlan):
    """The visitor's work, and what to make of it."""

    regions: list[dict[str, Any]]
    per_metre: Annotated[float, Field(gt=0, lt=1e6)] | None = None
    kind: Annotated[str, Field(max_length=20)] = "zip"
    dataset: Annotated[str, Field(max_length=80)] = ""
    split: Annotated[str, Field(max_length=20)] = "train"


class Saved(OfPlan):
    """An uploaded file of regions."""

    path: Annotated[str, Field(max_length=4096)]


class SegmentCalls:
    """The calls by name; each is a thin translation.

    Args:
        segmenter: the service behind them.
    """

    def __init__(self, segmenter: Segmenter) -> None:
        self._segmenter = segmenter
        self._settings = segmenter.settings

    def by_name(self) -> dict[str, Handler]:
        """What the page's script may call."""
        calls: tuple[Callable[[dict[str, Any], str], dict[str, Any]], ...] = (
            self.hello, self.open_plan, self.open_example, self.prepare, self.segment,
            self.start_search, self.search_state, self.stop_search, self.export, self.reopen,
            self.add_to_dataset,
        )  # fmt: skip
        return {call.__name__: call for call in calls}

    def hello(self, _: dict[str, Any], __: str) -> dict[str, Any]:
        """What the page needs to know once."""
        found = self._segmenter.checkpoints()
        return {
            "checkpoints": [{"name": c.name, "title": c.title, "label": c.name} for c in found],
            "no_checkpoint": _no_checkpoint(),
            "presets": [{"name": n, "summary": p.summary} for n, p in PRESETS.items()],
            "device": self._segmenter.device,
            "max_upload_mb": self._settings.max_upload_mb,
            "classes": CLASSES,
            "may_add": not self._settings.public,
            "datasets": list_datasets(self._settings),
            "examples": [
                {"name": e.name, "title": e.title, "thumbnail": example_thumbnail(e)}
                for e in list_examples()
            ],
        }

    def open_plan(self, payload: dict[str, Any], session: str) -> dict[str, Any]:
        """Hold an uploaded picture; its file is removed."""
        asked = OpenPlan.model_validate(payload)
        content = _take_upload(asked.path)
        plan = self._segmenter.open_plan(content, asked.name, session, page=asked.page)
        return opened_json(plan, asked.seen)

    def open_example(self, payload: dict[str, Any], session: str) -> dict[str, Any]:
        """Hold one of the shipped plans."""
        example = find_example(str(payload.get("name")))
        content = example.path.read_bytes()
        plan = self._segmenter.open_plan(content, example.path.name, session)
        return opened_json(plan, None)

    def prepare(self, payload: dict[str, Any], _: str) -> dict[str, Any]:
        """Encode a plan before the first click."""
        asked = OfCheckpoint.model_validate(payload)
        return {"seconds": self._segmenter.prepare(asked.plan, asked.checkpoint)}

    def segment(self, payload: dict[str, Any], _: str) -> dict[str, Any]:
        """Candidates for one prompt."""
        asked = Ask.model_validate(payload)
        answer = self._segmenter.segment(asked.plan, asked.checkpoint, asked.prompt())
        found = zip(answer.patches, answer.scores, strict=True)
        return {
            "candidates": [patch.wire() | {"score": round(score, 4)} for patch, score in found],
            "ms": answer.seconds * 1000,
        }

    def start_search(self, payload: dict[str, Any], _: str) -> dict[str, Any]:
        """Look for every region, in the background."""
        asked = OfCheckpoint.model_validate(payload)
        search = self._segmenter.start_search(asked.plan, asked.checkpoint, asked.preset)
        return {"search": search.token}

    def search_state(self, payload: dict[str, Any], _: str) -> dict[str, Any]:
        """How far a search has come; its regions once it is done."""
        return _told(self._segmenter.searches.get(OfSearch.model_validate(payload).search))

    def stop_search(self, payload: dict[str, Any], _: str) -> dict[str, Any]:
        """End a search soon."""
        self._segmenter.searches.stop(OfSearch.model_validate(payload).search)
        return {"stopping": True}

    def export(self, payload: dict[str, Any], _: str) -> dict[str, Any]:
        """The visitor's work as a file."""
        asked = Regions.model_validate(payload)
        file = export_work(self._work(asked), asked.kind)
        content = base64.b64encode(file.content).decode("ascii")
        return {"name": file.name, "type": file.type, "content": content}

    def reopen(self, payload: dict[str, Any], _: str) -> dict[str, Any]:
        """Regions from a file that was saved here."""
        asked = Saved.model_validate(payload)
        content = _take_upload(asked.path)
        regions, per_metre = read_saved(self._segmenter.plans.get(asked.plan), content)
        return {"regions": regions, "per_metre": per_metre}

    def add_to_dataset(self, payload: dict[str, Any], _: str) -> dict[str, Any]:
        """Write the visitor's work as a sample of a dataset."""
        if self._settings.public:
            raise PermissionRefused("this page is public: nothing is written on its server")
        asked = Regions.model_validate(payload)
        added = add_to_dataset(self._work(asked), asked.dataset, asked.split, self._settings)
        return {"path": added.path, "regions": added.regions}

    def _work(self, asked: Regions) -> Work:
        plan = self._segmenter.plans.get(asked.plan)
        return read_work(plan, asked.regions, asked.per_metre)


def _take_upload(path: str) -> bytes:
    """The content of a file that was just uploaded here, and of no other file; it is removed."""
    folder = Path(get_upload_folder()).resolve()
    file = Path(path.replace("\0", "")).resolve()
    if not file.is_relative_to(folder) or not file.is_file():
        raise ImageError("the upload did not arrive; send the file again")
    content = file.read_bytes()
    file.unlink(missing_ok=True)
    return content


def opened_json(plan: Plan, seen: tuple[int, int] | None) -> dict[str, Any]:
    """An open plan; its picture goes along unless the browser has ``seen`` (width, height) it."""
    (height, width), (full_height, full_width) = plan.size, plan.full_size
    picture = None if seen == (full_width, full_height) else _data_url(plan)
    return {
        "plan": plan.token,
        "name": plan.picture.name,
        "width": width,
        "height": height,
        "full_width": full_width,
        "full_height": full_height,
        "page": plan.picture.page,
        "pages": plan.picture.pages,
        "picture": picture,
    }


def _data_url(plan: Plan) -> str:
    """The plan as every browser can show it."""
    buffer = io.BytesIO()
    Image.fromarray(plan.pixels).save(buffer, "JPEG", quality=90)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _told(search: Search) -> dict[str, Any]:
    told: dict[str, Any] = {
        "state": search.state,
        "done": search.progress.done,
        "total": search.progress.total,
        "seconds_left": search.seconds_left(),
        "seconds": search.seconds,
        "problem": search.problem,
    }
    if search.state == "done":
        told["regions"] = [f.patch.wire() | {"score": round(f.score, 4)} for f in search.found]
    return told


def _no_checkpoint() -> str:
    return str(
        CheckpointError(
            "There are no weights here yet: put a checkpoint into the checkpoints folder "
            "(sh checkpoints/download_ckpts.sh) and reload the page."
        )
    )
