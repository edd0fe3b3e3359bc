"""Checks of the image file and its record."""

from collections.abc import Iterable

from floorseg.data.checks.findings import Finding, finding
from floorseg.data.checks.look import Look
from floorseg.data.picture import KINDS

_MODES = {  # Pillow's name of the pixels, in words
    "1": "black and white",
    "L": "grey",
    "LA": "grey with transparency",
    "P": "in palette colours",
    "PA": "in palette colours with transparency",
    "RGBA": "RGB with transparency",
    "CMYK": "CMYK",
    "I;16": "16-bit grey",
    "F": "floating-point grey",
}


def check_image_is_there(look: Look) -> Iterable[Finding]:
    """Annotations need an image beside them."""
    if look.image_missing:
        yield finding("image-missing", look.file, look.image_missing)


def check_image_is_whole(look: Look) -> Iterable[Finding]:
    """The image can be decoded to its last row."""
    if look.picture is not None and look.picture.problem:
        yield finding(
            "image-unreadable", look.file, f"{look.picture.path.name}: {look.picture.problem}"
        )


def check_image_size(look: Look) -> Iterable[Finding]:
    """The image has the size its record states."""
    if look.picture is None or look.picture.problem or look.size is None:
        return
    if look.size not in (look.picture.size, look.picture.stored):
        (width, height), (w, h) = look.size, look.picture.size
        yield finding(
            "image-size", look.file, f"the file states {width} x {height}, the image is {w} x {h}"
        )


def check_size_is_stated(look: Look) -> Iterable[Finding]:
    """Without width and height nothing else can be checked."""
    if look.size is None and not look.problem:
        yield finding(
            "annotations-unreadable", look.file, "the image's width and height are not stated"
        )


def check_image_is_upright(look: Look) -> Iterable[Finding]:
    """Other trainers ignore EXIF: they would see the picture lying down, the masks upright."""
    if look.picture is not None and look.picture.orientation not in (0, 1):
        yield finding(
            "image-rotated",
            look.file,
            f"{look.picture.path.name} is stored turned (EXIF orientation "
            f"{look.picture.orientation}); other trainers see it so",
        )


def check_image_is_rgb(look: Look) -> Iterable[Finding]:
    """Grey, palette, transparent and 16-bit pictures surprise other trainers."""
    picture = look.picture
    if picture is not None and not picture.problem and picture.mode != "RGB":
        what = _MODES.get(picture.mode, f"of Pillow's mode {picture.mode}")
        yield finding("image-not-rgb", look.file, f"{picture.path.name} is {what}")


def check_image_kind(look: Look) -> Iterable[Finding]:
    """A JPEG is called .jpg."""
    picture = look.picture
    if picture is None or picture.problem or picture.kind not in KINDS:
        return
    if picture.path.suffix.lower() not in KINDS[picture.kind]:
        yield finding(
            "image-kind", look.file, f"{picture.path.name} is really a {picture.kind} file"
        )


def check_stated_name(look: Look) -> Iterable[Finding]:
    """The record's ``file_name`` is the file's."""
    stated = look.head.get("file_name")
    if look.image is None or not isinstance(stated, str):
        return
    if stated.replace("\\", "/").rsplit("/", 1)[-1] != look.image.name:
        yield finding(
            "name-stated",
            look.file,
            f"file_name is {stated[:120]!r}, the file {look.image.name!r}",
        )


def check_has_masks(look: Look) -> Iterable[Finding]:
    """An image without a mask teaches nothing but background."""
    if not look.masks and not look.problem:
        yield finding("image-empty", look.file, "no annotations on this image")


def check_file_is_readable(look: Look) -> Iterable[Finding]:
    """The annotation file can be parsed."""
    if look.problem:
        yield finding("annotations-unreadable", look.file, look.problem)
