"""No room has crumbs beside it or holes in it; a network of walls has holes."""

import numpy as np
import pytest
import torch

from floorseg.core.sprinkles import without_sprinkles


def logits_of(*boxes, size=64):
    """Logits of rectangles (x0, y0, x1, y1), 3 inside and -3 outside."""
    found = np.full((size, size), -3.0, dtype=np.float32)
    for x0, y0, x1, y1 in boxes:
        found[y0:y1, x0:x1] = 3.0
    return torch.from_numpy(found)


def test_a_crumb_goes_and_a_large_piece_stays():
    given = logits_of((5, 5, 35, 35), (50, 50, 53, 53), (45, 5, 60, 25))

    found = without_sprinkles(given) > 0

    assert torch.equal(found, logits_of((5, 5, 35, 35), (45, 5, 60, 25)) > 0)


def test_a_small_hole_is_filled_and_a_large_one_is_kept():
    room, walls = logits_of((5, 5, 45, 45)), logits_of((5, 5, 45, 45))
    room[20:25, 20:25] = -1
    walls[8:42, 8:42] = -1

    assert torch.equal(without_sprinkles(room) > 0, logits_of((5, 5, 45, 45)) > 0)
    assert torch.equal(without_sprinkles(walls), walls)


def test_a_gap_at_the_picture_s_edge_is_no_hole():
    given = logits_of((0, 0, 40, 40))
    given[0:3, 10:13] = -1

    assert torch.equal(without_sprinkles(given), given)


@pytest.mark.parametrize("shape", [(0, 3, 16, 16), (2, 3, 16, 16), (16, 16)])
def test_shapes_and_masks_without_faults_are_left_alone(shape):
    given = torch.full(shape, -2.0)
    given[..., 4:9, 3:12] = 1.5

    assert torch.equal(without_sprinkles(given), given)


def test_nothing_found_stays_nothing():
    given = torch.full((1, 3, 16, 16), -4.0)

    assert torch.equal(without_sprinkles(given), given)
