"""Records of pictures -> the figures of a report, each with its interval."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from eval.protocols import REPORTED_CLICKS
from eval.report import SCORES, CurvePoint, Example, GroupScore, MatchScores
from eval.statistics import (
    Interval,
    draw_weights,
    interval,
    interval_of_ratio,
    match_ratios,
    percentiles,
)
from eval.table import BANDS, after
from floorseg.core.calibration import CalibrationBin, bin_of, calibration_curve

HISTOGRAM_BINS = 20
GALLERY = 12

Records = Mapping[int, Mapping[str, Any]]


def score_all(
    table: pd.DataFrame, records: Records, *, clicks: int, painted: bool = True
) -> dict[str, Interval]:
    """The headline figures that the protocol gives, in the order of ``SCORES``.

    Args:
        table: the rows of the protocol's headline trials.
        records: of the pictures.
        clicks: most clicks an object gets.
        painted: whether the records' pixels are of these trials.
    """
    pictures = table["place"].to_numpy()
    found = {
        name: interval(table[name].to_numpy(np.float64), pictures)
        for name in ("iou", "best_iou", "boundary_iou", "dice", "noc_85", "noc_90")
    }
    if clicks > 1:
        found["auc"] = interval(table["auc"].to_numpy(np.float64), pictures)
        for point in curve(table, clicks=clicks):
            if point.clicks in REPORTED_CLICKS[1:]:
                found[f"iou_{point.clicks}"] = point.iou
    by_picture = table.groupby("place")["iou"].mean()
    found["image_iou"] = interval(by_picture.to_numpy(), by_picture.index.to_numpy())
    found["pixel_iou"] = mean_pixel_iou(records) if painted else None
    found["calibration_error"] = calibration_interval(table)
    return {name: value for name in SCORES if (value := found.get(name)) is not None}


def curve(table: pd.DataFrame, *, clicks: int) -> list[CurvePoint]:
    """Mean IoU after 1, 2, ... clicks, up to ten."""
    if not clicks or table.empty:
        return []
    pictures = table["place"].to_numpy()
    points = []
    for count in range(1, min(clicks, max(REPORTED_CLICKS)) + 1):
        found = interval(np.array([after(ious, count) for ious in table["ious"]]), pictures)
        if found is not None:
            points.append(CurvePoint(clicks=count, iou=found))
    return points


def group_scores(
    table: pd.DataFrame, column: str, order: Iterable[str], records: Records | None = None
) -> list[GroupScore]:
    """Figures of every group that occurs.

    Args:
        table: the rows.
        column: what they are grouped by.
        order: names of the groups; those that do not occur are left out.
        records: to add each class's pixels, counted together.
    """
    pixels = pixel_counts(records) if records is not None else {}
    scores = []
    for name in order:
        rows = table[table[column] == name]
        if rows.empty:
            continue
        pictures = rows["place"].to_numpy()
        last = np.array([ious[-1] for ious in rows["ious"]])
        both = pixels.get(name)
        scores.append(
            GroupScore(
                name=name,
                objects=len(rows),
                iou=interval(rows["iou"].to_numpy(np.float64), pictures),
                last_iou=interval(last, pictures),
                best_iou=interval(rows["best_iou"].to_numpy(np.float64), pictures),
                boundary_iou=interval(rows["boundary_iou"].to_numpy(np.float64), pictures),
                pixel_iou=None if both is None else _pixel_interval(both, len(rows)),
            )
        )
    return scores


def bands(table: pd.DataFrame) -> list[GroupScore]:
    """By size, small first."""
    return group_scores(table, "band", [name for _, name in BANDS])


def pixel_counts(records: Records) -> dict[str, np.ndarray]:
    """Class -> int64 (pictures, 3): pixels both, of the truth, of the answers."""
    places = list(records)
    labels = sorted({label for record in records.values() for label in record.get("pixels", {})})
    return {
        label: np.array(
            [records[place].get("pixels", {}).get(label, (0, 0, 0)) for place in places],
            dtype=np.int64,
        )
        for label in labels
    }


def mean_pixel_iou(records: Records) -> Interval | None:
    """Mean over the classes of their IoU over all pixels; classes that never occur are absent."""
    counted = list(pixel_counts(records).values())
    if not counted:
        return None
    both = np.stack([c[:, 0] for c in counted], axis=1).astype(np.float64)
    union = np.stack([c[:, 1] + c[:, 2] - c[:, 0] for c in counted], axis=1).astype(np.float64)
    mean = float((both.sum(axis=0) / union.sum(axis=0)).mean())
    weights = draw_weights(len(both))
    above, below = weights @ both, weights @ union
    drawn = np.divide(above, below, out=np.full_like(above, np.nan), where=below > 0)
    present = np.isfinite(drawn).sum(axis=1).astype(np.float64)
    low, high = percentiles(np.nansum(drawn, axis=1), present)
    return Interval(mean, low, high, len(counted))


def calibration(table: pd.DataFrame) -> list[CalibrationBin]:
    """True IoU against the model's own score, ten bins."""
    rows = table[table["answer"].notna()]
    return calibration_curve(rows["score"].to_numpy(), rows["iou"].to_numpy())


