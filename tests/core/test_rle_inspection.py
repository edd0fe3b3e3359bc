"""A student sees how runs make a mask; what is wrong is said, not raised."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorseg.core import rle
from floorseg.core.rle_inspection import EXAMPLES, inspect_rle, parse_rle
from floorseg.errors import DatasetError
from tests.core.test_rle import LABELS, masks, pack, pairs_of


@given(masks())
def test_the_table_of_runs_draws_the_mask(mask):
    opened = inspect_rle(rle.encode(mask))
    assert np.array_equal(opened.labels.astype(bool), mask)
    assert opened.area == mask.sum()
    assert sum(row["length"] for row in opened.table()) == mask.size
    assert (opened.bbox is None) == (not mask.any())


def test_the_examples_draw_what_the_lesson_says():
    shown = {name: inspect_rle(encoded).labels for name, encoded in EXAMPLES.items()}
    assert shown["binary, starts with 0"].ravel().tolist() == [0, 0, 1, 1, 1, 0, 1]
    assert shown["binary, starts with 1"].ravel().tolist() == [1, 1, 1, 1, 1, 1, 0]
    assert np.array_equal(shown["multi-class"], LABELS)


def test_a_run_tells_the_pixel_where_it_begins():
    rows = inspect_rle(EXAMPLES["multi-class"]).table()
    assert rows[1] == {"run": 1, "value": 3, "length": 3, "column": 0, "row": 1}


def test_roboflows_pairs_are_laid_open_along_the_rows():
    mask = np.zeros((4, 6), bool)
    mask[1, 2:5] = True
    opened = inspect_rle(pack(pairs_of(mask), (4, 6)))
    assert not opened.by_column
    assert np.array_equal(opened.labels.astype(bool), mask)
    assert opened.table()[1] == {"run": 1, "value": 1, "length": 3, "column": 2, "row": 1}


def test_runs_that_do_not_add_up_are_shown_with_what_is_wrong():
    opened = inspect_rle({"size": [2, 3], "counts": [1, 2]})
    assert opened.total == 3
    assert opened.labels is None
    assert "add up to 3, not to 2 x 3 = 6" in opened.problem


@pytest.mark.parametrize(
    "text",
    [
        '{"size": [7, 1], "counts": [2, 3, 1, 1]}',
        "{'size': (7, 1), 'counts': (2, 3, 1, 1)}",
        "[2, 3, 1, 1]",
        '{"segmentation": {"size": [7, 1], "counts": [2, 3, 1, 1]}}',
    ],
)
def test_pasted_text_is_understood(text):
    assert inspect_rle(parse_rle(text)).area == 4


@given(st.text(max_size=40))
def test_no_pasted_text_crashes(text):
    said, fits = "", True
    try:
        opened = inspect_rle(parse_rle(text))
        said = opened.problem
        fits = opened.total == opened.size[0] * opened.size[1]
    except DatasetError as problem:
        said = str(problem)
    assert fits or said
