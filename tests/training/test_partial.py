"""Training a part of the model, and the features that are computed once for it."""

import numpy as np
import pytest
import torch
from hydra.utils import instantiate

from floorseg.training.features import FeatureCache
from floorseg.training.partial import plain_name, plain_weights
from floorseg.training.turns import RightAngles, orbit
from tests.training.conftest import tiny_model

PART = "floorseg.training.partial.PartPlanTrain"


def build(trained, cache=None):
    torch.manual_seed(0)
    model = instantiate(tiny_model(target=PART, trained=trained))
    model._cache = cache
    return model.train()


def plans(count=2, seed=0):
    return torch.rand(count, 3, 64, 64, generator=torch.Generator().manual_seed(seed))


def learns(model):
    return {name.split(".")[0] for name, p in model.named_parameters() if p.requires_grad}


def test_with_the_decoder_alone_nothing_of_the_encoder_learns():
    model = build("decoder")

    assert "image_encoder" not in learns(model)
    assert {"sam_mask_decoder", "sam_prompt_encoder"} <= learns(model)


def test_with_the_neck_the_trunk_does_not_learn():
    model = build("decoder+neck")

    names = [name for name, p in model.named_parameters() if p.requires_grad]
    assert any(name.startswith("image_encoder.neck") for name in names)
    assert not any(name.startswith("image_encoder.trunk") for name in names)


@pytest.mark.parametrize("trained", ["decoder", "decoder+neck"])
def test_kept_features_are_the_ones_the_whole_model_computes(trained, tmp_path):
    images = plans()
    whole = build("all").eval()
    part = build(trained, FeatureCache(tmp_path, ways=1)).eval()

    wanted = whole.features(images)
    part.features(images)
    kept = part.features(images)

    for mine, theirs in zip(
        (kept.embedding, *kept.high_resolution),
        (wanted.embedding, *wanted.high_resolution),
        strict=True,
    ):
        torch.testing.assert_close(mine, theirs, rtol=2e-3, atol=2e-3)


def test_kept_features_come_in_the_precision_that_training_computes_in(tmp_path):
    model = build("decoder", FeatureCache(tmp_path, ways=1))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        model.features(plans())
        found = model.features(plans())

    assert {level.dtype for level in found.high_resolution} == {torch.bfloat16}


def test_from_the_second_epoch_on_no_picture_is_encoded(tmp_path):
    cache = FeatureCache(tmp_path, ways=4)
    model = build("decoder", cache)
    images = plans()

    model.features(images)
    encoded = cache.encoded
    for turned in torch.rot90(images, 1, (2, 3)), torch.rot90(images, 3, (2, 3)), images:
        model.features(turned)

    assert (encoded, cache.encoded) == (8, 8)


def test_other_weights_do_not_find_these_features(tmp_path):
    cache = FeatureCache(tmp_path, ways=1)
    model = build("decoder", cache)
    model.features(plans())
    with torch.no_grad():
        model.image_encoder.neck.convs[0].conv.weight += 1
    model._digest = None

    model.features(plans())

    assert cache.encoded == 4


def test_a_full_cache_keeps_no_more_and_training_goes_on(tmp_path):
    cache = FeatureCache(tmp_path, max_gigabytes=0, ways=4)
    model = build("decoder", cache)

    found = model.features(plans())

    assert torch.isfinite(found.embedding).all()
    assert not list(tmp_path.rglob("*.features"))


def test_features_of_other_weights_make_room_for_new_ones(tmp_path):
    cache = FeatureCache(tmp_path, ways=1)
    build("decoder", cache).features(plans())
    held = sum(path.stat().st_size for path in tmp_path.rglob("*.features"))
    small = FeatureCache(tmp_path, max_gigabytes=held * 1.1 / 1e9, ways=1)

    small.fetch(plans(), lambda x: [x.mean(1)], weights="others")

    assert list((tmp_path / "others").rglob("*.features"))


def test_a_damaged_entry_is_computed_anew(tmp_path):
    cache = FeatureCache(tmp_path, ways=1)
    model = build("decoder", cache)
    wanted = model.features(plans(1)).embedding
    path = next(tmp_path.rglob("*.features"))
    path.write_bytes(path.read_bytes()[:-10])

    torch.testing.assert_close(model.features(plans(1)).embedding, wanted)


def test_a_frozen_encoder_does_not_drop_paths_while_the_decoder_learns():
    assert not build("decoder").image_encoder.training


def test_lora_starts_as_the_model_it_corrects_and_exports_plain_names():
    whole, lora = build("all"), build("lora")
    lora.load_state_dict(
        {n: whole.state_dict()[p] for n in lora.state_dict() if (p := plain_name(n))}, strict=False
    )

    exported = plain_weights(lora)

    assert exported.keys() == whole.state_dict().keys()
    torch.testing.assert_close(exported, dict(whole.state_dict()))


def test_what_lora_has_learnt_is_in_the_exported_weights():
    lora = build("lora").eval()
    for name, parameter in lora.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    plain = build("all").eval()

    plain.load_state_dict(plain_weights(lora))

    wanted = lora.features(plans()).embedding
    torch.testing.assert_close(plain.features(plans()).embedding, wanted, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("ways", [1, 2, 4, 8])
def test_every_way_a_plan_is_shown_is_in_the_orbit_of_every_other(ways):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 255, (16, 16, 3), dtype=np.uint8)
    angles = RightAngles(ways)
    shown = [angles.geometry(rng, 16, 16)[0](image) for _ in range(40)]
    as_tensor = [torch.from_numpy(each).permute(2, 0, 1) for each in shown]
    known = {view.contiguous().numpy().tobytes() for view in orbit(as_tensor[0], ways)}

    assert len(known) == ways
    assert {view.contiguous().numpy().tobytes() for view in as_tensor} <= known


def test_a_mask_is_turned_with_its_picture():
    rng = np.random.default_rng(1)
    mask = np.zeros((16, 16), np.uint8)
    mask[2:5, 3:12] = 255
    for _ in range(8):
        of_image, of_mask = RightAngles(8).geometry(rng, 16, 16)
        picture = of_image(np.repeat(mask[..., None], 3, axis=2))

        assert (of_mask(mask) == picture[..., 0] // 255).all()
