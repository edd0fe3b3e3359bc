"""Checks of single masks: how they are written, and whether the stated fields fit."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from floorseg.core import rle, run_lengths
from floorseg.data.checks.findings import Finding, finding
from floorseg.data.checks.look import Look, MaskLook, stated_box
from floorseg.errors import DatasetError

TINY = 25  # pixels
THIN = 2  # pixels, the shorter side of a sliver
HUGE = 0.75  # of the image
BOX_SLACK = 2.0  # pixels a stated bbox may be off: exporters round polygons
BOX_IOU = 0.9
AREA_SLACK = 0.1


def check_masks_are_readable(look: Look) -> Iterable[Finding]:
    """Runs add up to the size, polygons are numbers."""
    broken = [mask for mask in look.masks if mask.segmentation is None]
    relative = [mask for mask in broken if fills_its_box(mask)]
    if relative:
        said = f"the runs fill the bbox, not the image: a CVAT mask (annotation {relative[0].name})"
        yield finding("mask-unreadable", look.file, said, count=len(relative))
    rest = [mask for mask in broken if mask not in relative]
    if rest:
        said = f"{_of(rest, look)} cannot be read; annotation {rest[0].name}: {rest[0].problem}"
        yield finding("mask-unreadable", look.file, said, count=len(rest))


def check_masks_are_coco_rle(look: Look) -> Iterable[Finding]:
    """SA-1B files hold compressed COCO RLE; other trainers read nothing else."""
    pairs = [m for m in look.masks if m.kind == "pairs" and m.segmentation is not None]
    if pairs:
        said = (
            f"{_of(pairs, look)} hold (value, run) pairs along the rows; pycocotools refuses them"
        )
        yield finding("mask-pairs", look.file, said, count=len(pairs))
    other = [m for m in look.masks if m.kind in ("runs", "polygons") and m.segmentation is not None]
    if other and look.writes_rle:
        said = f"{_of(other, look)} are written as {other[0].kind}; sam2 reads compressed RLE only"
        yield finding("mask-encoding", look.file, said, count=len(other))


def check_masks_are_outlines(look: Look) -> Iterable[Finding]:
    """A YOLO line of four numbers is a box; read as a mask it claims the corners too."""
    boxes = [mask for mask in look.masks if mask.row.get("shape") == "box"]
    if boxes:
        said = f"{_of(boxes, look)} are boxes, not outlines; they are read as full rectangles"
        yield finding("mask-box", look.file, said, count=len(boxes))


def check_mask_sizes(look: Look) -> Iterable[Finding]:
    """``size`` is [height, width] of the image."""
    if look.size is None:
        return
    width, height = look.size
    sizes = [(mask, _stated_size(mask)) for mask in look.masks]
    swapped = [m for m, size in sizes if size == (width, height) and width != height]
    if swapped:
        said = f"{_of(swapped, look)} state size [{width}, {height}], width first"
        yield finding("mask-size-swapped", look.file, said, count=len(swapped))
    wrong = {m.name: s for m, s in sizes if s and s not in ((width, height), (height, width))}
    if wrong:
        h, w = next(iter(wrong.values()))
        said = (
            f"{len(wrong)} of {len(look.masks)} masks are {w} x {h}, the image {width} x {height}"
        )
        yield finding("mask-size", look.file, said, count=len(wrong))


def check_boxes(look: Look) -> Iterable[Finding]:
    """The stated bbox is the mask's; where the mask read along the rows fits better, it is said."""
    along: list[MaskLook] = []
    off: list[MaskLook] = []
    for mask in look.masks:
        box = stated_box(mask)
        if (
            mask.segmentation is None
            or box is None
            or not mask.area
            or _boxes_agree(box, mask.bbox)
        ):
            continue
        is_along = mask.kind in ("coco", "runs") and reads_along_rows(mask, box)
        (along if is_along else off).append(mask)
    if along:
        said = f"{_of(along, look)} fit their bbox when read along the rows, not down the columns"
        yield finding("mask-row-major", look.file, said, count=len(along))
    if off:
        said = (
            f"{_of(off, look)} have another bbox than stated; annotation {off[0].name}: "
            f"stated {_numbers(off[0].row['bbox'])}, measured {_numbers(off[0].bbox)}"
        )
        yield finding("bbox", look.file, said, count=len(off))


def check_areas(look: Look) -> Iterable[Finding]:
    """The stated area is the number of pixels. sam2's reader drops masks whose area is 0."""
    if not look.writes_rle:
        return
    readable = [m for m in look.masks if m.segmentation is not None and m.area]
    missing = [
        m for m in readable if not isinstance(m.row.get("area"), (int, float)) or not m.row["area"]
    ]
    if missing:
        said = f"{_of(missing, look)} state no area"
        yield finding("area-missing", look.file, said, count=len(missing))
    off = [m for m in readable if m not in missing and _area_is_off(float(m.row["area"]), m.area)]
    if off:
        said = (
            f"{_of(off, look)} state another area; annotation {off[0].name}: "
            f"stated {float(off[0].row['area']):,.0f}, counted {off[0].area:,}"
        )
        yield finding("area", look.file, said, count=len(off))


