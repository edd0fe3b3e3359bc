"""Any dataset -> any format, nothing lost, or said.

The new dataset grows in ``TARGET.partial`` and gets its name when it is whole. A conversion that
was killed continues there: every sample leaves a slip when it is done.
"""

import os
import re
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import orjson

from floorseg.core.structures import Progress, ProgressCallback, ignore_progress
from floorseg.data.annotation import Sample
from floorseg.data.dataset import Dataset, open_dataset
from floorseg.data.files import read_json, write_atomically
from floorseg.data.layout import Entry, folders, image_files
from floorseg.data.parallel import map_in_order
from floorseg.data.writers import WRITERS, Parcels, Pictures, Place
from floorseg.errors import DatasetError, ImageError, Stopped

SLIPS = ".done"
ORDER = ".conversion.json"
MAX_SENTENCES = 1000

Change = Callable[[Entry, Sample], tuple[Sample, tuple[str, ...]]]


@dataclass(frozen=True, slots=True)
class Conversion:
    """What a conversion did.

    Attributes:
        folder: the new dataset.
        format: what it is written as.
        samples: how many samples it has.
        resumed: how many of them an earlier, interrupted conversion had written.
        notes: what the new format does not hold, in sentences.
        problems: what could not be read and is left out, in sentences.
        changes: what was changed on the way, in sentences.
    """

    folder: Path
    format: str
    samples: int
    resumed: int
    notes: tuple[str, ...]
    problems: tuple[str, ...]
    changes: tuple[str, ...] = ()


def convert(
    source: str | Path | Dataset,
    target: str | Path,
    *,
    to: str,
    names: Literal["keep", "sam2"] = "keep",
    pictures: Pictures = "copy",
    change: Change | None = None,
    workers: int | None = None,
    progress: ProgressCallback = ignore_progress,
    stop: Callable[[], bool] = lambda: False,
) -> Conversion:
    """Write a dataset in another format.

    Args:
        source: a folder of any known format, or an opened dataset.
        target: the folder to make; it must not exist.
        to: a key of :data:`floorseg.data.writers.WRITERS`.
        names: ``keep`` the samples' names, or number them ``sa_1``, ``sa_2`` as sam2's own trainer
            needs it; the old name is kept in the image's record.
        pictures: ``copy`` the files; re-encode all as upright RGB ``jpeg``; or ``mend`` only
            those that are turned, not RGB or misnamed.
        change: applied to every sample before it is written; a function of a module.
        workers: processes; None for one a processor.
        progress: told after every sample.
        stop: asked after every sample; what is written stays and is continued next time.

    Raises:
        DatasetError: if the source cannot be read, the format is unknown or the target exists.
        Stopped: if ``stop`` said so.
    """
    dataset = source if isinstance(source, Dataset) else open_dataset(source)
    if to not in WRITERS:
        raise DatasetError(f"{to!r} cannot be written; choose {', '.join(WRITERS)}")
    final = Path(target)
    order = {
        "source": str(dataset.folder.resolve()),
        "to": to,
        "names": names,
        "pictures": pictures,
    }
    root = _open_partial(final, order)
    jobs = _jobs(dataset, root, names, pictures)
    waiting = [job for job in jobs if not _slip(job.place).is_file()]
    work = partial(_convert_one, to=to, format_=dataset.format, change=change)
    progress(Progress(len(jobs) - len(waiting), len(jobs), "converting"))
    for place, _ in enumerate(map_in_order(work, waiting, workers=workers), start=1):
        progress(Progress(len(jobs) - len(waiting) + place, len(jobs), "converting"))
        if stop():
            raise Stopped(f"stopped after {place} samples; the same command continues in {root}")
    return _finish(dataset, jobs, final, to=to, resumed=len(jobs) - len(waiting))


@dataclass(frozen=True, slots=True)
class _Job:
    entry: Entry
    place: Place


def _open_partial(final: Path, order: dict[str, str]) -> Path:
    """The folder the new dataset grows in: a fresh one, or that of the same conversion before."""
    if final.exists() and (not final.is_dir() or any(final.iterdir())):
        raise DatasetError(f"{final} already exists; choose another folder or remove it")
    root = final.with_name(f"{final.name}.partial")
    marker = root / ORDER
    if marker.is_file() and read_json(marker) != order:
        raise DatasetError(f"{root} is left over from another conversion; remove it first")
    if root.exists() and not marker.is_file():
        raise DatasetError(f"{root} already exists and is no conversion; move it away")
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise DatasetError(f"{root} cannot be made: {problem.strerror}") from problem
    write_atomically(marker, orjson.dumps(order))
    return root


