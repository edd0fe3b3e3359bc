"""Muon: what is a matrix, how large a step is, that it goes on where it was."""

import pytest
import torch
from torch import nn

from floorseg.training import muon
from floorseg.training.muon import Muon, is_matrix, orthogonal


def small_model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 16, 3), nn.ReLU(), nn.Flatten(), nn.Linear(576, 16), nn.LayerNorm(16),
        nn.Linear(16, 1),
    )  # fmt: skip


def learn(model: nn.Module, optimizer: torch.optim.Optimizer, steps: int) -> float:
    torch.manual_seed(1)
    pictures = torch.randn(64, 3, 8, 8)
    wanted = pictures.mean(dim=(1, 2, 3), keepdim=False)[:, None]
    loss = torch.zeros(())
    for _ in range(steps):
        loss = ((model(pictures) - wanted) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return float(loss)


@pytest.mark.parametrize("native", [True, False])  # bfloat16, whatever this processor has
def test_singular_values_come_near_one_for_wide_and_tall_alike(monkeypatch, native):
    monkeypatch.setattr(muon, "computes_in_bfloat16", lambda _: native)
    torch.manual_seed(0)
    for shape in ((3, 32, 96), (3, 96, 32)):
        values = torch.linalg.svdvals(orthogonal(torch.randn(shape)))
        assert values.min() > 0.5
        assert values.max() < 1.3


def test_nothing_in_nothing_out():
    assert not orthogonal(torch.zeros(1, 16, 16)).any()


def test_layers_and_convolutions_are_matrices_and_tokens_are_not():
    shapes = {
        (64, 64): True, (128, 32, 1, 1): True, (32, 3, 7, 7): True,
        (4, 128): False, (1, 128): False, (128,): False, (1, 32, 7, 7): False,
    }  # fmt: skip
    assert {shape: is_matrix(torch.zeros(shape)) for shape in shapes} == shapes


def test_a_model_learns():
    model = small_model()
    before = learn(model, Muon(model.parameters(), lr=0.0), 1)
    after = learn(model, Muon(model.parameters(), lr=3e-3), 60)
    assert after < before / 10


def test_a_step_of_a_matrix_is_as_large_as_one_of_adamw():
    weight = nn.Parameter(torch.zeros(64, 256))
    torch.manual_seed(0)
    weight.grad = torch.randn_like(weight)
    Muon([weight], lr=1e-2, weight_decay=0.0).step()
    size = float(weight.detach().square().mean().sqrt())
    assert 0.1e-2 < size < 0.3e-2  # 0.2 times the learning rate


def test_it_goes_on_from_its_state_as_if_it_had_not_stopped():
    whole, halved = small_model(), small_model()
    learn(whole, optimizer := Muon(whole.parameters()), 3)
    learn(whole, optimizer, 3)
    learn(halved, first := Muon(halved.parameters()), 3)
    second = Muon(halved.parameters())
    second.load_state_dict(first.state_dict())
    learn(halved, second, 3)
    for one, other in zip(whole.parameters(), halved.parameters(), strict=True):
        torch.testing.assert_close(one, other)


def test_what_has_no_gradient_stays():
    model = small_model()
    model[3].requires_grad_(False)
    kept = model[3].weight.clone()
    learn(model, Muon(model.parameters(), weight_decay=0.5), 2)
    assert torch.equal(model[3].weight, kept)
