"""Predicting, beside sam2's own ``SAM2ImagePredictor`` and ``SAM2AutomaticMaskGenerator``.

    python -m benchmarks.predict                # nano and SAM 2.1 tiny, minutes
    python -m benchmarks.predict --quick        # few points, one repetition: does it run?
    python -m benchmarks.predict --models tiny large --device cuda --append

Both sides get the same model, picture, prompts and settings in one run, turn by turn. The nano
model has its shipped weights where they lie in ``checkpoints/``; all others have random weights:
speed does not depend on them.

* encode: the picture, 1280 x 960, to its embedding
* click: one point -> three masks of full size with scores
* 16 boxes: in one call, three masks each
* everything: sam2's own settings but for the thresholds: 0.5 (score) and 0.6 (stability) for the
  shipped nano model, zero for random weights
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sam2.automatic_mask_generator import SAM2AutomaticMaskGenerator
from sam2.modeling.sam2_base import SAM2Base
from sam2.sam2_image_predictor import SAM2ImagePredictor

from benchmarks.table import keep, machine, show
from floorseg.core.enlarge import enlarge_mask
from floorseg.core.everything import EverythingSettings, everything
from floorseg.core.model import build_model, load_model
from floorseg.core.predictor import Embedding, Predictor
from floorseg.core.structures import MaskProposal, Point, Prompt
from floorseg.data.synth.plan import draw_plan

SHIPPED = Path(__file__).parents[1] / "checkpoints" / "floorseg-nano-rooms.pt"
ARCHITECTURES = {
    "nano": "nano", "tiny": "sam2.1_tiny", "small": "sam2.1_small",
    "base": "sam2.1_base_plus", "large": "sam2.1_large",
}  # fmt: skip
SIZE = (1280, 960)


@dataclass(frozen=True, slots=True)
class Row:
    """One job: seconds of both sides, and how far they agree."""

    job: str
    official: float
    ours: float
    agreement: str

    def cells(self) -> list[str]:
        """As shown in the table."""
        ratio = self.official / self.ours
        return [self.job, _time(self.official), _time(self.ours), f"{ratio:.1f}", self.agreement]


@dataclass(frozen=True, slots=True, eq=False)
class Sides:
    """Both predictors on one model and one picture, encoded already."""

    official: SAM2ImagePredictor
    ours: Predictor
    embedding: Embedding
    image: np.ndarray
    trained: bool
    options: argparse.Namespace

    def race(
        self, official: Callable[[], Any], ours: Callable[[], Any], repeat: int
    ) -> tuple[float, float]:
        """Median seconds of both, one after the other so that both meet the same machine."""
        times: tuple[list[float], list[float]] = ([], [])
        for run in range(repeat + 1):
            for side, work in enumerate((official, ours)):
                started = time.perf_counter()
                work()
                if self.options.device.startswith("cuda"):
                    torch.cuda.synchronize()
                if run or repeat == 1:  # the first round warms up
                    times[side].append(time.perf_counter() - started)
        return float(np.median(times[0])), float(np.median(times[1]))


def main() -> None:
    """Measure each model and print its table."""
    options = _options()
    torch.set_num_threads(options.threads)
    texts = []
    for name in options.models:
        sides = prepare(name, options)
        what = "shipped weights" if sides.trained else "random weights"
        rows = [job(sides) for job in (race_encode, race_click, race_boxes, race_everything)]
        headings = ("job", "sam2", "floorseg", "times faster", "agreement")
        texts.append(f"### {name}, {sides.ours.image_size} px, {what}\n\n" + show(
            headings, [row.cells() for row in rows]
        ))  # fmt: skip
        print(f"\n{texts[-1]}", flush=True)
    print(f"\n{machine(options.device)}")
    if options.append:
        command = f"python -m benchmarks.predict {' '.join(sys.argv[1:])}".strip()
        text = "\n\n".join(texts)
        print(f"kept in {keep('Predicting', command, text, options.device)}")


def prepare(name: str, options: argparse.Namespace) -> Sides:
    """Load or build a model and encode a synthetic plan on both sides."""
    trained = name == "nano" and SHIPPED.is_file()
    torch.manual_seed(0)
    model: SAM2Base
    if trained:
        model = load_model(SHIPPED, options.device)
    else:
        model = build_model(ARCHITECTURES[name], device=options.device)
    image = draw_plan(7, SIZE).image
    ours = Predictor(model, precision=options.precision)
    official = official_predictor(model)
    official.set_image(image)
    return Sides(official, ours, ours.encode(image), image, trained, options)


def official_predictor(model: SAM2Base) -> SAM2ImagePredictor:
    """It takes every model for one of 1024 px: the sizes of its features must be set."""
    predictor = SAM2ImagePredictor(model)
    predictor._bb_feat_sizes = [(model.image_size // stride,) * 2 for stride in (4, 8, 16)]
    return predictor


def race_encode(sides: Sides) -> Row:
    """The picture to its embedding."""
    official, ours = sides.race(
        lambda: sides.official.set_image(sides.image),
        lambda: sides.ours.encode(sides.image),
        sides.options.repeat,
    )
    theirs = sides.official._features["image_embed"][0].flatten(1).T
    error = (theirs - sides.embedding.image.tokens).abs().max() / theirs.abs().max()
    return Row("encode", official, ours, f"features within {float(error):.0e}")


def race_click(sides: Sides) -> Row:
    """Single clicks, three masks each, at full size."""
    clicks = _clicks(8 if sides.options.quick else 40)
    masks: list[np.ndarray] = []
    proposals: list[list[MaskProposal]] = []

    def official() -> None:
        masks.clear()
        for point in clicks:
            masks.append(sides.official.predict(point[None], np.ones(1))[0] > 0)

    def ours() -> None:
        proposals.clear()
        for x, y in clicks.tolist():
            proposals.extend(sides.ours.decode(sides.embedding, [Prompt(points=(Point(x, y),))]))

    times = sides.race(official, ours, sides.options.repeat)
    iou = [_nearest(three, [p.mask for p in found]) for three, found in zip(masks, proposals)]  # noqa: B905
    return Row(
        "click", times[0] / len(clicks), times[1] / len(clicks), f"mean IoU {np.mean(iou):.4f}"
    )


def race_boxes(sides: Sides) -> Row:
    """Sixteen boxes in one call."""
    corners = np.sort(np.random.default_rng(1).uniform(0, 1, (16, 2, 2)), axis=1) * SIZE
    boxes = corners.reshape(16, 4)
    kept: dict[str, Any] = {}

    def official() -> None:
        kept["masks"] = sides.official.predict(box=boxes)[0] > 0

    def ours() -> None:
        prompts = [Prompt(box=tuple(box)) for box in boxes.tolist()]
        decoded = sides.ours.decode_logits(sides.embedding, prompts)
        kept["ours"] = [
            [enlarge_mask(one, sides.embedding.size) for one in three] for three in decoded.logits
        ]

    times = sides.race(official, ours, sides.options.repeat)
    iou = [_nearest(three, found) for three, found in zip(kept["masks"], kept["ours"], strict=True)]
    return Row("16 boxes", *times, f"mean IoU {np.mean(iou):.4f}")


def race_everything(sides: Sides) -> Row:
    """All regions, the picture's encoding included."""
    per_side = sides.options.points
    # of sam2's usual 0.8 and 0.95 a small model passes too little to compare
    score, steady = (0.5, 0.6) if sides.trained else (0.0, 0.0)
    settings = EverythingSettings(
        "", points_per_side=per_side, min_score=score, min_stability=steady
    )
    asked = {"pred_iou_thresh": score, "stability_score_thresh": steady}
    generator = SAM2AutomaticMaskGenerator(sides.ours.model, points_per_side=per_side, **asked)
    generator.predictor._bb_feat_sizes = sides.official._bb_feat_sizes
    kept: dict[str, Any] = {}

    def official() -> None:
        kept["theirs"] = [found["segmentation"] for found in generator.generate(sides.image)]

    def ours() -> None:
        kept["ours"] = [found.mask for found in everything(sides.ours, sides.image, settings)]

    times = sides.race(official, ours, 1)
    iou = _nearest(kept["theirs"], kept["ours"])
    counts = f"{len(kept['theirs'])} and {len(kept['ours'])} regions"
    return Row(f"everything, {per_side}²", *times, f"{counts}, mean IoU {iou:.3f}")


