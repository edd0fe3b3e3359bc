"""A plan is looked at from two sides: as it is, and mirrored along its diagonal.

A small model does not say quite the same of both, and the mean of what it says is nearer to the
truth than either (averaging over mirrored inputs is usual with classifiers, see A. Krizhevsky and
others, 2012). Of all ways to turn a picture this one leaves the corners of a box what they are.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from hashlib import blake2b

import numpy as np
import torch
from torch import Tensor

from floorseg.core.decoded import Decoded, Wanted, in_order
from floorseg.core.decoder import ImageSide
from floorseg.core.predictor import Embedding, Predictor
from floorseg.core.preprocess import prepare_image
from floorseg.core.structures import Point, Prompt


@dataclass(frozen=True, slots=True, eq=False)
class TwoSided(Embedding):
    """A picture seen from both sides.

    Attributes:
        mirrored: the features of the picture whose columns are this one's rows.
    """

    mirrored: ImageSide

    @property
    def nbytes(self) -> int:
        """Bytes of memory held."""
        return self.image.nbytes + self.mirrored.nbytes

    def one_side(self) -> Embedding:
        """The picture as it is, by itself."""
        return Embedding(self.image, self.size, self.digest)

    def other_side(self) -> Embedding:
        """The mirrored picture by itself."""
        height, width = self.size
        return Embedding(self.mirrored, (width, height), self.digest)


class TwoSidedPredictor(Predictor):
    """A predictor whose answers are means of what it says to a picture and to its mirror image.

    Clicks that are counted, not shown (``rough``), are put to one side each: their count averages
    over both.
    """

    def encode_tensor(
        self,
        batch: Tensor,
        sizes: Sequence[tuple[int, int]],
        digests: Sequence[str] | None = None,
    ) -> list[Embedding]:
        """As ``Predictor.encode_tensor``, but from both sides in one pass."""
        names = list(digests) if digests else [""] * len(batch)
        both = super().encode_tensor(torch.cat([batch, batch.mT]), [*sizes, *sizes], names * 2)
        return [
            TwoSided(one.image, one.size, one.digest, mirrored=other.image)
            for one, other in zip(both[: len(batch)], both[len(batch) :], strict=True)
        ]

    def encode_one_side(self, image: np.ndarray) -> Embedding:
        """What the model sees in an image that is not worth mirroring: half the time.

        Args:
            image: uint8 (H, W, 3), RGB, any size.
        """
        batch = prepare_image(image, self.image_size, self.device)[None]
        return super().encode_tensor(batch, [(int(image.shape[0]), int(image.shape[1]))])[0]

    @torch.inference_mode()
    def _decode(
        self,
        embedding: Embedding,
        prompts: Sequence[Prompt],
        masks: Tensor | None,
        wanted: Wanted,
    ) -> Decoded:
        if not isinstance(embedding, TwoSided):
            return super()._decode(embedding, prompts, masks, wanted)
        # what one side holds for nothing may be worth something to both
        above = wanted.above if wanted.rough else -math.inf
        ask = partial(super()._decode, wanted=replace(wanted, above=above))

        def look(places: list[int], *, mirrored: bool) -> Decoded:
            asked, shown = [prompts[i] for i in places], None if masks is None else masks[places]
            if not mirrored:
                return ask(embedding, asked, shown)
            turned = None if shown is None else shown.mT
            seen = ask(embedding.other_side(), [_mirrored(prompt) for prompt in asked], turned)
            return Decoded(seen.logits.mT, seen.scores)

        everyone = list(range(len(prompts)))
        if wanted.rough:
            turned = [i for i in everyone if _is_of_other_side(prompts[i])]
            straight = [i for i in everyone if i not in set(turned)]
            sides = [(places, places is turned) for places in (straight, turned) if places]
            answers = [look(places, mirrored=mirrored) for places, mirrored in sides]
            return in_order(answers, [places for places, _ in sides])
        one, other = look(everyone, mirrored=False), look(everyone, mirrored=True)
        return Decoded((one.logits + other.logits) / 2, (one.scores + other.scores) / 2)


def _mirrored(prompt: Prompt) -> Prompt:
    """The prompt's points and box on the mirrored picture."""
    points = tuple(Point(point.y, point.x, point.inside) for point in prompt.points)
    if prompt.box is None:
        return Prompt(points)
    x0, y0, x1, y1 = prompt.box
    return Prompt(points, (y0, x0, y1, x1))


def _is_of_other_side(prompt: Prompt) -> bool:
    """True for about half of all clicks, without pattern on a grid; for one click always alike."""
    spots = np.array([(point.x, point.y) for point in prompt.points], np.float32)
    return bool(blake2b(spots.tobytes(), digest_size=1).digest()[0] % 2)
