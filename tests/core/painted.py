"""A predictor that knows the answer: clicks on a drawn scene, without a network."""

from collections.abc import Sequence

import cv2
import numpy as np
import torch

from floorseg.core.closeup import Sheet, finer
from floorseg.core.decoded import Decoded
from floorseg.core.decoder import ImageSide
from floorseg.core.edge_smoothing import Edges
from floorseg.core.predictor import Embedding, Predictor
from floorseg.core.structures import Prompt

SIDE = 64  # of the logits


def rectangle(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
    """float32 (SIDE, SIDE): logits of a rectangle in parts of the picture, steep at its edge."""
    mask = np.zeros((SIDE, SIDE), dtype=np.uint8)
    left, top, right, bottom = (round(side * SIDE) for side in (x0, y0, x1, y1))
    mask[top:bottom, left:right] = 1
    inside = cv2.distanceTransform(np.pad(mask, 1), cv2.DIST_L2, 3)[1:-1, 1:-1]
    outside = cv2.distanceTransform(1 - mask, cv2.DIST_L2, 3)
    return np.where(mask > 0, inside * 20 - 10, 10 - outside * 20).clip(-30, 30).astype(np.float32)


class PaintedPredictor(Predictor):
    """Answers a click with the things that lie there, the surest three.

    Args:
        things: logits (SIDE, SIDE) and score of each thing.
        size: (H, W) of the picture it is about.
    """

    def __init__(
        self, things: Sequence[tuple[np.ndarray, float]], size: tuple[int, int] = (300, 400)
    ) -> None:
        self.model = torch.nn.Module()  # brings no odds of its own
        self.things = list(things)
        self.size = size
        self.clicks: list[tuple[float, float]] = []

    @property
    def device(self) -> torch.device:
        return torch.device("cpu")

    @property
    def logit_size(self) -> int:
        return SIDE

    def embedding(self) -> Embedding:
        return Embedding(_nothing(), self.size, "painted")

    def sheet(self, image: np.ndarray) -> Sheet:
        """One with lines, of a picture uint8 (H, W, 3), on a grid twice as fine as the things'."""
        return Sheet(
            _nothing(), self.size, "painted", _nothing(),
            pixels=image, edges=Edges.of(image, 2 * SIDE), has_more=False,
        )  # fmt: skip

    def decode_logits(
        self,
        embedding: Embedding,
        prompts: Sequence[Prompt],
        *,
        multimask: bool = True,
        previous: torch.Tensor | None = None,
        rough: bool = False,
        above: float = 0.0,
    ) -> Decoded:
        logits = np.full((len(prompts), 3, SIDE, SIDE), -20, dtype=np.float32)
        scores = np.zeros((len(prompts), 3), dtype=np.float32)
        for row, prompt in enumerate(prompts):
            point = prompt.points[0]
            self.clicks.append((point.x, point.y))
            for place, (thing, score) in enumerate(self._at(point.x, point.y)):
                logits[row, place], scores[row, place] = thing, score
        answers = torch.from_numpy(logits)
        if isinstance(embedding, Sheet):
            answers = finer(answers)
        return Decoded(answers, torch.from_numpy(scores))

    def _at(self, x: float, y: float) -> list[tuple[np.ndarray, float]]:
        column = min(int(x * SIDE / self.size[1]), SIDE - 1)
        row = min(int(y * SIDE / self.size[0]), SIDE - 1)
        there = [(thing, score) for thing, score in self.things if thing[row, column] > 0]
        return sorted(there, key=lambda found: -found[1])[:3]


def _nothing() -> ImageSide:
    nothing = torch.zeros(1, 1)
    return ImageSide(nothing, nothing, None, None, (1, 1))
