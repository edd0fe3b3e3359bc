"""One image, many prompts: ``encode`` is the slow half of SAM 2, ``decode`` the quick one.

Both take values and return values: nothing of an image stays inside the predictor, so any number
of threads may use one. Results are those of sam2's own ``SAM2ImagePredictor``.
"""

import math
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b

import numpy as np
import torch
from sam2.modeling.sam.mask_decoder import MaskDecoder
from sam2.modeling.sam2_base import SAM2Base
from torch import Tensor

from floorseg.core.decoded import Decoded, Wanted, in_order
from floorseg.core.decoder import LOGIT_LIMIT, ImageSide, decode_masks, image_side
from floorseg.core.device import autocast, encoder_dtype, sweep_dtype
from floorseg.core.enlarge import enlarge_mask
from floorseg.core.neck import image_levels
from floorseg.core.preprocess import prepare_image
from floorseg.core.prompt_tensors import count_points, masks_of, point_tensors
from floorseg.core.structures import MaskProposal, Prompt

_CACHED_BYTES = 4 << 20  # of image tokens, and some times that in between


@dataclass(frozen=True, slots=True, eq=False)
class Embedding:
    """What the model sees in one image; everything that a prompt needs of it.

    Attributes:
        image: the features at three levels, laid out for the decoder.
        size: (H, W) of the original image in pixels.
        digest: hexadecimal digest of the image's pixels and size.
    """

    image: ImageSide
    size: tuple[int, int]
    digest: str

    @property
    def nbytes(self) -> int:
        """Bytes of memory held, for a cache that is bounded."""
        return self.image.nbytes


