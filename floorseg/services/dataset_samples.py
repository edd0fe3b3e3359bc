"""One sample as the page shows it: a picture small enough for a browser, its masks, its JSON."""

import base64
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Semaphore
from typing import Any

import cv2
import numpy as np
import orjson
from PIL import Image

from floorseg.core.patch import Patch
from floorseg.data.annotation import Annotation, Sample
from floorseg.data.checks.look import Look, MaskLook, look_at
from floorseg.data.thumbnails import distinct_colours, thumbnail_file
from floorseg.errors import DatasetError, FloorsegError
from floorseg.services.dataset_paths import refuse_outside
from floorseg.services.datasets import Opened
from floorseg.settings import Settings

SIDE = 1600  # pixels, the longer side of the picture that is sent
MAX_MASKS = 1000  # of one sample that are sent
_LONG_TEXT = 64  # characters of a text that are shown
_NUMBERS = re.compile(r"\[([\d.eE+\-,\s]+)\]")  # a list of numbers, one a line
_HEAD = 4000  # bytes of a file that is no JSON
_decoding = Semaphore(2)  # large pictures in memory at a time


@dataclass(frozen=True, slots=True, eq=False)
class MaskView:
    """One annotation.

    Attributes:
        place: position in the file, which names it to :func:`annotation_text`.
        name: its id as a person would quote it.
        label: its class, or "".
        colour: RGB, 0 to 255.
        patch: the mask in pixels of the picture sent; None where it cannot be read.
        area: pixels in the image, counted.
        bbox: (x, y, width, height) in pixels of the image, measured.
        fields: what the file says of it, shortened, the mask left out.
        json: the same as JSON, long texts shortened.
        problem: why the mask cannot be read, or "".
    """

    place: int
    name: str
    label: str
    colour: tuple[int, int, int]
    patch: Patch | None
    area: int
    bbox: tuple[float, float, float, float]
    fields: Mapping[str, str]
    json: str
    problem: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class SampleView:
    """A sample.

    Attributes:
        file: the annotation file, relative to the dataset.
        size: the image's (width, height) in pixels.
        shown: (width, height) of the picture sent.
        picture: a data URL, or "" where the picture cannot be read.
        masks: at most :data:`MAX_MASKS`.
        left_out: how many masks there are beyond them.
        head: what the file says of the image, as JSON; the file's beginning where it is no JSON.
        problems: what cannot be read, in sentences.
    """

    file: str
    size: tuple[int, int]
    shown: tuple[int, int]
    picture: str
    masks: tuple[MaskView, ...]
    left_out: int
    head: str
    problems: tuple[str, ...] = field(default=())


def view_sample(opened: Opened, row: int, settings: Settings) -> SampleView:
    """Read one sample; what is wrong with it is said in the view.

    Raises:
        DatasetError: if there is no such row, or it lies outside the data root.
    """
    entry = opened.entry(row)
    look = look_at(entry, format_=opened.dataset.format, root=opened.dataset.folder, pictures=False)
    if look.problem:
        nothing, said = (1, 1), (_relative(look.problem, opened.folder),)
        return SampleView(look.file, nothing, nothing, "", (), 0, _beginning(entry.source), said)
    problems: list[str] = []
    sample = _read(opened, row, problems)
    if sample is not None:
        refuse_outside(sample.image_path, settings.data_root)
    size = (sample.width, sample.height) if sample is not None else look.size or (1, 1)
    with _decoding:
        picture, shown = _picture(sample, size, problems)
        masks = _masks(look, sample, size, shown)
    return SampleView(
        file=look.file,
        size=size,
        shown=shown,
        picture=picture,
        masks=masks,
        left_out=len(look.masks) - len(masks),
        head=_json(dict(look.head)),
        problems=tuple(_relative(said, opened.folder) for said in dict.fromkeys(problems)),
    )


def thumbnail(opened: Opened, row: int, settings: Settings) -> str:
    """A data URL of the sample's picture with its masks drawn, made once.

    Raises:
        DatasetError: if the sample cannot be read or lies outside the data root.
        ImageError: if its picture cannot be read.
    """
    path = opened.thumbnails.get(row)
    if path is None or not path.is_file():
        sample = opened.dataset.read(opened.entry(row), [])
        refuse_outside(sample.image_path, settings.data_root)
        with _decoding:
            path = thumbnail_file(sample, settings.cache / "thumbnails")
        opened.thumbnails[row] = path
    return "data:image/jpeg;base64," + base64.b64encode(path.read_bytes()).decode("ascii")


def annotation_text(opened: Opened, row: int, place: int) -> str:
    """One annotation as JSON, whole, for the inspector.

    Raises:
        DatasetError: if there is none at this place.
    """
    entry = opened.entry(row)
    look = look_at(entry, format_=opened.dataset.format, root=opened.dataset.folder, pictures=False)
    if not 0 <= place < len(look.masks):
        raise DatasetError("the file has changed and has no such annotation; open it again")
    return _json(dict(look.masks[place].row), whole=True)


