"""An annotation's fields beside its mask, as JSON holds them."""

from collections.abc import Mapping
from typing import Any

from floorseg.core import rle
from floorseg.data.annotation import Annotation
from floorseg.errors import DatasetError

OWN_FIELDS = frozenset({"id", "segmentation", "category_id", "category_name"})
MEASURED = frozenset({"bbox", "area"})  # computed from the mask whenever a file is written


def identity(value: Any, otherwise: int) -> int | str:
    """The id a file states, or ``otherwise`` where it states none."""
    return value if isinstance(value, str) or type(value) is int else otherwise


def describe(annotation: Annotation) -> dict[str, Any]:
    """Id, class and further fields, without the mask and what is measured from it."""
    row: dict[str, Any] = {"id": annotation.id}
    if annotation.category_id is not None:
        row["category_id"] = annotation.category_id
    if annotation.category_name is not None:
        row["category_name"] = annotation.category_name
    return row | {k: v for k, v in annotation.extra.items() if k not in OWN_FIELDS | MEASURED}


def undescribe(
    row: Mapping[str, Any], segmentation: Mapping[str, Any], *, place: int = 0
) -> Annotation:
    """The annotation of a row of fields and its mask.

    Args:
        row: as parsed from JSON; ``category`` and ``class_name`` are read as class names too.
        segmentation: COCO compressed RLE.
        place: position in the file, the id of a row without one.
    """
    category_id = row.get("category_id")
    names = (row.get(key) for key in ("category_name", "class_name", "category"))
    return Annotation(
        id=identity(row.get("id"), place),
        segmentation=segmentation,
        category_id=category_id if type(category_id) is int else None,
        category_name=next((name for name in names if isinstance(name, str)), None),
        extra={key: value for key, value in row.items() if key not in OWN_FIELDS},
    )


def read_all(
    found: list[Any],
    size: tuple[int, int],
    *,
    file: str,
    problems: list[str] | None = None,
) -> tuple[Annotation, ...]:
    """The annotations of one image.

    Args:
        found: the file's rows. Where one certainly holds Roboflow's pairs, all do.
        size: the image's (height, width) in pixels.
        file: what messages call the file.
        problems: None to stop at the first row that cannot be read; a list to leave such rows out
            and have them told here.

    Raises:
        DatasetError: if a row cannot be read and ``problems`` is None.
    """
    masks = [r.get("segmentation") if isinstance(r, dict) else None for r in found]
    sound = rle.read_sound(masks, size)
    # what adds up to the whole image holds no pairs
    rest = [mask for mask, done in zip(masks, sound, strict=True) if done is None]
    pairs = rle.any_holds_pairs(rest)
    annotations = []
    for place, (row, mask) in enumerate(zip(found, sound, strict=True)):
        try:
            if not isinstance(row, dict):
                raise DatasetError("an annotation must be an object with a segmentation")
            if pairs or mask is None:
                mask = rle.read(row.get("segmentation"), size, pairs=pairs or None)
            annotations.append(undescribe(row, mask, place=place))
        except DatasetError as problem:
            name = row.get("id", place) if isinstance(row, dict) else place
            sentence = f"{file}: annotation {name}: {problem}"
            if problems is None:
                raise DatasetError(sentence) from problem
            problems.append(sentence)
    return tuple(annotations)