def calibration_interval(table: pd.DataFrame) -> Interval | None:
    """Expected calibration error; its bins are sums over pictures, so it is drawn like a mean."""
    rows = table[table["answer"].notna()]
    if rows.empty:
        return None
    score = np.clip(rows["score"].to_numpy(np.float64), 0, 1)
    _, place = np.unique(rows["place"].to_numpy(), return_inverse=True)
    cell = place * 10 + bin_of(score)
    shape = (int(place.max()) + 1, 10)
    gap = np.bincount(cell, weights=score - rows["iou"].to_numpy(), minlength=shape[0] * 10)
    count = np.bincount(place).astype(np.float64)
    weights = draw_weights(shape[0])
    low, high = percentiles(np.abs(weights @ gap.reshape(shape)).sum(axis=1), weights @ count)
    mean = float(np.abs(gap.reshape(shape).sum(axis=0)).sum() / count.sum())
    return Interval(mean, low, high, len(rows))


def match_scores(records: Records) -> list[MatchScores]:
    """Precision, recall, F1 and Room Integrity of the protocol ``everything``."""
    done = [record["matches"] for record in records.values() if "matches" in record]
    if not done:
        return []
    scores = []
    for at in done[0]:
        matched, wrong, missed, iou = np.array([counts[at] for counts in done]).T
        objects = int((matched + missed).sum())
        ratios = match_ratios(matched, wrong, missed, iou)
        scores.append(
            MatchScores(
                threshold=float(at),
                matched=int(matched.sum()),
                wrong=int(wrong.sum()),
                missed=int(missed.sum()),
                **{
                    name: interval_of_ratio(above, below, count=objects)
                    for name, (above, below) in ratios.items()
                },
            )
        )
    return scores


def histogram(table: pd.DataFrame) -> list[int]:
    """Objects by IoU after the first prompt, equal bins from 0 to 1."""
    counts, _ = np.histogram(table["iou"], bins=HISTOGRAM_BINS, range=(0.0, 1.0))
    return [int(count) for count in counts]


def examples(table: pd.DataFrame) -> dict[str, list[Example]]:
    """The worst, the most middling and the best answers, of an object asked several times one."""
    rows = table.sort_values(["iou", "place", "instance"], kind="stable")
    once = ["place", "instance"]
    worst_first, best_last = (rows.drop_duplicates(once, keep=k) for k in ("first", "last"))
    middle = max(0, (len(worst_first) - GALLERY) // 2)
    parts = {
        "worst": worst_first.head(GALLERY),
        "median": worst_first.iloc[middle : middle + GALLERY],
        "best": best_last.tail(GALLERY)[::-1],
    }
    columns = ("place", "image", "instance", "label", "trial", "iou")
    return {
        name: [
            Example(**dict(zip(columns, values, strict=True)))
            for values in part[list(columns)].itertuples(index=False, name=None)
        ]
        for name, part in parts.items()
    }


def _pixel_interval(counts: np.ndarray, objects: int) -> Interval | None:
    both, wanted, got = counts.T.astype(np.float64)
    return interval_of_ratio(both, wanted + got - both, count=objects)
