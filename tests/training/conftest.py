"""Tiny plans on disk, and a tiny SAM 2 to train on them."""

import os
import socket

os.environ.setdefault("MKL_CBWR", "AUTO,STRICT")  # as the command does, before torch is loaded

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf
from PIL import Image

from floorseg.core import rle
from floorseg.training.config import register_resolvers

NAMES = ("plan.one.two.png", "12_png.rf.0a1b2c.jpg", "ein Plan mit Ümlaut.PNG", "-dash_7.webp")


def draw_rooms(seed, size=96):
    """A sheet with two rooms side by side; returns the picture and the two masks."""
    rng = np.random.default_rng(seed)
    left, top = rng.integers(6, 20, size=2)
    wide, high = rng.integers(24, 32, size=2)
    image = np.full((size, size, 3), 255, np.uint8)
    masks = np.zeros((2, size, size), bool)
    for number in range(2):
        x = left + number * (wide + 3)
        image[top - 3 : top + high + 3, x - 3 : x + wide + 3] = 0
    for number in range(2):
        x = left + number * (wide + 3)
        image[top : top + high, x : x + wide] = 255
        masks[number, top : top + high, x : x + wide] = True
    return image, masks


def write_plan(folder, name, image, masks, category="room"):
    """One SA-1B pair; the JSON names the picture as people's exports do."""
    import json

    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(folder / name)
    height, width = image.shape[:2]
    annotations = [
        {
            "id": number,
            "segmentation": rle.encode(mask),
            "area": int(mask.sum()),
            "bbox": [float(v) for v in rle.bbox(rle.encode(mask))],
            "category_name": category,
        }
        for number, mask in enumerate(masks)
    ]
    facts = {"image_id": 1, "file_name": name, "width": width, "height": height}
    text = json.dumps({"image": facts, "annotations": annotations})
    (folder / f"{name.rpartition('.')[0]}.json").write_text(text)


@pytest.fixture(scope="session")
def plans(tmp_path_factory):
    """A dataset folder: four oddly named plans to train on, two to validate on."""
    root = tmp_path_factory.mktemp("plans")
    for seed, name in enumerate(NAMES):
        write_plan(root / "train", name, *draw_rooms(seed))
    for seed in (10, 11):
        write_plan(root / "valid", f"valid_{seed}.png", *draw_rooms(seed))
    return root


@pytest.fixture(scope="session", autouse=True)
def one_process():
    """What torch.distributed asks the environment, and no more threads than this test needs."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    os.environ.update(
        MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port), RANK="0", LOCAL_RANK="0", WORLD_SIZE="1"
    )
    torch.set_num_threads(1)
    register_resolvers()
    yield
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    """Nothing is written to the person's own cache."""
    monkeypatch.setenv("FLOORSEG_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


def tiny_model(image_size=64, target="floorseg.training.plans.PlanTrain", **more):
    """Configuration of a SAM 2 of a few hundred thousand parameters."""
    nano = OmegaConf.load("floorseg/core/nano.yaml").model
    nano._target_ = target
    nano.image_size = image_size
    nano.image_encoder.trunk.stages = [1, 1, 2, 1]
    nano.image_encoder.trunk.global_att_blocks = [3]
    nano.image_encoder.trunk.embed_dim = 8
    nano.image_encoder.neck.backbone_channel_list = [64, 32, 16, 8]
    OmegaConf.set_struct(nano, False)
    return OmegaConf.merge(nano, more)
