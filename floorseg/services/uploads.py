"""What a visitor sends -> a plan as pixels, or a sentence why not.

The bytes are judged by their content, never by their name, and the name is only ever shown.
"""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath

import numpy as np

from floorseg.core.images import read_image
from floorseg.errors import ImageError
from floorseg.settings import Settings

_PDF_SIDE = 2400  # pixels, the longer side of a PDF's page
_MARKUP = re.compile(rb"<(?:!doctype|html|svg|\?xml|script|head|body|!--)", re.IGNORECASE)
_KINDS_WITHOUT_PIXELS = {
    b"PK\x03\x04": "a zip archive",
    b"\x1f\x8b": "a gzip archive",
    b"{": "a JSON file",
    b"MZ": "a program",
    b"\x7fELF": "a program",
}


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A plan as it was read.

    Attributes:
        pixels: uint8 (H, W, 3), RGB, upright.
        name: the file's name without folders, for showing and as a proposal.
        page: the page shown, from 1, and how many ``pages`` the file has.
    """

    pixels: np.ndarray
    name: str
    page: int = 1
    pages: int = 1


def read_picture(content: bytes, name: str, settings: Settings, *, page: int = 1) -> Picture:
    """A plan from a file's bytes: any picture, or one page of a PDF.

    Args:
        content: the whole file.
        name: what the visitor calls it.
        settings: for the limits.
        page: of a PDF, from 1.

    Raises:
        ImageError: if it is too large, not a picture, damaged, or something that pretends.
    """
    shown = plain_name(name)
    limit = int(settings.max_upload_mb * 1e6)
    if len(content) > limit:
        raise ImageError(
            f"{shown} has {len(content) / 1e6:.1f} MB, more than the limit of "
            f"{settings.max_upload_mb:g} MB; save it smaller, as JPEG for example"
        )
    _refuse_what_is_no_picture(content, shown)
    pixels = int(settings.max_upload_megapixels * 1e6)
    if content[:1024].lstrip().startswith(b"%PDF-"):
        return _read_page(content, shown, page, pixels)
    try:
        return Picture(read_image(content, max_pixels=pixels), shown)
    except ImageError as problem:
        raise ImageError(str(problem).replace("the uploaded picture", shown, 1)) from problem


def plain_name(name: str) -> str:
    """The last part of a file's name, printable, at most 100 characters; "plan" for nothing."""
    last = PureWindowsPath(PurePosixPath(name.replace("\0", "")).name).name
    printable = "".join(c for c in last if c.isprintable() and c not in "<>\"'`&")
    return printable.strip(" .")[:100] or "plan"


def _refuse_what_is_no_picture(content: bytes, name: str) -> None:
    head = content[:2048].lstrip(b"\xef\xbb\xbf \t\r\n")
    if not head:
        raise ImageError(f"{name} is empty; choose another file")
    if _MARKUP.match(head) or b"<svg" in head.lower() or b"<html" in head.lower():
        raise ImageError(
            f"{name} is an SVG or HTML document, not pixels; export it as PNG, JPEG or PDF"
        )
    for start, kind in _KINDS_WITHOUT_PIXELS.items():
        if head.startswith(start):
            raise ImageError(f"{name} is {kind}, not a picture; choose a picture or a PDF")


def _read_page(content: bytes, name: str, page: int, max_pixels: int) -> Picture:
    """One page, drawn so that its longer side has about 2400 pixels."""
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(content)
        pages = len(document)
        if pages == 0:
            raise ImageError(f"{name} has no pages; choose another file")
        number = min(max(page, 1), pages)
        leaf = document[number - 1]
        width, height = leaf.get_size()
        side = min(_PDF_SIDE, int(max_pixels**0.5))
        scale = side / max(width, height, 1.0)
        pixels = leaf.render(scale=scale).to_numpy()
    except pypdfium2.PdfiumError as problem:
        raise ImageError(
            f"{name} is a damaged or locked PDF ({problem}); print it to a new PDF or a PNG"
        ) from problem
    if pixels.ndim == 3 and pixels.shape[2] >= 3:  # pdfium draws blue first
        pixels = pixels[:, :, [2, 1, 0]]
    return Picture(read_image(np.ascontiguousarray(pixels)), name, number, pages)
