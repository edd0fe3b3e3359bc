"""Checks of a whole dataset, from a few numbers a sample."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher

import numpy as np

from floorseg.data.checks.findings import Finding, finding
from floorseg.data.checks.look import Look

RARE = 0.02  # of the largest class
FEW = 20  # masks a class needs before its sizes say anything
FAR = 5.0  # robust standard deviations of the logarithm of the area
SIMILAR = 0.8
MANY_CLASSES = 300  # beyond which spellings are not compared

ClassKey = tuple[int | None, str | None]


@dataclass(slots=True)
class Survey:
    """What is remembered of every sample while a dataset is checked: numbers, not masks.

    Attributes:
        names: sample names, by split.
        image_ids: image id -> files.
        classes: (class number, class name) -> masks, by split.
        areas: class -> shares of the image that its masks cover, with the file of each.
        unannotated: images without an annotation file, by split.
    """

    names: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    image_ids: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    classes: dict[ClassKey, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    areas: dict[ClassKey, list[tuple[float, int]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    files: list[str] = field(default_factory=list)
    unannotated: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Facts:
    """What one sample adds to the survey."""

    file: str
    image: str
    split: str
    image_id: str
    masks: tuple[tuple[ClassKey, float], ...]


def facts_of(look: Look) -> Facts:
    """The few numbers of a sample that the whole-dataset checks need."""
    pixels = look.size[0] * look.size[1] if look.size else 1
    number = look.head.get("image_id", look.head.get("id"))
    return Facts(
        look.file,
        "" if look.image is None else look.image.name,
        look.entry.split,
        "" if number is None else str(number)[:200],
        tuple((m.class_key, m.area / pixels) for m in look.masks if m.segmentation is not None),
    )


def remember(survey: Survey, facts: Facts) -> None:
    """Add one sample."""
    place = len(survey.files)
    survey.files.append(facts.file)
    survey.names[facts.split].append(facts.image)
    if facts.image_id:
        survey.image_ids[f"{facts.split}:{facts.image_id}"].append(facts.file)
    for key, share in facts.masks:
        survey.classes[key][facts.split] += 1
        survey.areas[key].append((share, place))


def check_image_ids(survey: Survey) -> Iterable[Finding]:
    """An image id names one image of a split."""
    twice = {number: files for number, files in survey.image_ids.items() if len(files) > 1}
    if twice:
        number, files = next(iter(twice.items()))
        said = (
            f"{len(twice)} image ids are used more than once: {number.split(':', 1)[1]} "
            f"in {files[0]} and {files[1]}"
        )
        yield finding("image-id-twice", "", said, count=len(twice))


def check_names(survey: Survey) -> Iterable[Finding]:
    """sam2's own reader needs ``name_NUMBER.jpg``: no other dots, lower-case .jpg."""
    names = [name for found in survey.names.values() for name in found if name]
    bad = [name for name in names if not _is_portable(name)]
    if bad:
        said = (
            f"{len(bad)} of {len(names)} names cannot be read by sam2's own trainer, "
            f"which needs NAME_NUMBER.jpg, for example {bad[0][:100]!r}"
        )
        yield finding("name-portable", "", said, count=len(bad))


def check_unannotated(survey: Survey) -> Iterable[Finding]:
    """Images that nobody labelled."""
    for file in survey.unannotated:
        yield finding("image-unannotated", file, "no annotations belong to this image")


def check_spelling(survey: Survey) -> Iterable[Finding]:
    """Two class names that differ by case, a space or a letter are probably one class."""
    named = Counter[str]()
    for (_, name), counts in survey.classes.items():
        named[name or ""] += sum(counts.values())
    del named[""]
    names = sorted(named)[:MANY_CLASSES]
    for place, first in enumerate(names):
        for second in names[place + 1 :]:
            if are_spellings(first, second):
                said = (
                    f"{first!r} ({named[first]} masks) and {second!r} ({named[second]} masks) "
                    "look like one class"
                )
                yield finding("class-spelling", "", said, count=min(named[first], named[second]))


