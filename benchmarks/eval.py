"""Evaluating clicks, against the straightforward loop with sam2's own predictor.

    python -m benchmarks.eval                     # 3 plans of 1080 px, 12 objects, 5 clicks
    python -m benchmarks.eval --quick             # one plan, once
    python -m benchmarks.eval --checkpoint sam2.1_hiera_small --device cuda

The loop: ``SAM2ImagePredictor``, the image set once, one ``predict`` per object and click, the last
logits fed back, the same click rule on whole masks, IoU in NumPy at full resolution. Both read
the same pictures and masks from disk, with one model and as many threads, and must agree in
every IoU. Seconds of the clock are what one waits; seconds of the processor mean something on a
machine that others use, too.
"""

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from sam2.modeling.sam2_base import SAM2Base
from sam2.modeling.sam2_utils import get_next_point
from sam2.sam2_image_predictor import SAM2ImagePredictor

from benchmarks.table import keep, machine, show
from eval.picture import Asking, evaluate_picture
from eval.protocols import CLICK
from floorseg.core import rle
from floorseg.core.model import build_model, find_checkpoint, load_model
from floorseg.core.predictor import Predictor
from floorseg.data.annotation import Annotation, Sample
from floorseg.data.dataset import open_dataset
from floorseg.data.sa1b import write_sample
from floorseg.settings import Settings

SIDE, ROWS, COLUMNS, WALL = 1080, 3, 4, 10
TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True)
class Taken:
    """Seconds of the clock and of the processor, all threads together."""

    clock: float
    processor: float


def main() -> None:
    """Measure both and print one table."""
    options = _options()
    torch.set_num_threads(options.threads)
    if options.checkpoint == "random":
        model = build_model("nano", device=options.device)
    else:
        folders = (Settings().checkpoints,)
        model = load_model(find_checkpoint(options.checkpoint, folders), options.device)
    with tempfile.TemporaryDirectory() as folder:
        draw_plans(Path(folder), options.images)
        samples = list(open_dataset(folder))
        _ours(model, samples[:1], options.clicks)  # warm
        _loop(model, samples[:1], options.clicks)
        loop, ours = [], []
        for _ in range(options.repeat):
            loop.append(_timed(found := [], _loop, model, samples, options.clicks))
            ours.append(_timed(answered := [], _ours, model, samples, options.clicks))
    _print(_best(loop), _best(ours), np.array(found), np.array(answered), options)


def draw_plans(folder: Path, count: int) -> None:
    """Plans of twelve rooms with some furniture, and their masks."""
    for number in range(count):
        rng = np.random.default_rng(number)
        image = np.full((SIDE, SIDE, 3), 255, dtype=np.uint8)
        xs = np.linspace(60, SIDE - 60, COLUMNS + 1) + rng.integers(-30, 30, COLUMNS + 1)
        ys = np.linspace(60, SIDE - 60, ROWS + 1) + rng.integers(-40, 40, ROWS + 1)
        image[int(ys[0]) : int(ys[-1]) + WALL, int(xs[0]) : int(xs[-1]) + WALL] = 30
        masks = []
        for top, bottom in zip(ys[:-1].astype(int), ys[1:].astype(int), strict=True):
            for left, right in zip(xs[:-1].astype(int), xs[1:].astype(int), strict=True):
                room = np.s_[top + WALL : bottom, left + WALL : right]
                image[room] = rng.integers(225, 256, 3)
                x, y = rng.integers(left + 30, right - 60), rng.integers(top + 30, bottom - 50)
                image[y : y + 40, x : x + 25] = rng.integers(60, 200)
                mask = np.zeros((SIDE, SIDE), dtype=bool)
                mask[room] = True
                masks.append(Annotation(len(masks) + 1, rle.encode(mask)))
        write_sample(folder, f"plan{number}", image, masks)


