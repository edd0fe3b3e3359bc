"""How good an answer is: what the model says of it, and what the mask itself shows.

A mask whose rim lies on lines of the plan is likelier to be a room, and so is one whose outline
hardly moves when the cut is moved: SAM's stability score, by which its generator of masks drops
answers (A. Kirillov and others, "Segment anything", 2023), here tells which candidate to choose.
"""

from torch import Tensor

from floorseg.core.candidates import stability
from floorseg.core.decoded import Decoded, Wanted
from floorseg.core.edge_smoothing import USUALLY_FOLLOWED, Edges

# A candidate's score is the mean, in logits, of two estimates of its IoU: the model's own, with
# what the plan's lines say, and how stable the mask is. (Logistic regression gave half to either,
# with the base on 60 synthetic plans it had not seen, and with the other model on 35 real ones.)
# Answers without others beside them are judged by the first alone: of them stability told nothing.
_OWN_PART = 0.5
_FOLLOWED_WORTH = 4.0  # logits of a score between an answer that follows edges and one that doesn't
_MOVED = 1.0  # logits; how far the cut is moved to see how stable a mask is, as SAM does
_STEADIER = 1.0  # logits; by how much masks are steadier than they are right
_CERTAIN = 1e-4  # scores nearer to 0 or 1 than this are not told apart
_STEADY = 1e-3  # and of stabilities


def to_edges(answers: Decoded, edges: Edges, wanted: Wanted) -> Decoded:
    """Answers that end at a picture's edges, with scores that tell what their masks are like."""
    logits, scores = answers.logits.clone(), answers.scores.clone()
    if wanted.rough:  # a mean of many answers is smooth by itself
        return Decoded(logits, scores)
    shown = scores > wanted.above
    logits[shown] = edges.smooth(logits[shown])
    part = own_part(edges, multimask=wanted.multimask)
    own = part * scores[shown].logit(_CERTAIN)
    scores[shown] = (own + masks_say(logits[shown], edges, part)).sigmoid()
    return Decoded(logits, scores)


def own_part(edges: Edges | None, *, multimask: bool = True) -> float:
    """How much of the logit of a score is the model's own; ``masks_say`` what is added to it.

    Args:
        edges: of the picture; None where they are not looked at.
        multimask: three candidates a prompt, or one.
    """
    return _OWN_PART if multimask and edges else 1.0


def masks_say(logits: Tensor, edges: Edges | None, part: float) -> Tensor:
    """What each mask adds to the logit of its score: how it follows edges, and how stable it is.

    Args:
        logits: float32 (K, h, w), answers about a picture.
        edges: of the picture; nothing is added without.
        part: of the score that is the model's own, with what the edges say.

    Returns:
        float32 (K,).
    """
    if not edges:
        return logits.new_zeros(len(logits))
    lines = _FOLLOWED_WORTH * (edges.followed(logits > 0) - USUALLY_FOLLOWED)
    if part == 1:
        return lines
    steady = stability(logits, _MOVED).logit(_STEADY) - _STEADIER
    return part * lines + (1 - part) * steady
