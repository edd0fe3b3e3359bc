"""The worst, the middling and the best answers of a report as pictures: truth and prediction."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import orjson
from PIL import Image

from eval.report import EvalReport, Example, load_rows
from floorseg.core import rle
from floorseg.core.render import tint
from floorseg.data.annotation import Sample
from floorseg.data.layout import SPLITS
from floorseg.data.spread import spread
from floorseg.errors import DatasetError, FloorsegError
from floorseg.services.comparison import read_sample, relative_name, scaled
from floorseg.services.comparison_scan import rows_of
from floorseg.services.dataset_paths import refuse_public
from floorseg.services.datasets import Datasets, Opened, Opening
from floorseg.services.evaluation_reports import read_report, report_folder

GROUPS = ("worst", "median", "best")
SHOWN = 6  # of each group
TRUE = (190, 24, 93)
FOUND = (37, 99, 235)
_SIDE = 440  # pixels of a picture's longer side


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """One answer as a picture.

    Attributes:
        example: what the report says of it.
        row: the sample in its dataset; None where that cannot be found.
        points: (x, y, inside) of the first prompt, in pixels of the picture.
        box: the box given, or None.
        picture: JPEG; b"" where it cannot be shown.
        problem: why it cannot, or "".
    """

    example: Example
    row: int | None
    points: tuple[tuple[float, float, int], ...] = ()
    box: tuple[float, float, float, float] | None = None
    picture: bytes = b""
    problem: str = ""


def gallery(datasets: Datasets, name: str, group: str) -> list[Piece]:
    """Pictures of one group of a report; what cannot be shown says why.

    Args:
        datasets: what the pictures come from.
        name: of the report.
        group: ``worst``, ``median`` or ``best``.

    Raises:
        PermissionRefused: in public mode.
        RunError: if there is no such report.
    """
    refuse_public(datasets.settings)
    report = read_report(datasets.settings, name)
    if group not in GROUPS:
        raise DatasetError(f"a gallery shows {', '.join(GROUPS)}, not {group[:20]!r}")
    examples: Sequence[Example] = getattr(report, group)[:SHOWN]
    try:
        opened = _open(datasets, report)
        rows = _rows_by_example(datasets, name, examples)
    except FloorsegError as problem:
        return [Piece(example, None, problem=str(problem)) for example in examples]
    return [_piece(datasets, opened, report, example, rows) for example in examples]


def dataset_of(datasets: Datasets, report: EvalReport) -> str:
    """The name under the data root of what was evaluated.

    Raises:
        DatasetError: if it lies elsewhere.
    """
    root = datasets.settings.data_root.resolve()
    folder = (root / report.data.folder).resolve()
    if not folder.is_relative_to(root) or not folder.is_dir():
        raise DatasetError(
            "what was evaluated does not lie under the data root, so its pictures are not shown; "
            "set FLOORSEG_DATA_ROOT to a folder above it"
        )
    return folder.relative_to(root).as_posix()


def _open(datasets: Datasets, report: EvalReport) -> Opened:
    opened = datasets.open(dataset_of(datasets, report), wait=60)
    if isinstance(opened, Opening):
        raise DatasetError("the dataset is still being read; try again in a moment")
    return opened


Key = tuple[int, str, str]


def _rows_by_example(
    datasets: Datasets, name: str, examples: Sequence[Example]
) -> dict[Key, dict[str, Any]]:
    """The rows of the report's table that the examples are of."""
    table = load_rows(report_folder(datasets.settings, name))
    wanted = {(e.place, e.instance, e.trial) for e in examples}
    some = table[table["place"].isin({place for place, _, _ in wanted})]
    keys = zip(some["place"], some["instance"].astype(str), some["trial"], strict=True)
    return {
        key: row for key, row in zip(keys, some.to_dict("records"), strict=True) if key in wanted
    }


def _piece(
    datasets: Datasets,
    opened: Opened,
    report: EvalReport,
    example: Example,
    rows: dict[Key, dict[str, Any]],
) -> Piece:
    said = rows.get((example.place, example.instance, example.trial), {})
    points, box = _prompt(said)
    try:
        row = _row(opened, report, example)
        sample = read_sample(opened, row, datasets.settings.data_root)
        if relative_name(sample.image_path, opened.dataset.folder) != example.image:
            raise DatasetError("the dataset has changed since; evaluate again")
        picture = _paint(sample, example, said)
    except FloorsegError as problem:
        return Piece(example, None, points, box, problem=str(problem))
    return Piece(example, row, points, box, picture)


def _row(opened: Opened, report: EvalReport, example: Example) -> int:
    """The picture's place in the dataset, from its place among those that were evaluated."""
    split = SPLITS.get(report.data.split.lower(), report.data.split)
    rows = spread(rows_of(opened, split), report.data.limit)
    if example.place >= len(rows):
        raise DatasetError("the dataset has changed since; evaluate again")
    return rows[example.place]


def _prompt(
    said: dict[str, Any],
) -> tuple[tuple[tuple[float, float, int], ...], tuple[float, float, float, float] | None]:
    """The first click or the box; what further clicks did, the picture does not show."""
    points = orjson.loads(said["points"]) if isinstance(said.get("points"), str) else []
    corners = orjson.loads(said["box"]) if isinstance(said.get("box"), str) else None
    first = tuple((float(x), float(y), int(inside)) for x, y, inside in points[:1])
    if not corners:
        return first, None
    x0, y0, x1, y1 = (float(value) for value in corners)
    return (), (x0, y0, x1, y1)


def _paint(sample: Sample, example: Example, said: dict[str, Any]) -> bytes:
    """The object's surroundings: the answer tinted, the truth outlined."""
    size = (sample.height, sample.width)
    truth = next((a.mask() for a in sample.annotations if str(a.id) == example.instance), None)
    answer = said.get("answer")
    found = (
        rle.decode({"size": list(size), "counts": answer})
        if isinstance(answer, str)
        else np.zeros(size, dtype=bool)
    )
    truth = np.zeros(size, dtype=bool) if truth is None or truth.shape != size else truth
    top, bottom, left, right = _window(truth | found)
    cut = (slice(top, bottom), slice(left, right))
    pixels = np.ascontiguousarray(sample.image()[cut])
    scale = _SIDE / max(pixels.shape[:2])
    shape = (max(1, round(pixels.shape[0] * scale)), max(1, round(pixels.shape[1] * scale)))
    painted = cv2.resize(pixels, shape[::-1], interpolation=cv2.INTER_AREA)
    tint(painted, scaled(found[cut], shape), FOUND, opacity=0.4, outline=1)
    tint(painted, scaled(truth[cut], shape), TRUE, opacity=0.0, outline=2)
    buffer = io.BytesIO()
    Image.fromarray(painted).save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def _window(mask: np.ndarray) -> tuple[int, int, int, int]:
    """Top, bottom, left, right around what is set, with air; everything where nothing is."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    height, width = mask.shape
    if not rows.size:
        return 0, height, 0, width
    air = max(24, (rows[-1] - rows[0]) // 3, (columns[-1] - columns[0]) // 3)
    return (
        int(max(0, rows[0] - air)), int(min(height, rows[-1] + air)),
        int(max(0, columns[0] - air)), int(min(width, columns[-1] + air)),
    )  # fmt: skip
