"""Masks as pictures."""

import io

import numpy as np
import pytest
from PIL import Image, ImageFont

from floorseg.core import render
from floorseg.core.render import colour, label_map, label_picture, outlines, overlay


def plan_and_mask() -> tuple[np.ndarray, np.ndarray]:
    image = np.full((60, 80, 3), 255, dtype=np.uint8)
    mask = np.zeros((60, 80), dtype=bool)
    mask[10:40, 20:60] = True
    return image, mask


def test_an_overlay_tints_the_region_and_leaves_the_rest_and_the_image_alone():
    image, mask = plan_and_mask()

    painted = overlay(image, [mask], [(255, 0, 0)], opacity=0.5, outline=0)

    assert (image == 255).all()
    assert painted[25, 40].tolist() == [255, 128, 128]
    assert (painted[~mask] == 255).all()


def test_outlines_leave_the_inside_alone():
    image, mask = plan_and_mask()

    painted = outlines(image, [mask], [(0, 0, 255)], thickness=1)

    assert painted[25, 40].tolist() == [255, 255, 255]
    assert painted[10, 40, 0] < 60


def test_a_label_is_written_inside_its_region():
    image, mask = plan_and_mask()

    written = overlay(image, [mask], labels=["7"]) != overlay(image, [mask])

    assert written.any()
    assert not written[~mask].any()


def test_an_empty_mask_paints_nothing():
    image, mask = plan_and_mask()

    assert (overlay(image, [mask & False], labels=["a"]) == 255).all()


def test_the_first_sixty_colours_differ():
    assert len({colour(index) for index in range(60)}) == 60
    assert all(0 <= channel <= 255 for index in range(60) for channel in colour(index))


def test_later_masks_lie_on_top_in_a_label_map():
    _, mask = plan_and_mask()
    second = np.roll(mask, 5, axis=1)

    labels = label_map([mask, second], mask.shape)

    assert labels.dtype == np.uint8
    assert set(np.unique(labels)) == {0, 1, 2}
    assert labels[20, 30] == 2


def test_more_than_255_masks_get_sixteen_bits():
    masks = [np.eye(300, dtype=bool)[[i]].repeat(2, axis=0) for i in range(300)]

    labels = label_map(masks, (2, 300))

    assert labels.dtype == np.uint16
    assert labels.max() == 300


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_label_picture_keeps_the_numbers_through_a_file(dtype):
    labels = np.arange(12, dtype=dtype).reshape(3, 4)

    file = io.BytesIO()
    label_picture(labels).save(file, "PNG")

    assert np.asarray(Image.open(file)).tolist() == labels.tolist()


@pytest.mark.parametrize("text", ["Küche", "12", "Спальня", "x" * 200, " "])
def test_a_label_of_any_letters_is_written_inside_the_picture(text):
    image = np.full((120, 160, 3), 200, np.uint8)
    mask = np.zeros((120, 160), bool)
    mask[2:20, 2:30] = True

    painted = render.overlay(image, [mask], labels=[text], outline=0)
    plain = render.overlay(image, [mask], outline=0)

    assert painted.shape == image.shape
    assert (painted != plain).any() == bool(text.strip())


def test_where_a_font_lacks_a_letter_its_plain_form_is_written():
    assert render._legible("Küche", ImageFont.load_default(12)) == "Kuche"
    assert render._legible("Спальня", ImageFont.load_default(12)) == "?"