def _jobs(dataset: Dataset, root: Path, names: str, pictures: Pictures) -> list[_Job]:
    taken: set[tuple[str, str]] = set()
    jobs = []
    for number, entry in enumerate(dataset.entries, start=1):
        name = f"sa_{number}" if names == "sam2" else _unique(entry, taken)
        jobs.append(_Job(entry, Place(root, entry.split, name, pictures)))
    return jobs


def _unique(entry: Entry, taken: set[tuple[str, str]]) -> str:
    """The entry's name, with a number where another sample of the split has it already."""
    wanted = re.sub(r"[/\\\0]", "_", entry.name).lstrip(".") or "image"
    name, number = wanted, 1
    while (entry.split, name.lower()) in taken:
        number += 1
        name = f"{wanted}_{number}"
    taken.add((entry.split, name.lower()))
    return name


def _slip(place: Place) -> Path:
    return place.root / SLIPS / (place.split or "_") / f"{place.name}.json"


def _convert_one(job: _Job, *, to: str, format_: str, change: Change | None) -> None:
    """Write one sample, then its slip; a sample that cannot be read leaves a slip that says so."""
    place = job.place
    slip: dict[str, Any] = {"problems": [], "lost": [], "dropped": [], "changes": []}
    problems: list[str] = []
    try:
        sample = Dataset(place.root, format_, ()).read(job.entry, problems)
        slip["image"] = str(sample.image_path)
        if change is not None:
            sample, changes = change(job.entry, sample)
            slip["changes"] = [
                f"{job.entry.split}/{job.entry.name}: {said}".lstrip("/") for said in changes
            ]
        written = WRITERS[to].write(place, _renamed(sample, job))
        slip["lost"] = [f"{place.split}/{place.name}: {said}".lstrip("/") for said in written.lost]
        slip["dropped"] = sorted(written.dropped)
        slip |= {"parcel": written.parcel, "whole": True}
    except (DatasetError, ImageError) as problem:
        problems.append(f"{problem} (image and masks left out)")
    slip["problems"] = problems
    path = _slip(place)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, orjson.dumps(slip))


def _renamed(sample: Sample, job: _Job) -> Sample:
    if job.place.name == job.entry.name or "original_file_name" in sample.extra:
        return sample
    original = sample.extra.get("file_name", sample.image_path.name)
    return replace(sample, extra={**sample.extra, "original_file_name": original})


def _finish(
    dataset: Dataset, jobs: Sequence[_Job], final: Path, *, to: str, resumed: int
) -> Conversion:
    root = final.with_name(f"{final.name}.partial")
    parcels: dict[str, Parcels] = {split: Parcels() for split in dataset.splits}
    told: dict[str, dict[str, None]] = {"problems": {}, "lost": {}, "changes": {}}
    dropped: set[str] = set()
    images: set[str] = set()
    for job in jobs:
        path = _slip(job.place)
        slip = read_json(path)
        if slip.get("whole"):
            parcels[job.place.split].files.append(path)
        images.add(slip.get("image", ""))
        dropped |= set(slip["dropped"])
        for key, sentences in told.items():
            sentences |= dict.fromkeys(slip[key]) if len(sentences) < MAX_SENTENCES else {}
    samples = sum(len(found.files) for found in parcels.values())
    if not samples:
        raise DatasetError(
            f"no sample of {dataset.folder} could be read: {next(iter(told['problems']))}"
        )
    notes = [*WRITERS[to].finish(root, dataset.meta, parcels), *told["lost"]]
    if dropped:
        notes.insert(0, f"{to} has no place for these fields: {', '.join(sorted(dropped))}")
    notes += _left_out(dataset, images)
    if final.exists():
        final.rmdir()
    os.replace(root, final)  # whole from here on; whoever is killed now leaves hidden slips in it
    shutil.rmtree(final / SLIPS, ignore_errors=True)
    (final / ORDER).unlink(missing_ok=True)
    problems, changes = tuple(told["problems"]), tuple(told["changes"])
    return Conversion(final, to, samples, resumed, tuple(notes), problems, changes)


def _left_out(dataset: Dataset, used: set[str]) -> list[str]:
    """Images that stand beside the samples and belong to none."""
    places = {Path(image).parent for image in used if image}
    spare = [p.name for place in sorted(places) for p in image_files(place) if str(p) not in used]
    if not spare:
        return []
    shown = ", ".join(spare[:3]) + (", ..." if len(spare) > 3 else "")
    return [f"{len(spare)} images without annotations are left out: {shown}"]


def partial_conversions(folder: Path) -> Iterable[Path]:
    """Conversions in a folder that were interrupted."""
    return [path for path in folders(folder) if (path / ORDER).is_file()]
