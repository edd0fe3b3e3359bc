"""Train, valid and test without leaks: look-alikes stay together, classes are shared out evenly."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from floorseg.core.structures import Progress, ProgressCallback, ignore_progress
from floorseg.data.checks.look import look_at
from floorseg.data.checks.whole import ClassKey
from floorseg.data.convert import Conversion, convert
from floorseg.data.dataset import Dataset, open_dataset
from floorseg.data.layout import Entry
from floorseg.data.lookalike import Fingerprint, find_look_alikes, fingerprint, groups
from floorseg.data.parallel import map_in_order
from floorseg.data.writers import WRITERS
from floorseg.errors import DatasetError, Stopped

NEAR_ENOUGH = 0.05  # of all images that a split may be larger or smaller than asked


@dataclass(frozen=True, slots=True)
class SplitPlan:
    """Which sample goes where.

    Attributes:
        splits: the split of every sample, in the dataset's order.
        groups: samples that show one plan, by place.
        sizes: split -> images.
        asked: split -> the share that was asked for.
    """

    splits: tuple[str, ...]
    groups: tuple[tuple[int, ...], ...]
    sizes: Mapping[str, int]
    asked: Mapping[str, float]

    @property
    def is_near(self) -> bool:
        """Whether every split has about the size that was asked for."""
        total = len(self.splits)
        slack = max(NEAR_ENOUGH * total, 1.0)
        return all(abs(self.sizes[s] - share * total) <= slack for s, share in self.asked.items())

    def explanation(self) -> str:
        """Why the sizes cannot be had, and what could be done; "" where they can."""
        empty = [split for split, share in self.asked.items() if share and not self.sizes[split]]
        if self.is_near and not empty:
            return ""
        largest = max(self.groups, key=len)
        total = len(self.splits)
        got = ", ".join(f"{split} {size / total:.0%}" for split, size in self.sizes.items())
        return (
            f"no split of these sizes is free of leaks: {len(largest)} of {total} images show one "
            f"plan, and only {len(self.groups)} plans differ; the nearest is {got}. "
            "Ask for those shares, remove copies of that plan, or add other plans"
        )


def split_dataset(
    source: str | Path | Dataset,
    target: str | Path,
    *,
    shares: Mapping[str, float],
    seed: int = 0,
    accept_nearest: bool = False,
    workers: int | None = None,
    progress: ProgressCallback = ignore_progress,
    stop: Callable[[], bool] = lambda: False,
) -> tuple[SplitPlan, Conversion]:
    """Write a dataset with new splits.

    Args:
        source: a folder of any known format, or an opened dataset; splits it has are given up.
        target: the folder to make; in the source's format where it can be written, else SA-1B.
        shares: split -> share of the images, adding up to 1.
        seed: another seed gives another split.
        accept_nearest: write the nearest split where the sizes cannot be had.
        workers: processes; None for one a processor.
        progress: told after every step.
        stop: asked after every sample.

    Raises:
        DatasetError: if the source cannot be read, the target exists, or no leak-free split of
            those sizes exists and the nearest is not accepted.
        Stopped: if ``stop`` said so.
    """
    dataset = source if isinstance(source, Dataset) else open_dataset(source)
    prints, classes = _looked_at(dataset, workers=workers, progress=progress, stop=stop)
    alike = find_look_alikes(prints, workers=workers, progress=progress)
    plan = plan_split(groups(len(dataset), alike), classes, shares=shares, seed=seed)
    problem = plan.explanation()
    if problem and not accept_nearest:
        raise DatasetError(problem)
    moved = tuple(
        replace(entry, split=split)
        for entry, split in zip(dataset.entries, plan.splits, strict=True)
    )
    conversion = convert(
        replace(dataset, entries=moved),
        target,
        to=dataset.format if dataset.format in WRITERS else "sa1b",
        workers=workers,
        progress=progress,
        stop=stop,
    )
    return plan, conversion


def plan_split(
    together: Sequence[Sequence[int]],
    classes: Sequence[Mapping[ClassKey, int]],
    *,
    shares: Mapping[str, float],
    seed: int = 0,
) -> SplitPlan:
    """Share out groups so that images and the masks of each class come near the shares asked for.

    Args:
        together: groups of samples that must stay in one split.
        classes: masks by class of every sample.
        shares: split -> share, adding up to 1.
        seed: order in which groups of one size are dealt.

    Raises:
        DatasetError: if the shares are negative or do not add up to 1.
    """
    if any(share < 0 for share in shares.values()) or abs(sum(shares.values()) - 1) > 1e-6:
        raise DatasetError(f"the shares must add up to 1, got {dict(shares)}")
    names = [split for split, share in shares.items() if share]
    content = _content(together, classes)
    wanted = np.outer([shares[name] for name in names], content.sum(axis=0))
    shuffled = np.random.default_rng(seed).permutation(len(together)).tolist()
    # large groups first, then those with rare classes: they are the hardest to place
    order = sorted(shuffled, key=lambda p: (-len(together[p]), -round(content[p].max(), 9)))
    filled = np.zeros((len(names), content.shape[1]))
    splits = [""] * sum(len(group) for group in together)
    for place in order:
        # the split in which this group takes most off sum((filled - wanted)^2 / wanted)
        change = content[place] * (2 * (filled - wanted) + content[place])
        chosen = int(np.argmin((change / np.maximum(wanted, 1e-12)).sum(axis=1)))
        filled[chosen] += content[place]
        for member in together[place]:
            splits[member] = names[chosen]
    counted = Counter(splits)
    sizes = {split: counted[split] for split in shares}
    return SplitPlan(tuple(splits), tuple(map(tuple, together)), sizes, dict(shares))


def _content(
    together: Sequence[Sequence[int]], classes: Sequence[Mapping[ClassKey, int]]
) -> np.ndarray:
    """Share of all images, and of each class's masks, that a group holds: (groups, 1 + classes)."""
    keys = {
        key: place for place, key in enumerate(sorted({k for c in classes for k in c}, key=str))
    }
    counts = np.zeros((len(together), len(keys)))
    for row, group in enumerate(together):
        for member in group:
            for key, count in classes[member].items():
                counts[row, keys[key]] += count
    images = np.array([len(group) for group in together], dtype=np.float64)[:, None]
    shares = counts / np.maximum(counts.sum(axis=0), 1) / max(len(keys), 1) ** 0.5
    return np.hstack([images / max(images.sum(), 1), shares])


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    fingerprint: Fingerprint | None
    classes: Counter[ClassKey]


def _looked_at(
    dataset: Dataset,
    *,
    workers: int | None,
    progress: ProgressCallback,
    stop: Callable[[], bool],
) -> tuple[list[Fingerprint | None], list[Counter[ClassKey]]]:
    work = partial(_look, format_=dataset.format, root=dataset.folder)
    prints: list[Fingerprint | None] = []
    classes: list[Counter[ClassKey]] = []
    for seen in map_in_order(work, dataset.entries, workers=workers):
        prints.append(seen.fingerprint)
        classes.append(seen.classes)
        progress(Progress(len(prints), len(dataset), "looking at images"))
        if stop():
            raise Stopped(f"stopped after {len(prints)} of {len(dataset)} images")
    return prints, classes


def _look(entry: Entry, *, format_: str, root: Path) -> _Seen:
    look = look_at(entry, format_=format_, root=root)
    small = look.picture.small if look.picture is not None else None
    counted = Counter(mask.class_key for mask in look.masks if mask.segmentation is not None)
    return _Seen(None if small is None else fingerprint(small), counted)
