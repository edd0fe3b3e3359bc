"""SA-1B style folders: ``img.jpg`` beside ``img.json``, one pair an image.

Reads what exporters really write (any image kind, any name, polygons, Roboflow's pair encoding) and
writes what every trainer reads.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from floorseg.core import rle
from floorseg.core.images import is_image_name
from floorseg.data import rows
from floorseg.data.annotation import Annotation, Sample
from floorseg.data.files import read_json, write_atomically, write_image
from floorseg.data.layout import Entry, file_names, image_files, split_folders
from floorseg.data.orientation import upright
from floorseg.errors import DatasetError

IMAGE_FIELDS = frozenset({"image_id", "width", "height"})
META_NAME = "dataset.json"  # what a whole dataset says: classes, licences, where it came from


def entries(root: Path) -> list[Entry]:
    """Every annotation file of a folder that looks like SA-1B, or nothing.

    Only the first file is opened: ten thousand are listed in a fraction of a second.
    """
    return json_entries(root, _looks_right)


def json_entries(root: Path, looks_right: Callable[[Path], bool]) -> list[Entry]:
    """One entry a JSON file, or nothing where the first three files are of another format.

    Args:
        root: the dataset.
        looks_right: whether a file is of the format looked for.
    """
    names = [
        (split, place, [n for n in file_names(place) if n.endswith(".json") and n != META_NAME])
        for split, place in split_folders(root).items()
    ]
    first = [place / name for _, place, found in names for name in found[:3]][:3]
    if not any(looks_right(path) for path in first):
        return []
    return [
        Entry(name[: -len(".json")], place / name, split)
        for split, place, found in names
        for name in found
    ]


def read(entry: Entry, problems: list[str] | None = None) -> Sample:
    """The sample of an entry; see :func:`read_sample`."""
    return read_sample(entry.source, entry.split, problems=problems)


def read_sample(
    json_path: str | Path, split: str = "", *, problems: list[str] | None = None
) -> Sample:
    """One image and its masks.

    The image is the file beside the JSON that has its name, whatever its suffix and case, or else
    the ``file_name`` inside. Masks are turned into COCO's compressed RLE; the ``bbox`` and ``area``
    the file states stay in ``extra``, unchecked.

    Args:
        json_path: the annotation file.
        split: what :attr:`Sample.split` shall say.
        problems: None to refuse a file with a mask that cannot be read; a list to leave such masks
            out and have them told here.

    Raises:
        DatasetError: if the file is damaged, a mask cannot be read, or the image is missing.
    """
    path = Path(json_path)
    head, found = parts(read_json(path), path)
    width, height = stated_size(head, path)
    sample = Sample(
        image_path=find_image(path, head.get("file_name")),
        width=width,
        height=height,
        annotations=rows.read_all(found, (height, width), file=str(path), problems=problems),
        image_id=rows.identity(head.get("image_id"), 0),
        split=split,
        extra={key: value for key, value in head.items() if key not in IMAGE_FIELDS},
    )
    return upright(sample)


def parts(content: Any, path: Path) -> tuple[dict[str, Any], list[Any]]:
    """The ``image`` record and the ``annotations`` of a parsed file.

    Raises:
        DatasetError: if it is not built like an SA-1B file.
    """
    head = content.get("image") if isinstance(content, dict) else None
    found = content.get("annotations") if isinstance(content, dict) else None
    if not isinstance(head, dict) or not isinstance(found, list):
        raise DatasetError(
            f"{path} is not an SA-1B file: it needs an object 'image' and a list 'annotations'"
        )
    return head, found


def stated_size(head: Mapping[str, Any], path: Path) -> tuple[int, int]:
    """(width, height) as the image record says.

    Raises:
        DatasetError: if it does not say, or says nonsense.
    """
    width, height = head.get("width"), head.get("height")
    if type(width) is not int or type(height) is not int or width < 1 or height < 1:
        raise DatasetError(
            f"{path}: image width and height must be whole pixels, got {width!r:.40} and "
            f"{height!r:.40}; correct them"
        )
    return width, height


def find_image(json_path: Path, file_name: Any = None) -> Path:
    """The image that belongs to an annotation file.

    Raises:
        DatasetError: if there is none in the folder.
    """
    stem = json_path.name[: -len(".json")] if json_path.suffix else json_path.name
    usual = json_path.with_name(f"{stem}.jpg")
    if usual.is_file():
        return usual
    folder = json_path.parent
    images = _images_by_stem(str(folder), folder.stat().st_mtime_ns) if folder.is_dir() else {}
    stated = Path(file_name).name if isinstance(file_name, str) else ""
    if stem in images:
        return folder / images[stem]
    if is_image_name(stated) and stated in images.values():
        return folder / stated
    raise DatasetError(
        f"there is no image for {json_path}; put {stem}.jpg beside it or remove the annotations"
    )


@lru_cache(maxsize=16)
def _images_by_stem(folder: str, changed: int) -> dict[str, str]:
    """Image names of a folder by stem, and by whole name for ``plan.jpg.json``; read once."""
    names = [path.name for path in image_files(Path(folder))]
    return {name: name for name in names} | {name[: name.rfind(".")]: name for name in names}


def write_sample(
    folder: str | Path,
    name: str,
    image: np.ndarray | bytes | str | Path,
    annotations: Iterable[Annotation],
    *,
    image_id: int | str = 0,
    extra: Mapping[str, Any] | None = None,
    size: tuple[int, int] | None = None,
) -> Path:
    """Write one pair, the JSON last, so that a JSON file means a whole sample.

    ``bbox`` and ``area`` are computed from the masks. ``predicted_iou``, ``stability_score``,
    ``crop_box`` and ``point_coords`` come from the annotation's ``extra`` or are filled in.

    Args:
        folder: the split's folder; made if missing.
        name: file name without suffix.
        image: uint8 RGB array (H, W, 3), written as JPEG; a file to copy; or a file's bytes.
        annotations: the masks, all of the image's size.
        image_id: the image's id.
        extra: further fields of the image record.
        size: (width, height) in pixels where the caller knows it and no mask tells.

    Returns:
        The annotation file.

    Raises:
        DatasetError: if the name is not a plain file name, or the folder cannot be written.
    """
    if not name or name in (".", "..") or Path(name).name != name or "\0" in name:
        raise DatasetError(f"a sample's name must be a plain file name, got {name!r:.80}")
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    written = write_image(target, name, image)
    width, height = size or written.size
    sample = Sample(
        written.path, width, height, tuple(annotations), image_id=image_id, extra=extra or {}
    )
    path = target / f"{name}.json"
    write_annotations(path, sample, written.path.name)
    return path


def write_annotations(path: Path, sample: Sample, file_name: str) -> None:
    """Write the JSON of a sample whose image stands already.

    Args:
        path: the file to write.
        sample: its masks and what is known of the image.
        file_name: of the image beside it.
    """
    head: dict[str, Any] = {
        "image_id": sample.image_id,
        "width": sample.width,
        "height": sample.height,
    }
    head |= {k: v for k, v in sample.extra.items() if k not in head}
    if head.get("file_name", file_name) != file_name:
        head.setdefault("original_file_name", head["file_name"])
    head["file_name"] = file_name
    listed = [to_row(a, (sample.width, sample.height)) for a in sample.annotations]
    write_atomically(path, orjson.dumps({"image": head, "annotations": listed}))


def to_row(annotation: Annotation, image_size: tuple[int, int]) -> dict[str, Any]:
    """One entry of ``annotations``, with every field that SA-1B has.

    Args:
        annotation: the mask and what is known of it.
        image_size: (width, height) in pixels, the default crop box.
    """
    row: dict[str, Any] = {
        "id": annotation.id,
        "bbox": list(annotation.bbox()),
        "area": annotation.area(),
        "segmentation": dict(annotation.segmentation),
        "predicted_iou": 1.0,
        "stability_score": 1.0,
        "crop_box": [0, 0, *image_size],
    } | rows.describe(annotation)
    if "point_coords" not in row:
        row["point_coords"] = _inner_point(annotation)
    return row


def _inner_point(annotation: Annotation) -> list[list[float]]:
    """The middle of a longest vertical run: a click that surely hits the mask."""
    runs = rle.runs(annotation.segmentation)
    if runs.size < 2:
        return []
    ends = np.cumsum(runs)
    inside = runs[1::2]
    candidates = np.flatnonzero(inside == inside.max())
    longest = int(candidates[candidates.size // 2]) * 2 + 1
    column, row = divmod(
        int(ends[longest] - (runs[longest] + 1) // 2), annotation.segmentation["size"][0]
    )
    return [[float(column), float(row)]]


def _looks_right(path: Path) -> bool:
    try:
        parts(read_json(path), path)
    except DatasetError:
        return False
    return True
