"""How each format is written: sample by sample, then once for the whole dataset.

A writer's first half runs in many processes and leaves finished files, or a parcel for the second
half; the second half joins the parcels. Neither knows of resuming or of progress.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import orjson

from floorseg.data import coco, label_png, multiclass, rows, sa1b, yolo
from floorseg.data.annotation import Sample
from floorseg.data.files import mend_picture, write_atomically, write_image

Pictures = Literal["copy", "jpeg", "mend"]
SA1B_OWN = frozenset({"predicted_iou", "stability_score", "crop_box", "point_coords"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where one sample goes.

    Attributes:
        root: the dataset being written.
        split: its split, or "".
        name: file name without suffix, unique in the split.
        pictures: ``copy`` the file as it is, re-encode it as an upright RGB ``jpeg``, or ``mend``
            it only where it is turned, not RGB or misnamed.
    """

    root: Path
    split: str
    name: str
    pictures: Pictures = "copy"

    def folder(self, inner: str = "") -> Path:
        """The split's folder, or one inside it; made if missing."""
        path = self.root / self.split / inner
        path.mkdir(parents=True, exist_ok=True)
        return path


@dataclass(frozen=True, slots=True)
class Written:
    """What one sample left behind.

    Attributes:
        lost: what the format cannot hold, in sentences about this sample.
        dropped: fields the format has no place for.
        parcel: for the writer's second half.
    """

    lost: tuple[str, ...] = ()
    dropped: frozenset[str] = frozenset()
    parcel: Any = None


@dataclass(frozen=True, slots=True)
class Writer:
    """A format's two halves.

    Attributes:
        write: writes one sample.
        finish: (root, what is known of the dataset, split -> parcels) -> sentences about it all.
    """

    write: Callable[[Place, Sample], Written]
    finish: Callable[[Path, Mapping[str, Any], Mapping[str, "Parcels"]], list[str]]


@dataclass(frozen=True, slots=True)
class Parcels:
    """The parcels of one split, read from disk one by one."""

    files: list[Path] = field(default_factory=list)

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        for path in self.files:
            yield path.name[: -len(".json")], orjson.loads(path.read_bytes())["parcel"]


def _write_picture(place: Place, sample: Sample, folder: Path) -> str:
    if sample.frame is not None or place.pictures == "jpeg":
        return write_image(folder, place.name, sample.image()).path.name
    if place.pictures == "mend":
        return mend_picture(folder, place.name, sample.image_path).path.name
    return write_image(folder, place.name, sample.image_path).path.name


def _write_sa1b(place: Place, sample: Sample) -> Written:
    folder = place.folder()
    picture = _write_picture(place, sample, folder)
    sa1b.write_annotations(folder / f"{place.name}.json", sample, picture)
    return Written()


def _write_coco(place: Place, sample: Sample) -> Written:
    picture = _write_picture(place, sample, place.folder())
    return Written(parcel=coco.pack(sample, picture))


def _write_multiclass(place: Place, sample: Sample) -> Written:
    folder = place.folder()
    picture = _write_picture(place, sample, folder)
    return Written(lost=multiclass.write(folder / f"{place.name}.json", sample, picture))


def _write_png(place: Place, sample: Sample) -> Written:
    _write_picture(place, sample, place.folder("images"))
    return Written(lost=label_png.write(place.folder("masks") / f"{place.name}.png", sample))


def _write_yolo(place: Place, sample: Sample) -> Written:
    _write_picture(place, sample, place.folder("images"))
    lines, lost, dropped = [], [], set()
    for annotation in sample.annotations:
        outline = yolo.outline_text(annotation)
        if not outline:
            lost.append(f"annotation {annotation.id} is empty")
            continue
        lines.append([annotation.category_id, annotation.category_name, outline])
        dropped |= {"id", *annotation.extra} - rows.MEASURED - SA1B_OWN - {"shape"}
    return Written(tuple(lost), frozenset(dropped), lines)


def _finish_folder(
    root: Path, about: Mapping[str, Any], parcels: Mapping[str, Parcels]
) -> list[str]:
    if about:
        write_atomically(
            root / sa1b.META_NAME, orjson.dumps(dict(about), option=orjson.OPT_INDENT_2)
        )
    return []


def _finish_coco(root: Path, about: Mapping[str, Any], parcels: Mapping[str, Parcels]) -> list[str]:
    for split, found in parcels.items():
        coco.join(root / split / "annotations.json", (parcel for _, parcel in found), about)
    return []


def _finish_yolo(root: Path, about: Mapping[str, Any], parcels: Mapping[str, Parcels]) -> list[str]:
    known = [(c["id"], c["name"]) for c in about.get("categories") or () if coco.is_category(c)]
    keys = {(row[0], row[1]) for found in parcels.values() for _, lines in found for row in lines}
    classes = yolo.numbered_classes({*known, *keys})
    for split, found in parcels.items():
        folder = Place(root, split, "").folder("labels")
        for name, lines in found:
            text = "".join(f"{classes[row[0], row[1]]} {row[2]}\n" for row in lines)
            write_atomically(folder / f"{name}.txt", text.encode())
    names = {number: yolo.class_label(key) for key, number in classes.items()}
    write_atomically(root / "data.yaml", yolo.config(names, list(parcels)).encode())
    moved = [key for key, number in classes.items() if key[0] not in (None, number)]
    if not moved:
        return []
    return [
        f"{len(moved)} classes have other numbers in data.yaml: YOLO counts from 0 without gaps"
    ]


WRITERS: dict[str, Writer] = {
    "sa1b": Writer(_write_sa1b, _finish_folder),
    "coco": Writer(_write_coco, _finish_coco),
    "multiclass": Writer(_write_multiclass, _finish_folder),
    "png": Writer(_write_png, _finish_folder),
    "yolo": Writer(_write_yolo, _finish_yolo),
}
