"""The RLE inspector's answers: exact for lessons, bounded and a sentence for everything else."""

import contextlib

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floorseg.core import rle
from floorseg.core.rle_inspection import EXAMPLES
from floorseg.errors import DatasetError
from floorseg.services.rle_view import encode_grid, examples, inspect_text

COUNTS = st.lists(st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=2), max_size=5)


def text(**annotation) -> str:
    return orjson.dumps(annotation).decode()


def painted(answer) -> np.ndarray:
    """The picture that is sent, (h, w)."""
    picture = answer["picture"]
    flat = np.repeat(picture["values"], picture["counts"])
    return flat.reshape(picture["h"], picture["w"])


def fact(answer, name) -> dict:
    return next(found for found in answer["facts"] if found["name"].startswith(name))


def test_the_lessons_are_ready_to_load():
    shown = {example["name"]: inspect_text(example["text"]) for example in examples()}
    assert shown["binary, starts with 0"]["grid"] == [[0], [0], [1], [1], [1], [0], [1]]
    assert shown["binary, starts with 1"]["strip"]["counts"] == [0, 6, 1]
    assert shown["multi-class"]["grid"] == [
        [0, 0, 1, 1, 0], [3, 0, 1, 1, 0], [3, 3, 1, 1, 0], [3, 3, 0, 0, 0],
    ]  # fmt: skip


@pytest.mark.parametrize("name", EXAMPLES)
def test_drawing_a_lesson_gives_its_encoding(name):
    encoded = EXAMPLES[name]
    grid = inspect_text(orjson.dumps(encoded).decode())["grid"]
    assert orjson.loads(encode_grid(grid, multiclass="values" in encoded)) == encoded


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.integers(0, 5), min_size=8, max_size=8), min_size=8, max_size=8))
def test_what_is_drawn_comes_back(cells):
    assert inspect_text(encode_grid(cells, multiclass=True))["grid"] == cells
    binary = [[int(value > 0) for value in row] for row in cells]
    answer = inspect_text(encode_grid(cells, multiclass=False))
    assert answer["grid"] == binary
    assert answer["decoded"] == rle.encode(np.array(binary, bool))["counts"]


@pytest.mark.parametrize("cells", [[], [[]], [[0] * 17], [[0]] * 17, [[0, 1], [0]]])
def test_only_small_grids_are_drawn(cells):
    with pytest.raises(DatasetError, match="up to 16 x 16"):
        encode_grid(cells, multiclass=False)


def test_stated_and_computed_stand_side_by_side():
    mask = np.zeros((20, 30), bool)
    mask[4:9, 10:22] = True
    answer = inspect_text(
        text(segmentation=rle.encode(mask), area=160, bbox=[10, 4, 12, 5]), (20, 30)
    )
    assert fact(answer, "area") == {
        "name": "area", "stated": "160", "computed": "60", "agrees": False,
    }  # fmt: skip
    assert fact(answer, "bbox")["computed"] == "10, 4, 12, 5"
    assert fact(answer, "bbox")["agrees"]
    assert fact(answer, "size")["agrees"]


def test_a_size_that_is_not_the_images_disagrees():
    answer = inspect_text('{"size": [2, 3], "counts": [1, 5]}', (3, 2))
    assert not fact(answer, "size")["agrees"]


@pytest.mark.parametrize("stated", ["x", [1, 2], [1, 2, 3, "4"], None, {}, [1, 2, 3, [4]]])
def test_nonsense_beside_a_mask_disagrees_and_does_not_crash(stated):
    answer = inspect_text(
        text(segmentation={"size": [2, 3], "counts": [1, 5]}, area=stated, bbox=stated)
    )
    assert fact(answer, "bbox")["agrees"] is (stated is None)


def test_polygons_are_drawn_to_pixels():
    answer = inspect_text(text(segmentation=[[2, 2, 8, 2, 8, 6, 2, 6]]), (10, 10))
    assert "polygons" in answer["kind"]
    assert fact(answer, "area")["computed"] == "24"


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1), st.sampled_from([0.05, 0.5])
)
def test_the_bbox_of_runs_is_the_masks(height, width, seed, share):
    mask = np.random.default_rng(seed).random((height, width)) < share
    answer = inspect_text(orjson.dumps(rle.encode(mask)).decode())
    assert np.array_equal(painted(answer), mask)
    expected = ", ".join(f"{n:.0f}" for n in rle.bbox(rle.encode(mask)))
    assert fact(answer, "bbox")["computed"] == (expected if mask.any() else "nothing drawn")


def test_a_large_mask_is_sent_as_a_small_picture():
    answer = inspect_text('{"size": [12000, 12000], "counts": [72000000, 72000000]}')
    picture = painted(answer)
    assert picture.shape == (512, 512)
    assert picture[:, :256].sum() == 0
    assert picture[:, 256:].all()
    assert fact(answer, "bbox")["computed"] == "6,000, 0, 6,000, 12,000"


def test_many_runs_are_cut_short_and_counted():
    answer = inspect_text(text(size=[100, 100], counts=[1] * 10_000))
    assert (len(answer["runs"]), answer["run_count"]) == (1000, 10_000)


@pytest.mark.parametrize(
    "pasted",
    [
        '{"size": [100000, 100000], "counts": [0, 10000000000]}',
        '{"size": [2, 3], "counts": "\\u0000"}',
        '{"size": 5, "values": [], "counts": []}',
        '{"size": [2, 3], "values": 7, "counts": [6]}',
        '{"size": [2, 3], "counts": [1e300, 5]}',
        "[" * 200_000,
        "[" * 5_000 + "]" * 5_000,
        "9" * 4_000_000,
        "",
        "None",
        "{}",
        "__import__('os').getcwd()",
    ],
    ids=lambda pasted: pasted[:30],
)
def test_hostile_text_is_answered_with_a_sentence(pasted):
    with pytest.raises(DatasetError):
        inspect_text(pasted)


@pytest.mark.parametrize(
    "counts",
    [[2**62] * 4 + [6], [2**63 - 1, 2**63 - 1, 8], [-1, 7], [0, 2**63 - 1, 1, 2**63 - 1, 0, 8]],
    ids=str,
)
def test_runs_that_overflow_are_told_from_those_that_fit(counts):
    answer = inspect_text(text(size=[2, 3], counts=counts))
    assert answer["problem"]
    assert answer["picture"] is None


@settings(max_examples=60, deadline=None)
@given(st.integers(-2, 2**40), st.integers(-2, 2**40), COUNTS, st.none() | COUNTS)
def test_no_encoding_crashes(height, width, counts, values):
    encoded = {"size": [height, width], "counts": counts}
    with contextlib.suppress(DatasetError):
        answer = inspect_text(repr(encoded | ({} if values is None else {"values": values})))
        assert answer["problem"] or answer["picture"]
