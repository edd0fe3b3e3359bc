import logging
from collections import Counter

import cv2
import numpy as np
import pytest
from training.dataset.transforms import ComposeAPI, NormalizeAPI, RandomResizeAPI, ToTensorAPI
from training.dataset.vos_sampler import RandomUniformSampler

from floorseg.errors import DatasetError
from floorseg.training.augment import PlanAugmentation
from floorseg.training.dataset import (
    MEAN,
    OUTSIDE,
    STD,
    FloorplanRawDataset,
    PlanDataset,
    StrictVOSDataset,
    set_image_size,
)
from tests.training.conftest import NAMES, draw_rooms, write_plan


@pytest.fixture
def raw(plans):
    return FloorplanRawDataset(plans, "train")


def picture_of(datapoint):
    pixels = datapoint.frames[0].data.numpy().transpose(1, 2, 0) * STD + MEAN
    return np.clip(pixels * 255 + 0.5, 0, 255).astype(np.uint8)


def test_any_file_name_and_image_type_is_read(raw):
    assert {sample.image_path.name for sample in raw.samples} == set(NAMES)


def test_sam2s_own_dataset_sampler_and_transforms_work_on_it(raw):
    dataset = StrictVOSDataset(
        transforms=[
            ComposeAPI(
                [
                    RandomResizeAPI(sizes=64, consistent_transform=True, square=True),
                    ToTensorAPI(),
                    NormalizeAPI(mean=MEAN.tolist(), std=STD.tolist()),
                ]
            )
        ],
        training=True,
        video_dataset=raw,
        sampler=RandomUniformSampler(num_frames=1, max_num_objects=2),
        multiplier=1,
    )

    datapoint = dataset[0]

    assert datapoint.frames[0].data.shape == (3, 64, 64)
    assert [tuple(o.segment.shape) for o in datapoint.frames[0].objects] == [(64, 64)] * 2


def test_plans_without_annotations_are_counted_and_named(tmp_path, caplog):
    write_plan(tmp_path, "good.png", *draw_rooms(0))
    write_plan(tmp_path, "empty.png", draw_rooms(1)[0], [])
    with caplog.at_level(logging.INFO):
        raw = FloorplanRawDataset(tmp_path)

    assert len(raw) == 1
    assert list(raw.left_out.values()) == ["no annotations"]
    assert "empty.png: no annotations" in caplog.text
    assert "1 plans, 2 masks; 1 plans and 0 masks left out" in caplog.text


def test_a_dataset_with_nothing_to_learn_from_is_refused(plans):
    with pytest.raises(DatasetError, match="no plan with usable annotations"):
        FloorplanRawDataset(plans, "train", categories=["balcony"])


def test_a_picture_that_vanished_is_told_and_not_replaced_by_another(tmp_path):
    write_plan(tmp_path, "a.png", *draw_rooms(0))
    write_plan(tmp_path, "b.png", *draw_rooms(1))
    dataset = PlanDataset(FloorplanRawDataset(tmp_path), 64, 2)
    (tmp_path / "a.png").unlink()

    with pytest.raises(DatasetError, match=r"a\.png"):
        dataset[0]


def test_a_mask_stays_on_its_room_however_the_plan_is_turned(raw):
    dataset = PlanDataset(raw, 64, 2, augmentation=PlanAugmentation(
        p_crossed=0, p_fade=0, p_shade=0, p_tint=0, p_invert=0, p_grey=0, p_blur=0, p_noise=0,
        p_speckle=0, p_jpeg=0, p_low_resolution=0,
    ))  # fmt: skip

    for index in range(len(raw)):
        for epoch in range(6):
            dataset.set_epoch(epoch)
            datapoint = dataset[index]
            picture = picture_of(datapoint)
            for thing in datapoint.frames[0].objects:
                inside = thing.segment.numpy().astype(bool)
                assert picture[inside].mean() > 200  # rooms are white, walls around them black


def test_the_same_epoch_and_index_give_the_same_sample(raw):
    one, other = (PlanDataset(raw, 64, 2, augmentation=PlanAugmentation()) for _ in range(2))
    other[3]

    assert np.array_equal(picture_of(one[1]), picture_of(other[1]))


def test_another_epoch_gives_another_augmentation(raw):
    dataset = PlanDataset(raw, 64, 2, augmentation=PlanAugmentation())
    first = picture_of(dataset[0])
    dataset.set_epoch(1)

    assert not np.array_equal(first, picture_of(dataset[0]))


def test_short_epochs_go_round_all_plans(raw):
    dataset = PlanDataset(raw, 64, 2, plans_per_epoch=2)
    seen = set()
    for epoch in range(2):
        dataset.set_epoch(epoch)
        seen |= {dataset[place].video_id for place in range(len(dataset))}

    assert seen == {0, 1, 2, 3}


def test_plans_of_many_rooms_are_seen_more_often(tmp_path):
    for name, count in (("few.png", 1), ("many.png", 4)):
        image, masks = draw_rooms(0)
        write_plan(tmp_path, name, image, [*masks, *masks][:count])
    raw = FloorplanRawDataset(tmp_path)
    dataset = PlanDataset(raw, 64, 2, plans_per_epoch=500, crowding=1.0)
    seen = Counter(raw.samples[dataset[place].video_id].image_path.name for place in range(500))

    assert 3.2 < seen["many.png"] / seen["few.png"] < 5.0


def test_a_weight_of_nought_leaves_a_class_out(tmp_path):
    write_plan(tmp_path, "a.png", *draw_rooms(0), category="furniture")
    dataset = PlanDataset(FloorplanRawDataset(tmp_path), 64, 2, category_weights={"furniture": 0})

    with pytest.raises(DatasetError, match="no mask has"):
        dataset[0]


def test_the_resolution_of_wrapped_datasets_can_be_changed(raw):
    class Wrapper:
        datasets = (PlanDataset(raw, 64, 2), PlanDataset(raw, 64, 2))

    assert set_image_size(Wrapper(), 96) == 2
    assert Wrapper.datasets[1][0].frames[0].data.shape == (3, 96, 96)


def test_plans_are_left_out_by_pattern_and_said_so(plans, caplog):
    whole = FloorplanRawDataset(plans, "train")
    first = whole.samples[0].image_path
    with caplog.at_level(logging.WARNING):
        rest = FloorplanRawDataset(plans, "train", exclude=[glob_of(first.name)])
    assert len(rest) == len(whole) - 1
    assert first not in {sample.image_path for sample in rest.samples}
    assert rest.left_out[str(first)] == "excluded by the config"
    assert "excluded by the config" in caplog.text


def glob_of(name):
    return name[:-1] + "?"


def test_the_outside_is_one_more_object_away_from_every_room(raw):
    dataset = PlanDataset(raw, 64, 8, outside=1.0)

    for index in range(len(raw)):
        *rooms, outside = dataset[index].frames[0].objects
        assert outside.object_id == OUTSIDE
        assert all(room.object_id >= 0 for room in rooms)
        assert outside.segment.any()
        union = np.logical_or.reduce([room.segment.numpy() for room in rooms])
        grown = cv2.dilate(union.astype(np.uint8), np.ones((3, 3), np.uint8))
        assert not (grown & outside.segment.numpy()).any()


def test_without_being_asked_for_no_outside_is_drawn(raw):
    objects = PlanDataset(raw, 64, 8)[0].frames[0].objects

    assert OUTSIDE not in {thing.object_id for thing in objects}