def _loop(model: SAM2Base, samples: list[Sample], clicks: int) -> list[float]:
    """What one writes with sam2 alone."""
    predictor = SAM2ImagePredictor(model)
    side = model.image_size
    predictor._bb_feat_sizes = [(side // stride,) * 2 for stride in (4, 8, 16)]
    ious = []
    for sample in samples:
        predictor.set_image(sample.image())
        for annotation in sample.annotations:
            truth = annotation.mask()
            wanted = torch.from_numpy(np.ascontiguousarray(truth))[None, None]
            points, labels, logits, answer = [], [], None, None
            for click in range(clicks):
                point, label = get_next_point(wanted, answer, "center")
                points.append(point[0, 0].tolist())
                labels.append(int(label[0, 0]))
                masks, scores, low = predictor.predict(
                    point_coords=np.array(points),
                    point_labels=np.array(labels),
                    mask_input=logits,
                    multimask_output=click == 0,
                )
                best = int(scores.argmax())
                mask = masks[best].astype(bool)
                logits = low[best][None]
                answer = torch.from_numpy(mask)[None, None]
                ious.append((truth & mask).sum() / (truth | mask).sum())
    return ious


def _ours(model: SAM2Base, samples: list[Sample], clicks: int) -> list[float]:
    """What ``python -m eval`` does with a picture, all of its figures included."""
    predictor = Predictor(model, precision="float32")
    asking = Asking(protocol=CLICK, clicks=clicks)
    ious = []
    for sample in samples:
        record = evaluate_picture(predictor, sample, sample.image_path.name, asking)
        for row in record["rows"]:
            ious += row["ious"] + [row["ious"][-1]] * (clicks - len(row["ious"]))
    return ious


def _timed(found: list[float], run, *arguments) -> Taken:  # noqa: ANN001, ANN002
    clock, processor = time.perf_counter(), time.process_time()
    found += run(*arguments)
    return Taken(time.perf_counter() - clock, time.process_time() - processor)


def _best(taken: list[Taken]) -> Taken:
    return Taken(min(one.clock for one in taken), min(one.processor for one in taken))


def _print(
    loop: Taken, ours: Taken, found: np.ndarray, answered: np.ndarray, options: argparse.Namespace
) -> None:
    gap, prompts = np.abs(found - answered), len(found)
    rows = [
        [name, f"{taken.clock / options.images:.2f}", f"{taken.clock / prompts * 1e3:.1f}",
         f"{taken.processor / options.images:.2f}", f"{mean:.4f}"]
        for name, taken, mean in (("loop with sam2's predictor", loop, found.mean()),
                                  ("floorseg", ours, answered.mean()))
    ]  # fmt: skip
    head = ("evaluating clicks", "s a plan", "ms a prompt", "processor s a plan", "mean IoU")
    text = (
        f"{options.checkpoint}, {options.images} plans of {SIDE} px, {ROWS * COLUMNS} objects "
        f"each, {options.clicks} clicks an object, {prompts} prompts.\n\n{show(head, rows)}\n\n"
        f"{loop.clock / ours.clock:.1f} times faster by the clock, "
        f"{loop.processor / ours.processor:.1f} times by the processor. Largest difference of an "
        f"IoU {gap.max():.5f}; {np.mean(gap <= TOLERANCE):.1%} within {TOLERANCE}."
    )
    print(f"{text}\n\n{machine(options.device)}")
    if abs(found.mean() - answered.mean()) > TOLERANCE:
        raise SystemExit("the two disagree")
    if options.append:
        command = f"python -m benchmarks.eval {' '.join(sys.argv[1:])}".strip()
        print(f"kept in {keep('Evaluating clicks', command, text, options.device)}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Click evaluation against sam2's own predictor.")
    parser.add_argument(
        "--checkpoint", default="floorseg-nano-rooms", help='a file, a name, or "random"'
    )
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--images", type=int, default=3)
    parser.add_argument("--clicks", type=int, default=5)
    parser.add_argument("--repeat", type=int, default=3, help="the best of so many counts")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--quick", action="store_true", help="one plan, once")
    parser.add_argument("--append", action="store_true", help="keep it in RESULTS.md")
    options = parser.parse_args()
    if options.quick:
        options.images = options.repeat = 1
    return options


if __name__ == "__main__":
    main()
