"""A plan is looked at from two sides: as it is, and mirrored along its diagonal.

A small model does not say quite the same of both, and the mean of what it says is nearer to the
truth than either (averaging over mirrored inputs is usual with classifiers, see A. Krizhevsky and
others, 2012). Of all ways to turn a picture this one leaves the corners of a box what they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from floorseg.core.decoder import ImageSide
from floorseg.core.predictor import Decoded, Embedding, Predictor, in_order
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
        """A batch that is already scaled and normalised, from both sides in one pass.

        Args:
            batch: float32 (B, 3, S, S) on the model's device, S the model's image size.
            sizes: (H, W) in pixels of each original image: prompts are given in these.
            digests: one for each image; empty strings where nobody needs them.
        """
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
        multimask: bool,
        *,
        rough: bool,
    ) -> Decoded:
        ask = partial(super()._decode, multimask=multimask, rough=rough)
        if not isinstance(embedding, TwoSided):
            return ask(embedding, prompts, masks)

        def look(places: list[int], *, mirrored: bool) -> Decoded:
            asked, shown = [prompts[i] for i in places], None if masks is None else masks[places]
            if not mirrored:
                return ask(embedding, asked, shown)
            turned = None if shown is None else shown.mT
            seen = ask(embedding.other_side(), [_mirrored(prompt) for prompt in asked], turned)
            return Decoded(seen.logits.mT, seen.scores)

        everyone = list(range(len(prompts)))
        if rough:
            odd = [i for i in everyone if _is_odd(prompts[i])]
            even = [i for i in everyone if not _is_odd(prompts[i])]
            sides = [(places, places is odd) for places in (even, odd) if places]
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


def _is_odd(prompt: Prompt) -> bool:
    """Half of all prompts, without pattern on a grid; the same prompt always the same."""
    return any((int(point.x) + int(point.y)) % 2 for point in prompt.points[:1])
