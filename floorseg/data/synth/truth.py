"""The truth layers of a sheet as annotations, all masks of a layer in one pass."""

from collections.abc import Iterator

import numpy as np

from floorseg.core import rle
from floorseg.data.annotation import Annotation
from floorseg.data.synth.canvas import Canvas, Thing

CATEGORIES = {
    "room": 1,
    "wall": 2,
    "door": 3,
    "window": 4,
    "opening": 5,
    "stairs": 6,
    "lift": 7,
    "column": 8,
}
SMALLEST = {"room": 60, "stairs": 30, "lift": 30}  # pixels; what is less cannot be seen
SMALLEST_OTHER = 8


def annotations_of(canvas: Canvas) -> Iterator[Annotation]:
    """One annotation for every object that can still be seen, in the order they were drawn."""
    number = 0
    for layer in (canvas.truth, canvas.over):
        for label, runs in label_runs(layer):
            thing = canvas.things[label - 1]
            if runs[1::2].sum() >= SMALLEST.get(thing.category, SMALLEST_OTHER):
                number += 1
                yield _annotation(number, runs, layer.shape, thing)


def label_runs(layer: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Column-major run lengths, zeros first, of every label of a layer.

    Args:
        layer: unsigned integers (H, W); 0 is nothing.

    Yields:
        (label, int64 run lengths), labels ascending.
    """
    flat = layer.ravel(order="F")
    starts = np.concatenate(([0], np.flatnonzero(flat[1:] != flat[:-1]) + 1))
    stops = np.append(starts[1:], flat.size)
    labels = flat[starts]
    order = np.argsort(labels, kind="stable")
    starts, stops, labels = starts[order], stops[order], labels[order]
    found, first = np.unique(labels, return_index=True)
    bounds = [*first.tolist(), labels.size]
    for k, label in enumerate(found.tolist()):
        if label:
            chosen = slice(bounds[k], bounds[k + 1])
            edges = np.stack([starts[chosen], stops[chosen]], axis=1).ravel()
            runs = np.diff(edges, prepend=0, append=flat.size)
            yield label, runs if runs[-1] else runs[:-1]


def _annotation(number: int, runs: np.ndarray, shape: tuple[int, ...], thing: Thing) -> Annotation:
    extra = {"room_type": thing.room_type} if thing.room_type else {}
    extra |= {"kind": thing.name} if thing.name else {}
    return Annotation(
        id=number,
        segmentation=rle.from_runs(runs, (shape[0], shape[1])),
        category_id=CATEGORIES[thing.category],
        category_name=thing.category,
        extra=extra,
    )
