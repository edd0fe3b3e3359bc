"""Every segmentation people have becomes the mask they meant."""

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocotools import mask as coco_mask

from floorseg.core import rle, run_lengths
from floorseg.core.multiclass_rle import binary_counts, decode_labels, encode_labels
from floorseg.errors import DatasetError

LABELS = np.array([[0, 0, 1, 1, 0], [3, 0, 1, 1, 0], [3, 3, 1, 1, 0], [3, 3, 0, 0, 0]])
LABEL_RUNS = {
    "size": (4, 5),
    "values": (0, 3, 0, 3, 1, 0, 1, 0),
    "counts": (1, 3, 2, 2, 3, 1, 3, 5),
}


@st.composite
def masks(draw, largest=12):
    height, width = draw(st.integers(1, largest)), draw(st.integers(1, largest))
    bits = draw(st.lists(st.booleans(), min_size=height * width, max_size=height * width))
    return np.array(bits, dtype=bool).reshape(height, width)


def pairs_of(mask):
    """(value, run) pairs along the rows, as Roboflow's export writes them."""
    flat = mask.ravel().astype(int)
    starts = np.concatenate(([0], np.flatnonzero(flat[1:] != flat[:-1]) + 1))
    runs = np.diff(starts, append=flat.size)
    return [int(n) for pair in zip(flat[starts], runs, strict=True) for n in pair]


def pack(numbers, size):
    """COCO's character code of any numbers, by pycocotools itself."""
    packed = coco_mask.frPyObjects({"counts": numbers, "size": list(size)}, *size)
    return {"size": list(size), "counts": packed["counts"].decode()}


@given(masks())
def test_a_mask_survives_encoding(mask):
    assert np.array_equal(rle.decode(rle.encode(mask)), mask)


@given(masks())
def test_every_writing_of_a_mask_reads_the_same(mask):
    size = mask.shape
    column_runs = binary_counts(mask)
    expected = rle.encode(mask)

    assert rle.read(expected) == expected
    assert rle.read({"size": list(size), "counts": expected["counts"].encode()}) == expected
    assert rle.read({"size": list(size), "counts": column_runs}) == expected
    assert rle.read(pack(column_runs, size)) == expected


@given(masks())
def test_roboflow_pairs_read_as_the_mask_they_mean(mask):
    numbers = pairs_of(mask)
    expected = rle.encode(mask)

    packed = pack(numbers, mask.shape)
    listed = {"size": list(mask.shape), "counts": numbers}

    assert rle.read(packed, pairs=True) == expected
    assert rle.read(listed, pairs=True) == expected


@given(masks())
def test_pairs_are_never_found_in_plain_runs(mask):
    assert not rle.holds_pairs(rle.encode(mask))


def test_an_empty_mask_of_a_pair_file_is_empty_and_a_full_coco_mask_is_full():
    segmentation = {"size": [3, 4], "counts": [0, 12]}

    assert rle.area(rle.read(segmentation)) == 12
    assert rle.area(rle.read(segmentation, pairs=True)) == 0


@given(masks())
def test_area_box_and_runs_agree_with_the_pixels(mask):
    encoded = rle.encode(mask)
    rows, columns = np.nonzero(mask)

    assert rle.area(encoded) == mask.sum()
    assert rle.runs(encoded).tolist() == binary_counts(mask)
    if mask.any():
        x, y, width, height = rle.bbox(encoded)
        assert (x, y) == (columns.min(), rows.min())
        assert (x + width - 1, y + height - 1) == (columns.max(), rows.max())


@given(masks())
def test_turning_runs_round_equals_reading_the_other_way(mask):
    along = np.array(binary_counts(mask.T))
    down = run_lengths.transpose(along, *mask.shape)
    assert down.tolist() == binary_counts(mask)


def test_polygons_become_masks():
    square = [1, 1, 4, 1, 4, 3, 1, 3]
    expected = np.zeros((5, 6), dtype=bool)
    expected[1:3, 1:4] = True

    assert np.array_equal(rle.decode(rle.read([square], (5, 6))), expected)
    assert np.array_equal(rle.decode(rle.read(square, (5, 6))), expected)


def test_a_size_written_width_first_is_turned_round():
    mask = np.zeros((4, 7), dtype=bool)
    mask[1:3, 2:6] = True
    encoded = rle.encode(mask)

    swapped = {"size": [7, 4], "counts": encoded["counts"]}

    assert rle.read(swapped, (4, 7)) == encoded


