"""The page, served in this process for tests, with a small checkpoint and a plan drawn here."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image, ImageDraw

from floorseg.core.model import build_model, save_checkpoint
from floorseg.services.segmenter import Segmenter
from floorseg.settings import PROJECT, Settings
from floorseg.ui.launch import launch
from floorseg.ui.page import build_page

SHIPPED = PROJECT / "checkpoints" / "floorseg-nano-rooms.pt"


@dataclass(frozen=True)
class Served:
    """A running page: its ``url``, and the service and settings behind it."""

    url: str
    segmenter: Segmenter
    settings: Settings


def small_checkpoint(folder: Path) -> str:
    """A nano model's name in ``folder``: the shipped one, else one with random weights."""
    if SHIPPED.is_file():
        (folder / "small.pt").symlink_to(SHIPPED)
    else:
        torch.manual_seed(3)
        model = build_model("nano", 128)
        save_checkpoint(folder / "small.pt", model, architecture="nano", image_size=128)
    return "small"


def page_settings(folder: Path, **changes) -> Settings:
    """Settings of a page that keeps everything in ``folder``."""
    checkpoints = folder / "checkpoints"
    checkpoints.mkdir()
    return Settings(
        checkpoints=checkpoints,
        checkpoint=small_checkpoint(checkpoints),
        data_root=folder / "data",
        runs=folder / "runs",
        device="cpu",
        port=free_port(),
        **changes,
    )


@contextmanager
def serve(settings: Settings) -> Iterator[Served]:
    """Serve the page until the context is left."""
    segmenter = Segmenter(settings)
    page = build_page(settings, segmenter)
    url = launch(page, settings, block=False)
    try:
        yield Served(url, segmenter, settings)
    finally:
        page.close(verbose=False)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def draw_plan(path: Path, size: tuple[int, int] = (640, 480)) -> Path:
    """Three rooms with thick walls: left, upper right, lower right."""
    width, height = size
    picture = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(picture)
    pen.rectangle((20, 20, width - 20, height - 20), outline="black", width=12)
    pen.line((width // 2, 20, width // 2, height - 20), fill="black", width=12)
    pen.line((width // 2, height // 2, width - 20, height // 2), fill="black", width=12)
    picture.save(path)
    return path
