"""What the Compare tab's script asks of the server: payload in, one service call, JSON out."""

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from floorseg.core.structures import Point, Prompt
from floorseg.errors import FloorsegError, PermissionRefused
from floorseg.services.comparison import MOST, Comparison, OpenedSample
from floorseg.services.comparison_scan import Scan, Scans, rows_of
from floorseg.services.datasets import Datasets, Opened, Opening
from floorseg.services.segmenter import MAX_POINTS
from floorseg.ui.canvas import Handler
from floorseg.ui.segment_calls import SegmentCalls, opened_json

FIRST_CLICKS = {  # example -> the click it opens with, in its pixels; the first one greets
    "agent_house": (540.0, 600.0),
    "brochure_house": (693.0, 480.0),
    "cad_offices": (267.0, 693.0),
    "hand_sketch": (373.0, 480.0),
}
_SPOTS = 300  # of a scan that are sent
_PATIENCE = 20.0  # seconds that opening a dataset may take
_BASE = ("floorseg-nano", "floorseg-nano-rooms")  # what fine-tuning changed: shown first

Token = Annotated[str, Field(max_length=64)]
Name = Annotated[str, Field(max_length=400)]
Pixel = Annotated[float, Field(ge=-1e5, le=1e5)]
Row = Annotated[int, Field(ge=0, le=10**9)]


class _Payload(BaseModel):
    model_config = ConfigDict(extra="ignore")


class Question(_Payload):
    """A plan, a checkpoint and a prompt: clicks as (x, y, inside), a box."""

    plan: Token
    checkpoint: Name
    points: Annotated[list[tuple[Pixel, Pixel, int]], Field(max_length=MAX_POINTS)] = []
    box: tuple[Pixel, Pixel, Pixel, Pixel] | None = None

    def prompt(self) -> Prompt:
        """As the model takes it."""
        return Prompt(tuple(Point(x, y, inside=bool(sign)) for x, y, sign in self.points), self.box)


class OfSplit(_Payload):
    """A dataset as offered, and one of its splits or all."""

    dataset: Name
    split: Annotated[str, Field(max_length=20)] = ""


class OfSample(OfSplit):
    """A sample: its row, or its place in the split."""

    row: Row | None = None
    place: Row = 0


class Look(OfSplit):
    """Which checkpoints to set against each other, on how many pictures."""

    checkpoints: Annotated[list[Name], Field(max_length=MOST)]
    limit: Row = 50


class OfScan(_Payload):
    """A scan that was started; ``seen`` spots are known to the page already."""

    scan: Token


