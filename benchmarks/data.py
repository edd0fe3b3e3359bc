"""Datasets: index and statistics beside parsing alone, the full check beside a pycocotools loop.

    python -m benchmarks.data [--quick]

Writes 10,000 SA-1B files with 12 masks each into a temporary folder (1,000 with --quick), measures
both sides in this one run, and the check's memory at 2,000 and 20,000 images (200 and 2,000).
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import orjson
import psutil
from pycocotools import mask as coco_mask

from floorseg.core import rle
from floorseg.data.checks.run import check_dataset
from floorseg.data.dataset import open_dataset
from floorseg.data.index import read_index
from floorseg.data.statistics import statistics_of

SIDE = 1024  # pixels
MASKS = 12  # an image
TURNS = 5  # of which the best counts
CLASSES = ("kitchen", "bath", "bedroom", "living room", "hall", "closet")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of everything")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    tenth = 10 if options.quick else 1
    with tempfile.TemporaryDirectory() as place:
        folder = write_dataset(Path(place) / "plans", 10_000 // tenth)
        measure_index(folder, options.workers)
        measure_check(folder, options.workers)
        measure_memory(Path(place), (2_000 // tenth, 20_000 // tenth), options.workers)


def measure_index(folder: Path, workers: int) -> None:
    """Index and statistics beside reading and parsing the same files with orjson, taken in turns.

    The best of several turns counts: what else a machine does falls on both sides.
    """
    paths = sorted(folder.glob("train/*.json"))
    alone = "read and parse alone (orjson, 1 process)"
    sides: dict[str, Callable[[], object]] = {alone: partial(parse_all, paths)}
    for count in sorted({1, workers}):
        name = f"index and statistics, {count} process{'es' if count > 1 else ''}"
        sides[name] = partial(index_all, folder, count)
    with tempfile.TemporaryDirectory() as cache:
        index_all(folder, workers, Path(cache))
        sides["the same, second time"] = partial(index_all, folder, 1, Path(cache))
        turns = [{name: seconds(side) for name, side in sides.items()} for _ in range(TURNS)]
    print(f"\nIndex and statistics of {len(paths):,} files, {len(paths) * MASKS:,} masks")
    best = {name: min(turn[name] for turn in turns) for name in sides}
    for name, took in best.items():
        print(f"  {name:<45} {took:8.2f} s   {took / best[alone]:5.2f} x parsing alone")


def measure_check(folder: Path, workers: int) -> None:
    """The full check of all annotations beside one loop over them."""
    paths = sorted(folder.glob("train/*.json"))
    loop = seconds(lambda: loop_over(paths))
    took = seconds(lambda: check_dataset(folder, look_at_pictures=False, workers=workers))
    print(f"\nCheck of {len(paths):,} files, {len(paths) * MASKS:,} masks of {SIDE} x {SIDE}")
    print(f"  {'json + pycocotools, a loop over annotations':<45} {loop:8.2f} s")
    print(
        f"  {f'floorseg data check, {workers} processes':<45} {took:8.2f} s   "
        f"{loop / took:5.2f} x faster"
    )


def measure_memory(place: Path, counts: tuple[int, int], workers: int) -> None:
    """Peak memory of the check, all its processes together, on a small and a ten times larger set.

    Pages that processes share count once for each: the sum errs upwards.
    """
    print(f"\nPeak memory of the check, its {workers} processes and their parent together")
    peaks = []
    for count in counts:
        folder = write_dataset(place / f"memory{count}", count)
        peaks.append(peak_memory(folder, workers))
        print(f"  {count:>6,} images {peaks[-1] / 1e6:45,.0f} MB   {peaks[-1] / peaks[0]:5.2f} x")


def parse_all(paths: list[Path]) -> None:
    """What nobody can do without."""
    for path in paths:
        orjson.loads(path.read_bytes())


def index_all(folder: Path, workers: int, cache: Path | None = None) -> None:
    """Find the files, index them, count everything."""
    statistics_of(read_index(open_dataset(folder), cache=cache, workers=workers))


def loop_over(paths: list[Path]) -> int:
    """What one writes without this project: decode every mask, compare with what the file says."""
    wrong = 0
    for path in paths:
        with path.open() as file:
            content = json.load(file)
        size = [content["image"]["height"], content["image"]["width"]]
        for row in content["annotations"]:
            mask = coco_mask.decode(row["segmentation"])
            area = int(mask.sum())
            box = coco_mask.toBbox(row["segmentation"])
            wrong += list(mask.shape) != size or area == 0
            wrong += abs(area - row["area"]) > 10 or bool(np.abs(box - row["bbox"]).max() > 2)
    return wrong


def peak_memory(folder: Path, workers: int) -> int:
    """Bytes; the check runs as the command, so that nothing else counts."""
    command = [sys.executable, "-m", "floorseg", "data", "check", str(folder), "--no-images"]
    project = Path(__file__).parents[1]
    checking = psutil.Popen(
        [*command, "--workers", str(workers)], stdout=subprocess.DEVNULL, cwd=project
    )
    peak = 0
    while checking.poll() is None:
        peak = max(peak, resident(checking))
        time.sleep(0.02)
    return peak


def resident(process: psutil.Process) -> int:
    """Bytes of memory that a process and its children hold now."""
    total = 0
    with contextlib.suppress(psutil.NoSuchProcess):
        for one in (process, *process.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                total += one.memory_info().rss
    return total


def write_dataset(folder: Path, count: int) -> Path:
    """SA-1B files whose masks are drawn from a few hundred shapes; one tiny picture for all."""
    rng = np.random.default_rng(0)
    rows = [shape(rng, number) for number in range(400)]
    train = folder / "train"
    train.mkdir(parents=True)
    (folder / "picture.bin").write_bytes(b"not looked at")
    for number in range(count):
        chosen = rng.choice(len(rows), MASKS, replace=False)
        image = {"image_id": number, "width": SIDE, "height": SIDE, "file_name": f"p_{number}.jpg"}
        listed = [{**rows[pick], "id": number * MASKS + k} for k, pick in enumerate(chosen)]
        content = orjson.dumps({"image": image, "annotations": listed})
        (train / f"p_{number}.json").write_bytes(content)
        os.link(folder / "picture.bin", train / f"p_{number}.jpg")
    return folder


def shape(rng: np.random.Generator, number: int) -> dict[str, object]:
    """A room: a rectangle with a corner cut out, or with a slanted wall."""
    height, width = rng.integers(40, 320, 2)
    y, x = rng.integers(0, SIDE - height), rng.integers(0, SIDE - width)
    mask = np.zeros((SIDE, SIDE), dtype=bool)
    mask[y : y + height, x : x + width] = True
    if number % 2:
        mask[y : y + height // 3, x : x + width // 2] = False
    else:
        rows, columns = np.ogrid[:SIDE, :SIDE]
        mask &= (rows - y) * width + (columns - x) * height > height * width // 2
    encoded = rle.encode(mask)
    place = number % len(CLASSES)
    return {
        "bbox": list(rle.bbox(encoded)), "area": rle.area(encoded), "segmentation": encoded,
        "predicted_iou": 0.97, "stability_score": 0.98, "crop_box": [0, 0, SIDE, SIDE],
        "point_coords": [[float(x), float(y)]], "category_id": place,
        "category_name": CLASSES[place],
    }  # fmt: skip


def seconds(work: Callable[[], object]) -> float:
    """Wall-clock time of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
