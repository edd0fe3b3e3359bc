"""What masks share is measured alike on a fine grid and a coarse one."""

import numpy as np
import pytest

from floorseg.core.overlap import Overlap, in_common


def masks(side):
    """A left half, the left quarter in it, and a right half that shares a fifth of the left."""
    found = np.zeros((3, side, side), dtype=bool)
    found[0, :, : side // 2] = True
    found[1, :, : side // 4] = True
    found[2, :, 2 * side // 5 :] = True
    return found


@pytest.mark.parametrize("side", [40, 128, 256, 1024])
def test_pairs_overlap_by_their_share_of_the_smaller_one(side):
    found = Overlap.of(masks(side))

    assert found.above(0.3).tolist() == [[False, True, False], [True, False, False], [False] * 3]
    assert found.above(0.15).tolist() == [
        [False, True, True],
        [True, False, False],
        [True, False, False],
    ]
    np.testing.assert_allclose(found.area / found.cells, [0.5, 0.25, 0.6], atol=0.01)


def test_some_of_the_masks_are_those_measured_by_themselves():
    found = Overlap.of(masks(256))[np.array([2, 0])]
    alone = Overlap.of(masks(256)[[2, 0]])

    np.testing.assert_array_equal(found.shared, alone.shared)
    np.testing.assert_array_equal(found.area, alone.area)


def test_no_masks_share_nothing():
    found = Overlap.of(np.zeros((0, 256, 256), dtype=bool))

    assert found.above(0.3).shape == (0, 0)


def test_cells_in_common_are_counted_between_two_lots_of_masks():
    first = masks(10).reshape(3, -1).astype(np.float32)

    assert in_common(first[:2], first).tolist() == [[50, 20, 10], [20, 20, 0]]
