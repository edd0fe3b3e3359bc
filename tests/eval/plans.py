"""Tiny plans with known rooms, and predictors whose answers can be counted by hand."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from floorseg.core import rle
from floorseg.core.structures import MaskProposal, Prompt
from floorseg.data.annotation import Annotation
from floorseg.data.sa1b import write_sample

SIDE = 20  # of a room, pixels
SIZE = (64, 96)
CORNERS = ((4, 4), (30, 4), (60, 4), (4, 36), (30, 36), (60, 36))  # x, y


def room(x: int, y: int) -> np.ndarray:
    mask = np.zeros(SIZE, dtype=bool)
    mask[y : y + SIDE, x : x + SIDE] = True
    return mask


def write_plans(folder: Path, *, count: int = 3, split: str = "test") -> Path:
    """So many plans of six rooms; rooms of the lower row are called "hall"."""
    place = folder / split
    place.mkdir(parents=True)
    for number in range(count):
        image = np.full((*SIZE, 3), 255 - number, dtype=np.uint8)
        masks = []
        for i, corner in enumerate(CORNERS):
            label = "hall" if i >= 3 else "room"
            masks.append(
                Annotation(
                    i, rle.encode(room(*corner)), category_id=1 + (i >= 3), category_name=label
                )
            )
        write_sample(place, f"plan{number}", image, masks)
    return folder


@dataclass
class Answer:
    logits: torch.Tensor
    scores: torch.Tensor


class Oracle:
    """Answers with the room that was pointed at, moved to the right by ``shift`` pixels.

    The first of its three candidates, which it scores highest, is that answer; the others are
    empty. With ``blind`` every answer is empty.
    """

    def __init__(self, *, shift: int = 0, blind: bool = False) -> None:
        self.shift = shift
        self.blind = blind
        self.encoded = 0

    def encode(self, image: np.ndarray) -> tuple[int, ...]:
        self.encoded += 1
        return image.shape

    def decode_logits(
        self,
        embedding: tuple[int, ...],
        prompts: Sequence[Prompt],
        *,
        multimask: bool = True,
        previous: torch.Tensor | None = None,
    ) -> Answer:
        logits = np.full((len(prompts), 3 if multimask else 1, *SIZE), -8, dtype=np.float32)
        scores = np.full(logits.shape[:2], 0.1, dtype=np.float32)
        for i, prompt in enumerate(prompts):
            scores[i, 0] = 0.9
            if not self.blind:
                logits[i, 0][self.mask(prompt)] = 8
        return Answer(torch.from_numpy(logits), torch.from_numpy(scores))

    def mask(self, prompt: Prompt) -> np.ndarray:
        if prompt.box:
            x, y = (prompt.box[0] + prompt.box[2]) / 2, (prompt.box[1] + prompt.box[3]) / 2
        else:
            x, y = prompt.points[0].x, prompt.points[0].y
        corner = next(c for c in CORNERS if c[0] <= x < c[0] + SIDE and c[1] <= y < c[1] + SIDE)
        return np.roll(room(*corner), self.shift, axis=1)

    def find_all(self, embedding: object) -> list[MaskProposal]:
        if self.blind:
            return []
        return [MaskProposal(np.roll(room(*corner), self.shift, axis=1), 0.9) for corner in CORNERS]
