"""One picture under one protocol: encode it once, ask for every object, note what came back."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Any
from zlib import crc32

import numpy as np

from eval.asking import (
    Answering,
    Box,
    Conversation,
    ask_boxes,
    ask_clicks,
    boundary_agreement,
    picture_size,
)
from eval.cutout import Cutout, Size
from eval.hard import HardClicks
from eval.protocols import NOT_ROOMS, Protocol
from eval.truth import Truth, truths_of
from floorseg.core.images import read_image
from floorseg.core.matching import count_matches, match
from floorseg.core.metrics import pairwise_iou
from floorseg.core.prompts import centre_click, jittered_box, jittered_click
from floorseg.core.structures import MaskProposal, Point
from floorseg.data.annotation import Sample

MATCH_AT = (0.5, 0.75)

Record = dict[str, Any]
FindAll = Callable[[Any], Sequence[MaskProposal]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """How pictures are asked.

    Attributes:
        protocol: see ``eval.protocols``.
        clicks: most clicks an object gets.
        seed: of every random draw.
        labels: only these classes; all where empty.
    """

    protocol: Protocol
    clicks: int
    seed: int = 0
    labels: tuple[str, ...] = ()


def evaluate_picture(
    predictor: Answering,
    sample: Sample,
    name: str,
    asking: Asking,
    find_all: FindAll | None = None,
) -> Record:
    """Everything that is worth keeping about one picture, ready for JSON.

    Args:
        predictor: what is evaluated.
        sample: the picture and its truth.
        name: what the picture is called in reports, the same on every machine: random draws
            depend on it.
        asking: how.
        find_all: embedding -> every region, for the protocol ``everything``.

    Raises:
        ImageError: if the picture cannot be read.
        DatasetError: if its masks have another size.
    """
    content = sample.image_path.read_bytes()
    image = read_image(content)
    size = picture_size(image)
    everything = find_all is not None and asking.protocol.name == "everything"
    unwanted = NOT_ROOMS if everything and not asking.labels else ()
    truths = truths_of(sample, size, labels=asking.labels, without=unwanted)
    record: Record = {
        "image": name,
        "digest": blake2b(content, digest_size=16).hexdigest(),
        "height": size[0],
        "width": size[1],
        "empty": sum(annotation.area() == 0 for annotation in sample.annotations),
    }
    started = time.perf_counter()
    embedding = predictor.encode(image)
    encoded = time.perf_counter()
    if everything and find_all is not None:
        record |= _find_everything(find_all, embedding, truths, size)
    else:
        record |= _ask_for_each(predictor, embedding, _Scene(image, truths, name), asking)
    record["encode_seconds"] = encoded - started
    record["prompt_seconds"] = time.perf_counter() - encoded
    return record


@dataclass(frozen=True, eq=False)
class _Scene:
    """What prompts are drawn from."""

    image: np.ndarray
    truths: Sequence[Truth]
    name: str

    @property
    def size(self) -> Size:
        return picture_size(self.image)

    @cached_property
    def hard(self) -> HardClicks:
        doors = [truth for truth in self.truths if truth.label.lower().startswith("door")]
        return HardClicks(self.image, doors)


def _ask_for_each(predictor: Answering, embedding: Any, scene: _Scene, asking: Asking) -> Record:
    rows: list[Record] = []
    pixels: Record = {}
    prompts = 0
    for number, trial in enumerate(asking.protocol.trials):
        talks = _trial(predictor, embedding, scene, asking, number)
        rows += [_row(talk, trial) for talk in talks]
        prompts += sum(len(talk.ious) for talk in talks)
        if number == 0:
            pixels = _paint(talks, scene.size)
    return {"rows": rows, "pixels": pixels, "prompts": prompts}


def _trial(
    predictor: Answering, embedding: Any, scene: _Scene, asking: Asking, number: int
) -> list[Conversation]:
    """All objects of a picture, asked for once each."""
    protocol, truths = asking.protocol, scene.truths
    draws = [_draw(asking.seed, scene.name, number, truth.instance) for truth in truths]
    if protocol.scatter:
        scatter = protocol.scatter[number]
        boxes = [_box(t, d, scatter) for t, d in zip(truths, draws, strict=True)]
        return ask_boxes(predictor, embedding, truths, boxes)
    if protocol.name == "hard":
        return _ask_hard(predictor, embedding, scene, protocol.trials[number], draws)
    if protocol.name == "jitter":
        first = [_scattered(t, d) for t, d in zip(truths, draws, strict=True)]

        def correct(place: int, truth: np.ndarray, answer: np.ndarray) -> Point | None:
            return jittered_click(truth, answer, rng=draws[place])

        return ask_clicks(
            predictor, embedding, truths, first=first, clicks=asking.clicks, correct=correct
        )
    first = [_centre(truth) for truth in truths]
    return ask_clicks(predictor, embedding, truths, first=first, clicks=asking.clicks)


def _ask_hard(
    predictor: Answering,
    embedding: Any,
    scene: _Scene,
    kind: str,
    draws: Sequence[np.random.Generator],
) -> list[Conversation]:
    pairs = [
        (truth, click)
        for truth, draw in zip(scene.truths, draws, strict=True)
        if (click := scene.hard.click(kind, truth, draw)) is not None
    ]
    truths, first = [truth for truth, _ in pairs], [click for _, click in pairs]
    return ask_clicks(predictor, embedding, truths, first=first, clicks=1) if pairs else []


def _find_everything(
    find_all: FindAll, embedding: Any, truths: Sequence[Truth], size: Size
) -> Record:
    """Match every region found with the truth."""
    proposals = find_all(embedding)
    found = [Cutout.of_mask(proposal.mask) for proposal in proposals]
    coded = [cut.encode() for cut in found]
    table = pairwise_iou(_coco([t.counts for t in truths], size), _coco(coded, size))
    answers = {pair.truth: pair for pair in match(table, threshold=0.0)}
    rows = []
    for place, truth in enumerate(truths):
        talk = Conversation(truth, ious=[0.0])
        pair = answers.get(place)
        if pair is not None:
            talk.ious = [pair.iou]
            talk.score = float(proposals[pair.predicted].score)
            talk.first = found[pair.predicted]
            talk.boundary_iou = boundary_agreement(truth.cutout, talk.first)
        talk.best_iou = float(table[place].max(initial=0.0))
        rows.append(_row(talk, "everything"))
    counts = {f"{at:g}": count_matches(table, threshold=at) for at in MATCH_AT}
    return {
        "rows": rows,
        "pixels": {},
        "prompts": 1,
        "matches": {at: [c.matched, c.wrong, c.missed, c.iou] for at, c in counts.items()},
        "proposals": [
            {"counts": code, "score": float(p.score)}
            for code, p in zip(coded, proposals, strict=True)
        ],
        "truths": [truth.counts for truth in truths],
    }


def _row(talk: Conversation, trial: str) -> Record:
    """One object of one trial, as it stands in the table."""
    truth = talk.truth
    height, width = truth.cutout.size
    return {
        "instance": truth.instance,
        "label": truth.label,
        "area": truth.cutout.area,
        "share": truth.cutout.area / (height * width),
        "trial": trial,
        "iou": talk.ious[0],
        "best_iou": talk.best_iou,
        "boundary_iou": talk.boundary_iou,
        "score": talk.score,
        "ious": list(talk.ious),
        "points": [[p.x, p.y, int(p.inside)] for p in talk.points],
        "box": list(talk.box) if talk.box else None,
        "answer": talk.first.encode() if talk.first is not None else None,
    }


def _paint(talks: Iterable[Conversation], size: Size) -> dict[str, list[int]]:
    """Label -> pixels [both, truth, answered], large objects painted first on one map each."""
    order = sorted(talks, key=lambda talk: -talk.truth.cutout.area)
    labels = sorted({talk.truth.label for talk in order})
    truth, answered = (np.zeros(size, dtype=np.uint16) for _ in range(2))
    for talk in order:
        value = labels.index(talk.truth.label) + 1
        for canvas, cut in ((truth, talk.truth.cutout), (answered, talk.first)):
            if cut is not None:
                canvas[cut.top : cut.bottom, cut.left : cut.right][cut.mask] = value
    counted = {}
    for value, label in enumerate(labels, start=1):
        wanted, got = truth == value, answered == value
        counted[label] = [int(np.count_nonzero(m)) for m in (wanted & got, wanted, got)]
    return counted


def _draw(seed: int, name: str, trial: int, instance: str) -> np.random.Generator:
    """Random numbers of one object in one trial, whatever else is evaluated beside it."""
    return np.random.default_rng([seed, trial, crc32(name.encode()), crc32(instance.encode())])


def _centre(truth: Truth) -> Point:
    point = centre_click(truth.cutout.mask)
    return Point(point.x + truth.cutout.left, point.y + truth.cutout.top)


def _scattered(truth: Truth, draw: np.random.Generator) -> Point:
    point = jittered_click(truth.cutout.mask, rng=draw) or centre_click(truth.cutout.mask)
    return Point(point.x + truth.cutout.left, point.y + truth.cutout.top)


def _box(truth: Truth, draw: np.random.Generator, scatter: float) -> Box:
    return jittered_box(truth.cutout.whole(), rng=draw, scatter=scatter)


def _coco(counts: Sequence[str], size: Size) -> list[dict[str, Any]]:
    return [{"size": list(size), "counts": code} for code in counts]
