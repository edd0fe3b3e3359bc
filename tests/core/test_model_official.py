"""Official files of all sizes: what sam2's own ``build_sam2`` loads from them, we load too."""

import pytest
import torch
from hydra import compose, initialize_config_module
from hydra.core.global_hydra import GlobalHydra
from sam2.build_sam import build_sam2

from floorseg.core.architectures import ARCHITECTURES
from floorseg.core.model import build_model, load_model


@pytest.fixture(autouse=True)
def official_configs():
    """What importing sam2 sets up once a process, and another test may have cleared."""
    if not GlobalHydra.instance().is_initialized():
        initialize_config_module("sam2", version_base="1.2")


SIZE = 256  # pixels: a sixteenth of the work of 1024, in the same code


def official_file(name, folder):
    """A file in the official format with random weights."""
    torch.manual_seed(7)
    path = folder / f"{name}.pt"
    torch.save({"model": build_model(name).state_dict()}, path)
    return path


def answers(model, *, multimask):
    """Masks, scores and object scores for a click and for a box, on one random picture."""
    draw = torch.Generator().manual_seed(3)
    points = {
        "click": ([[[90.0, 120.0]]], [[1]]),
        "box": ([[[20.0, 30.0], [200.0, 180.0]]], [[2, 3]]),
    }
    with torch.inference_mode():
        picture = torch.randn(1, 3, SIZE, SIZE, generator=draw)
        _, features, _, sizes = model._prepare_backbone_features(model.forward_image(picture))
        features[-1] = features[-1] + model.no_mem_embed
        *fine, coarse = [
            level.permute(1, 2, 0).view(1, -1, *size)
            for level, size in zip(features, sizes, strict=True)
        ]
        found = []
        for coordinates, labels in points.values():
            sparse, dense = model.sam_prompt_encoder(
                points=(torch.tensor(coordinates), torch.tensor(labels)), boxes=None, masks=None
            )
            masks, scores, _, present = model.sam_mask_decoder(
                image_embeddings=coarse,
                image_pe=model.sam_prompt_encoder.get_dense_pe(),
                sparse_prompt_embeddings=sparse,
                dense_prompt_embeddings=dense,
                multimask_output=multimask,
                repeat_image=False,
                high_res_features=fine,
            )
            found += [masks, scores, present]
    return found


@pytest.mark.parametrize(
    "name",
    ["sam2.1_tiny", "sam2.1_small", "sam2.1_base_plus", "sam2.1_large", "sam2_tiny"],
)
def test_our_loader_and_the_official_one_answer_identically(name, tmp_path):
    path = official_file(name, tmp_path)
    config = ARCHITECTURES[name].resource
    theirs = build_sam2(
        config, str(path), device="cpu", hydra_overrides_extra=[f"++model.image_size={SIZE}"]
    )
    expected = [answers(theirs, multimask=several) for several in (True, False)]
    del theirs

    ours = load_model(path, "cpu", image_size=SIZE)
    path.unlink()  # the largest has 900 MB

    found = [answers(ours, multimask=several) for several in (True, False)]
    for several, official in zip(found, expected, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(several, official, strict=True))
        assert several[0].std() > 0


@pytest.mark.parametrize("name", [name for name in ARCHITECTURES if not name.startswith("nano")])
def test_our_configs_are_the_official_ones(name):
    theirs = compose(config_name=ARCHITECTURES[name].resource).model

    ours = ARCHITECTURES[name].config()

    added = {"sam_mask_decoder_extra_args", "memory_attention"}
    assert {key: ours[key] for key in ours if key not in added} == {
        key: theirs[key] for key in theirs if key not in added
    }
