"""How many synthetic plans a second reach the disk.

    python -m benchmarks.synth                       # 200 plans of 640 px, two processes

Aim: at least 15 a second on two cores. Wall-clock time of everything: start of the processes,
drawing, masks, JPEG, JSON.
"""

import argparse
import os
import tempfile
import time

from floorseg.data.synth.writer import Order, write_plans


def main() -> None:
    """Draw, count, print one line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--size", type=int, default=640)
    asked = parser.parse_args()
    order = Order(images=asked.images, seed=1, size=(asked.size, asked.size))
    with tempfile.TemporaryDirectory() as folder:
        before, used = time.perf_counter(), os.times()
        write_plans(folder, order, workers=asked.workers)
        seconds, after = time.perf_counter() - before, os.times()
    busy = sum(after[:4]) - sum(used[:4])
    print(
        f"{asked.images} plans of {asked.size} px, {asked.workers} processes: {seconds:.1f} s, "
        f"{asked.images / seconds:.1f} a second; {1000 * busy / asked.images:.0f} ms of processor "
        f"each"
    )


if __name__ == "__main__":
    main()