class CompareCalls:
    """The calls by name; each is a thin translation.

    Args:
        comparison: asks the checkpoints.
        scans: go through splits.
        datasets: what samples come from.
    """

    def __init__(self, comparison: Comparison, scans: Scans, datasets: Datasets) -> None:
        self._comparison = comparison
        self._scans = scans
        self._datasets = datasets
        self._plans = SegmentCalls(comparison.segmenter)
        self._settings = comparison.segmenter.settings

    def by_name(self) -> dict[str, Handler]:
        """What the page's script may call."""
        calls: tuple[Callable[[dict[str, Any], str], dict[str, Any]], ...] = (
            self.hello_compare, self.open_plan, self.open_example, self.open_sample, self.splits,
            self.ask, self.prepare, self.scan, self.scan_state, self.stop_scan,
        )  # fmt: skip
        return {call.__name__: call for call in calls}

    def hello_compare(self, payload: dict[str, Any], session: str) -> dict[str, Any]:
        """What the page needs to know once, and whenever it is shown again."""
        known = self._plans.hello(payload, session)
        names = [checkpoint["name"] for checkpoint in known["checkpoints"]]
        public = self._settings.public
        return {
            "checkpoints": known["checkpoints"],
            "no_checkpoint": known["no_checkpoint"],
            "examples": known["examples"],
            "max_upload_mb": known["max_upload_mb"],
            "first": first_pair(names),
            "clicks": {name: list(at) for name, at in FIRST_CLICKS.items()},
            "most": MOST,
            "public": public,
            "datasets": [] if public else self._datasets.offered(),
        }

    def open_plan(self, payload: dict[str, Any], session: str) -> dict[str, Any]:
        """Hold an uploaded picture."""
        return self._plans.open_plan(payload, compare_owner(session))

    def open_example(self, payload: dict[str, Any], session: str) -> dict[str, Any]:
        """Hold one of the shipped plans."""
        return self._plans.open_example(payload, compare_owner(session))

    def splits(self, payload: dict[str, Any], _: str) -> dict[str, Any]:
        """A dataset's splits, each with the number of its samples."""
        opened = self._opened(OfSplit.model_validate(payload).dataset)
        return {"splits": [[s, len(rows_of(opened, s))] for s in opened.dataset.splits]}

    def open_sample(self, payload: dict[str, Any], session: str) -> dict[str, Any]:
        """A dataset's sample as a plan, with what is true there."""
        asked = OfSample.model_validate(payload)
        opened = self._opened(asked.dataset)
        rows = rows_of(opened, asked.split)
        if not rows:
            raise FloorsegError(f"{asked.dataset} has no samples in the split {asked.split!r}")
        row = rows[asked.place % len(rows)] if asked.row is None else asked.row
        sample = self._comparison.open_sample(opened, row, compare_owner(session))
        place = rows.index(row) if row in rows else 0
        return _sample_json(sample) | {"row": row, "place": place, "of": len(rows)}

    def prepare(self, payload: dict[str, Any], _: str) -> dict[str, Any]:
        """Let a checkpoint see a plan before the first click."""
        asked = Question.model_validate(payload)
        return {"seconds": self._comparison.prepare(asked.plan, asked.checkpoint)}

    def ask(self, payload: dict[str, Any], _: str) -> dict[str, Any]:
        """One checkpoint's answer, under the name it was asked by."""
        asked = Question.model_validate(payload)
        answer = self._comparison.ask(asked.plan, asked.checkpoint, asked.prompt())
        return {
            "checkpoint": answer.checkpoint,
            "mask": answer.patch.wire(),
            "score": round(answer.score, 4),
            "encode_ms": answer.encode_seconds * 1000,
            "ms": answer.seconds * 1000,
            "weight_mb": answer.weight_bytes / 1e6,
            "plan_mb": answer.plan_bytes / 1e6,
        }

    def scan(self, payload: dict[str, Any], session: str) -> dict[str, Any]:
        """Begin to look where checkpoints differ most."""
        asked = Look.model_validate(payload)
        opened = self._opened(asked.dataset)
        owner = compare_owner(session)
        scan = self._scans.start(opened, asked.split, asked.checkpoints, owner, limit=asked.limit)
        return {"scan": scan.token}

    def scan_state(self, payload: dict[str, Any], _: str) -> dict[str, Any]:
        """How far a scan has come, and what it has found so far."""
        return _scan_json(self._scans.get(OfScan.model_validate(payload).scan))

    def stop_scan(self, payload: dict[str, Any], _: str) -> dict[str, Any]:
        """End a scan after the current picture; what it found stays."""
        self._scans.get(OfScan.model_validate(payload).scan).stopping.set()
        return {"stopping": True}

    def _opened(self, name: str) -> Opened:
        if self._settings.public:
            raise PermissionRefused("this page is public: folders on its server are not shown")
        opened = self._datasets.open(name, wait=_PATIENCE)
        if isinstance(opened, Opening):
            now = opened.progress
            raise FloorsegError(
                f"{name} is still being read ({now.done:,} of {now.total:,}); try again in a moment"
            )
        return opened


def compare_owner(session: str) -> str:
    """A page's plans in this tab are apart from those of its other tabs."""
    return f"compare-{session}"


def first_pair(names: list[str]) -> list[str]:
    """The checkpoints that greet the visitor: base and fine-tuned, else the first two."""
    shipped = [name for name in _BASE if name in names]
    others = [name for name in names if name not in shipped]
    chosen = (shipped + others)[:2]
    return chosen * 2 if len(chosen) == 1 else chosen


def _sample_json(sample: OpenedSample) -> dict[str, Any]:
    return opened_json(sample.plan, None) | {
        "file": sample.file,
        "split": sample.split,
        "truths": [
            {"name": truth.name, "label": truth.label, "mask": truth.patch.wire()}
            for truth in sample.truths
        ],
    }


def _scan_json(scan: Scan) -> dict[str, Any]:
    return {
        "state": scan.state,
        "done": scan.progress.done,
        "total": scan.progress.total,
        "seconds_left": scan.seconds_left(),
        "problem": scan.problem,
        "found": len(scan.spots),
        "skipped": list(scan.skipped[:20]),
        "checkpoints": list(scan.checkpoints),
        "spots": [
            {
                "row": spot.row,
                "file": spot.file,
                "label": spot.label,
                "point": list(spot.point),
                "agreement": round(spot.agreement, 4),
                "ious": [round(iou, 4) for iou in spot.ious],
            }
            for spot in scan.spots[:_SPOTS]
        ],
    }
