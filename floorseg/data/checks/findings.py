"""What a check says, and the list of everything that can be said."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """An error spoils training, a warning lowers its result, a note is good to know."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of finding.

    Attributes:
        severity: how bad it is.
        title: what it is, in a few words.
        fix: what to do about it.
        fixable: whether ``data check --fix`` does it.
    """

    severity: Severity
    title: str
    fix: str
    fixable: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong with one file, or with the whole dataset.

    Attributes:
        code: key of :data:`RULES`.
        severity: how bad it is.
        file: path relative to the dataset, "" for the whole dataset.
        sentence: what was found there.
        fix: what to do about it.
        fixable: whether ``data check --fix`` does it.
        count: how many masks (or files, for the whole dataset) it concerns.
    """

    code: str
    severity: Severity
    file: str
    sentence: str
    fix: str
    fixable: bool
    count: int = 1

    def as_row(self) -> dict[str, Any]:
        """The finding as plain values, ready for JSON or a table."""
        return {**asdict(self), "severity": str(self.severity)}


def finding(code: str, file: str, sentence: str, *, count: int = 1) -> Finding:
    """A finding of a known kind.

    Args:
        code: key of :data:`RULES`.
        file: path relative to the dataset, "" for the whole dataset.
        sentence: what was found.
        count: how many masks (or files) it concerns.
    """
    rule = RULES[code]
    return Finding(code, rule.severity, file, sentence, rule.fix, rule.fixable, count)


_E, _W, _N = Severity.ERROR, Severity.WARNING, Severity.NOTE
_REWRITE = "rewrite the file from its masks"

RULES: dict[str, Rule] = {
    # files
    "annotations-unreadable": Rule(_E, "annotation file cannot be read", "export it again"),
    "image-missing": Rule(_E, "annotations without an image", "put the image beside them"),
    "image-unreadable": Rule(_E, "image damaged or no image", "export or copy it again"),
    "image-size": Rule(_E, "image of another size than stated", "export image and masks together"),
    "image-unannotated": Rule(_W, "image without annotation file", "label it or remove it"),
    "image-empty": Rule(_N, "no masks on the image", "label it, or keep it as an empty example"),
    "image-rotated": Rule(_W, "image turned by EXIF", "turn the pixels, drop the EXIF entry", True),
    "image-not-rgb": Rule(_N, "image is not 8-bit RGB", "convert it to RGB", True),
    "image-kind": Rule(_W, "suffix does not say what the file is", "rename it by its kind", True),
    "annotations-none": Rule(
        _W, "pictures only, no annotations", "export the annotations too, or label the pictures"
    ),
    "image-copy": Rule(_N, "look-alikes in one split", "augmented copies are fine in train"),
    "name-stated": Rule(_N, "file_name is not the file's name", _REWRITE, True),
    "name-portable": Rule(
        _N, "file name breaks other trainers", "data convert --for-sam2 renames the files"
    ),
    # one mask
    "mask-unreadable": Rule(
        _E, "mask cannot be read", "draw or export it again; --fix drops it", True
    ),
    "mask-pairs": Rule(_E, "Roboflow's row-major pairs called RLE", "write COCO's RLE", True),
    "mask-row-major": Rule(_E, "runs go along the rows", "write COCO's column-major RLE", True),
    "mask-encoding": Rule(_W, "mask is no compressed RLE", "write COCO's compressed RLE", True),
    "mask-box": Rule(
        _N, "box instead of an outline", "draw the outline, or let floorseg segment find it"
    ),
    "mask-size-swapped": Rule(_E, "size is [width, height]", "write [height, width]", True),
    "mask-size": Rule(_E, "mask of another size than its image", "export image and masks together"),
    "mask-empty": Rule(_W, "mask without a pixel", "remove the annotation", True),
    "mask-tiny": Rule(_W, "mask of a few pixels", "remove it if it is a slip of the mouse"),
    "mask-sliver": Rule(
        _W, "mask one or two pixels thin", "remove it if it is a slip of the mouse"
    ),
    "mask-huge": Rule(_N, "mask covers most of the image", "look whether it is meant"),
    "mask-outside": Rule(_W, "mask reaches outside the image", "cut it at the image's edge", True),
    "bbox": Rule(_W, "bbox does not fit the mask", "compute it from the mask", True),
    "area": Rule(_W, "area is not the mask's", "count it from the mask", True),
    "area-missing": Rule(
        _E, "area missing or 0: sam2 drops the mask", "count it from the mask", True
    ),
    # masks together
    "mask-twice": Rule(_W, "the same mask twice", "keep one of them", True),
    "mask-near-twice": Rule(_W, "two masks almost the same", "keep the better one"),
    "mask-two-classes": Rule(_W, "two classes on the same pixels", "decide for one"),
    "mask-overlap": Rule(_N, "masks overlap", "cut one of them"),
    "id-twice": Rule(_W, "an id used twice in one image", "number the annotations anew", True),
    # the whole dataset
    "image-id-twice": Rule(_W, "an image id used twice", "number the images anew"),
    "class-spelling": Rule(_W, "class names differ by case or a letter", "use one spelling", True),
    "class-rare": Rule(_N, "class with few masks", "label more, or merge it with another"),
    "class-split": Rule(_W, "class missing in training", "data split balances the classes"),
    "class-size": Rule(
        _N, "mask far from its class's usual size", "look whether its class is right"
    ),
    "split-leak": Rule(_E, "one plan in two splits", "data split keeps look-alikes together"),
    "split-missing": Rule(_N, "no validation or test split", "data split makes them"),
}
