"""Every check over a whole dataset, in several processes, with bounded memory."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from floorseg.core.structures import Progress, ProgressCallback, ignore_progress
from floorseg.data.checks import masks, pictures, together, whole
from floorseg.data.checks.findings import RULES, Finding, Severity
from floorseg.data.checks.leaks import check_leaks
from floorseg.data.checks.look import Look, look_at
from floorseg.data.checks.unlabelled import check_is_annotated, unannotated
from floorseg.data.checks.whole import ClassKey, Facts, Survey
from floorseg.data.dataset import Dataset, open_dataset
from floorseg.data.layout import Entry
from floorseg.data.lookalike import Fingerprint, fingerprint
from floorseg.data.parallel import map_in_order
from floorseg.errors import Stopped

MAX_FINDINGS = 2000  # kept of one kind; all are counted

SAMPLE_CHECKS: tuple[Callable[[Look], Iterable[Finding]], ...] = (
    pictures.check_file_is_readable,
    pictures.check_size_is_stated,
    pictures.check_image_is_there,
    pictures.check_image_is_whole,
    pictures.check_image_size,
    pictures.check_image_is_upright,
    pictures.check_image_is_rgb,
    pictures.check_image_kind,
    pictures.check_stated_name,
    pictures.check_has_masks,
    masks.check_masks_are_readable,
    masks.check_masks_are_coco_rle,
    masks.check_masks_are_outlines,
    masks.check_mask_sizes,
    masks.check_boxes,
    masks.check_areas,
    masks.check_masks_have_pixels,
    masks.check_masks_are_inside,
    masks.check_ids,
    together.check_masks_together,
)


@dataclass(frozen=True, slots=True)
class Report:
    """What is wrong with a dataset.

    Attributes:
        folder: the dataset.
        format: what it is written as.
        samples: samples looked at.
        masks: masks that could be read.
        findings: worst first; of each kind at most :data:`MAX_FINDINGS`.
        totals: code -> (findings, masks or files concerned), all counted.
        classes: (class number, class name) -> masks.
    """

    folder: Path
    format: str
    samples: int
    masks: int
    findings: tuple[Finding, ...]
    totals: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    classes: Mapping[ClassKey, int] = field(default_factory=dict)

    def count(self, severity: Severity) -> int:
        """How many findings of a severity there are."""
        return sum(n for code, (n, _) in self.totals.items() if RULES[code].severity is severity)

    def fails(self, level: Severity) -> bool:
        """Whether there is a finding of this severity or a worse one."""
        order = list(Severity)
        return any(self.count(severity) for severity in order[: order.index(level) + 1])

    def as_json(self) -> dict[str, Any]:
        """The report as plain values."""
        return {
            "folder": str(self.folder),
            "format": self.format,
            "samples": self.samples,
            "masks": self.masks,
            "counts": {str(severity): self.count(severity) for severity in Severity},
            "kinds": [
                {
                    "code": code,
                    "severity": str(RULES[code].severity),
                    "title": RULES[code].title,
                    "fix": RULES[code].fix,
                    "fixable": RULES[code].fixable,
                    "findings": found,
                    "concerned": concerned,
                }
                for code, (found, concerned) in self.totals.items()
            ],
            "findings": [found.as_row() for found in self.findings],
        }


def check_dataset(
    source: str | Path | Dataset,
    *,
    look_at_pictures: bool = True,
    find_look_alikes: bool = True,
    workers: int | None = None,
    progress: ProgressCallback = ignore_progress,
    stop: Callable[[], bool] = lambda: False,
) -> Report:
    """Run every check.

    Args:
        source: a folder of any known format, or an opened dataset.
        look_at_pictures: decode the images too; without it only annotations are checked.
        find_look_alikes: search for one plan in two splits, also rotated, mirrored or noisy.
        workers: processes; None for one a processor.
        progress: told after every sample.
        stop: asked after every sample.

    Raises:
        DatasetError: if the folder holds no dataset, or its one annotation file is damaged.
        Stopped: if ``stop`` said so.
    """
    dataset = source if isinstance(source, Dataset) else open_dataset(source)
    alike = look_at_pictures and find_look_alikes
    work = partial(
        check_one,
        format_=dataset.format,
        root=dataset.folder,
        look_at_pictures=look_at_pictures,
        prints=alike,
    )
    gathered = _Gathered()
    survey = Survey()
    prints: list[Fingerprint | None] = []
    total = len(dataset.entries)
    for place, seen in enumerate(map_in_order(work, dataset.entries, workers=workers), start=1):
        gathered.add(seen.findings)
        whole.remember(survey, seen.facts)
        gathered.masks += len(seen.facts.masks)
        if alike:
            prints.append(seen.fingerprint)
        progress(Progress(place, total, "checking"))
        if stop():
            raise Stopped(f"stopped after {place} of {total} samples")
    survey.unannotated = unannotated(dataset)
    for check in whole.CHECKS.values():
        gathered.add(check(survey))
    gathered.add(check_is_annotated(dataset))
    if alike:
        splits = [entry.split for entry in dataset.entries]
        gathered.add(check_leaks(survey.files, splits, prints, workers=workers))
    return gathered.report(dataset, survey)


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What checking one sample gave."""

    findings: tuple[Finding, ...]
    facts: Facts
    fingerprint: Fingerprint | None = None


def check_one(
    entry: Entry, *, format_: str, root: Path, look_at_pictures: bool = True, prints: bool = False
) -> Seen:
    """Run the checks of single samples on one entry.

    Args:
        entry: of an opened dataset.
        format_: the dataset's format.
        root: its folder.
        look_at_pictures: decode the image too.
        prints: take the fingerprint by which look-alikes are found.
    """
    look = look_at(entry, format_=format_, root=root, pictures=look_at_pictures)
    checks = [
        check
        for check in SAMPLE_CHECKS
        if format_ != "images" or check is not pictures.check_has_masks
    ]
    findings = tuple(found for check in checks for found in check(look))
    small = look.picture.small if look.picture is not None else None
    taken = fingerprint(small) if prints and small is not None else None
    return Seen(findings, whole.facts_of(look), taken)


@dataclass(slots=True)
class _Gathered:
    findings: dict[str, list[Finding]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    concerned: Counter[str] = field(default_factory=Counter)
    masks: int = 0

    def add(self, found: Iterable[Finding]) -> None:
        for one in found:
            self.counts[one.code] += 1
            self.concerned[one.code] += one.count
            kept = self.findings.setdefault(one.code, [])
            if len(kept) < MAX_FINDINGS:
                kept.append(one)

    def report(self, dataset: Dataset, survey: Survey) -> Report:
        order = {severity: place for place, severity in enumerate(Severity)}
        codes = sorted(self.counts, key=lambda c: (order[RULES[c].severity], -self.concerned[c]))
        return Report(
            folder=dataset.folder,
            format=dataset.format,
            samples=len(dataset.entries),
            masks=self.masks,
            findings=tuple(found for code in codes for found in self.findings[code]),
            totals={code: (self.counts[code], self.concerned[code]) for code in codes},
            classes={key: sum(counts.values()) for key, counts in survey.classes.items()},
        )
