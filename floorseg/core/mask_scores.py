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
# So is whether a close-up shows more than the whole: small masks are less steady there.
_OWN_PART = 0.5
_FOLLOWED_WORTH = 4.0  # logits of a score between an answer that follows edges and one that doesn't
_MOVED = 1.0  # logits; how far the cut is moved to see how stable a mask is, as SAM does
_STEADIER = 1.0  # logits; by how much masks are steadier than they are right
_CERTAIN = 1e-4  # scores nearer to 0 or 1 than this are not told apart
_STEADY = 1e-3  # and of stabilities


def to_edges(answers: Decoded, edges: Edges, wanted: Wanted) -> Decoded:
    """Answers that end at a picture's edges, with scores that tell how well they follow them."""
    logits, scores = answers.logits.clone(), answers.scores.clone()
    if wanted.rough:  # a mean of many answers is smooth by itself
        return Decoded(logits, scores)
    shown = scores > wanted.above
    logits[shown] = edges.smooth(logits[shown])
    scores[shown] = (scores[shown].logit(_CERTAIN) + _lines_say(logits[shown], edges)).sigmoid()
    return Decoded(logits, scores)


def steadied(answers: Decoded, wanted: Wanted) -> Decoded:
    """The same answers; of candidates the steadier have higher scores."""
    if wanted.rough or not wanted.multimask:
        return answers
    scores = answers.scores.clone()
    shown = scores > wanted.above
    steady = (1 - _OWN_PART) * _steadiness(answers.logits[shown])
    scores[shown] = (_OWN_PART * scores[shown].logit(_CERTAIN) + steady).sigmoid()
    return Decoded(answers.logits, scores)


def own_part(edges: Edges | None) -> float:
    """How much of the logit of a candidate's score is the model's own; the rest: ``masks_say``.

    Args:
        edges: of the picture; None where they are not looked at.
    """
    return _OWN_PART if edges else 1.0


def masks_say(logits: Tensor, edges: Edges | None) -> Tensor:
    """What each candidate's mask adds to that: how it follows edges, and how stable it is.

    Args:
        logits: float32 (K, h, w), answers about a picture.
        edges: of the picture; nothing is added without.

    Returns:
        float32 (K,).
    """
    if not edges:
        return logits.new_zeros(len(logits))
    return _OWN_PART * _lines_say(logits, edges) + (1 - _OWN_PART) * _steadiness(logits)


def _lines_say(logits: Tensor, edges: Edges) -> Tensor:
    """float32 (K,): what masks (K, h, w) add to the logits of the model's own scores."""
    return _FOLLOWED_WORTH * (edges.followed(logits > 0) - USUALLY_FOLLOWED)


def _steadiness(logits: Tensor) -> Tensor:
    """float32 (K,): in logits, the IoU that masks (K, h, w) have by their stability."""
    return stability(logits, _MOVED).logit(_STEADY) - _STEADIER
