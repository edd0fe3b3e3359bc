"""A plan is looked at from several sides: as it is, mirrored, and turned.

A small model does not say quite the same of all of them, and the mean of what it says is nearer to
the truth than any (averaging over mirrored inputs is usual with classifiers, see A. Krizhevsky and
others, 2012).
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


@dataclass(frozen=True, slots=True)
class Side:
    """One way to see a picture.

    Attributes:
        reversed_x: columns from right to left.
        diagonal: thereafter, columns for rows.
    """

    reversed_x: bool = False
    diagonal: bool = False

    def of(self, plane: Tensor) -> Tensor:
        """Tensors (..., H, W) as they look from this side."""
        plane = plane.flip(-1) if self.reversed_x else plane
        return plane.mT if self.diagonal else plane

    def back(self, plane: Tensor) -> Tensor:
        """What was seen from this side, where it lies in the picture: (..., H, W)."""
        plane = plane.mT if self.diagonal else plane
        return plane.flip(-1) if self.reversed_x else plane

    def size(self, size: tuple[int, int]) -> tuple[int, int]:
        """(H, W) of a picture of (H, W) pixels, from this side."""
        return (size[1], size[0]) if self.diagonal else size

    def prompt(self, prompt: Prompt, size: tuple[int, int]) -> Prompt:
        """The prompt's points and box on a picture of (H, W) pixels that is seen from this side."""
        points = tuple(Point(*self._spot(p.x, p.y, size), p.inside) for p in prompt.points)
        if prompt.box is None:
            return Prompt(points)
        corners = [self._spot(*corner, size) for corner in (prompt.box[:2], prompt.box[2:])]
        (x0, x1), (y0, y1) = (sorted(ends) for ends in zip(*corners, strict=True))
        return Prompt(points, (x0, y0, x1, y1))

    def _spot(self, x: float, y: float, size: tuple[int, int]) -> tuple[float, float]:
        x = size[1] - 1 - x if self.reversed_x else x
        return (y, x) if self.diagonal else (x, y)


STRAIGHT = Side()
# A plan and its mirror image get mirrored answers. All eight sides were no better than these four,
# on turned plans, too; half turns instead were a little worse.
OTHERS = (Side(diagonal=True), Side(reversed_x=True), Side(reversed_x=True, diagonal=True))


@dataclass(frozen=True, slots=True, eq=False)
class ManySided(Embedding):
    """A picture seen from several sides.

    Attributes:
        others: the features of the picture as it is seen from each of ``OTHERS``.
    """

    others: tuple[ImageSide, ...]

    @property
    def nbytes(self) -> int:
        """Bytes of memory held."""
        return self.image.nbytes + sum(other.nbytes for other in self.others)

    def one_side(self) -> Embedding:
        """The picture as it is, by itself."""
        return Embedding(self.image, self.size, self.digest)

    def sides(self) -> list[tuple[Side, Embedding]]:
        """The picture from each side by itself, as it is first."""
        turned = [
            (side, Embedding(image, side.size(self.size), self.digest))
            for side, image in zip(OTHERS, self.others, strict=True)
        ]
        return [(STRAIGHT, self.one_side()), *turned]


class ManySidedPredictor(Predictor):
    """A predictor whose answers are means of what it says to a picture from several sides.

    Clicks that are counted, not shown (``rough``), are put to one side each: their count averages
    over all.
    """

    def encode_tensor(
        self,
        batch: Tensor,
        sizes: Sequence[tuple[int, int]],
        digests: Sequence[str] | None = None,
    ) -> list[Embedding]:
        """As ``Predictor.encode_tensor``, but from every side in one pass."""
        names, count = list(digests) if digests else [""] * len(batch), len(batch)
        sides = (STRAIGHT, *OTHERS)
        seen = torch.cat([side.of(batch) for side in sides])
        found = super().encode_tensor(seen, [*sizes] * len(sides), names * len(sides))
        return [
            ManySided(
                one.image, one.size, one.digest,
                others=tuple(other.image for other in found[place + count :: count]),
            )
            for place, one in enumerate(found[:count])
        ]  # fmt: skip

    def encode_one_side(self, image: np.ndarray) -> Embedding:
        """What the model sees in an image that is not worth mirroring: a quarter of the time.

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
        if not isinstance(embedding, ManySided):
            return super()._decode(embedding, prompts, masks, wanted)
        # what one side holds for nothing may be worth something to all
        above = wanted.above if wanted.rough else -math.inf
        ask = partial(super()._decode, wanted=replace(wanted, above=above))

        def look(side: Side, seen: Embedding, places: Sequence[int]) -> Decoded:
            asked = [side.prompt(prompts[i], embedding.size) for i in places]
            shown = None if masks is None else side.of(masks[list(places)])
            answer = ask(seen, asked, shown)
            return Decoded(side.back(answer.logits), answer.scores)

        sides = embedding.sides()
        if wanted.rough:
            groups: dict[int, list[int]] = {}
            for i, prompt in enumerate(prompts):
                groups.setdefault(_side_asked(prompt, len(sides)), []).append(i)
            answers = [look(*sides[number], places) for number, places in groups.items()]
            return in_order(answers, list(groups.values()))
        answers = [look(*side, range(len(prompts))) for side in sides]
        return Decoded(
            torch.stack([answer.logits for answer in answers]).mean(dim=0),
            torch.stack([answer.scores for answer in answers]).mean(dim=0),
        )


def _side_asked(prompt: Prompt, sides: int) -> int:
    """Which of so many: each by about as many clicks, without pattern on a grid.

    For one click it is always the same.
    """
    spots = np.array([(point.x, point.y) for point in prompt.points], np.float32)
    return blake2b(spots.tobytes(), digest_size=1).digest()[0] % sides
