"""What a model answers to some prompts, as it computes it, and what was wanted of it."""

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
        presence: float32 (N,), SAM 2's object score: the logit that the prompt is on any object.
    """

    logits: Tensor
    scores: Tensor
    presence: Tensor

    def __getitem__(self, chosen: Tensor) -> "Decoded":
        return Decoded(self.logits[chosen], self.scores[chosen], self.presence[chosen])

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


def in_order(answers: Sequence[Decoded], places: Sequence[Sequence[int]]) -> Decoded:
    """Answers to prompts that were asked in groups, as one.

    Args:
        answers: to each group.
        places: of each group's prompts among all.
    """
    if len(answers) == 1:
        return answers[0]
    order = torch.tensor([i for group in places for i in group]).argsort()
    order = order.to(answers[0].scores.device)
    return join_answers(answers)[order]


def join_answers(answers: Sequence[Decoded]) -> Decoded:
    """Answers to several groups of prompts, one group after the other."""
    return Decoded(
        torch.cat([answer.logits for answer in answers]),
        torch.cat([answer.scores for answer in answers]),
        torch.cat([answer.presence for answer in answers]),
    )
