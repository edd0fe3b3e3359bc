"""Regions as polygons and tables, against shapes whose answer can be seen."""

import json
import math

import numpy as np
import pytest

from floorseg.core.export import Region, geojson, label_image, perimeter, polygon, svg
from floorseg.core.patch import Patch


def box(x0: int, y0: int, x1: int, y1: int, size: tuple[int, int] = (60, 80)) -> np.ndarray:
    mask = np.zeros(size, bool)
    mask[y0:y1, x0:x1] = True
    return mask


def test_a_rectangle_becomes_its_four_corners():
    shape = polygon(box(10, 20, 50, 40))

    assert shape.area == 40 * 20
    assert shape.bounds == (10, 20, 50, 40)


def test_a_hole_stays_a_hole():
    shape = polygon(box(10, 10, 50, 50) & ~box(20, 20, 30, 30))

    assert shape.area == 40 * 40 - 10 * 10
    assert len(shape.interiors) == 1


def test_an_island_in_a_hole_and_a_second_part_are_kept():
    mask = (box(5, 5, 45, 45) & ~box(10, 10, 40, 40)) | box(20, 20, 30, 30) | box(60, 5, 70, 15)

    assert polygon(mask, smoothing=0).area == mask.sum()


def test_the_polygon_of_a_disc_is_smooth_and_nearly_as_large():
    y, x = np.mgrid[:100, :100]
    disc = (x - 50) ** 2 + (y - 50) ** 2 < 40**2

    shape = polygon(disc)

    assert shape.area == pytest.approx(disc.sum(), rel=0.02)
    assert len(shape.exterior.coords) < 60


def test_the_outline_of_a_rectangle_is_its_sides_with_the_corners_cut():
    assert perimeter(box(10, 20, 50, 40)) == pytest.approx(2 * (39 + 19) + 4 * math.sqrt(0.5))


def test_geojson_is_in_metres_with_y_upwards():
    region = Region(1, "Hall", "room", box(10, 20, 50, 40))

    [feature] = json.loads(geojson([region], (60, 80), per_metre=10))["features"]

    points = np.array(feature["geometry"]["coordinates"][0])
    assert points.min(axis=0).tolist() == [1, 2]
    assert points.max(axis=0).tolist() == [5, 4]
    assert feature["properties"]["area_m2"] == 8


def test_svg_holds_one_path_a_region():
    text = svg([Region(1, "Hall", "room", box(10, 20, 50, 40))], (60, 80), None).decode()

    assert text.count("<path") == 1
    assert 'viewBox="0 0 80 60"' in text


def test_small_regions_lie_over_large_ones_in_the_label_image():
    regions = [
        Region(1, "small", "door", box(20, 20, 30, 30)),
        Region(2, "big", "room", box(5, 5, 50, 50)),
    ]

    labels = label_image(regions, (60, 80))

    assert labels[25, 25] == 1
    assert labels[10, 10] == 2
    assert labels.dtype == np.uint8


@pytest.mark.parametrize("mask", [box(0, 0, 80, 60), box(3, 4, 5, 6), box(0, 0, 0, 0)])
def test_a_patch_is_the_mask_again(mask):
    patch = Patch.of(mask)

    assert (Patch.read(patch.wire(), mask.shape).mask(mask.shape) == mask).all()