def _read(opened: Opened, row: int, problems: list[str]) -> Sample | None:
    try:
        return opened.dataset.read(opened.entry(row), problems)
    except FloorsegError as problem:
        problems.append(str(problem))
        return None


def _picture(
    sample: Sample | None, size: tuple[int, int], problems: list[str]
) -> tuple[str, tuple[int, int]]:
    """The picture as a data URL and its size; white paper of the right size where it is missing."""
    scale = min(1.0, SIDE / max(size))
    shown = max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
    if sample is None:
        return "", shown
    try:
        pixels = sample.image()
    except FloorsegError as problem:
        problems.append(str(problem))
        return "", shown
    if pixels.shape[1::-1] != size:
        found = f"{pixels.shape[1]} x {pixels.shape[0]}"
        problems.append(
            f"the picture has {found} pixels, its file says {size[0]} x {size[1]}: it is shown "
            "stretched; export image and masks together"
        )
    if pixels.shape[1::-1] != shown:
        pixels = cv2.resize(pixels, shown, interpolation=cv2.INTER_AREA)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=88)
    content = base64.b64encode(buffer.getvalue()).decode("ascii")
    return f"data:image/jpeg;base64,{content}", shown


def _masks(
    look: Look, sample: Sample | None, size: tuple[int, int], shown: tuple[int, int]
) -> tuple[MaskView, ...]:
    """The annotations in the file's order; their masks as the sample has them, upright."""
    upright = list(sample.annotations) if sample is not None else []
    readable = [mask for mask in look.masks if mask.segmentation is not None]
    matched = (
        dict(zip(map(id, readable), upright, strict=True)) if len(readable) == len(upright) else {}
    )
    colours = distinct_colours(max(1, min(MAX_MASKS, len(look.masks))))
    return tuple(
        _mask(place, mask, matched.get(id(mask)), colours[place], shown)
        for place, mask in enumerate(look.masks[:MAX_MASKS])
    )


def _mask(
    place: int,
    mask: MaskLook,
    upright: Annotation | None,
    colour: tuple[int, int, int],
    shown: tuple[int, int],
) -> MaskView:
    segmentation = upright.segmentation if upright is not None else mask.segmentation
    stated = {key: value for key, value in mask.row.items() if key != "segmentation"}
    label = mask.class_key[1] or (upright.category_name if upright is not None else None)
    if label is None and mask.class_key[0] is not None:
        label = f"class {mask.class_key[0]}"
    return MaskView(
        place=place,
        name=mask.name,
        label=label or "",
        colour=colour,
        patch=None if segmentation is None else _patch(segmentation, shown),
        area=mask.area if upright is None else upright.area(),
        bbox=mask.bbox if upright is None else upright.bbox(),
        fields={key[:40]: _short(value) for key, value in list(stated.items())[:24]},
        json=_json(dict(mask.row)),
        problem=mask.problem,
    )


def _patch(segmentation: Mapping[str, Any], shown: tuple[int, int]) -> Patch:
    pixels = Annotation(0, segmentation).mask()
    if pixels.shape[::-1] != shown:
        pixels = cv2.resize(pixels.view(np.uint8), shown, interpolation=cv2.INTER_NEAREST).view(
            bool
        )
    return Patch.of(pixels)


def _short(value: Any) -> str:
    if isinstance(value, str):
        return value if len(value) <= _LONG_TEXT else f"{value[:_LONG_TEXT]}…"
    numbers = value if isinstance(value, list) else [value]
    if 0 < len(numbers) <= 4 and all(type(n) in (int, float) for n in numbers):
        return ", ".join(f"{n:.10g}" for n in numbers)
    text = _json(value, indent=False)
    return text if len(text) <= _LONG_TEXT else f"{text[:_LONG_TEXT]}…"


def _json(value: Any, *, whole: bool = False, indent: bool = True) -> str:
    """A value as JSON; texts and lists that nobody reads are shortened unless it must be whole."""
    try:
        content = value if whole else _shortened(value)
        text = orjson.dumps(content, option=orjson.OPT_INDENT_2 if indent else 0).decode()
    except (TypeError, RecursionError):  # deeper than orjson writes
        return "nested too deeply to be shown"
    return _NUMBERS.sub(_on_one_line, text)


def _on_one_line(found: re.Match[str]) -> str:
    return f"[{', '.join(found[1].replace(',', ' ').split())}]"


def _shortened(value: Any) -> Any:
    if isinstance(value, str) and len(value) > _LONG_TEXT:
        return f"{value[:_LONG_TEXT]}… ({len(value):,} characters)"
    if isinstance(value, dict):
        return {str(key)[:80]: _shortened(inner) for key, inner in list(value.items())[:200]}
    if isinstance(value, list):
        listed = [_shortened(inner) for inner in value[:24]]
        return listed if len(value) <= 24 else [*listed, f"… ({len(value):,} in all)"]
    return value


def _beginning(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_HEAD)
    except OSError:
        return ""
    return content.decode("utf-8", errors="replace") if b"\0" not in content[:200] else ""


def _relative(sentence: str, folder: Path) -> str:
    """A sentence without the server's path to the dataset."""
    return sentence.replace(f"{folder}/", "")
