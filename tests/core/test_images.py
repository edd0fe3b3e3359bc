"""Any picture a person has becomes what they see: upright, opaque, RGB, eight bits."""

import io

import numpy as np
import pytest
from PIL import Image

from floorseg.core.images import image_size, is_image_name, read_image
from floorseg.errors import ImageError


def png(picture: Image.Image, **options) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, "PNG", **options)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        pytest.param(Image.new("L", (4, 3), 100), (100, 100, 100), id="grey"),
        pytest.param(Image.new("1", (4, 3), 1), (255, 255, 255), id="bilevel"),
        pytest.param(Image.new("RGBA", (4, 3), (9, 9, 9, 0)), (255, 255, 255), id="clear is paper"),
        pytest.param(Image.new("LA", (4, 3), (0, 255)), (0, 0, 0), id="grey with alpha"),
        pytest.param(Image.new("I;16", (4, 3), 65535), (255, 255, 255), id="16-bit white"),
        pytest.param(
            Image.new("RGB", (4, 3), (200, 10, 20)).quantize(4), (200, 10, 20), id="palette"
        ),
    ],
)
def test_every_kind_of_png_is_read_as_it_looks(picture, expected):
    image = read_image(png(picture))

    assert image.shape == (3, 4, 3)
    assert image.dtype == np.uint8
    assert (image == expected).all()


def test_a_palette_with_transparency_is_laid_on_paper():
    picture = Image.new("P", (4, 3), 0)
    picture.putpalette([0, 0, 0] + [255, 255, 255] * 255)

    image = read_image(png(picture, transparency=0))

    assert (image == 255).all()


def test_cmyk_is_read():
    stream = io.BytesIO()
    Image.new("CMYK", (8, 8), (0, 0, 0, 255)).save(stream, "JPEG")

    image = read_image(stream.getvalue())

    assert image.shape == (8, 8, 3)
    assert image.max() < 40


def test_a_phone_picture_stands_upright(tmp_path):
    picture = Image.new("RGB", (6, 4), "white")
    exif = picture.getexif()
    exif[0x0112] = 6  # turn a quarter to the right to see it upright
    path = tmp_path / "phone.jpg"
    picture.save(path, exif=exif)

    assert read_image(path).shape == (6, 4, 3)
    assert image_size(path) == (4, 6)


def test_a_phone_s_heic_is_read(tmp_path):
    path = tmp_path / "plan.HEIC"
    Image.new("RGB", (64, 48), (200, 200, 200)).save(path, format="HEIF")

    image = read_image(path)

    assert image.shape == (48, 64, 3)
    assert np.abs(image.astype(int) - 200).max() <= 3


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        pytest.param(np.ones((2, 2), bool), 255, id="bool"),
        pytest.param(np.full((2, 2), 0.5, np.float32), 128, id="float in [0, 1]"),
        pytest.param(np.full((2, 2, 1), 7, np.uint8), 7, id="one channel"),
        pytest.param(np.full((2, 2), 32896, np.uint16), 128, id="16-bit"),
    ],
)
def test_arrays_become_eight_bit_rgb(array, expected):
    image = read_image(array)

    assert image.shape == (2, 2, 3)
    assert (image == expected).all()


@pytest.mark.parametrize("array", [np.zeros(3), np.zeros((2, 2, 7)), np.zeros((1, 2, 2, 3))])
def test_an_array_that_is_no_picture_is_refused_with_its_shape(array):
    with pytest.raises(ImageError, match=r"must be an array of shape .* got"):
        read_image(array)


def test_a_missing_picture_is_named(tmp_path):
    with pytest.raises(ImageError, match=r"there is no picture at .*nowhere\.png"):
        read_image(tmp_path / "nowhere.png")


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"<html><body>404</body></html>", id="a web page"),
        pytest.param(b"<svg xmlns='http://www.w3.org/2000/svg'/>", id="svg"),
    ],
)
def test_what_is_not_a_picture_is_refused(content, tmp_path):
    path = tmp_path / "plan.png"
    path.write_bytes(content)

    with pytest.raises(ImageError, match="not a picture"):
        read_image(path)


def test_a_truncated_picture_is_called_damaged():
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    content = png(Image.fromarray(noise))

    with pytest.raises(ImageError, match="damaged"):
        read_image(content[: len(content) // 2])


def test_a_picture_over_the_limit_is_refused_before_it_is_decoded():
    content = png(Image.new("L", (3000, 2000)))

    with pytest.raises(ImageError, match=r"3000 x 2000 pixels, more than the limit of 1 mega"):
        read_image(content, max_pixels=1_000_000)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.JPG", True), ("1-_png.rf.abc.jpeg", True), ("plan.webp", True), ("plan.json", False)],
)
def test_picture_names_are_known_whatever_their_case(name, expected):
    assert is_image_name(name) is expected
