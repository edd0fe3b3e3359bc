"""Rooms of plans of which only walls and openings are labelled: what these enclose.

    python -m benchmarks.enclosed out/enclosed --images IMAGES --walls LABELS [--leave-out PATTERN]
    python -m eval --checkpoint floorseg-nano-rooms --data out/enclosed --split "" --protocol click

``LABELS`` holds label PNGs named as their images, in which walls, doors and windows are anything
but 0. Writes an SA-1B folder: it judges models by sheets from elsewhere that no training saw.
"""

import argparse
from fnmatch import fnmatch
from pathlib import Path

import cv2
import numpy as np

from floorseg.core import rle
from floorseg.data.annotation import Annotation
from floorseg.data.label_png import read_labels
from floorseg.data.layout import image_files
from floorseg.data.sa1b import write_sample

SMALLEST = 0.0012  # of the sheet: what is smaller is a duct
NARROWEST = 0.012  # of the sheet's height, from the middle to a wall: a gap between two walls


def main() -> None:
    """Write the rooms of every plan that has labels, and say how many there were."""
    options = _options()
    plans = 0
    for image in image_files(options.images):
        labels = options.walls / f"{image.stem}.png"
        if labels.is_file() and not fnmatch(image.name, options.leave_out):
            rooms = enclosed(read_labels(labels).labels > 0)
            annotations = [
                Annotation(number, rle.encode(room)) for number, room in enumerate(rooms, 1)
            ]
            write_sample(options.out, image.stem, image, annotations)
            print(f"{image.name}: {len(rooms)} rooms")
            plans += 1
    print(f"{plans} plans in {options.out}; an image counts if {options.walls} has its PNG")


def enclosed(walls: np.ndarray) -> list[np.ndarray]:
    """What walls and openings (bool (H, W)) enclose: bool (H, W) each, without cut-off rooms."""
    height, width = walls.shape
    free = (cv2.dilate(walls.astype(np.uint8), np.ones((3, 3), np.uint8)) == 0).astype(np.uint8)
    _, numbers, boxes, _ = cv2.connectedComponentsWithStats(free, connectivity=4)
    found = []
    for number, (x, y, w, h, area) in enumerate(boxes.tolist()):
        cut_off = x == 0 or y == 0 or x + w == width or y + h == height
        if number == 0 or cut_off or area < SMALLEST * height * width:
            continue
        room = (numbers == number).astype(np.uint8)
        if cv2.distanceTransform(room, cv2.DIST_L2, 5).max() < NARROWEST * height:
            continue
        found.append(cv2.morphologyEx(room, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)) > 0)
    return found


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="the folder to write")
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--walls", type=Path, required=True, help="label PNGs")
    parser.add_argument("--leave-out", default="", metavar="PATTERN", help="names of images")
    return parser.parse_args()


if __name__ == "__main__":
    main()