def _clicks(count: int) -> np.ndarray:
    """float64 (count, 2), (x, y) somewhere on the picture."""
    return np.random.default_rng(0).uniform(0.05, 0.95, (count, 2)) * SIZE


def _nearest(theirs: Sequence[np.ndarray], ours: Sequence[np.ndarray]) -> float:
    """Mean over their masks of the IoU with the nearest of ours; 1 where neither has any."""
    if len(theirs) == 0:
        return float(len(ours) == 0)
    if len(ours) == 0:
        return 0.0
    best = []
    for mask in theirs:
        overlaps = [((mask & one).sum(), (mask | one).sum()) for one in ours]
        best.append(max(inter / union if union else 1.0 for inter, union in overlaps))
    return float(np.mean(best))


def _time(seconds: float) -> str:
    return f"{seconds * 1e3:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Predicting beside sam2's own predictor.")
    parser.add_argument(
        "--models", nargs="+", choices=list(ARCHITECTURES), default=["nano", "tiny"]
    )
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", default="float32", help="of our encoder; sam2's is float32")
    parser.add_argument("--points", type=int, default=0, help="points per side of everything")
    parser.add_argument("--repeat", type=int, default=5, help="the median of so many counts")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--quick", action="store_true", help="few points, one repetition")
    parser.add_argument("--append", action="store_true", help="keep the table in RESULTS.md")
    options = parser.parse_args()
    options.repeat = 1 if options.quick else options.repeat
    options.points = options.points or (8 if options.quick else 32)
    return options


if __name__ == "__main__":
    main()
