"""A page with two small checkpoints and a dataset of three plans."""

from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch

from floorseg.core import rle
from floorseg.core.model import build_model, save_checkpoint
from floorseg.data.annotation import Annotation
from floorseg.data.sa1b import write_sample
from tests.page_server import page_settings, serve

NAMES = ("alpha", "beta")
LEFT = (slice(20, 220), slice(20, 150))  # rows, columns of the annotated room of a 320 x 240 plan


def write_plans(folder: Path, *, count: int = 3) -> None:
    """Plans with one annotated room each."""
    mask = np.zeros((240, 320), dtype=bool)
    mask[LEFT] = True
    for number in range(count):
        pixels = np.full((240, 320, 3), 255 - 5 * (number % 9), dtype=np.uint8)
        pixels[14:20, 14:306] = pixels[220:226, 14:306] = 0
        pixels[14:226, 14:20] = pixels[14:226, 150:156] = pixels[14:226, 300:306] = 0
        write_sample(folder, f"plan{number}", pixels, [Annotation(1, rle.encode(mask), 1, "room")])


@contextmanager
def serve_two(folder: Path, **changes):
    """Serve it until the context is left."""
    settings = page_settings(folder, reports=folder / "reports", cache=folder / "cache", **changes)
    for seed, name in enumerate(NAMES):
        torch.manual_seed(seed)
        path = settings.checkpoints / f"{name}.pt"
        save_checkpoint(path, build_model("nano", 64), architecture="nano", image_size=64)
    write_plans(settings.data_root / "plans" / "test")
    with serve(settings) as page:
        yield page
