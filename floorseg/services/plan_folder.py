"""Segment one plan or a folder of plans into files; work that is done already is not done again.

Into the output folder go ``NAME.json`` with a copy of the picture beside it (an SA-1B pair, so that
the folder is a dataset), ``overlays/NAME.png`` and ``labels/NAME.png``. The JSON comes last: where
it stands, the rest does.
"""

import io
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from floorseg.core import render, rle
from floorseg.core.enlarge import enlarge_mask
from floorseg.core.everything import find_regions
from floorseg.core.predictor import Embedding, Predictor
from floorseg.core.structures import MaskProposal, ProgressCallback, Prompt, ignore_progress
from floorseg.data.annotation import Annotation
from floorseg.data.files import read_json, write_atomically
from floorseg.data.sa1b import write_sample
from floorseg.errors import DatasetError
from floorseg.services.plan_pictures import PlanPicture, names_of, read_ahead

_OVERLAY_SIDE = 3000  # pixels, the longer side of an overlay


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of every plan.

    Attributes:
        checkpoint: its name, for the record.
        prompts: one region each, in pixels of the plan.
        preset: of ``core.presets.PRESETS``: find all regions; None for the prompts alone.
    """

    checkpoint: str
    prompts: tuple[Prompt, ...] = ()
    preset: str | None = "rooms"

    def record(self) -> dict[str, Any]:
        """As it is written into every JSON file, and compared before work is skipped."""
        asked = [
            {"points": [[p.x, p.y, int(p.inside)] for p in prompt.points]}
            | ({"box": list(prompt.box)} if prompt.box else {})
            for prompt in self.prompts
        ]
        return {"checkpoint": self.checkpoint, "preset": self.preset, "prompts": asked}


@dataclass(frozen=True, slots=True)
class Region:
    """One region found on a plan; lengths in pixels.

    Attributes:
        bbox: (x, y, width, height).
    """

    number: int
    area: int
    bbox: tuple[float, float, float, float]
    score: float
    stability: float | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one picture.

    Attributes:
        path: the picture.
        regions: what was found on it.
        seconds: for reading nothing: encoding, searching and writing.
        skipped: it was complete already, of an earlier call.
        problem: why there is no result, in a sentence; None where there is one.
    """

    path: Path
    regions: tuple[Region, ...] = ()
    seconds: float = 0.0
    skipped: bool = False
    problem: str | None = None


def segment_plans(
    predictor: Predictor,
    plans: Sequence[Path],
    out: Path,
    wanted: Wanted,
    *,
    progress: ProgressCallback = ignore_progress,
) -> Iterator[Outcome]:
    """Segment plan after plan; pictures are read ahead and encoded in batches.

    Args:
        predictor: whose model is asked.
        plans: pictures.
        out: folder to write, made if missing.
        wanted: prompts and preset.
        progress: within one plan.

    Yields:
        What became of each picture, in their order. Pictures that cannot be read are named, not
        raised.
    """
    names = names_of(plans)
    todo = []
    for path in plans:
        done = _finished(out, names[path], path, wanted)
        if done is None:
            todo.append(path)
        else:
            yield done
    for pictures in read_ahead(todo):
        yield from _segment_batch(predictor, pictures, out, names, wanted, progress)


def _segment_batch(
    predictor: Predictor,
    pictures: list[PlanPicture],
    out: Path,
    names: dict[Path, str],
    wanted: Wanted,
    progress: ProgressCallback,
) -> Iterator[Outcome]:
    start = time.perf_counter()
    images = [picture.image for picture in pictures if picture.image is not None]
    embeddings = iter(predictor.encode_many(images) if images else [])
    share = (time.perf_counter() - start) / max(len(images), 1)
    for picture in pictures:
        if picture.image is None:
            yield Outcome(picture.path, problem=picture.problem)
            continue
        start = time.perf_counter()
        regions = _segment(
            predictor, picture.image, next(embeddings), out, names[picture.path], picture.path,
            wanted, progress,
        )  # fmt: skip
        yield Outcome(picture.path, regions, time.perf_counter() - start + share)


