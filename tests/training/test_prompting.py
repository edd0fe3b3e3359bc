import numpy as np
import pytest

from floorseg.training.prompting import PromptMix

RNG_SEED = 3


@pytest.fixture
def masks():
    masks = np.zeros((3, 40, 60), bool)
    masks[0, 5:20, 30:55] = True  # wider than high, right of the middle
    masks[1, 30:36, 2:8] = True
    masks[2, 10:12, 10:12] = True
    return masks


@pytest.mark.parametrize(
    "mix",
    [PromptMix(p_centre=1, p_edge=0), PromptMix(p_centre=0, p_edge=1), PromptMix(p_centre=0)],
    ids=["centre", "edge", "anywhere"],
)
def test_a_click_is_inside_its_mask_as_x_and_y(mix, masks):
    rng = np.random.default_rng(RNG_SEED)

    for _ in range(30):
        for (x, y), mask in zip(mix.clicks(rng, masks).astype(int), masks, strict=True):
            assert mask[y, x]


def test_a_click_on_the_edge_has_an_outside_neighbour(masks):
    points = PromptMix(p_centre=0, p_edge=1).clicks(np.random.default_rng(RNG_SEED), masks)

    for (x, y), mask in zip(points.astype(int), masks, strict=True):
        assert not mask[y - 1 : y + 2, x - 1 : x + 2].all()


def test_boxes_lie_around_their_masks_with_the_stated_error(masks):
    exact = PromptMix(box_jitter=0).boxes(np.random.default_rng(RNG_SEED), masks)
    loose = PromptMix(box_jitter=0.1).boxes(np.random.default_rng(RNG_SEED), masks)

    assert exact[0].tolist() == [[30, 5], [54, 19]]
    assert 0 < np.abs(loose - exact).max() <= 0.3 * 25


@pytest.mark.parametrize(
    ("got", "wrong_part", "label"),
    [
        pytest.param(np.s_[5:20, 30:40], np.s_[5:20, 40:55], 1, id="missed half"),
        pytest.param(np.s_[0:40, 30:55], np.s_[20:40, 30:55], 0, id="too much below"),
    ],
)
def test_a_correction_falls_on_the_larger_error_with_its_label(masks, got, wrong_part, label):
    predicted = np.zeros((1, 40, 60), bool)
    predicted[0][got] = True
    allowed = np.zeros((40, 60), bool)
    allowed[wrong_part] = True

    points, labels = PromptMix(p_error_centre=1).corrections(
        np.random.default_rng(RNG_SEED), masks[:1], predicted
    )

    x, y = points[0].astype(int)
    assert allowed[y, x]
    assert labels.tolist() == [label]


def test_a_perfect_answer_is_confirmed_with_a_click_inside(masks):
    points, labels = PromptMix().corrections(np.random.default_rng(RNG_SEED), masks, masks)

    assert labels.tolist() == [1, 1, 1]
    assert all(m[int(y), int(x)] for (x, y), m in zip(points, masks, strict=True))


def test_rounds_of_corrections_come_as_often_as_asked_for():
    rng = np.random.default_rng(RNG_SEED)
    counts = np.bincount([PromptMix().number_of_corrections(rng) for _ in range(2000)])

    assert counts / 2000 == pytest.approx([0.5, 0.3, 0.2], abs=0.05)