def check_balance(survey: Survey) -> Iterable[Finding]:
    """Classes with few masks, and classes that training never sees."""
    totals = {key: sum(counts.values()) for key, counts in survey.classes.items()}
    largest = max(totals.values(), default=0)
    for key, total in totals.items():
        if total < RARE * largest:
            said = f"{class_text(key)} has {total} masks, the largest class {largest:,}"
            yield finding("class-rare", "", said, count=total)
        splits = survey.classes[key]
        if "train" in survey.names and not splits["train"]:
            where = ", ".join(sorted(split for split in splits if splits[split]))
            said = f"{class_text(key)} occurs in {where} and never in train"
            yield finding("class-split", "", said, count=total)


def check_class_sizes(survey: Survey) -> Iterable[Finding]:
    """A mask a hundred times the usual size of its class is probably of another class."""
    for key, found in survey.areas.items():
        shares = np.array([share for share, _ in found])
        kept = shares > 0
        if kept.sum() < FEW:
            continue
        logs = np.log(np.where(kept, shares, 1.0))
        middle = np.median(logs[kept])
        spread = max(1.4826 * float(np.median(np.abs(logs[kept] - middle))), 0.35)
        off = np.abs(logs - middle) / spread * kept
        far = np.flatnonzero(off > FAR)
        if far.size:
            worst = int(far[np.argmax(off[far])])
            said = (
                f"{far.size} of {len(found)} masks of {class_text(key)} are far from its usual "
                f"size ({np.exp(middle):.2%} of the image): {shares[worst]:.3%} in "
                f"{survey.files[found[worst][1]]}"
            )
            yield finding("class-size", "", said, count=int(far.size))


def check_splits(survey: Survey) -> Iterable[Finding]:
    """Training without validation is blind."""
    splits = {split for split in survey.names if split}
    missing = [split for split in ("valid", "test") if split not in splits]
    if splits and missing:
        yield finding("split-missing", "", f"there is no split {' and no split '.join(missing)}")


def are_spellings(first: str, second: str) -> bool:
    """Whether two class names differ by case, spaces or one letter only."""
    if same_but_for_case(first, second):
        return True
    if min(len(first), len(second)) < 5 or any(c.isdigit() for c in first + second):
        return False
    ratio = SequenceMatcher(None, first.lower(), second.lower()).ratio()
    return ratio > SIMILAR and abs(len(first) - len(second)) <= 1 and _one_edit(first, second)


def same_but_for_case(first: str, second: str) -> bool:
    """Whether two class names are one when case, spaces, dashes and underscores are ignored."""
    return fold(first) == fold(second)


def fold(name: str) -> str:
    """A class name without case, spaces, dashes and underscores."""
    return re.sub(r"[\s_-]+", "", name).casefold()


def class_text(key: ClassKey) -> str:
    """How a class is called in a sentence."""
    number, name = key
    if name is not None:
        return f"class {name!r}"
    return "the unnamed class" if number is None else f"class {number}"


def _one_edit(first: str, second: str) -> bool:
    a, b = sorted((fold(first), fold(second)), key=len)
    if len(a) == len(b):
        return sum(x != y for x, y in zip(a, b, strict=True)) <= 1
    return any(b[:i] + b[i + 1 :] == a for i in range(len(b)))


def _is_portable(name: str) -> bool:
    """sam2 cuts at the first dot, wants .jpg, and takes what follows the last _ as a number."""
    stem, _, suffix = name.partition(".")
    return suffix == "jpg" and stem.rsplit("_", 1)[-1].isdecimal()


CHECKS: Mapping[str, Callable[[Survey], Iterable[Finding]]] = {
    "image ids": check_image_ids,
    "names": check_names,
    "unannotated": check_unannotated,
    "spelling": check_spelling,
    "balance": check_balance,
    "class sizes": check_class_sizes,
    "splits": check_splits,
}