@pytest.mark.parametrize(
    ("segmentation", "said"),
    [
        pytest.param(None, "must be polygons", id="nothing"),
        pytest.param({"size": [2, 2]}, "must be polygons", id="no counts"),
        pytest.param({"size": [2, 2], "counts": [1, 2]}, "add up to 3", id="too short"),
        pytest.param({"size": [2, 2], "counts": [-1, 5]}, "negative", id="negative"),
        pytest.param({"size": [2, 2], "counts": "\x7f"}, "not COCO's code", id="strange character"),
        pytest.param({"size": [2, 2], "counts": "ö"}, "damaged", id="not ASCII"),
        pytest.param({"size": [2, 2], "counts": "P"}, "middle of a number", id="cut off"),
        pytest.param({"size": [2, 2], "counts": [1.5, 2.5]}, "whole numbers", id="fractions"),
        pytest.param({"size": [2], "counts": [4]}, "height, width", id="one number of size"),
        pytest.param({"size": [10**5, 10**5], "counts": [10**10]}, "megapixels", id="huge"),
        pytest.param({"size": [2, 2], "counts": [2**70, 4]}, "damaged", id="beyond 64 bits"),
        pytest.param([[0, 0, 1e300, 0, 1, 1]], "outside", id="polygon to infinity"),
        pytest.param([[0, 0, float("nan"), 0, 1, 1]], "outside", id="not a number"),
        pytest.param([[0, 0, 1, 0, 1]], "pairs", id="odd polygon"),
        pytest.param([["a", "b"]], "list of numbers", id="text"),
    ],
)
def test_what_cannot_be_a_mask_is_refused_in_a_sentence(segmentation, said):
    with pytest.raises(DatasetError, match=said):
        rle.read(segmentation, (8, 8))


@given(
    st.recursive(
        st.none() | st.integers() | st.floats() | st.text(max_size=8) | st.binary(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=6)
            | st.dictionaries(st.sampled_from(["size", "counts", "x"]), inner, max_size=3)
        ),
    )
)
def test_no_value_crashes_the_reader(value):
    with contextlib.suppress(DatasetError):
        assert set(rle.read(value, (8, 8))) == {"size", "counts"}


CODES = st.one_of(
    masks().map(lambda mask: rle.encode(mask)["counts"].encode()),
    st.lists(st.integers(48, 111), max_size=9).map(bytes),  # COCO's characters in any order
    st.binary(max_size=4),
)


@given(st.lists(CODES, max_size=6))
def test_many_texts_at_once_add_up_to_what_each_does_alone(texts):
    try:
        alone = [run_lengths.unpack(text) for text in texts]
        damaged = not all(numbers.size for numbers in alone)
    except ValueError:
        damaged = True

    sums = run_lengths.add_up(texts).tolist()

    if damaged:
        assert sums == [-1] * len(texts)
    else:
        usable = [numbers.min() >= 0 and numbers.max() < 2**31 for numbers in alone]
        assert sums == [
            int(numbers.sum()) if ok else -1 for numbers, ok in zip(alone, usable, strict=True)
        ]


@given(st.lists(masks(3), min_size=1, max_size=5))
def test_what_is_read_without_a_look_at_each_is_what_a_look_would_read(found):
    size = found[0].shape
    segmentations = [rle.encode(mask) for mask in found]

    for segmentation, sound in zip(segmentations, rle.read_sound(segmentations, size), strict=True):
        fits = segmentation["size"] == list(size)
        assert sound == (rle.read(segmentation, size) if fits else None)


@pytest.mark.parametrize(
    "unusual",
    [
        None,
        [[0, 0, 2, 0, 2, 2]],
        {"counts": "04"},
        {"counts": "04", "size": [2.0, 2]},
        {"counts": "04", "size": [True, True]},
        {"counts": b"04", "size": [2, 2]},
        {"counts": [0, 4], "size": [2, 2]},
        {"counts": "é", "size": [2, 2]},
        {"counts": "", "size": [2, 2]},
        {"counts": "05", "size": [2, 2]},
        pack([0, 2, 1, 2], (2, 2)),
    ],
)
def test_what_is_unusual_is_left_to_a_closer_look(unusual):
    usual = rle.encode(np.array([[True, False], [False, True]]))

    assert rle.read_sound([unusual], (2, 2)) == [None]
    assert rle.read_sound([unusual, usual], (2, 2))[0] is None
    assert rle.read_sound([usual, usual], (2, 2)) == [usual, usual]


def test_the_worked_multi_class_example_holds_both_ways():
    assert encode_labels(LABELS) == LABEL_RUNS
    assert np.array_equal(decode_labels(LABEL_RUNS), LABELS)


@pytest.mark.parametrize(
    ("bits", "counts"),
    [([0, 0, 1, 1, 1, 0, 1], [2, 3, 1, 1]), ([1, 1, 1, 1, 1, 1, 0], [0, 6, 1])],
)
def test_the_worked_binary_examples_hold_both_ways(bits, counts):
    assert binary_counts(bits) == counts
    assert rle.decode(rle.from_runs(counts, (7, 1)))[:, 0].astype(int).tolist() == bits


@given(st.lists(st.lists(st.integers(0, 4), min_size=3, max_size=3), min_size=1, max_size=6))
def test_label_images_survive(rows):
    labels = np.array(rows)
    assert np.array_equal(decode_labels(encode_labels(labels)), labels)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"counts": (1, 2)}, "every run needs a value"),
        ({"size": (4, 6)}, "add up to 20"),
        ({"size": (10**6, 10**6)}, "megapixels"),
        ({"values": "abc"}, "whole numbers"),
    ],
)
def test_broken_label_runs_are_refused_in_a_sentence(change, said):
    with pytest.raises(DatasetError, match=said):
        decode_labels(LABEL_RUNS | change)


def test_more_masks_than_eight_bits_count_are_measured_at_once():
    encoded = [rle.encode(np.ones((2, n), bool)) for n in range(1, 301)]
    assert rle.areas(encoded).tolist() == [2 * n for n in range(1, 301)]
    assert rle.boxes(encoded)[:, 2].tolist() == list(range(1, 301))
