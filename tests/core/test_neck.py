"""The narrow road through sam2's neck ends where sam2's own does."""

import pytest
import torch

from floorseg.core.device import autocast
from floorseg.core.model import build_model
from floorseg.core.neck import image_levels

SIZE = 64


def model_of(architecture="nano"):
    torch.manual_seed(0)
    return build_model(architecture, SIZE).eval()


def pictures():
    return torch.randn(2, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(1))


def by_sam2(model, images):
    return list(model.forward_image(images)["backbone_fpn"][-model.num_feature_levels :])


def assert_alike(found, wanted, tolerance=1e-5):
    assert [level.shape for level in found] == [level.shape for level in wanted]
    for mine, theirs in zip(found, wanted, strict=True):
        assert (mine - theirs).abs().max() <= tolerance * theirs.abs().max()


@pytest.mark.parametrize("architecture", ["nano", "sam2.1_tiny"])
def test_levels_are_those_of_sam2(architecture):
    model = model_of(architecture)

    with torch.no_grad():
        assert_alike(image_levels(model, pictures()), by_sam2(model, pictures()))


@pytest.mark.parametrize("levels", [[], [1], [0, 1], [2, 3], [0, 1, 2, 3]])
@pytest.mark.parametrize("way", ["nearest", "bilinear"])
def test_whatever_levels_are_added_in_whatever_way(levels, way):
    model = model_of()
    model.image_encoder.neck.fpn_top_down_levels = levels
    model.image_encoder.neck.fpn_interp_model = way

    with torch.no_grad():
        assert_alike(image_levels(model, pictures()), by_sam2(model, pictures()))


def test_a_neck_that_is_not_a_sum_goes_sam2s_own_way():
    model = model_of()
    model.image_encoder.neck.fuse_type = "avg"

    with torch.no_grad():
        for mine, theirs in zip(
            image_levels(model, pictures()), by_sam2(model, pictures()), strict=True
        ):
            assert torch.equal(mine, theirs)


@pytest.mark.parametrize(("stride", "padding"), [((2, 2), (0, 0)), ((1, 1), (1, 1))])
def test_so_does_one_whose_convolutions_are_more_than_products(stride, padding):
    model = model_of()
    for level in model.image_encoder.neck.convs:
        level.conv.stride, level.conv.padding = stride, padding

    model.image_encoder.neck.fpn_top_down_levels = []
    with torch.no_grad():
        for mine, theirs in zip(
            image_levels(model, pictures()), by_sam2(model, pictures()), strict=True
        ):
            assert torch.equal(mine, theirs)


def test_without_fine_features_the_coarse_level_is_alone():
    model = model_of()
    model.use_high_res_features_in_sam = False
    model.num_feature_levels = 1

    with torch.no_grad():
        assert_alike(image_levels(model, pictures()), by_sam2(model, pictures()))


def test_every_weight_learns_the_same():
    gradients = []
    for way in (image_levels, by_sam2):
        model = model_of().double()
        levels = way(model, pictures().double())
        sum((level * level.detach().sin()).sum() for level in levels).backward()
        gradients.append({name: p.grad for name, p in model.named_parameters()})

    mine, theirs = gradients
    learned = {name for name, gradient in theirs.items() if gradient is not None}
    assert {"sam_mask_decoder.conv_s0.weight", "image_encoder.neck.convs.0.conv.bias"} <= learned
    assert {name for name, gradient in mine.items() if gradient is not None} == learned
    names = sorted(learned)
    assert_alike([mine[name] for name in names], [theirs[name] for name in names])


def test_in_bfloat16_it_is_as_near_to_float32_as_sam2():
    model, images = model_of(), pictures()
    with torch.no_grad():
        exact = by_sam2(model, images)
        with autocast(torch.device("cpu"), torch.bfloat16):
            rounded = [by_sam2(model, images), image_levels(model, images)]

    theirs, mine = (
        [(level - true).abs().mean() for level, true in zip(levels, exact, strict=True)]
        for levels in rounded
    )
    assert all(mine <= 1.2 * theirs for mine, theirs in zip(mine, theirs, strict=True))
