"""A folder of synthetic plans in SA-1B form: several processes, the same bytes each time."""

import multiprocessing
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

import cv2
import numpy as np
import orjson

from floorseg.core.structures import Progress, ProgressCallback, ignore_progress
from floorseg.data import sa1b
from floorseg.data.files import read_json, write_atomically
from floorseg.data.synth.plan import draw_plan
from floorseg.errors import DatasetError

RECORD = "synth.order"  # JSON; not named so, for readers take every .json for a sample
BATCH = 8  # plans a process draws before it reports


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked for; the same order gives the same bytes.

    Attributes:
        images: how many plans.
        seed: any number.
        size: (width, height) in pixels.
        split: share of each split, e.g. ``{"train": 0.8, "valid": 0.2}``.
        without: traits left out.
        styles: styles to choose from; all if empty.
        png: write PNG, without loss, instead of JPEG.
    """

    images: int
    seed: int = 0
    size: tuple[int, int] = (640, 640)
    split: Mapping[str, float] | None = None
    without: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()
    png: bool = False


def write_plans(
    folder: str | Path,
    order: Order,
    *,
    workers: int = 1,
    progress: ProgressCallback = ignore_progress,
) -> int:
    """Draw and write a dataset; what is there already is not drawn again.

    Args:
        folder: one subfolder a split is made here.
        order: what to draw.
        workers: processes; the result does not depend on it.
        progress: told after every few plans.

    Returns:
        How many plans were drawn now.

    Raises:
        DatasetError: if the folder holds plans of another order or cannot be written.
    """
    root = Path(folder)
    _claim(root, order)
    splits = split_of_each(order)
    missing = [
        (index, split)
        for index, split in enumerate(splits)
        if not (root / split / f"{plan_name(order, index)}.json").is_file()
    ]
    batches = [missing[k : k + BATCH] for k in range(0, len(missing), BATCH)]
    done = order.images - len(missing)
    for count in _drawn(root, order, batches, workers):
        done += count
        progress(Progress(done, order.images, "drawing plans"))
    return len(missing)


def plan_name(order: Order, index: int) -> str:
    """File name without suffix."""
    return f"plan_{order.seed}_{index:06d}"


def split_of_each(order: Order) -> list[str]:
    """The split of every plan: exact shares, drawn by the seed."""
    shares = dict(order.split or {"": 1.0})
    total = sum(shares.values())
    names: list[str] = []
    reached = 0.0
    for name, share in shares.items():
        reached += share / total
        names += [name] * (round(reached * order.images) - len(names))
    Random(f"floorseg split {order.seed}").shuffle(names)
    return names


def _claim(root: Path, order: Order) -> None:
    """Write down what this folder is for, or refuse one that is for something else."""
    record = orjson.loads(orjson.dumps(asdict(order)))
    path = root / RECORD
    if path.is_file():
        held = read_json(path)
        if held != record:
            changed = [key for key in record if held.get(key) != record[key]]
            raise DatasetError(
                f"{root} holds plans drawn with another {', '.join(changed)}; choose another "
                f"folder, or delete this one first"
            )
        return
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise DatasetError(f"{root} cannot be made: {problem.strerror}") from problem
    write_atomically(path, orjson.dumps(record, option=orjson.OPT_INDENT_2))


def _drawn(
    root: Path, order: Order, batches: list[list[tuple[int, str]]], workers: int
) -> Iterator[int]:
    if workers <= 1 or len(batches) <= 1:
        for batch in batches:
            yield _draw_batch(root, order, batch)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(batches)), mp_context=context) as pool:
        futures = [pool.submit(_draw_batch, root, order, batch) for batch in batches]
        for future in futures:
            yield future.result()


def encode_png(picture: np.ndarray) -> bytes:
    """A picture as a PNG file, uint8 (H, W, 3) RGB."""
    _, coded = cv2.imencode(".png", picture[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])
    return coded.tobytes()


def _draw_batch(root: Path, order: Order, batch: list[tuple[int, str]]) -> int:
    cv2.setNumThreads(1)  # many processes draw side by side
    for index, split in batch:
        plan = draw_plan(
            f"{order.seed}/{index}", order.size, without=order.without, styles=order.styles
        )
        sa1b.write_sample(
            root / split,
            plan_name(order, index),
            encode_png(plan.image) if order.png else plan.image,
            plan.annotations,
            image_id=index,
            extra={
                "pixels_per_metre": round(plan.pixels_per_metre, 3),
                "style": plan.style,
                "wear": plan.wear,
            },
        )
    return len(batch)