def _segment(
    predictor: Predictor,
    image: np.ndarray,
    embedding: Embedding,
    out: Path,
    name: str,
    path: Path,
    wanted: Wanted,
    progress: ProgressCallback,
) -> tuple[Region, ...]:
    """Masks come one at a time and are kept as run lengths: a large sheet's fill the memory."""
    painted, labels = _reduced(image), np.zeros(image.shape[:2], dtype=np.uint16)
    annotations: list[Annotation] = []
    regions: list[Region] = []
    for proposal in _proposals(predictor, embedding, wanted, progress):
        number = len(regions) + 1
        annotation = _annotation(number, proposal, embedding.size)
        annotations.append(annotation)
        regions.append(
            Region(
                number, annotation.area(), annotation.bbox(), proposal.score, proposal.stability
            )
        )  # fmt: skip
        shown = _shown(proposal.mask, painted)
        render.tint(painted, shown, render.colour(number - 1))
        render.write(painted, shown, str(number))
        labels[proposal.mask] = number
    _write_png(out / "overlays" / f"{name}.png", Image.fromarray(painted))
    small = labels.astype(np.uint8) if len(regions) < 256 else labels
    _write_png(out / "labels" / f"{name}.png", render.label_picture(small))
    write_sample(
        out, name, path, annotations,
        extra={"segmented": wanted.record()}, size=(embedding.size[1], embedding.size[0]),
    )  # fmt: skip
    return tuple(regions)


def _proposals(
    predictor: Predictor, embedding: Embedding, wanted: Wanted, progress: ProgressCallback
) -> Iterator[MaskProposal]:
    """The best answer to each prompt, then everything the preset finds."""
    for prompt in wanted.prompts:
        decoded = predictor.decode_logits(embedding, [prompt])
        best = int(decoded.best()[0])
        score = min(max(float(decoded.scores[0, best]), 0.0), 1.0)
        yield MaskProposal(enlarge_mask(decoded.logits[0, best], embedding.size), score)
    if wanted.preset is not None:
        yield from find_regions(predictor, embedding, wanted.preset, progress=progress)


def _annotation(number: int, proposal: MaskProposal, size: tuple[int, int]) -> Annotation:
    extra: dict[str, Any] = {
        "predicted_iou": proposal.score,
        "crop_box": [0, 0, size[1], size[0]],
    }
    if proposal.stability is not None:
        extra["stability_score"] = proposal.stability
    if proposal.point is not None:
        extra["point_coords"] = [list(proposal.point)]
    return Annotation(id=number, segmentation=rle.encode(proposal.mask), extra=extra)


def _finished(out: Path, name: str, path: Path, wanted: Wanted) -> Outcome | None:
    """The result that an earlier call with the same wishes left, or None."""
    try:
        content = read_json(out / f"{name}.json")
        if content["image"].get("segmented") != wanted.record():
            return None
        regions = tuple(
            Region(
                int(row["id"]), int(row["area"]), tuple(row["bbox"]),
                float(row["predicted_iou"]), float(row["stability_score"]),
            )
            for row in content["annotations"]
        )  # fmt: skip
    except (DatasetError, KeyError, TypeError, AttributeError, ValueError):
        return None
    return Outcome(path, regions, skipped=True)


def _reduced(image: np.ndarray) -> np.ndarray:
    """A copy to paint on, of a huge sheet a smaller one: an overlay is for looking at."""
    height, width = image.shape[:2]
    scale = _OVERLAY_SIDE / max(height, width)
    if scale >= 1:
        return image.copy()
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def _shown(mask: np.ndarray, painted: np.ndarray) -> np.ndarray:
    height, width = painted.shape[:2]
    if mask.shape == (height, width):
        return mask
    small = cv2.resize(mask.view(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
    return small.view(bool)


def _write_png(path: Path, picture: Image.Image) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = io.BytesIO()
    picture.save(content, "PNG", compress_level=3)
    write_atomically(path, content.getvalue())
