"""How good the ``rooms`` preset is, and what each of its knobs does to it.

    python -m benchmarks.rooms --checkpoint floorseg-nano-rooms --data FOLDER --split valid
    python -m benchmarks.rooms ... --vary min_score=0.3,0.5,0.7 --vary points_per_side=12,16,24

One knob is turned at a time, the others stay as the preset has them; every plan is encoded once.
Choose on ``valid``, and score ``test`` once, with ``python -m eval --protocol everything``.
"""

import argparse
import time
from dataclasses import replace

import torch

from benchmarks.table import machine, show
from floorseg.core import rle
from floorseg.core.closeup import make_predictor
from floorseg.core.everything import everything
from floorseg.core.matching import MatchCounts, count_matches
from floorseg.core.metrics import pairwise_iou
from floorseg.core.model import load_model
from floorseg.core.predictor import Predictor
from floorseg.core.presets import PRESETS, EverythingSettings
from floorseg.data.annotation import Annotation
from floorseg.data.dataset import open_dataset


def main() -> None:
    """Measure the preset and its variations on a split."""
    options = _options()
    torch.set_num_threads(options.threads)
    predictor = (make_predictor if options.close_ups else Predictor)(
        load_model(options.checkpoint, options.device)
    )
    variants = variations(PRESETS["rooms"], options.vary)
    counts = {name: {0.5: MatchCounts(), 0.75: MatchCounts()} for name in variants}
    seconds = dict.fromkeys(variants, 0.0)
    labels = {name.strip() for name in options.labels.split(",") if name.strip()}
    samples = list(open_dataset(options.data, options.split))[: options.images]
    for sample in samples:
        embedding = predictor.encode(sample.image())
        truths = [a.segmentation for a in sample.annotations if _is_room(a, labels)]
        for name, settings in variants.items():
            started = time.perf_counter()
            found = everything(predictor, embedding, settings)
            seconds[name] += time.perf_counter() - started
            iou = pairwise_iou(truths, [rle.encode(proposal.mask) for proposal in found])
            for threshold in counts[name]:
                counts[name][threshold] += count_matches(iou, threshold=threshold)
    rows = []
    for name in variants:
        half, strict = counts[name][0.5], counts[name][0.75]
        figures = (
            half.f1(), strict.f1(), half.precision(), half.recall(), half.room_integrity(),
            seconds[name] / max(len(samples), 1),
        )  # fmt: skip
        rows.append([name, *(f"{figure:.3f}" for figure in figures)])
    headings = (
        "rooms preset", "F1 at 0.5", "F1 at 0.75", "precision", "recall", "integrity", "s a plan",
    )  # fmt: skip
    print(f"{options.checkpoint}, {len(samples)} plans; {machine(options.device)}")
    print(show(headings, rows))


def _is_room(annotation: Annotation, labels: set[str]) -> bool:
    return annotation.area() > 0 and (not labels or annotation.category_name in labels)


def variations(preset: EverythingSettings, vary: list[str]) -> dict[str, EverythingSettings]:
    """The preset itself, then one variant for each value of each ``name=value,value``."""
    found = {"as it is": preset}
    for text in vary:
        name, _, values = text.partition("=")
        kind = type(getattr(preset, name))
        for value in values.split(","):
            found[f"{name}={value}"] = replace(preset, **{name: kind(float(value))})
    return found


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="The rooms preset and its knobs, on a split.")
    parser.add_argument("--checkpoint", default="floorseg-nano-rooms")
    parser.add_argument("--data", required=True, help="a dataset's folder")
    parser.add_argument("--split", default="valid")
    parser.add_argument("--labels", default="", help="the classes of rooms, by commas; all without")
    parser.add_argument("--images", type=int, default=10_000, help="the first so many")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--close-ups", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--vary", action="append", default=[], metavar="NAME=A,B,C")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    return parser.parse_args()


if __name__ == "__main__":
    main()
