"""Datasets: index and statistics beside parsing alone, the full check beside a pycocotools loop.

    python -m benchmarks.data [--quick]

Writes 10,000 SA-1B files with 12 masks each into a temporary folder (1,000 with --quick), measures
both sides in this one run, and the check's memory at 2,000 and 20,000 images (200 and 2,000).
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import orjson
from pycocotools import mask as coco_mask

from floorseg.core import rle
from floorseg.data.checks.run import check_dataset
from floorseg.data.dataset import open_dataset
from floorseg.data.index import read_index
from floorseg.data.statistics import statistics_of

SIDE = 1024  # pixels
MASKS = 12  # an image
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
    """Index and statistics beside reading and parsing the same files with orjson."""
    paths = sorted(folder.glob("train/*.json"))
    parse_all(paths[:100])
    alone = seconds(lambda: parse_all(paths))
    rows = [("read and parse alone (orjson, one process)", alone)]
    for count in sorted({1, workers}):
        took = seconds(lambda count=count: index_all(folder, count))
        rows.append((f"index and statistics, {count} processes", took))
    with tempfile.TemporaryDirectory() as cache:
        index_all(folder, workers, Path(cache))
        rows.append(("the same, second time", seconds(lambda: index_all(folder, 1, Path(cache)))))
    print(f"\nIndex and statistics of {len(paths):,} files, {len(paths) * MASKS:,} masks")
    for name, took in rows:
        print(f"  {name:<45} {took:8.2f} s   {took / alone:5.2f} x parsing alone")


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
    """Peak memory of the check, its processes included, on a small and a ten times larger set."""
    print("\nPeak memory of the check (largest process)")
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
    """Bytes; the check runs in a process of its own, so that nothing else counts."""
    code = (
        "import resource, sys\n"
        "from floorseg.data.checks.run import check_dataset\n"
        "if __name__ == '__main__':\n"
        f"    check_dataset({str(folder)!r}, look_at_pictures=False, workers={workers})\n"
        "    own, worker = (resource.getrusage(w).ru_maxrss for w in\n"
        "                   (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))\n"
        "    print(max(own, worker) * 1024)\n"
    )
    script = folder.parent / "peak.py"
    script.write_text(code)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=True, env=environment
    )
    return int(done.stdout)


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
