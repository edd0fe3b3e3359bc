"""Small rooms are looked at again: at 512 pixels a sheet, a model sees a closet as a speck.

That is so however many pixels the picture has: the model thinks in cells of sixteen pixels, and
in a picture of 512 or of 256 pixels, too, enlarged parts are better understood than the whole.

Where the answer to a prompt is small, the part of the plan around it, half as wide and half as
high, is encoded by itself, so that the model sees it twice as large, and the prompt is put there
once more; of the two answers the one counts that the model holds for better. SAM's generator of
masks does so with crops of the whole picture (its ``crop_n_layers``); here a crop is encoded when
it is first needed, and it answers single clicks and boxes as well.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from threading import Lock

import numpy as np
from sam2.modeling.sam2_base import SAM2Base
from torch import Tensor
from torch.nn import functional as F

from floorseg.core.closeup_places import (
    QUARTERS,
    Place,
    cut,
    cut_off,
    moved,
    place_of,
    placed,
    window,
)
from floorseg.core.decoded import Decoded, Wanted
from floorseg.core.edge_smoothing import Edges
from floorseg.core.mask_scores import steadied, to_edges
from floorseg.core.middle import middle_of, take_if_better
from floorseg.core.predictor import Embedding, Predictor
from floorseg.core.sides import ManySided, ManySidedPredictor
from floorseg.core.sprinkles import without_sprinkles
from floorseg.core.structures import Prompt

CLOSE_UPS_BELOW = 768  # pixels a side; models that see more see small rooms well enough
# How much larger than what the model sees a picture must be, by its area's root, for clicks that
# are but counted: in others enlarged furniture gets votes (F1 on synthetic plans 0.67 to 0.65).
_WORTH_COUNTING = 1.25
SMALL = 0.12  # of the picture's side: square root of the area of answers that are looked at closely
SMALL_COUNTED = 0.08  # and of clicks that are but counted: less to encode, the same rooms
_LEAST = 64  # pixels; the parts of a picture whose shorter side is shorter show nothing
_AMID = 0.125  # of the picture's side, around its middle: elsewhere one of the halves is nearer
_AMID_COUNTED = 0.06  # and for clicks that are but counted: fewer parts to encode, the same rooms


def make_predictor(model: SAM2Base, *, precision: str = "auto") -> Predictor:
    """The predictor for a model: with close-ups where the model looks at few pixels.

    Args:
        model: as ``load_model`` returns it.
        precision: see ``Predictor``.
    """
    kind = CloseUpPredictor if model.image_size < CLOSE_UPS_BELOW else Predictor
    return kind(model, precision=precision)


@dataclass(frozen=True, slots=True, eq=False)
class Sheet(ManySided):
    """A picture whose parts may show more than the model sees at once.

    Attributes:
        pixels: uint8 (H, W, 3), RGB, the picture.
        edges: where it shows any.
        has_more: it has more pixels than the model sees: what is counted is looked at closely, too.
        close_ups: what the model saw in parts of it so far.
        lock: held while a part is encoded, so that nobody does it twice.
    """

    pixels: np.ndarray
    edges: Edges
    has_more: bool
    close_ups: dict[Place, Embedding] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def closely(self, *, counted: bool) -> bool:
        """Whether its parts are worth a look, for clicks that are shown or but counted."""
        return min(self.size) >= _LEAST and (self.has_more or not counted)

    @property
    def overview(self) -> ManySided:
        """The whole picture by itself: what is small in it is looked at once only."""
        return ManySided(self.image, self.size, self.digest, self.others)

    @property
    def nbytes(self) -> int:
        """Bytes of memory held once every part has been looked at."""
        looks = 1 + (len(QUARTERS) ** 2 if self.closely(counted=False) else 0)
        return looks * self.overview.nbytes + self.pixels.nbytes + self.edges.nbytes


class CloseUpPredictor(ManySidedPredictor):
    """A predictor that looks at small things again, from many sides, and leaves no crumbs.

    Logits lie on a grid twice as fine as the decoder's, so that answers of both kinds fit: a
    close-up's as it is, the others enlarged.
    """

    def encode_many(self, images: Sequence[np.ndarray]) -> list[Embedding]:
        """Several images in one pass; close-ups are encoded when they are first needed.

        Args:
            images: uint8 (H, W, 3), RGB, each of any size.
        """
        found = super().encode_many(images)
        return [
            self._sheet(whole, image) if isinstance(whole, ManySided) else whole
            for whole, image in zip(found, images, strict=True)
        ]

    def _sheet(self, whole: ManySided, image: np.ndarray) -> Sheet:
        return Sheet(
            whole.image, whole.size, whole.digest, whole.others,
            pixels=image,
            edges=Edges.of(image, 2 * self.logit_size),
            has_more=math.sqrt(math.prod(whole.size)) >= _WORTH_COUNTING * self.image_size,
        )  # fmt: skip

    def _logit_side(self, embedding: Embedding) -> int:
        return self.logit_size * (2 if isinstance(embedding, Sheet) else 1)

    def _answer(
        self,
        embedding: Embedding,
        prompts: Sequence[Prompt],
        masks: Sequence[Tensor | None],
        wanted: Wanted,
    ) -> Decoded:
        """What is seen from afar and close up; clicks near a wall are put to the middle, too."""
        if not isinstance(embedding, Sheet):
            return super()._answer(embedding, prompts, masks, wanted)
        answers = self._answer_once(embedding, prompts, masks, wanted)
        if not (wanted.shown and wanted.multimask):
            return answers
        size, chosen = embedding.size, answers.chosen()
        middles = {
            i: middle
            for i, prompt in enumerate(prompts)
            if masks[i] is None and (middle := middle_of(prompt, chosen[i], size))
        }
        if middles:
            asked, again = list(middles), list(middles.values())
            seen = self._answer_once(embedding, again, [None] * len(again), wanted)
            take_if_better(answers, seen, asked, [prompts[i].points[0] for i in asked], size)
        return answers

    def _answer_once(
        self,
        embedding: Sheet,
        prompts: Sequence[Prompt],
        masks: Sequence[Tensor | None],
        wanted: Wanted,
    ) -> Decoded:
        """Each prompt on the whole picture, then what is small close up; then to its edges."""
        look = super()._answer
        # however little it is worth from afar: how large it is says whether to look closely
        closely = embedding.closely(counted=wanted.rough)
        drawn = replace(wanted, above=-math.inf) if closely else wanted
        whole = look(embedding, prompts, [_coarser(mask) for mask in masks], drawn)
        answers = to_edges(Decoded(finer(whole.logits), whole.scores), embedding.edges, wanted)
        for place, asked in _closer(embedding, prompts, whole, wanted).items():
            there = [moved(prompts[i], place, embedding.size) for i in asked]
            shown = [cut(masks[i], place) for i in asked]
            part = self._part(embedding, place, counted=wanted.rough)
            seen = placed(look(part, there, shown, wanted), place)
            _take_better(answers, to_edges(seen, embedding.edges, wanted), asked, place)
        return steadied(answers, wanted)

    def _decode(
        self,
        embedding: Embedding,
        prompts: Sequence[Prompt],
        masks: Tensor | None,
        wanted: Wanted,
    ) -> Decoded:
        """One look: small models leave crumbs, which sweeps take away once they have voted."""
        seen = super()._decode(embedding, prompts, masks, wanted)
        return seen if wanted.rough else Decoded(without_sprinkles(seen.logits), seen.scores)

    def _part(self, sheet: Sheet, place: Place, *, counted: bool = False) -> Embedding:
        """What the model sees in a part of the picture, from one side if clicks are but counted."""
        with sheet.lock:
            seen = sheet.close_ups.get(place)
            if seen is None or not (counted or isinstance(seen, ManySided)):
                x0, y0, x1, y1 = window(place, sheet.size)
                image = np.ascontiguousarray(sheet.pixels[y0:y1, x0:x1])
                seen = self.encode_one_side(image) if counted else super().encode_many([image])[0]
                sheet.close_ups[place] = seen
        # what is counted must not depend on what was clicked before
        return seen.one_side() if counted and isinstance(seen, ManySided) else seen


def _closer(
    sheet: Sheet, prompts: Sequence[Prompt], whole: Decoded, wanted: Wanted
) -> dict[Place, list[int]]:
    """Which prompts are worth a second look, by the close-up that shows them best."""
    if not sheet.closely(counted=wanted.rough):
        return {}
    amid, small = (_AMID_COUNTED, SMALL_COUNTED) if wanted.rough else (_AMID, SMALL)
    shares = (whole.chosen() > 0).flatten(1).float().mean(dim=1).tolist()
    found: dict[Place, list[int]] = {}
    for number, (prompt, share) in enumerate(zip(prompts, shares, strict=True)):
        place = place_of(prompt, sheet.size, amid) if share < small**2 else None
        if place is not None:
            found.setdefault(place, []).append(number)
    return found


def finer(logits: Tensor) -> Tensor:
    """Logits (N, C, h, w) on a grid twice as fine, as those of a sheet are."""
    return F.interpolate(logits, scale_factor=2, mode="bilinear", align_corners=False)


def _coarser(mask: Tensor | None) -> Tensor | None:
    return None if mask is None else F.avg_pool2d(mask[None].float(), 2)[0]


def edges_of(embedding: Embedding) -> Edges | None:
    """Where a picture shows edges; None where nobody looks for them."""
    return embedding.edges if isinstance(embedding, Sheet) else None


def _take_better(answers: Decoded, seen: Decoded, asked: list[int], place: Place) -> None:
    """Put a close-up's answers where the model holds them for better and they are whole."""
    better = seen.scores.amax(dim=1) > answers.scores[asked].amax(dim=1)
    better &= ~cut_off(seen.chosen(), place)
    for i in better.nonzero().flatten().tolist():
        answers.logits[asked[i]] = seen.logits[i]
        answers.scores[asked[i]] = seen.scores[i]
