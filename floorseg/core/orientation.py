"""Which way up a picture is, without decoding it."""

import os
from typing import IO

from PIL import Image

ORIENTATION = 0x0112  # EXIF's tag
SIDEWAYS = (5, 6, 7, 8)  # its values for pictures whose width and height change places
_TEXTS = (b"tEXt", b"zTXt", b"iTXt")  # PNG chunks, which begin with what they are about
_TELLING = (b"Raw profile type", b"XML:com.adobe.xmp")  # of which these may say it


def exif_orientation(picture: Image.Image) -> int:
    """EXIF's number of an opened picture, 1 for upright.

    A PNG may say it after its pixels, which is why Pillow decodes them all before it answers; here
    only the names of the chunks are read, and the pixels where one of them may say it. TIFFs are
    turned by Pillow itself, which tells the size as turned from the start.
    """
    if picture.format == "TIFF":
        return 1
    if picture.format == "PNG" and "exif" not in picture.info and not _tells_late(picture):
        return int(Image.Image.getexif(picture).get(ORIENTATION, 1))
    return int(picture.getexif().get(ORIENTATION, 1))


def _tells_late(picture: Image.Image) -> bool:
    """Whether a PNG has a chunk after its pixels that may hold its orientation."""
    file: IO[bytes] | None = getattr(picture, "fp", None)
    if file is None:
        return True
    before = file.tell()
    try:
        file.seek(8)
        seen = False
        while len(head := file.read(8)) == 8:
            kind, length = head[4:], int.from_bytes(head[:4])
            start = file.read(min(length, 20))
            seen = seen or kind == b"IDAT"
            if seen and (kind == b"eXIf" or (kind in _TEXTS and start.startswith(_TELLING))):
                return True
            file.seek(length - len(start) + 4, os.SEEK_CUR)
        return False
    finally:
        file.seek(before)
