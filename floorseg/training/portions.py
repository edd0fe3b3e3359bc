"""A batch in portions: gradients of a large batch in the memory of a small one."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from training.utils.data_utils import BatchedVideoDatapoint


@dataclass(frozen=True, slots=True, eq=False)
class Portion:
    """A part of a batch and its share of the batch's objects, in [0, 1]."""

    batch: BatchedVideoDatapoint
    share: float


def portions(batch: BatchedVideoDatapoint, at_once: int | None) -> Iterator[Portion]:
    """A batch of still images, so many images at a time.

    Losses are means over objects: weighted by its share, the portions' losses add up to the
    batch's, and so do their gradients.

    Args:
        batch: of one frame a plan.
        at_once: images a portion; None for all.
    """
    images = batch.img_batch.shape[1]
    if at_once is None or at_once >= images or batch.img_batch.shape[0] != 1:
        yield Portion(batch, 1.0)
        return
    owner = batch.obj_to_frame_idx[0, :, 1]
    for start in range(0, images, at_once):
        mine = torch.nonzero((owner >= start) & (owner < start + at_once))[:, 0]
        if len(mine):
            yield Portion(_part(batch, start, at_once, mine), len(mine) / len(owner))


def _part(
    batch: BatchedVideoDatapoint, start: int, at_once: int, objects: torch.Tensor
) -> BatchedVideoDatapoint:
    index = batch.obj_to_frame_idx[:, objects].clone()
    index[..., 1] -= start
    metadata = type(batch.metadata)(
        unique_objects_identifier=batch.metadata.unique_objects_identifier[:, objects],
        frame_orig_size=batch.metadata.frame_orig_size[:, objects],
        batch_size=batch.metadata.batch_size,
    )
    return BatchedVideoDatapoint(
        img_batch=batch.img_batch[:, start : start + at_once],
        obj_to_frame_idx=index,
        masks=batch.masks[:, objects],
        metadata=metadata,
        dict_key=batch.dict_key,
        batch_size=batch.batch_size,
    )
