import numpy as np
import pytest

from floorseg.data.dataset import open_dataset
from floorseg.errors import DatasetError
from floorseg.training.reduced import ReducedCache, reduce_sample
from tests.training.conftest import draw_rooms, write_plan


@pytest.fixture
def sample(plans):
    return open_dataset(plans, "train")[0]


@pytest.mark.parametrize("size", [32, 40, 64, 96, 128])
def test_a_reduced_mask_is_inside_where_half_of_its_pixels_are(sample, size):
    reduced = reduce_sample(sample, size)

    for index, annotation in enumerate(sample.annotations):
        share = reduced.mask(index).mean() / 255
        assert share == pytest.approx(annotation.area() / 96**2, rel=0.15)
    assert reduced.image.shape == (size, size, 3)


def test_a_plan_comes_back_from_disk_as_it_was_written(sample, tmp_path):
    cache = ReducedCache(tmp_path)
    made = cache.load(sample, 40)

    again = ReducedCache(tmp_path).load(sample, 40)

    assert np.array_equal(made.image, again.image)
    assert np.array_equal(made.packed, again.packed)
    assert again.categories == ("room", "room")
    assert len(list(tmp_path.rglob("*.plan"))) == 1


def test_a_changed_picture_is_reduced_anew(tmp_path):
    image, masks = draw_rooms(0)
    write_plan(tmp_path / "data", "a.png", image, masks)
    cache = ReducedCache(tmp_path / "cache")
    first = cache.load(open_dataset(tmp_path / "data")[0], 48)
    write_plan(tmp_path / "data", "a.png", 255 - image, masks)

    second = cache.load(open_dataset(tmp_path / "data")[0], 48)

    assert not np.array_equal(first.image, second.image)


def test_a_changed_mask_is_reduced_anew(tmp_path):
    image, masks = draw_rooms(0)
    write_plan(tmp_path / "data", "a.png", image, masks)
    cache = ReducedCache(tmp_path / "cache")
    cache.load(open_dataset(tmp_path / "data")[0], 48)
    write_plan(tmp_path / "data", "a.png", image, masks[:1])

    assert len(cache.load(open_dataset(tmp_path / "data")[0], 48)) == 1


def test_a_damaged_entry_is_made_anew(sample, tmp_path):
    cache = ReducedCache(tmp_path)
    made = cache.load(sample, 40)
    entry = next(tmp_path.rglob("*.plan"))
    entry.write_bytes(entry.read_bytes()[:50])

    assert np.array_equal(cache.load(sample, 40).packed, made.packed)


def test_a_full_cache_writes_nothing_more(sample, tmp_path):
    ReducedCache(tmp_path, max_gigabytes=0).load(sample, 40)

    assert not list(tmp_path.rglob("*.plan"))


def test_a_mask_of_another_size_is_told_with_both_sizes(tmp_path):
    image, masks = draw_rooms(0)
    write_plan(tmp_path, "a.png", image, masks)
    sample = open_dataset(tmp_path)[0]
    write_plan(tmp_path, "a.png", image[:80], masks[:, :80])

    with pytest.raises(DatasetError, match="96 x 80 pixels but annotation 0 is 96 x 96"):
        reduce_sample(sample, 40)
