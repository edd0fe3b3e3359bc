"""Prompts in, judged answers out: all objects of a picture asked together, round by round.

A predictor is anything with ``encode`` and ``decode_logits``: floorseg's own, or a test's oracle.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch

from eval.cutout import Cutout, Size, common_window
from eval.protocols import CURVE_CLICKS, GOALS
from eval.truth import Truth
from floorseg.core.metrics import boundary_pixels
from floorseg.core.prompts import next_click
from floorseg.core.structures import Point, Prompt

BATCH = 64  # prompts whose answers are held at a time

Box = tuple[float, float, float, float]
Correct = Callable[[int, np.ndarray, np.ndarray], Point | None]


class Decoded(Protocol):
    """Logits float32 (N, C, h, w) and the model's own scores (N, C)."""

    @property
    def logits(self) -> torch.Tensor:
        """Above 0 is inside."""

    @property
    def scores(self) -> torch.Tensor:
        """Estimated IoU."""


class Answering(Protocol):
    """What is evaluated."""

    def encode(self, image: np.ndarray) -> Any:
        """The slow half, once a picture."""

    def decode_logits(
        self,
        embedding: Any,
        prompts: Sequence[Prompt],
        *,
        multimask: bool = True,
        previous: torch.Tensor | None = None,
    ) -> Decoded:
        """The quick half, many prompts at once."""


@dataclass(slots=True, eq=False)
class Conversation:
    """What was asked about one object, and how good each answer was.

    Attributes:
        truth: the object.
        points: the clicks so far.
        box: the box, where one was given.
        ious: IoU after each prompt.
        score: the model's own score of its first answer.
        best_iou: of the first answer's candidates, the highest IoU.
        boundary_iou: of the first answer.
        first: the first answer.
        logits: the last answer's logits, for the next round.
        answer: the last answer.
    """

    truth: Truth
    points: list[Point] = field(default_factory=list)
    box: Box | None = None
    ious: list[float] = field(default_factory=list)
    score: float = 0.0
    best_iou: float = 0.0
    boundary_iou: float = 0.0
    first: Cutout | None = None
    logits: torch.Tensor | None = None
    answer: Cutout | None = None

    @property
    def prompt(self) -> Prompt:
        """Everything pointed at so far."""
        return Prompt(points=tuple(self.points), box=self.box)


def ask_clicks(
    predictor: Answering,
    embedding: Any,
    truths: Sequence[Truth],
    *,
    first: Sequence[Point],
    clicks: int,
    correct: Correct | None = None,
) -> list[Conversation]:
    """Click on every object, look at the answer, click on its largest error, and so on.

    Args:
        predictor: what is evaluated.
        embedding: of the picture.
        truths: the objects.
        first: the first click on each.
        clicks: the most an object gets.
        correct: (place in ``truths``, truth, answer) -> next click, both masks bool, cut to a
            common window in whose pixels the click is; None for :func:`next_click`.
    """
    talks = [
        Conversation(truth, points=[point]) for truth, point in zip(truths, first, strict=True)
    ]
    active = list(enumerate(talks))
    for count in range(1, clicks + 1):
        _ask(predictor, embedding, [talk for _, talk in active], multimask=count == 1)
        if count == clicks:
            break
        active = [
            (place, talk)
            for place, talk in active
            if not _settled(talk) and _click_again(talk, place, correct)
        ]
        if not active:
            break
    return talks


def ask_boxes(
    predictor: Answering, embedding: Any, truths: Sequence[Truth], boxes: Sequence[Box]
) -> list[Conversation]:
    """One box for every object, one mask for every box."""
    talks = [Conversation(truth, box=box) for truth, box in zip(truths, boxes, strict=True)]
    _ask(predictor, embedding, talks, multimask=False)
    return talks


def _ask(
    predictor: Answering, embedding: Any, talks: Sequence[Conversation], *, multimask: bool
) -> None:
    """Put one prompt to the model for each conversation, and judge the answers."""
    for start in range(0, len(talks), BATCH):
        group = talks[start : start + BATCH]
        given = [talk.logits for talk in group if talk.logits is not None]
        decoded = predictor.decode_logits(
            embedding,
            [talk.prompt for talk in group],
            multimask=multimask,
            previous=torch.stack(given) if given else None,
        )
        best = decoded.scores.argmax(dim=1)
        chosen = decoded.logits[torch.arange(len(group), device=best.device), best]
        logits, scores = decoded.logits.cpu().numpy(), decoded.scores.cpu().numpy()
        for i, (talk, choice) in enumerate(zip(group, best.tolist(), strict=True)):
            talk.logits = chosen[i]
            _judge(talk, logits[i], scores[i], choice)


def _judge(talk: Conversation, logits: np.ndarray, scores: np.ndarray, choice: int) -> None:
    """Note how good an answer is: its candidates' logits (C, h, w), scores (C,), the chosen one."""
    truth = talk.truth.cutout
    talk.answer = Cutout.of_logits(logits[choice], truth.size)
    talk.ious.append(truth.iou(talk.answer))
    if talk.first is None:
        others = [i for i in range(len(logits)) if i != choice]
        ious = [truth.iou(Cutout.of_logits(logits[i], truth.size)) for i in others]
        talk.first = talk.answer
        talk.score = float(scores[choice])
        talk.best_iou = max([talk.ious[0], *ious])
        talk.boundary_iou = boundary_agreement(truth, talk.answer)


def boundary_agreement(truth: Cutout, answer: Cutout) -> float:
    """Boundary IoU of an answer, 2 % of the picture's diagonal wide."""
    width = boundary_pixels(truth.size)
    return truth.boundary(width).iou(answer.boundary(width))


def _settled(talk: Conversation) -> bool:
    """Whether further clicks could not change any number that is reported."""
    return len(talk.ious) >= CURVE_CLICKS and max(talk.ious) >= max(GOALS)


def _click_again(talk: Conversation, place: int, correct: Correct | None) -> bool:
    """Add the next click; False where the answer is perfect."""
    if talk.answer is None:
        return False
    window = common_window((talk.truth.cutout, talk.answer))
    truth, answer = talk.truth.cutout.within(*window), talk.answer.within(*window)
    click = correct(place, truth, answer) if correct else next_click(truth, answer)
    if click is None:
        return False
    talk.points.append(Point(click.x + window[0], click.y + window[1], inside=click.inside))
    return True


def picture_size(image: np.ndarray) -> Size:
    """(H, W) of a picture."""
    return int(image.shape[0]), int(image.shape[1])
