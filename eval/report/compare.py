"""Two reports of the same pictures and prompts: is B better than A, where, and are we sure?

Objects are compared one by one, so what makes a picture hard for both does not blur the difference.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from eval.records import read_records
from eval.report.figures import MATCHES, trials_beside
from eval.report.schema import EvalReport
from eval.report.store import load_report, load_rows
from eval.report.words import LOWER_IS_BETTER, SCORES
from eval.statistics import (
    Difference,
    difference,
    match_ratios,
    mean_of_ratios,
    paired_difference,
    ratio_difference,
)

if TYPE_CHECKING:
    import pandas as pd

_PAIR_BY = ["place", "instance", "trial"]
_PAIRED = ("iou", "best_iou", "boundary_iou", "dice", "auc", "noc_85", "noc_90")
_CLICKS = (2, 3, 5, 10)

Records = Mapping[int, Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """B against A.

    Attributes:
        first: A's name.
        second: B's name.
        warnings: why they should not be put into one table; differences of other data or of
            another protocol are not computed.
        scores: B minus A by the name of the score.
        labels: B minus A in ``iou`` by class.
        bands: B minus A in ``iou`` by size band.
        trials: B minus A in ``iou`` by trial, those that are no part of the headline too.
    """

    first: str
    second: str
    warnings: tuple[str, ...] = ()
    scores: Mapping[str, Difference] = field(default_factory=dict)
    labels: Mapping[str, Difference] = field(default_factory=dict)
    bands: Mapping[str, Difference] = field(default_factory=dict)
    trials: Mapping[str, Difference] = field(default_factory=dict)


def compare(first: str | Path, second: str | Path) -> Comparison:
    """Compare two report folders, object by object.

    Raises:
        RunError: if one of them holds no report.
    """
    a, b = load_report(first), load_report(second)
    warnings = warnings_between(a, b)
    if warnings:
        return Comparison(
            first=a.checkpoint.name, second=b.checkpoint.name, warnings=tuple(warnings)
        )
    everything = _pairs(first, second)
    pairs = everything[everything["trial"].isin(a.protocol.headline)]
    records = read_records(Path(first)), read_records(Path(second))
    scores = _scores(pairs, a) | _of_pictures(pairs) | _of_pixels(*records)
    return Comparison(
        first=a.checkpoint.name,
        second=b.checkpoint.name,
        scores={name: scores[name] for name in SCORES if name in scores}
        | _match_scores(*records, a),
        labels=_groups(pairs, "label", [group.name for group in a.labels]),
        bands=_groups(pairs, "band", [group.name for group in a.bands]),
        trials=_groups(everything, "trial", [group.name for group in trials_beside(a)]),
    )


def warnings_between(a: EvalReport, b: EvalReport) -> list[str]:
    """One sentence for every reason not to put two reports into one table."""
    differ = {
        "data": (_data_name(a), _data_name(b), a.data.digest == b.data.digest),
        "split": (a.data.split, b.data.split, a.data.split == b.data.split),
        "protocol": (_protocol_name(a), _protocol_name(b), _protocol_name(a) == _protocol_name(b)),
        "seed": (a.protocol.seed, b.protocol.seed, a.protocol.seed == b.protocol.seed),
        "labels": (a.data.labels, b.data.labels, a.data.labels == b.data.labels),
    }
    return [
        f"{a.checkpoint.name} and {b.checkpoint.name} differ in {what}: {left!r} and {right!r}"
        for what, (left, right, same) in differ.items()
        if not same
    ]


def _data_name(report: EvalReport) -> str:
    return f"{report.data.folder}, {report.data.images} pictures, {report.data.digest[:8]}"


def _protocol_name(report: EvalReport) -> str:
    facts = report.protocol
    preset = f", {facts.preset}" if facts.preset else ""
    clicks = f", {facts.clicks} clicks" if facts.clicks else ""
    return f"{facts.name} version {facts.version}{clicks}{preset}"


def _pairs(first: str | Path, second: str | Path) -> "pd.DataFrame":
    """Rows of the same object and trial side by side."""
    one, two = (load_rows(path) for path in (first, second))
    return one.merge(two, on=_PAIR_BY, suffixes=("", "_b"), validate="one_to_one")


def _scores(pairs: "pd.DataFrame", report: EvalReport) -> dict[str, Difference]:
    columns = {
        name: (pairs[name].to_numpy(np.float64), pairs[f"{name}_b"].to_numpy(np.float64))
        for name in _PAIRED
    }
    for clicks in _CLICKS:
        if clicks <= report.protocol.clicks:
            columns[f"iou_{clicks}"] = (
                _after(pairs["ious"], clicks),
                _after(pairs["ious_b"], clicks),
            )
    pictures = pairs["place"].to_numpy()
    found = {
        name: difference(a, b, pictures, higher_is_better=name not in LOWER_IS_BETTER)
        for name, (a, b) in columns.items()
    }
    return {name: value for name, value in found.items() if value is not None}


def _of_pictures(pairs: "pd.DataFrame") -> dict[str, Difference]:
    """Mean over pictures of the mean IoU of their objects."""
    means = pairs.groupby("place")[["iou", "iou_b"]].mean()
    gap = difference(means["iou"].to_numpy(), means["iou_b"].to_numpy(), means.index.to_numpy())
    return {} if gap is None else {"image_iou": gap}


def _of_pixels(a: Records, b: Records) -> dict[str, Difference]:
    """IoU of each class over all its pixels, mean over the classes."""
    places = [place for place in a if a[place].get("pixels") and b.get(place, {}).get("pixels")]
    labels = sorted({label for place in places for label in a[place]["pixels"]})
    if not labels:
        return {}
    first, second = (_pixel_sums(records, places, labels) for records in (a, b))
    gap = paired_difference(first, second, mean_of_ratios)
    return {} if gap is None else {"pixel_iou": gap}


def _pixel_sums(records: Records, places: list[int], labels: list[str]) -> np.ndarray:
    """int64 (pictures, 2 * classes): each class's pixels in both, then those in either."""
    counts = np.array(
        [[records[p]["pixels"].get(label, (0, 0, 0)) for label in labels] for p in places],
        dtype=np.int64,
    )
    both, wanted, got = np.moveaxis(counts, 2, 0)
    return np.concatenate([both, wanted + got - both], axis=1)


def _groups(pairs: "pd.DataFrame", column: str, order: list[str]) -> dict[str, Difference]:
    found = {}
    for name in order:
        rows = pairs[pairs[column] == name]
        gap = difference(
            rows["iou"].to_numpy(np.float64), rows["iou_b"].to_numpy(np.float64),
            rows["place"].to_numpy(),
        )  # fmt: skip
        if gap is not None:
            found[name] = gap
    return found


def _match_scores(a: Records, b: Records, report: EvalReport) -> dict[str, Difference]:
    """What was found without prompts, picture by picture."""
    places = [place for place in a if "matches" in a[place] and "matches" in b.get(place, {})]
    found = {}
    for score in report.matches:
        at = f"{score.threshold:g}"
        counts = [np.array([record[p]["matches"][at] for p in places]).T for record in (a, b)]
        ratios = [match_ratios(*each) for each in counts]
        for name in MATCHES:
            gap = ratio_difference(*ratios[0][name], *ratios[1][name])
            if gap is not None:
                found[f"{name}_{at}"] = gap
    return found


def _after(ious: "pd.Series[list[float]]", clicks: int) -> np.ndarray:
    return np.array([found[min(clicks, len(found)) - 1] for found in ious], dtype=np.float64)
