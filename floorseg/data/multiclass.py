"""Multi-class RLE files: ``img.png`` beside ``img.json`` with ``size``, ``values``, ``counts``.

Files written here number the instances and say in ``annotations`` what each number is; in files
from elsewhere a number is a class, named by ``categories`` where they are given.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from floorseg.core.multiclass_rle import decode_labels, encode_labels, is_multiclass
from floorseg.data import rows
from floorseg.data.annotation import Sample
from floorseg.data.files import read_json, write_atomically
from floorseg.data.labels import paint, take_out
from floorseg.data.layout import Entry
from floorseg.data.sa1b import find_image, json_entries
from floorseg.errors import DatasetError

IMAGE_FIELDS = frozenset({"image_id", "width", "height"})


def entries(root: Path) -> list[Entry]:
    """Every multi-class file of a folder, or nothing; only the first files are opened."""
    return json_entries(root, _looks_right)


def read(entry: Entry, problems: list[str] | None = None) -> Sample:
    """The sample of an entry.

    Args:
        entry: from :func:`entries`.
        problems: unused; one number outside the code spoils the whole label image.

    Raises:
        DatasetError: if the runs are damaged or the image is missing.
    """
    content = read_json(entry.source)
    if not isinstance(content, dict):
        raise DatasetError(f"{entry.source} is not a multi-class RLE file: it must be an object")
    head = content["image"] if isinstance(content.get("image"), dict) else {}
    try:
        labels = decode_labels(_encoded(content))
    except DatasetError as problem:
        raise DatasetError(f"{entry.source}: {problem}") from problem
    table = content.get("annotations")
    table = [row for row in table if isinstance(row, dict)] if isinstance(table, list) else None
    return Sample(
        image_path=find_image(entry.source, head.get("file_name")),
        width=labels.shape[1],
        height=labels.shape[0],
        annotations=take_out(labels, table, class_names(content.get("categories"))),
        image_id=rows.identity(head.get("image_id"), 0),
        split=entry.split,
        extra={key: value for key, value in head.items() if key not in IMAGE_FIELDS},
    )


def write(path: Path, sample: Sample, file_name: str) -> tuple[str, ...]:
    """Write one annotation file.

    Args:
        path: the file to write.
        sample: its masks.
        file_name: of the image beside it.

    Returns:
        What the format cannot hold, in sentences.
    """
    painted = paint(sample)
    head = {
        **sample.extra,
        "image_id": sample.image_id,
        "width": sample.width,
        "height": sample.height,
        "file_name": file_name,
    }
    if sample.extra.get("file_name", file_name) != file_name:
        head.setdefault("original_file_name", sample.extra["file_name"])
    content = {"image": head, **encode_labels(painted.labels), "annotations": painted.table}
    write_atomically(path, orjson.dumps(content))
    return painted.lost


def class_names(categories: Any) -> dict[int, str]:
    """Class names by number, of ``{"1": "room"}`` or of ``[{"id": 1, "name": "room"}]``."""
    if isinstance(categories, Mapping):
        pairs = [(str(key), name) for key, name in categories.items()]
        return {int(k): n for k, n in pairs if k.isdecimal() and isinstance(n, str)}
    listed = categories if isinstance(categories, list) else []
    return {
        c["id"]: c["name"]
        for c in listed
        if isinstance(c, dict) and type(c.get("id")) is int and isinstance(c.get("name"), str)
    }


def _encoded(content: Mapping[str, Any]) -> Mapping[str, Any]:
    inner = content.get("segmentation")
    return inner if isinstance(inner, Mapping) and is_multiclass(inner) else content


def _looks_right(path: Path) -> bool:
    try:
        content = read_json(path)
    except DatasetError:
        return False
    return isinstance(content, dict) and is_multiclass(_encoded(content))
