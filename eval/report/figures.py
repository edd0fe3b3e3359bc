"""Every figure of a report under one name, for tables: headline scores, regions found, trials."""

from collections.abc import Sequence

from eval.report.schema import EvalReport, GroupScore
from eval.report.words import SCORES
from eval.statistics import Interval

MATCHES = {  # of the protocol everything, at each threshold
    "f1": "F1",
    "precision": "precision",
    "recall": "recall",
    "mean_iou": "mean IoU of the matches",
    "room_integrity": "Room Integrity, sum IoU(TP) / (TP + FP/2 + FN/2),",
}
COCO = {  # what a table shows of pycocotools' figures, which have no interval
    "AP": "average precision at IoU 0.50 to 0.95, by pycocotools",
    "AP50": "average precision at IoU 0.50, by pycocotools",
    "AP75": "average precision at IoU 0.75, by pycocotools",
    "AR_100": "average recall at IoU 0.50 to 0.95, at most 100 regions, by pycocotools",
}


def figures_of(report: EvalReport) -> dict[str, Interval]:
    """The headline scores, then those of the regions found, as ``f1_0.5``."""
    found = dict(report.scores)
    for score in report.matches:
        for what in MATCHES:
            value: Interval | None = getattr(score, what)
            if value is not None:
                found[f"{what}_{score.threshold:g}"] = value
    return found


def coco_of(report: EvalReport) -> dict[str, float]:
    """What a table shows of pycocotools' figures."""
    return {name: report.coco[name] for name in COCO if name in report.coco}


def trials_beside(report: EvalReport) -> Sequence[GroupScore]:
    """Trials that say something the headline does not: all, where some are no part of it."""
    apart = set(report.protocol.trials) - set(report.protocol.headline)
    return report.trials if apart or len(report.protocol.trials) > 3 else ()


def order_of(reports: Sequence[EvalReport]) -> list[str]:
    """Names of all figures that any of them has, in the order of tables."""
    found = [figures_of(report) for report in reports]
    present = {name for names in found for name in names}
    matched = [name for names in found for name in names if name not in SCORES]
    unprompted = all(report.matches for report in reports)
    order = (*matched, *SCORES) if unprompted else (*SCORES, *matched)
    return [name for name in dict.fromkeys(order) if name in present]


def meaning(name: str) -> str:
    """What a figure is."""
    if name in SCORES:
        return SCORES[name]
    if name in COCO:
        return COCO[name]
    what, at = name.rsplit("_", 1)
    return f"{MATCHES.get(what, what)} of the regions found, matched above IoU {at}"
