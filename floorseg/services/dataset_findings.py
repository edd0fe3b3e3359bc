"""What a check found in one split of a dataset."""

from collections import Counter
from dataclasses import replace
from typing import Any

from floorseg.data.layout import SPLITS
from floorseg.services.datasets import Findings, Opened

_OF_ALL = ("split-leak",)  # kinds that concern every split


def of_split(findings: Findings | None, opened: Opened, split: str) -> Findings | None:
    """The findings on a split's files, and those that concern the whole dataset.

    Args:
        findings: of the whole dataset.
        opened: that dataset.
        split: "" for all of it.
    """
    if findings is None or not split:
        return findings
    kept = [one for one in findings.report["findings"] if _concerns(one, opened, split)]
    found = Counter(one["code"] for one in kept)
    concerned: Counter[str] = Counter()
    for one in kept:
        concerned[one["code"]] += one["count"]
    kinds = [
        {**kind, "findings": found[kind["code"]], "concerned": concerned[kind["code"]]}
        for kind in findings.report.get("kinds", [])
        if found[kind["code"]]
    ]
    counts: Counter[str] = Counter()
    for kind in kinds:
        counts[kind["severity"]] += kind["findings"]
    report = {**findings.report, "findings": kept, "kinds": kinds, "counts": dict(counts)}
    return replace(findings, report=report)


def _concerns(one: dict[str, Any], opened: Opened, split: str) -> bool:
    if one["file"] == "" or one["code"] in _OF_ALL:
        return True
    row = opened.rows.get(one["file"])
    if row is not None:
        return str(opened.index.split[row]) == split
    return SPLITS.get(one["file"].split("/")[0].lower()) == split
