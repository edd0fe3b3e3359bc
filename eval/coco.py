"""Average precision and recall of everything found, by pycocotools' own evaluation."""

import contextlib
import io
from collections.abc import Mapping
from typing import Any

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from floorseg.core import rle

NAMES = (  # in the order of COCOeval.stats
    "AP",
    "AP50",
    "AP75",
    "AP_small",
    "AP_medium",
    "AP_large",
    "AR_1",
    "AR_10",
    "AR_100",
    "AR_small",
    "AR_medium",
    "AR_large",
)


def average_precision(records: Mapping[int, Mapping[str, Any]]) -> dict[str, float]:
    """COCO's twelve figures; those of a size that does not occur are left out.

    All objects count as one class, since masks carry none. At most 100 regions a picture count, the
    highest scores first, as in COCO.

    Args:
        records: of the protocol ``everything``, by the picture's place.
    """
    done = {place: record for place, record in records.items() if "proposals" in record}
    truths = [
        _entry(place, record, counts)
        for place, record in done.items()
        for counts in record["truths"]
    ]
    found = [
        {**_entry(place, record, proposal["counts"]), "score": proposal["score"]}
        for place, record in done.items()
        for proposal in record["proposals"]
    ]
    if not truths:
        return {}
    if not found:
        return dict.fromkeys(NAMES[:3] + NAMES[6:9], 0.0)
    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools prints
        evaluation = COCOeval(_dataset(done, truths), _dataset(done, found), "segm")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    stats = zip(NAMES, evaluation.stats, strict=True)
    return {name: float(value) for name, value in stats if value >= 0}  # -1: does not occur


def _entry(place: int, record: Mapping[str, Any], counts: str) -> dict[str, Any]:
    mask = {"size": [record["height"], record["width"]], "counts": counts}
    return {
        "image_id": place,
        "category_id": 1,
        "segmentation": mask,
        "area": rle.area(mask),
        "bbox": list(rle.bbox(mask)),
        "iscrowd": 0,
    }


def _dataset(records: Mapping[int, Mapping[str, Any]], entries: list[dict[str, Any]]) -> COCO:
    dataset = COCO()
    dataset.dataset = {
        "images": [
            {"id": place, "height": record["height"], "width": record["width"]}
            for place, record in records.items()
        ],
        "categories": [{"id": 1, "name": "object"}],
        "annotations": [{**entry, "id": i} for i, entry in enumerate(entries, start=1)],
    }
    dataset.createIndex()
    return dataset
