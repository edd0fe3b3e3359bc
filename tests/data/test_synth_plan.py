"""A plan's truth against its own ink, and the traits that can be switched off."""

from dataclasses import replace
from random import Random

import cv2
import numpy as np
import pytest
from pycocotools import mask as coco_mask

from floorseg.core import rle
from floorseg.data.synth import lettering
from floorseg.data.synth.canvas import Canvas
from floorseg.data.synth.degrade import _warp
from floorseg.data.synth.families import FAMILIES
from floorseg.data.synth.floors import paint_floors
from floorseg.data.synth.placing import place
from floorseg.data.synth.plan import TRAITS, draw_plan
from floorseg.data.synth.schools import STYLES, furnished
from floorseg.data.synth.shapes import add_bays
from floorseg.data.synth.truth import CATEGORIES, label_runs
from floorseg.data.synth.wall_ink import draw_walls
from floorseg.data.synth.walls import build_walls

SIZE = (320, 320)


def union(plan, *categories):
    masks = [a.mask() for a in plan.annotations if a.category_name in categories]
    return np.any(masks, axis=0) if masks else np.zeros(plan.image.shape[:2], bool)


@pytest.mark.parametrize("style", STYLES)
def test_every_style_draws_rooms_walls_and_doors_with_all_their_fields(style):
    plan = draw_plan(3, SIZE, styles=(style,))

    assert plan.image.shape == (320, 320, 3)
    assert plan.image.dtype == np.uint8
    assert plan.style == style
    assert plan.pixels_per_metre > 0
    names = {a.category_name for a in plan.annotations}
    assert {"room", "wall"} <= names
    for annotation in plan.annotations:
        assert annotation.category_id == CATEGORIES[annotation.category_name]
        assert ("room_type" in annotation.extra) == (annotation.category_name == "room")


def test_the_same_seed_gives_the_same_plan_and_another_seed_another():
    first, again, other = draw_plan(5, SIZE), draw_plan(5, SIZE), draw_plan(6, SIZE)

    assert np.array_equal(first.image, again.image)
    assert [a.segmentation for a in first.annotations] == [
        a.segmentation for a in again.annotations
    ]
    assert not np.array_equal(first.image, other.image)


@pytest.mark.parametrize("seed", range(6))
def test_rooms_walls_doors_and_windows_never_share_a_pixel(seed):
    plan = draw_plan(seed, SIZE)
    masks = [
        a.mask()
        for a in plan.annotations
        if a.category_name in ("room", "wall", "door", "window", "opening")
    ]

    assert np.sum(masks, axis=0).max() == 1


def drawn_walls(seed, *, smooth):
    """Rooms and solid black walls alone: the canvas."""
    rng = Random(seed)
    layout, style = FAMILIES["flat"](rng), replace(furnished(rng), palette="")
    canvas = Canvas.blank(SIZE, style.paper, rng)
    canvas.smooth = smooth
    place(rng, canvas, layout, style, (10, 10, 310, 310))
    edges, bays = add_bays(rng, layout, build_walls(rng, layout, style.thickness), 1.0)
    paint_floors(rng, canvas, layout, bays, style)
    draw_walls(rng, canvas, edges, [], style)
    return canvas


@pytest.mark.parametrize("seed", range(6))
def test_a_room_ends_exactly_where_the_ink_of_its_wall_begins(seed):
    canvas = drawn_walls(seed, smooth=False)

    assert np.array_equal(canvas.is_kind("wall"), canvas.picture.max(axis=2) == 0)
    assert (canvas.picture[canvas.is_kind("room")] == 255).all()


@pytest.mark.parametrize("seed", range(6))
def test_smooth_walls_leave_no_dark_pixel_in_a_room(seed):
    canvas = drawn_walls(seed, smooth=True)
    light = canvas.picture.min(axis=2)

    assert light[canvas.is_kind("room")].min() > 127
    assert light[canvas.is_kind("wall")].mean() < 30


def test_walls_close_every_room():
    canvas = drawn_walls(1, smooth=False)
    count, parts = cv2.connectedComponents(
        (~canvas.is_kind("wall")).astype(np.uint8), connectivity=4
    )

    for part in range(1, count):
        assert len(np.unique(canvas.truth[parts == part])) == 1


def _near(mask, distance):
    grown = mask.copy()
    for axis in (0, 1):
        for step in range(-distance, distance + 1):
            grown |= np.roll(mask, step, axis)
    return grown


def test_doors_belong_to_no_room_and_touch_two_rooms_or_the_outside():
    plan = draw_plan("doors", SIZE, styles=("furnished",), without=("degradation", "layouts"))
    doors, rooms = union(plan, "door"), union(plan, "room")

    assert doors.any()
    assert not (doors & rooms).any()
    assert (_near(doors, 2) & rooms).any()


def test_a_bent_sheet_bends_picture_and_masks_alike():
    for seed in range(40):
        plan = draw_plan(f"bend {seed}", SIZE, styles=("furnished",), without=("furniture",))
        if plan.wear not in ("clean", "tiny"):
            continue
        paper = np.median(plan.image.max(axis=2))
        walls = union(plan, "wall")
        assert plan.image.max(axis=2)[walls].mean() < 0.45 * paper


@pytest.mark.parametrize("trait", TRAITS)
def test_a_trait_can_be_left_out(trait):
    plan = draw_plan("traits", SIZE, without=(trait,))

    assert any(a.category_name == "room" for a in plan.annotations)
    if trait == "degradation":
        assert plan.wear == "none"


def test_an_oblong_sheet_is_as_wide_and_as_high_as_asked():
    plan = draw_plan(1, (400, 300))

    assert plan.image.shape == (300, 400, 3)
    assert all(a.segmentation["size"] == [300, 400] for a in plan.annotations)


def test_runs_of_a_layer_are_those_pycocotools_finds():
    layer = np.random.default_rng(0).integers(0, 4, (17, 23)).astype(np.uint16)
    layer[-3:, -2:] = 2
    for label, runs in label_runs(layer):
        expected = coco_mask.encode(np.asfortranarray(layer == label, dtype=np.uint8))
        assert rle.from_runs(runs, layer.shape)["counts"] == expected["counts"].decode()


def test_metres_follow_an_enlarged_sheet():
    canvas = Canvas.blank(SIZE, (255, 255, 255), Random(0))
    canvas.set_map(np.diag([20.0, 20.0, 1.0]), (5.0, 5.0))
    _warp(canvas, np.diag([1.5, 1.5, 1.0]), (0, 0, 0))

    assert canvas.scale == pytest.approx(30.0)


def test_plans_are_drawn_on_a_machine_without_fonts(monkeypatch):
    lettering._installed.cache_clear()
    lettering._face.cache_clear()
    lettering._stamp.cache_clear()
    monkeypatch.setattr(lettering, "FOLDERS", ())
    try:
        plan = draw_plan("letters", SIZE, styles=("survey",))
        assert not lettering.can_write("Кухня", "sans")
    finally:
        lettering._installed.cache_clear()
        lettering._face.cache_clear()
        lettering._stamp.cache_clear()

    assert any(a.category_name == "room" for a in plan.annotations)
