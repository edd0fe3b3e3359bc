"""A visitor's work as files: each by itself, or all as one zip."""

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson
from PIL import Image

from floorseg.core import export, render
from floorseg.data import sa1b
from floorseg.errors import FloorsegError
from floorseg.services.work import Work, annotations


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """A file to download: its ``name``, ``content`` and media ``type``."""

    name: str
    content: bytes
    type: str


def export_work(work: Work, kind: str) -> ExportedFile:
    """One file of a visitor's work.

    Args:
        work: regions of a plan.
        kind: a key of ``KINDS``, or "zip" for all of them.

    Raises:
        FloorsegError: if there is no such kind.
    """
    stem = Path(work.plan.picture.name).stem or "plan"
    if kind == "zip":
        return ExportedFile(f"{stem}.zip", _zip(work, stem), "application/zip")
    if kind not in KINDS:
        raise FloorsegError(f"there is no file kind {kind[:40]!r}; choose {', '.join(KINDS)}, zip")
    suffix, type_, make = KINDS[kind]
    return ExportedFile(stem + suffix, make(work), type_)


def _sa1b(work: Work) -> bytes:
    height, width = work.plan.full_size
    listed = [sa1b.to_row(a, (width, height)) for a in annotations(work)]
    return orjson.dumps({"image": _head(work), "annotations": listed})


def _coco(work: Work) -> bytes:
    found = annotations(work)
    height, width = work.plan.full_size
    names = {a.category_id: a.category_name for a in found}
    listed = [
        sa1b.to_row(annotation, (width, height)) | {"image_id": 1, "iscrowd": 0}
        for annotation in found
    ]
    return orjson.dumps(
        {
            "images": [_head(work) | {"id": 1}],
            "annotations": listed,
            "categories": [{"id": number, "name": name} for number, name in names.items()],
        }
    )


def _head(work: Work) -> dict[str, object]:
    height, width = work.plan.full_size
    head: dict[str, object] = {
        "image_id": 1,
        "width": width,
        "height": height,
        "file_name": work.plan.picture.name,
    }
    return head | ({"pixels_per_metre": work.per_metre} if work.per_metre else {})


def _labels(work: Work) -> bytes:
    labels = export.label_image(work.regions, work.plan.full_size)
    if labels.dtype != np.uint8:  # more regions than a palette has colours
        return _png(Image.fromarray(labels))
    picture = Image.frombytes("P", (labels.shape[1], labels.shape[0]), labels.tobytes())
    colours = [(0, 0, 0), *(region.colour for region in work.regions)]
    picture.putpalette([channel for colour in colours for channel in colour])
    return _png(picture)


def _overlay(work: Work) -> bytes:
    painted = render.overlay(
        work.plan.picture.pixels,
        (region.mask for region in work.regions),
        [region.colour for region in work.regions],
        [region.name for region in work.regions],
    )
    return _png(Image.fromarray(painted))


def _png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=4)
    return buffer.getvalue()


def _zip(work: Work, stem: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for suffix, _, make in KINDS.values():
            archive.writestr(stem + suffix, make(work))
        archive.writestr(f"{stem}.plan.png", _png(Image.fromarray(work.plan.picture.pixels)))
    return buffer.getvalue()


KINDS: dict[str, tuple[str, str, Callable[[Work], bytes]]] = {  # suffix, media type, maker
    "sa1b": (".json", "application/json", _sa1b),
    "coco": (".coco.json", "application/json", _coco),
    "labels": (".labels.png", "image/png", _labels),
    "overlay": (".overlay.png", "image/png", _overlay),
    "csv": (
        ".csv",
        "text/csv",
        lambda work: export.table(work.regions, work.per_metre),
    ),
    "geojson": (
        ".geojson",
        "application/geo+json",
        lambda work: export.geojson(work.regions, work.plan.full_size, work.per_metre),
    ),
    "svg": (
        ".svg",
        "image/svg+xml",
        lambda work: export.svg(work.regions, work.plan.full_size, work.per_metre),
    ),
}
