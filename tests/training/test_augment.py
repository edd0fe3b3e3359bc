from dataclasses import replace

import numpy as np
import pytest

from floorseg.training.augment import NO_AUGMENTATION, PlanAugmentation, Subject
from floorseg.training.crossings import crossed


@pytest.fixture
def square():
    mask = np.zeros((60, 60), np.uint8)
    mask[15:30, 10:50] = 255
    return mask


def test_without_augmentation_only_the_size_changes(square):
    _, warp = NO_AUGMENTATION.geometry(np.random.default_rng(0), 60, 30)

    small = warp(square)

    assert small[8:14, 6:24].all()
    assert small.sum() == pytest.approx(square.mean() / 255 * 30 * 30, rel=0.1)


def test_picture_and_mask_go_through_the_same_map(square):
    picture = np.repeat(square[..., None], 3, axis=2)
    for seed in range(25):
        of_image, of_mask = PlanAugmentation().geometry(np.random.default_rng(seed), 60, 48)
        inside = of_mask(square).astype(bool)
        if inside.any():
            assert of_image(picture)[inside].min() > 120


@pytest.mark.parametrize("zoom", [0.5, 1.0, 2.0])
def test_zoom_magnifies_an_area_by_its_square(zoom):
    mask = np.zeros((64, 64), np.uint8)
    mask[28:36, 28:36] = 255
    sizes = []
    for seed in range(12):
        augmentation = PlanAugmentation(zoom=(zoom, zoom), stretch=0, p_rotation=0, p_oblique=0)
        _, warp = augmentation.geometry(np.random.default_rng(seed), 64, 64)
        sizes.append(int(warp(mask).sum()))

    assert max(sizes) == pytest.approx(64 * zoom**2, rel=0.15)


def test_what_is_approached_is_seen_at_the_size_that_was_asked_for():
    room = np.zeros((400, 400), np.uint8)
    room[300:320, 40:60] = 255
    augmentation = PlanAugmentation(stretch=0, approach=(0.15, 0.3), closest=8)
    sides = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        _, warp = augmentation.geometry(rng, 400, 100, Subject(50, 310, 20))
        sides.append(np.sqrt(warp(room).sum()) / 100)

    assert min(sides) > 0.13, "it is always seen, and whole"
    assert max(sides) < 0.32
    assert np.ptp(sides) > 0.1


def test_a_speck_is_not_approached_closer_than_allowed():
    speck = np.zeros((400, 400), np.uint8)
    speck[200:210, 200:210] = 255
    augmentation = PlanAugmentation(
        stretch=0, p_rotation=0, p_oblique=0, approach=(0.5, 0.5), closest=4
    )

    _, warp = augmentation.geometry(np.random.default_rng(1), 400, 400, Subject(205, 205, 10))

    assert warp(speck).sum() == pytest.approx((10 * 4) ** 2, rel=0.05)


def test_some_plans_stand_at_any_angle():
    bar = np.zeros((200, 200), np.uint8)
    bar[96:104, 40:160] = 255
    augmentation = replace(NO_AUGMENTATION, p_oblique=1.0)
    angles = []
    for seed in range(60):
        _, warp = augmentation.geometry(np.random.default_rng(seed), 200, 200)
        rows, columns = np.nonzero(warp(bar))
        angles.append(np.degrees(np.arctan(np.polyfit(columns, rows, 1)[0])))

    assert min(angles) < -35
    assert max(angles) > 35
    assert np.histogram(angles, bins=6, range=(-45.5, 45.5))[0].min() > 3


def test_lines_across_a_plan_go_from_edge_to_edge_and_leave_its_rooms_to_be_seen():
    paper = np.full((256, 256, 3), 255, np.uint8)
    kept = paper.copy()
    lengths = []
    for seed in range(60):
        seen = crossed(np.random.default_rng(seed), paper)
        inked = (seen < 250).any(axis=2)
        assert 0 < inked.mean() < 0.1
        lengths.append(max(np.ptp(np.nonzero(inked)[0]), np.ptp(np.nonzero(inked)[1])))

    assert min(lengths) > 60, "an oblique one may cut a corner only"
    assert np.median(lengths) > 240
    assert np.array_equal(paper, kept)


def test_colours_change_and_the_drawing_stays():
    picture = np.full((64, 64, 3), 255, np.uint8)
    picture[20:24] = 0
    wall = np.zeros((64, 64), bool)
    wall[20:24] = True
    for seed in range(40):
        seen = PlanAugmentation().photometry(np.random.default_rng(seed), picture).astype(float)
        assert seen.shape == picture.shape
        assert abs(seen[wall].mean() - seen[~wall].mean()) > 40


def test_faded_ink_is_still_ink_and_never_gone():
    picture = np.full((40, 40, 3), 255, np.uint8)
    picture[10:12], picture[20:22] = 0, 160
    augmentation = replace(NO_AUGMENTATION, p_fade=1.0)
    inks = []
    for seed in range(30):
        faded = augmentation.photometry(np.random.default_rng(seed), picture)
        assert (faded[0] == 255).all()
        inks.append(255 - faded[[10, 20], 0, 0].astype(int))

    black, grey = np.array(inks).T
    assert black.min() >= 51
    assert black.max() <= 128
    assert (grey < 0.45 * black).all()
    assert np.ptp(black) > 60


def test_the_same_generator_gives_the_same_picture():
    picture = np.random.default_rng(1).integers(0, 255, (32, 32, 3)).astype(np.uint8)
    always = PlanAugmentation(p_noise=1, p_speckle=1, p_jpeg=1, p_blur=1, p_low_resolution=1)

    one, other = (always.photometry(np.random.default_rng(5), picture) for _ in range(2))

    assert np.array_equal(one, other)