class Predictor:
    """Encodes images and answers prompts with one model.

    Args:
        model: as ``load_model`` returns it; its weights and its mode are left as they are.
        precision: of the image encoder: "auto", "float32" or "bfloat16"; see ``core.device``.
    """

    def __init__(self, model: SAM2Base, *, precision: str = "auto") -> None:
        self.model = model
        self._encoder_dtype = encoder_dtype(self.device, precision)
        self._sweep_dtype = sweep_dtype(self.device, precision)

    @property
    def image_size(self) -> int:
        """Side in pixels of the square that images are scaled to."""
        return int(self.model.image_size)

    @property
    def logit_size(self) -> int:
        """Side in pixels of the logits that the decoder gives and takes."""
        return self.image_size // 4

    @property
    def device(self) -> torch.device:
        """Where the model computes."""
        return next(self.model.parameters()).device

    def encode(self, image: np.ndarray) -> Embedding:
        """The slow half: what the model sees in an image.

        Args:
            image: uint8 (H, W, 3), RGB, any size.
        """
        return self.encode_many([image])[0]

    def encode_many(self, images: Sequence[np.ndarray]) -> list[Embedding]:
        """Several images in one pass of the encoder.

        Args:
            images: uint8 (H, W, 3), RGB, each of any size.
        """
        sizes = [(int(image.shape[0]), int(image.shape[1])) for image in images]
        batch = torch.stack([prepare_image(i, self.image_size, self.device) for i in images])
        return self.encode_tensor(batch, sizes, [_digest(image) for image in images])

    @torch.inference_mode()
    def encode_tensor(
        self,
        batch: Tensor,
        sizes: Sequence[tuple[int, int]],
        digests: Sequence[str] | None = None,
    ) -> list[Embedding]:
        """A batch that is already scaled and normalised.

        Args:
            batch: float32 (B, 3, S, S) on the model's device, S the model's image size.
            sizes: (H, W) in pixels of each original image: prompts are given in these.
            digests: one for each image; empty strings where nobody needs them.
        """
        model = self.model
        with autocast(self.device, self._encoder_dtype):
            found = image_levels(model, batch)
        levels = [level.float() for level in found]
        coarse = levels.pop()
        if model.directly_add_no_mem_embed:
            coarse = coarse + model.no_mem_embed.reshape(1, -1, 1, 1)
        position = model.sam_prompt_encoder.get_dense_pe()[0]
        return [
            Embedding(
                image=image_side(coarse[i], position, [level[i] for level in levels]),
                size=sizes[i],
                digest=digests[i] if digests else "",
            )
            for i in range(len(batch))
        ]

    @torch.inference_mode()
    def decode_logits(
        self,
        embedding: Embedding,
        prompts: Sequence[Prompt],
        *,
        multimask: bool = True,
        previous: Tensor | None = None,
        rough: bool = False,
        above: float = -math.inf,
    ) -> Decoded:
        """The quick half, as fast as it goes: many prompts on one image, masks left small.

        The answer to a prompt does not depend on what else is asked in the same call.

        Args:
            embedding: of the image.
            prompts: any mix of points, boxes and previous masks, in pixels of the original image.
            multimask: three candidates for each prompt (made for one ambiguous click), or one.
            previous: float32 (N, h, w), logits of an earlier answer to each prompt, in the place
                of every ``Prompt.mask``.
            rough: decode in bfloat16 where that is faster: for clicks that are counted, not shown.
            above: prompts none of whose candidates scores higher than this are answered by their
                scores and, maybe, by empty masks: where most clicks come to nothing, a third of
                the time is saved.

        Raises:
            ValueError: if a prompt is empty or a previous mask has another size than the logits.
        """
        side = self._logit_side(embedding)
        if not prompts:
            count = 3 if multimask else 1
            return Decoded(torch.zeros(0, count, side, side), torch.zeros(0, count))
        masks = masks_of(prompts, previous, side)
        for place, (prompt, mask) in enumerate(zip(prompts, masks, strict=True)):
            if not prompt and mask is None:
                raise ValueError(f"prompt {place} is empty: it needs a point, a box or a mask")
        return self._answer(embedding, prompts, masks, Wanted(multimask, rough, above))

    def decode(
        self, embedding: Embedding, prompts: Sequence[Prompt], *, multimask: bool = True
    ) -> list[list[MaskProposal]]:
        """Masks of the original image's size for each prompt, the best first.

        Args:
            embedding: of the image.
            prompts: see ``decode_logits``.
            multimask: three candidates for each prompt, or one.
        """
        decoded = self.decode_logits(embedding, prompts, multimask=multimask)
        answers = []
        for logits, scores in zip(decoded.logits, decoded.scores.tolist(), strict=True):
            proposals = [
                MaskProposal(mask=enlarge_mask(one, embedding.size), score=min(max(score, 0), 1))
                for one, score in zip(logits, scores, strict=True)
            ]
            answers.append(sorted(proposals, key=lambda p: p.score, reverse=True))
        return answers

    def _logit_side(self, _: Embedding) -> int:
        """Side in pixels of the logits of answers on this image."""
        return self.logit_size

    def _answer(
        self,
        embedding: Embedding,
        prompts: Sequence[Prompt],
        masks: Sequence[Tensor | None],
        wanted: Wanted,
    ) -> Decoded:
        """What ``decode_logits`` gives: prompts of one kind are decoded together."""
        groups: dict[tuple[int, bool], list[int]] = {}
        for place, (prompt, mask) in enumerate(zip(prompts, masks, strict=True)):
            groups.setdefault((count_points(prompt), mask is not None), []).append(place)
        answers = []
        for places in groups.values():
            given = [mask for i in places if (mask := masks[i]) is not None]
            shown = torch.stack(given)[:, None].to(self.device, torch.float32) if given else None
            asked = [prompts[i] for i in places]
            answers.append(self._decode(embedding, asked, shown, wanted))
        return in_order(answers, list(groups.values()))

    def _decode(
        self,
        embedding: Embedding,
        prompts: Sequence[Prompt],
        masks: Tensor | None,
        wanted: Wanted,
    ) -> Decoded:
        """Prompts of one kind: equally many points, all with a previous mask or none."""
        model = self.model
        sparse, dense = model.sam_prompt_encoder(
            points=point_tensors(prompts, embedding.size, self.image_size, self.device),
            boxes=None,
            masks=masks,
        )
        if masks is None:
            dense = dense[:1]  # the same for all: the decoder computes it once
        if len(sparse) != len(prompts):  # masks alone: no points to count prompts by
            sparse = sparse.expand(len(prompts), -1, -1)
        decoder, image = model.sam_mask_decoder, embedding.image
        if wanted.rough and self._sweep_dtype is not torch.float32:
            decoder, image = self._rough_decoder, image.to(self._sweep_dtype)
        sparse, dense = sparse.to(image.tokens.dtype), dense.to(image.tokens.dtype)
        chunk = self._chunk(image)
        parts = []
        for start in range(0, len(prompts), chunk):
            part = slice(start, start + chunk)
            shown = dense if masks is None else dense[part]
            found = decode_masks(
                decoder, image, sparse[part], shown,
                multimask=wanted.multimask, above=wanted.above,
            )  # fmt: skip
            parts.append(found)
        logits = torch.cat([logits for logits, _ in parts])
        return Decoded(
            logits.float().clamp_(-LOGIT_LIMIT, LOGIT_LIMIT),
            torch.cat([scores for _, scores in parts]).float(),
        )

    @cached_property
    def _rough_decoder(self) -> MaskDecoder:
        """A copy of the mask decoder, for clicks that are counted."""
        return deepcopy(self.model.sam_mask_decoder).to(self._sweep_dtype)

    def _chunk(self, image: ImageSide) -> int:
        """Prompts decoded at a time: on a CPU as many as its cache holds."""
        if self.device.type != "cpu":
            return 128
        return max(1, _CACHED_BYTES // (image.tokens.numel() * image.tokens.element_size()))


def _digest(image: np.ndarray) -> str:
    """Hexadecimal digest of the pixels and the shape."""
    found = blake2b(repr(image.shape).encode(), digest_size=16)
    found.update(np.ascontiguousarray(image).data)
    return found.hexdigest()
