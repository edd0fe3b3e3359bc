"""Small datasets whose masks are known by construction."""

from pathlib import Path

import cv2
import numpy as np
import orjson
import pytest
from PIL import Image

from floorseg.core import rle
from floorseg.data.annotation import Annotation
from floorseg.data.sa1b import write_sample


def room(size=(40, 60), at=(5, 5), extent=(10, 20)):
    """A rectangular mask: size (H, W), upper left corner (y, x), extent (h, w)."""
    mask = np.zeros(size, dtype=bool)
    mask[at[0] : at[0] + extent[0], at[1] : at[1] + extent[1]] = True
    return mask


def drawing(size=(40, 60), seed=0):
    """A picture that differs from seed to seed."""
    rng = np.random.default_rng(seed)
    picture = np.full((*size, 3), 255, dtype=np.uint8)
    for _ in range(6):
        y, x = rng.integers(0, size[0] - 4), rng.integers(0, size[1] - 4)
        picture[y : y + 3, x:] = 0
        picture[y:, x : x + 3] = 0
    return picture


def annotation(number, mask, **fields):
    category_id, name = fields.pop("category_id", None), fields.pop("category_name", None)
    return Annotation(number, rle.encode(mask), category_id, name, fields)


@pytest.fixture
def rooms(tmp_path) -> Path:
    """A sound SA-1B dataset: three plans in train, one in test, two rooms each."""
    folder = tmp_path / "rooms"
    for number, split in enumerate(("train", "train", "train", "test")):
        masks = [
            annotation(10 * number, room(), category_id=1, category_name="kitchen"),
            annotation(
                10 * number + 1,
                room(at=(20, 30), extent=(12, 18)),
                category_id=2,
                category_name="bath",
                predicted_iou=0.5,
            ),
        ]
        write_sample(
            folder / split, f"plan.v{number}", drawing(seed=number), masks, image_id=100 + number
        )
    return folder


def png(path, array, mode=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array, mode).save(path) if mode else Image.fromarray(array).save(path)
    return path


@pytest.fixture
def video(tmp_path) -> Path:
    """A SA-V video of twelve frames, three of them annotated, by hand and by machine."""
    folder = tmp_path / "video"
    folder.mkdir()
    writer = cv2.VideoWriter(
        str(folder / "sav_7.mp4"), cv2.VideoWriter_fourcc(*"mp4v"), 24, (64, 48)
    )
    for number in range(12):
        writer.write(np.full((48, 64, 3), 20 * number, dtype=np.uint8))
    writer.release()
    mask, empty = rle.encode(room((48, 64))), rle.encode(np.zeros((48, 64), bool))
    shared = {
        "video_id": "sav_7",
        "video_height": 48.0,
        "video_width": 64.0,
        "video_frame_count": 12.0,
    }
    _write_json(folder / "sav_7_manual.json", shared | {
        "masklet": [[mask, empty], [mask, mask], [empty, mask]], "masklet_id": [0, 1],
        "masklet_type": ["manual", "manual"], "masklet_num": 2,
    })  # fmt: skip
    _write_json(folder / "sav_7_auto.json", shared | {
        "masklet": [[mask], [mask], [mask]], "masklet_id": [0],
        "masklet_type": ["auto"], "masklet_stability_score": [0.9],
    })  # fmt: skip
    return folder


def _write_json(path, content):
    path.write_bytes(orjson.dumps(content))
