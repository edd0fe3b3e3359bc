"""What a person corrected becomes training data: one more sample of a dataset."""

import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import orjson

from floorseg.core.images import is_image_name
from floorseg.data.files import write_atomically
from floorseg.data.sa1b import write_sample
from floorseg.errors import DatasetError, PermissionRefused
from floorseg.services.work import Work, annotations
from floorseg.settings import Settings

SPLITS = ("train", "valid", "test")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_MAX_STEM = 60


@dataclass(frozen=True, slots=True)
class Added:
    """Where a sample was written, relative to the data root, and how many ``regions`` it has."""

    path: str
    regions: int


def list_datasets(settings: Settings) -> list[str]:
    """Names of the folders under the data root; none in public mode."""
    if settings.public or not settings.data_root.is_dir():
        return []
    folders = (p.name for p in settings.data_root.iterdir() if p.is_dir())
    return sorted(name for name in folders if _NAME.fullmatch(name))


def add_to_dataset(work: Work, dataset: str, split: str, settings: Settings) -> Added:
    """Write the plan and its regions as a sample, and beside it who made each region.

    The sample is SA-1B JSON in ``DATA_ROOT/dataset/split``; its provenance lies in
    ``DATA_ROOT/dataset/provenance``, where no reader takes it for a sample.

    Raises:
        PermissionRefused: in public mode.
        DatasetError: if a name is not plain, or the folder cannot be written.
    """
    if settings.public:
        raise PermissionRefused("this page is public: nothing is written on its server")
    if not _NAME.fullmatch(dataset) or split not in SPLITS:
        raise DatasetError(
            f"a dataset's name is made of letters, digits, '-', '_' and '.', and its split is one "
            f"of {', '.join(SPLITS)}; got {dataset[:80]!r}, {split[:20]!r}"
        )
    root = settings.data_root.resolve()
    folder = root / dataset / split
    if not folder.resolve().is_relative_to(root):
        raise DatasetError(f"{dataset!r} lies outside the data root; choose another name")
    name = _claim(folder, _stem(work.plan.picture.name))
    try:
        extra = {"pixels_per_metre": work.per_metre} if work.per_metre else {}
        found = annotations(work)
        written = write_sample(folder, name, work.plan.picture.pixels, found, extra=extra)
        beside = root / dataset / "provenance"
        beside.mkdir(exist_ok=True)
        write_atomically(beside / f"{split}-{name}.json", _provenance(work, name, split))
    finally:
        (folder / f".{name}.claim").unlink(missing_ok=True)
    return Added(str(written.relative_to(root)), len(work.regions))


def _claim(folder: Path, stem: str) -> str:
    """A name that no sample has and nobody else is taking at this moment.

    Raises:
        DatasetError: if the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(1, 100_000):
            name = stem if number == 1 else f"{stem}-{number}"
            try:
                os.close(os.open(folder / f".{name}.claim", os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            except FileExistsError:
                continue
            taken = folder.glob(f"{name}.*")
            if not any(p.suffix == ".json" or is_image_name(p.name) for p in taken):
                return name
            (folder / f".{name}.claim").unlink(missing_ok=True)
    except OSError as problem:
        raise DatasetError(f"{folder} cannot be written: {problem.strerror}") from problem
    raise DatasetError(f"{folder} has too many samples called {stem!r}; rename the plan")


def _stem(name: str) -> str:
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", Path(name).stem).strip("-_")
    return plain[:_MAX_STEM] or "plan"


def _provenance(work: Work, name: str, split: str) -> bytes:
    regions = [
        {
            "id": region.id,
            "name": region.name,
            "class": region.class_name,
            "proposed_by": region.checkpoint,
            "score": region.score,
            "corrected_by_hand": region.edited,
            "drawn_by_hand": region.score is None,
        }
        for region in work.regions
    ]
    head = {
        "sample": f"{split}/{name}.json",
        "original_name": work.plan.picture.name,
        "page": work.plan.picture.page,
        "added": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return orjson.dumps(head | {"regions": regions}, option=orjson.OPT_INDENT_2)
