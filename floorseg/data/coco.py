"""COCO segmentation: one ``annotations.json`` a split, Roboflow's ``_annotations.coco.json`` too.

COCO wants a whole number as id, unique in the file, and a class on every mask. What a dataset had
instead is kept in a field ``floorseg_source``, so that converting there and back changes nothing.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import orjson

from floorseg.data import rows
from floorseg.data.annotation import Annotation, Sample
from floorseg.data.files import read_json, write_atomically
from floorseg.data.layout import SPLITS, Entry, file_names, files, folders, split_folders
from floorseg.data.orientation import upright
from floorseg.errors import DatasetError

NAMES = ("_annotations.coco.json", "annotations.json", "_annotations.json", "coco.json")
SOURCE = "floorseg_source"
UNLABELLED = {"name": "unlabelled", "supercategory": "no class given"}  # COCO needs a class


def entries(root: Path) -> list[Entry]:
    """Every image of every COCO file in a folder, or nothing.

    An image's rows travel as bytes in its entry, a tenth of what parsed JSON would hold.

    Raises:
        DatasetError: if a file that must be COCO cannot be read.
    """
    return [
        entry
        for split, path, places in annotation_files(root)
        for entry in _entries_of(path, split, places)
    ]


def annotation_files(root: Path) -> list[tuple[str, Path, tuple[Path, ...]]]:
    """(split, annotation file, folders its images may lie in) of every COCO file in a folder."""
    found: list[tuple[str, Path, tuple[Path, ...]]] = []
    for split, place in split_folders(root).items():
        name = next((name for name in file_names(place) if name in NAMES), None)
        if name is not None:
            found.append((split, place / name, (place, place / "images")))
    for place in folders(root) if not found else ():
        if place.name.lower() == "annotations":
            found += [_by_name(root, path) for path in files(place) if _looks_right(path)]
    return found


def meta(root: Path) -> dict[str, Any]:
    """What the files say of the whole dataset: ``info``, ``licenses``, ``categories``."""
    merged: dict[str, Any] = {}
    for _, path, _ in annotation_files(root):
        content = _checked(path)
        for key in ("info", "licenses", "categories"):
            if content.get(key) and key not in merged:
                merged[key] = content[key]
    if "categories" in merged:
        merged["categories"] = [c for c in _listed(merged, "categories") if not _is_unlabelled(c)]
    return merged


def read(entry: Entry, problems: list[str] | None = None) -> Sample:
    """The sample of an entry.

    Args:
        entry: from :func:`entries`.
        problems: None to refuse an image with a mask that cannot be read; a list to leave such
            masks out and have them told here.

    Raises:
        DatasetError: if a mask cannot be read or the image is missing.
    """
    path, blob = entry.key
    head, found = orjson.loads(blob)
    file = f"{path} ({head.get('file_name')})"
    width, height = head.get("width"), head.get("height")
    if type(width) is not int or type(height) is not int or width < 1 or height < 1:
        raise DatasetError(f"{file}: the image's width and height must be whole pixels; add them")
    if not entry.source.is_file():
        raise DatasetError(
            f"{file}: there is no image {entry.source}; put it there or drop its row"
        )
    source = head.pop(SOURCE, None)
    own = {"id", "width", "height"}
    sample = Sample(
        image_path=entry.source,
        width=width,
        height=height,
        annotations=tuple(
            _restored(a)
            for a in rows.read_all(found, (height, width), file=file, problems=problems)
        ),
        image_id=_restored_id(source, rows.identity(head.get("id"), 0)),
        split=entry.split,
        extra={key: value for key, value in head.items() if key not in own},
    )
    return upright(sample)


def pack(sample: Sample, file_name: str) -> dict[str, Any]:
    """One image and its rows, to be numbered and joined by :func:`join`."""
    head = {
        **{k: v for k, v in sample.extra.items() if k not in ("id", SOURCE)},
        "id": sample.image_id,
        "width": sample.width,
        "height": sample.height,
        "file_name": file_name,
    }
    if sample.extra.get("file_name", file_name) != file_name:
        head.setdefault("original_file_name", sample.extra["file_name"])
    return {"image": head, "rows": [_packed(a) for a in sample.annotations]}


def join(target: Path, packed: Iterable[dict[str, Any]], about: Mapping[str, Any]) -> None:
    """Write ``annotations.json`` of one split.

    Args:
        target: the file to write.
        packed: results of :func:`pack`; they are changed.
        about: ``info``, ``licenses``, ``categories`` of the dataset.

    Raises:
        DatasetError: if it cannot be written.
    """
    images: list[bytes] = []
    annotations: list[bytes] = []
    classes = _Classes(about.get("categories") or ())
    for place, content in enumerate(packed, start=1):
        head, listed = content["image"], content["rows"]
        images.append(orjson.dumps(_numbered(head, place)))
        for row in listed:
            row["image_id"] = place
            classes.number(row)
            annotations.append(orjson.dumps(_numbered(row, len(annotations) + 1)))
    parts = [
        b'{"info":' + orjson.dumps(about.get("info") or {}),
        b'"licenses":' + orjson.dumps(about.get("licenses") or []),
        b'"categories":' + orjson.dumps(classes.listed()),
        b'"images":[' + b",\n".join(images) + b"]",
        b'"annotations":[' + b",\n".join(annotations) + b"]}",
    ]
    write_atomically(target, b",\n".join(parts))


def is_category(record: Any) -> bool:
    """Whether a record names a class by number and name."""
    return (
        isinstance(record, dict)
        and isinstance(record.get("id"), int)
        and isinstance(record.get("name"), str)
    )


class _Classes:
    """Gives every (class number, class name) of a dataset a COCO category of its own."""

    def __init__(self, known: Iterable[Any]) -> None:
        self._records = {c["id"]: dict(c) for c in known if is_category(c)}
        self._numbers: dict[tuple[int | None, str | None], int] = {
            (number, record["name"]): number for number, record in self._records.items()
        }

    def number(self, row: dict[str, Any]) -> None:
        """Set a row's ``category_id``; what it was goes to ``floorseg_source`` where it differs."""
        key = (row.pop("category_id", None), row.pop("category_name", None))
        if key not in self._numbers:
            self._add(key)
        row["category_id"] = self._numbers[key]
        record = self._records[row["category_id"]]
        if not _is_unlabelled(record) and key != (row["category_id"], record["name"]):
            row[SOURCE] = {"category_id": key[0], "category_name": key[1]}

    def listed(self) -> list[dict[str, Any]]:
        return [self._records[number] for number in sorted(self._records)]

    def _add(self, key: tuple[int | None, str | None]) -> None:
        number, name = key
        if number is None or number in self._records:
            number = max(self._records, default=0) + 1
        named = {"name": f"class {number}"} if key != (None, None) else UNLABELLED
        if name is not None:
            named = {"name": name, "supercategory": "none"}
        self._records[number] = {"id": number, **named}
        self._numbers[key] = number