def check_masks_have_pixels(look: Look) -> Iterable[Finding]:
    """Empty, tiny, thin and image-filling masks are seldom meant."""
    readable = [m for m in look.masks if m.segmentation is not None]
    whole = look.size[0] * look.size[1] if look.size else 0
    kinds: list[tuple[str, str, Callable[[MaskLook], bool]]] = [
        ("mask-empty", "have no pixel", lambda m: not m.area),
        ("mask-tiny", f"have fewer than {TINY} pixels", lambda m: 0 < m.area < TINY),
        ("mask-sliver", "are slivers", lambda m: m.area >= TINY and min(m.bbox[2:]) <= THIN),
        (
            "mask-huge",
            f"cover more than {HUGE:.0%} of the image",
            lambda m: m.area > HUGE * whole > 0,
        ),
    ]
    for code, what, applies in kinds:
        found = [mask for mask in readable if applies(mask)]
        if found:
            said = (
                f"{_of(found, look)} {what} (annotation {found[0].name}: {found[0].area:,} pixels)"
            )
            yield finding(code, look.file, said, count=len(found))


def check_masks_are_inside(look: Look) -> Iterable[Finding]:
    """Polygons and stated boxes stay on the image."""
    if look.size is None:
        return
    outside = [mask for mask in look.masks if _reaches_outside(mask, look.size)]
    if outside:
        said = f"{_of(outside, look)} reach outside the image (annotation {outside[0].name})"
        yield finding("mask-outside", look.file, said, count=len(outside))


def check_ids(look: Look) -> Iterable[Finding]:
    """An id names one annotation of an image."""
    counts = Counter(mask.name for mask in look.masks if "id" in mask.row)
    twice = {name: count for name, count in counts.items() if count > 1}
    if twice:
        said = f"id {next(iter(twice))} is used more than once"
        yield finding("id-twice", look.file, said, count=sum(twice.values()) - len(twice))


def reads_along_rows(mask: MaskLook, box: np.ndarray) -> bool:
    """Whether the same runs, read along the rows, give the stated bbox (D10: other tools' RLE)."""
    read = read_along_rows(mask.segmentation)
    return read is not None and _boxes_agree(box, rle.bbox(read))


def read_along_rows(segmentation: rle.Segmentation | None) -> rle.Segmentation | None:
    """The mask its runs give when they are read along the rows; None where they give none."""
    if segmentation is None:
        return None
    height, width = segmentation["size"]
    try:
        turned = run_lengths.transpose(rle.runs(segmentation), height, width)
    except ValueError:
        return None
    return rle.from_runs(turned, (height, width))


def fills_its_box(mask: MaskLook) -> bool:
    """Whether the runs of an unreadable mask add up to its bbox, as CVAT writes them."""
    box = stated_box(mask)
    segmentation = mask.row.get("segmentation")
    if box is None or not isinstance(segmentation, dict) or box.min() < 0:
        return False
    try:
        total = int(rle.read_counts(segmentation.get("counts")).sum())
    except DatasetError:
        return False
    return total > 0 and total == round(box[2]) * round(box[3])


def _boxes_agree(stated: np.ndarray, measured: Sequence[float]) -> bool:
    found = np.asarray(measured)
    ends, other = stated[:2] + stated[2:], found[:2] + found[2:]
    if max(np.abs(stated[:2] - found[:2]).max(), np.abs(ends - other).max()) <= BOX_SLACK:
        return True
    sides = np.clip(np.minimum(ends, other) - np.maximum(stated[:2], found[:2]), 0, None)
    shared = float(sides.prod())
    return shared >= BOX_IOU * float(stated[2:].prod() + found[2:].prod() - shared)


def _area_is_off(stated: float, counted: int) -> bool:
    return not abs(stated - counted) <= max(AREA_SLACK * counted, 10.0)


def _stated_size(mask: MaskLook) -> tuple[int, int] | None:
    segmentation = mask.row.get("segmentation")
    size = segmentation.get("size") if isinstance(segmentation, dict) else None
    if isinstance(size, (list, tuple)) and len(size) == 2 and all(type(n) is int for n in size):
        return size[0], size[1]
    return None


def _reaches_outside(mask: MaskLook, size: tuple[int, int]) -> bool:
    polygons = mask.row.get("segmentation")
    if mask.kind == "polygons" and isinstance(polygons, list) and mask.segmentation is not None:
        points = np.array([n for p in polygons for n in (p if isinstance(p, list) else [p])])
        xs, ys = points[::2], points[1::2]
        low = min(xs.min(initial=0), ys.min(initial=0))
        return bool(low < -1 or xs.max(initial=0) > size[0] + 1 or ys.max(initial=0) > size[1] + 1)
    box = stated_box(mask)
    if box is None:
        return False
    ends = box[:2] + box[2:]
    return bool(box[:2].min() < -BOX_SLACK or (ends > np.array(size) + BOX_SLACK).any())


def _of(masks: Sequence[MaskLook], look: Look) -> str:
    return f"{len(masks)} of {len(look.masks)} masks"


def _numbers(values: Iterable[float]) -> str:
    return "[" + ", ".join(f"{value:.0f}" for value in values) + "]"
