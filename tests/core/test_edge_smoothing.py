"""Masks end where the plan has an edge: exact where it can be computed, better where it counts."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from floorseg.core.edge_smoothing import Edges
from floorseg.core.metrics import mask_iou
from floorseg.core.model import load_model
from floorseg.core.prompts import centre_click
from floorseg.core.sides import ManySidedPredictor
from floorseg.core.sprinkles import without_sprinkles
from floorseg.core.structures import Prompt
from floorseg.data.synth.plan import draw_plan

SIDE = 64  # cells


def walled(*columns, side=2 * SIDE):
    """White paper with black walls two pixels thick from top to bottom."""
    image = np.full((side, side, 3), 255, dtype=np.uint8)
    for column in columns:
        image[:, column : column + 2] = 0
    return image


def iou(logits, truth):
    return mask_iou(logits.numpy() > 0, truth)


def test_a_mask_that_ends_beside_a_wall_ends_at_it_afterwards():
    truth = np.zeros((SIDE, SIDE), dtype=bool)
    truth[:, 20:41] = True
    given = torch.full((SIDE, SIDE), -2.0)
    given[:, 22:38] = 4.0  # too narrow on both sides
    given[::3, 41:47] = 1.0  # and in places across the wall

    found = Edges.of(walled(39, 82), SIDE).smooth(given[None])[0]

    assert iou(given, truth) < 0.75
    assert iou(found, truth) > 0.95


def test_on_empty_paper_a_mask_stays_where_it_is():
    side = 4 * SIDE
    given = torch.full((1, side, side), -4.0)
    given[:, side // 4 : -side // 4, side // 4 : -side // 4] = 4.0

    found = Edges.of(walled(side=2 * side), side).smooth(given)

    assert iou(found[0], given[0].numpy() > 0) > 0.95
    torch.testing.assert_close(found.mean(), given.mean(), atol=1e-3, rtol=0)


def test_a_speck_that_nothing_holds_stays_as_it_is():
    given = torch.full((2, SIDE, SIDE), -4.0)
    given[0, 30:33, 30:33] = 3.0
    given[1, 10:50, 10:50] = 3.0

    found = Edges.of(walled(), SIDE).smooth(given)

    torch.testing.assert_close(found[0], given[0])
    assert not torch.equal(found[1], given[1])


def test_light_lines_count_less_than_dark_ones():
    given = torch.full((1, SIDE, SIDE), -5.0)
    given[:, :, :32] = 5.0
    across = {}
    for ink in (0, 245):
        image = walled()
        image[:, 63:65] = ink
        across[ink] = float(Edges.of(image, SIDE).smooth(given)[0, :, 33].mean())

    assert across[0] == pytest.approx(-5.0, abs=0.1)
    assert across[245] > -4.0


def test_it_is_the_exact_solution_along_each_line():
    """One column of a picture that differs along it only: equations that can be written down."""
    rng = np.random.default_rng(0)
    tones = rng.integers(200, 256, 2 * SIDE).astype(np.uint8)
    image = np.broadcast_to(tones[:, None, None], (2 * SIDE, 2 * SIDE, 3))
    edges = Edges.of(np.ascontiguousarray(image), SIDE)
    run = edges.runs[1]  # along columns
    given = rng.standard_normal((SIDE, SIDE, 2)).astype(np.float32)

    found = run.solve(given.copy())

    links, diagonal = run.links[:, 0, 0], 1 / run.scales[:, 0, 0]
    lower = np.eye(SIDE) + np.diag(links[1:], -1)
    system = lower @ np.diag(diagonal) @ lower.T
    assert np.allclose(system.sum(axis=0), 1, atol=1e-3), "what one cell loses another gains"
    assert (np.triu(system, 1) <= 1e-6).all()
    expected = np.linalg.solve(system, given[:, 7].astype(np.float64))
    np.testing.assert_allclose(found[:, 7], expected, atol=1e-4)


@pytest.mark.parametrize("count", [0, 1, 5])
def test_each_mask_is_smoothed_by_itself(count):
    torch.manual_seed(0)
    edges = Edges.of(walled(30, 90), SIDE)
    given = torch.randn(count, SIDE, SIDE)
    kept = given.clone()

    found = edges.smooth(given)

    assert found.shape == given.shape
    torch.testing.assert_close(given, kept)
    for one, smooth in zip(given, found, strict=True):
        torch.testing.assert_close(edges.smooth(one[None])[0], smooth)


def test_how_much_of_a_rim_follows_edges():
    masks = torch.zeros(4, SIDE, SIDE, dtype=torch.bool)
    masks[0, :, 20:41] = True  # from wall to wall
    masks[1, :, 20:35] = True  # one side ends on paper
    masks[2, :, 50:55] = True  # both do
    edges = Edges.of(walled(39, 81), SIDE)

    found = edges.followed(masks)

    torch.testing.assert_close(found, torch.tensor([1.0, 0.5, 0.0, 0.0]), atol=0.02, rtol=0)


def test_rows_and_columns_are_treated_alike():
    torch.manual_seed(1)
    given = torch.randn(1, SIDE, SIDE)
    image = walled(30, 90)

    one = Edges.of(image, SIDE).smooth(given)
    other = Edges.of(np.ascontiguousarray(image.transpose(1, 0, 2)), SIDE).smooth(given.mT).mT

    torch.testing.assert_close(one, other, atol=0.15, rtol=0)  # columns go first in both


def test_rooms_of_drawn_plans_are_found_better():
    predictor = ManySidedPredictor(load_model("floorseg-nano-rooms", "cpu"))
    before, after = [], []
    for seed in (3, 5, 8, 16, 21, 39):
        plan = draw_plan(seed, (512, 512))
        rooms = [a.mask() for a in plan.annotations if a.category_name == "room"]
        prompts = [Prompt().with_point(centre_click(room)) for room in rooms]
        decoded = predictor.decode_logits(predictor.encode(plan.image), prompts)
        logits = F.interpolate(
            without_sprinkles(decoded.chosen())[:, None], scale_factor=2, mode="bilinear"
        )
        smooth = Edges.of(plan.image, logits.shape[-1]).smooth(logits[:, 0])
        for found, ious in ((logits[:, 0], before), (smooth, after)):
            large = F.interpolate(found[:, None], (512, 512), mode="bilinear")[:, 0]
            ious += [iou(one, room) for one, room in zip(large, rooms, strict=True)]

    assert len(before) > 20
    assert np.mean(after) > np.mean(before) + 0.003
