import pytest
import torch

from floorseg.training.ema import MovingAverage
from floorseg.training.loss import PlanLoss, compare, softplus
from floorseg.training.plans import Answers

TRUTH = torch.zeros(1, 1, 16, 16, dtype=torch.bool)
TRUTH[..., 4:12, 4:12] = True


def right(strength=20.0):
    small = torch.nn.functional.avg_pool2d(TRUTH.float(), 4)
    return (small[0] * 2 - 1) * strength


def loss_of(logits, *, ambiguous, scores=(1.0, 1.0, 1.0, 1.0)):
    answer = Answers(
        logits[None], torch.tensor([scores]), torch.full((1, 1), 9.0), torch.tensor([0]), ambiguous
    )
    return PlanLoss()([{"answers": [answer]}], TRUTH[:, :1])


def test_right_masks_lose_less_than_wrong_ones():
    good, bad = right().expand(4, 4, 4), -right().expand(4, 4, 4)

    assert loss_of(good, ambiguous=False)["core_loss"] < loss_of(bad, ambiguous=False)["core_loss"]


def test_after_one_click_one_right_candidate_is_nearly_enough():
    one_right = torch.stack([right()[0], right()[0], -right()[0], -right()[0]])

    click, box = (loss_of(one_right, ambiguous=a)["loss_dice"] for a in (True, False))

    assert click < 0.3 * box


def test_a_score_is_trained_to_be_the_iou():
    good = right().expand(4, 4, 4)
    exact, modest = (
        loss_of(good, ambiguous=False, scores=(s,) * 4)["loss_iou"] for s in (1.0, 0.5)
    )

    assert exact == pytest.approx(0.0, abs=1e-6)
    assert modest == pytest.approx(0.25, abs=1e-6)


@pytest.mark.parametrize("balance", [0.0, 0.5])
def test_the_slopes_are_those_of_the_losses(balance):
    torch.manual_seed(0)
    logits = torch.randn(2, 3, 4, 4, dtype=torch.double, requires_grad=True)
    target = torch.rand(2, 4, 4, dtype=torch.double)

    assert torch.autograd.gradcheck(
        lambda given: compare(given, target, balance=balance)[:2], logits
    )


def test_cross_entropy_is_torchs():
    torch.manual_seed(0)
    logits, target = torch.randn(2, 3, 8, 8) * 9, torch.rand(2, 8, 8)

    entropy, _, _ = compare(logits, target)

    torch.testing.assert_close(
        entropy,
        torch.nn.functional.binary_cross_entropy_with_logits(
            logits, target[:, None].expand_as(logits), reduction="none"
        ).mean(dim=(2, 3)),
    )


def test_softplus_stands_sam2s_sign_of_nothing():
    logits = torch.tensor([-1024.0, -30.0, -1.0, 0.0, 1.0, 30.0, 1024.0])

    torch.testing.assert_close(softplus(logits), torch.nn.functional.softplus(logits))


def test_compare_counts_the_overlap():
    target = torch.zeros(1, 4, 4)
    target[:, :2] = 1
    logits = torch.full((1, 1, 4, 4), -50.0)
    logits[:, :, 1:3] = 50.0

    entropy, dice, iou = compare(logits, target)

    assert iou.item() == pytest.approx(4 / 12)
    assert dice.item() == pytest.approx(1 - (2 * 4 + 1) / (8 + 8 + 1))
    assert entropy.item() == pytest.approx(50 * 8 / 16)


def test_the_moving_average_lags_and_is_put_on_and_off():
    layer = torch.nn.Linear(1, 1, bias=False)
    layer.weight.data.fill_(0.0)
    average = MovingAverage(layer, decay=0.5)
    layer.weight.data.fill_(1.0)
    average.update()

    with average.applied():
        inside = layer.weight.item()

    assert 0 < inside < 1
    assert layer.weight.item() == 1.0


def test_where_nothing_is_only_a_score_of_nought_is_right():
    def loss_of_nothing(score, presence):
        answer = Answers(
            right().expand(4, 4, 4)[None], torch.full((1, 4), score), torch.tensor([[presence]]),
            torch.tensor([0]), ambiguous=True, nothing=True,
        )  # fmt: skip
        return PlanLoss()([{"answers": [answer]}], TRUTH)

    sure, unsure = loss_of_nothing(0.9, 9.0), loss_of_nothing(0.0, -9.0)

    assert unsure["core_loss"] < 0.01 < sure["core_loss"]
    assert sure["loss_iou"].item() == pytest.approx(0.81)
    assert sure["loss_mask"] == sure["loss_dice"] == 0
