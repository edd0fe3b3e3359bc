"""Which way up a picture is, told from its header alone."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from floorseg.core.images import image_size, read_image
from floorseg.core.orientation import exif_orientation


def turned(path, **options):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.full((4, 6, 3), 200, np.uint8)).save(path, exif=exif, **options)
    return path


def with_last_chunk(path, kind, content):
    """The PNG with a chunk after its pixels, where the standard allows EXIF and texts as well."""
    whole = path.read_bytes()
    chunk = struct.pack(">I", len(content)) + kind + content
    chunk += struct.pack(">I", zlib.crc32(kind + content))
    path.write_bytes(whole[:-12] + chunk + whole[-12:])
    return path


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tif"])
def test_a_turned_picture_of_any_kind_is_known(tmp_path, suffix):
    path = turned(tmp_path / f"plan.{suffix}")
    with Image.open(path) as picture:
        assert exif_orientation(picture) == (1 if suffix == "tif" else 6)  # Pillow turns TIFFs
    assert image_size(path) == (4, 6)
    assert read_image(path).shape == (6, 4, 3)


def test_a_png_that_says_it_after_its_pixels_is_known(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 8
    path = tmp_path / "plan.png"
    Image.new("RGB", (6, 4)).save(path)
    with_last_chunk(path, b"eXIf", exif.tobytes()[6:])

    assert image_size(path) == (4, 6)
    assert read_image(path).shape == (6, 4, 3)


def test_the_header_of_a_png_is_enough(tmp_path):
    path = tmp_path / "plan.png"
    Image.new("RGB", (6, 4)).save(path)
    with_last_chunk(path, b"tEXt", b"date:create\x002024-01-01")
    whole = path.read_bytes()
    at = whole.index(b"IDAT") + 4
    path.write_bytes(whole[:at] + b"\xff" * 8 + whole[at + 8 :])  # pixels nobody can decode

    assert image_size(path) == (6, 4)
    with Image.open(path) as picture:
        assert exif_orientation(picture) == 1
        assert picture.fp.tell() < at + 8