def _packed(annotation: Annotation) -> dict[str, Any]:
    return {
        "iscrowd": 0,
        **{k: v for k, v in rows.describe(annotation).items() if k not in (SOURCE, "image_id")},
        "segmentation": dict(annotation.segmentation),
        "bbox": list(annotation.bbox()),
        "area": annotation.area(),
    }


def _numbered(row: dict[str, Any], number: int) -> dict[str, Any]:
    if row["id"] != number:
        row[SOURCE] = {**row.get(SOURCE, {}), "id": row["id"]}
    row["id"] = number
    return row


def _restored(annotation: Annotation) -> Annotation:
    """The annotation as it was before :func:`join` numbered it."""
    extra = dict(annotation.extra)
    source = extra.pop(SOURCE, None)
    source = source if isinstance(source, dict) else {}
    extra.pop("image_id", None)
    if extra.get("iscrowd") == 0:
        del extra["iscrowd"]
    number = source.get("category_id", annotation.category_id)
    name = source.get("category_name", annotation.category_name)
    return Annotation(
        id=_restored_id(source, annotation.id),
        segmentation=annotation.segmentation,
        category_id=number if type(number) is int else None,
        category_name=name if isinstance(name, str) else None,
        extra=extra,
    )


def _restored_id(source: Any, otherwise: int | str) -> int | str:
    return rows.identity(source.get("id"), 0) if _has_id(source) else otherwise


def _has_id(source: Any) -> bool:
    return isinstance(source, dict) and isinstance(source.get("id"), (int, str))


def _entries_of(path: Path, split: str, places: tuple[Path, ...]) -> Iterable[Entry]:
    content = _checked(path)
    categories = {c["id"]: c for c in _listed(content, "categories") if is_category(c)}
    by_image: dict[Any, list[dict[str, Any]]] = {}
    for row in _listed(content, "annotations"):
        if isinstance(row, dict) and isinstance(row.get("image_id"), (int, str)):
            by_image.setdefault(row["image_id"], []).append(_named(row, categories))
    for head in _listed(content, "images"):
        if isinstance(head, dict) and isinstance(head.get("file_name"), str):
            number = head.get("id")
            found = by_image.get(number, []) if isinstance(number, (int, str)) else []
            image = _image(head["file_name"], places)
            name = image.name[: len(image.name) - len(image.suffix)] or image.name
            yield Entry(name, image, split, (path, orjson.dumps([head, found])))


def _named(row: dict[str, Any], categories: Mapping[Any, dict[str, Any]]) -> dict[str, Any]:
    number = row.get("category_id")
    category = categories.get(number) if isinstance(number, (int, str)) else None
    if category is not None and _is_unlabelled(category):
        return {k: v for k, v in row.items() if k not in ("category_id", "category_name")}
    return row if category is None else {**row, "category_name": category["name"]}


def _image(file_name: str, places: tuple[Path, ...]) -> Path:
    """Where the image lies; never outside the dataset's own folders."""
    parts = PurePosixPath(file_name.replace("\\", "/")).parts
    inner = Path(*parts) if parts and ".." not in parts and parts[0] != "/" else None
    names = [name for name in (inner, Path(parts[-1] if parts else file_name)) if name is not None]
    candidates = [place / name for name in names for place in places]
    return next((path for path in candidates if path.is_file()), candidates[-1])


def _by_name(root: Path, path: Path) -> tuple[str, Path, tuple[Path, ...]]:
    words = path.name.lower().replace(".", "_").split("_")
    found = next(((SPLITS[word], word) for word in words if word in SPLITS), ("", ""))
    split, word = found
    places = (root / word, root / "images" / word, root / "images", root)
    return split, path, places


def _looks_right(path: Path) -> bool:
    if not path.name.endswith(".json"):
        return False
    content = read_json(path)
    return isinstance(content, dict) and isinstance(content.get("images"), list)


def _checked(path: Path) -> dict[str, Any]:
    content = read_json(path)
    if not isinstance(content, dict) or not isinstance(content.get("images"), list):
        raise DatasetError(
            f"{path} is not a COCO file: it needs the lists 'images', 'annotations', 'categories'"
        )
    return content


def _listed(content: Mapping[str, Any], key: str) -> list[Any]:
    found = content.get(key)
    return found if isinstance(found, list) else []


def _is_unlabelled(record: Any) -> bool:
    return isinstance(record, dict) and all(record.get(k) == v for k, v in UNLABELLED.items())
