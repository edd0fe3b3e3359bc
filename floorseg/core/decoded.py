"""What a model answers to some prompts, as it computes it, and what was wanted of it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """The model's answer to N prompts, as it computes it.

    Attributes:
        logits: float32 (N, C, h, w), C candidates each, at a quarter of the model's image size;
            above 0 is inside.
        scores: float32 (N, C), the model's own estimate of each candidate's IoU.
    """

    logits: Tensor
    scores: Tensor

    def best(self) -> Tensor:
        """int64 (N,): the candidate with the highest score of each prompt."""
        return self.scores.argmax(dim=1)

    def chosen(self) -> Tensor:
        """float32 (N, h, w): the logits of that candidate."""
        best = self.best()
        return self.logits[torch.arange(len(best), device=best.device), best]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is wanted of the answers to some prompts.

    Attributes:
        multimask: three candidates for each prompt, or one.
        rough: for clicks that are counted, not shown.
        above: masks of prompts whose scores are all at most this are of no use.
    """

    multimask: bool
    rough: bool
    above: float

    @property
    def shown(self) -> bool:
        """Whether somebody asked: the prompts are no sweep's, most of which come to nothing."""
        return not self.rough and self.above == -math.inf


def in_order(answers: Sequence[Decoded], places: Sequence[Sequence[int]]) -> Decoded:
    """Answers to prompts that were asked in groups, as one.

    Args:
        answers: to each group.
        places: of each group's prompts among all.
    """
    if len(answers) == 1:
        return answers[0]
    order = torch.tensor([i for group in places for i in group]).argsort()
    logits = torch.cat([answer.logits for answer in answers])
    scores = torch.cat([answer.scores for answer in answers])
    return Decoded(logits[order.to(logits.device)], scores[order.to(scores.device)])
