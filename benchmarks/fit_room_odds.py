"""What ``core.room_odds`` is fitted with: regions of real plans, and how well each fits a room.

    python -m benchmarks.fit_room_odds --data ROOMS --split valid --split train --images 144

Prints the weights, and how often what they promise is kept. Run it when the shipped weights or the
search for regions have changed; never on ``test``.
"""

import argparse

import cv2
import numpy as np

from benchmarks.table import machine, show
from floorseg.core.closeup import make_predictor
from floorseg.core.consensus import Regions
from floorseg.core.logistic import fit_logistic, sigmoid
from floorseg.core.model import load_model
from floorseg.core.overlap import Overlap
from floorseg.core.partition import find_regions
from floorseg.core.presets import PRESETS
from floorseg.core.room_odds import features
from floorseg.data.annotation import Sample
from floorseg.data.dataset import open_dataset

LEVELS = (0.5, 0.75)  # IoU: what reaches but the first counts half


def main() -> None:
    """Search, fit, and say how good the fit is."""
    options = _options()
    predictor = make_predictor(load_model(options.checkpoint))
    columns, targets = [], []
    for sample in _samples(options):
        regions = find_regions(predictor, predictor.encode(sample.image()), PRESETS["rooms"])
        if len(regions):
            columns.append(features(regions, Overlap.of(regions.logits > 0)))
            targets.append(_rightness(regions, sample))
    seen, right = np.concatenate(columns), np.concatenate(targets)
    weights = fit_logistic(seen, right)
    print(f"{options.checkpoint}, {len(columns)} plans, {len(right)} regions; {machine()}")
    print(np.array2string(weights, separator=", ", precision=3, suppress_small=True))
    odds = sigmoid(seen @ weights)
    rows = []
    for low in np.arange(0, 1, 0.2):
        chosen = (odds >= low) & (odds < low + 0.2)
        if chosen.any():
            kept = f"{right[chosen].mean():.2f}"
            rows.append([f"{low:.1f}", str(chosen.sum()), f"{odds[chosen].mean():.2f}", kept])
    print(show(("odds from", "regions", "mean odds", "were rooms"), rows))


def _samples(options: argparse.Namespace) -> list[Sample]:
    """The first split whole, the rest drawn from the others."""
    first, *others = [list(open_dataset(options.data, split)) for split in options.split]
    pool = [sample for split in others for sample in split]
    order = np.random.default_rng(options.seed).permutation(len(pool))
    more = max(0, options.images - len(first))
    return [*first[: options.images], *(pool[i] for i in order[:more])]


def _rightness(regions: Regions, sample: Sample) -> np.ndarray:
    """float64 (R,): 1 for a room, 0 for none, between the two for a room badly drawn."""
    side = regions.logits.shape[1]
    masks = [annotation.mask() for annotation in sample.annotations if annotation.area() > 0]
    small = [
        cv2.resize(mask.view(np.uint8) * np.uint8(255), (side, side), interpolation=cv2.INTER_AREA)
        for mask in masks
    ]
    truth = (np.stack(small) > 127).reshape(len(small), -1).astype(np.float32)
    found = (regions.logits > 0).reshape(len(regions), -1).astype(np.float32)
    inter = found @ truth.T
    union = found.sum(axis=1)[:, None] + truth.sum(axis=1)[None, :] - inter
    best = (inter / np.maximum(union, 1)).max(axis=1)
    return np.mean([best >= level for level in LEVELS], axis=0)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoint", default="floorseg-nano-rooms")
    parser.add_argument("--data", required=True, help="a dataset's folder")
    parser.add_argument("--split", action="append", required=True, help="repeatable")
    parser.add_argument("--images", type=int, default=144, help="so many plans of all splits")
    parser.add_argument("--seed", type=int, default=3)
    return parser.parse_args()


if __name__ == "__main__":
    main()
