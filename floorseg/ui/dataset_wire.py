"""Samples, findings and tasks of the Dataset tab as its script reads them."""

import csv
import io
from typing import Any

import orjson

from floorseg.data.checks.findings import RULES
from floorseg.services.dataset_samples import MaskView, SampleView
from floorseg.services.dataset_tasks import Task
from floorseg.services.datasets import Findings, Opened

_SENTENCES = 200  # of a finished copy that are shown
_FINDING_FIELDS = ("severity", "code", "file", "sentence", "fix", "fixable", "count")


def sample_json(view: SampleView) -> dict[str, Any]:
    """A sample; its masks as patches of the picture that is sent."""
    return {
        "file": view.file,
        "size": list(view.size),
        "shown": list(view.shown),
        "picture": view.picture,
        "masks": [mask_json(mask) for mask in view.masks],
        "left_out": view.left_out,
        "head": view.head,
        "problems": list(view.problems),
    }


def mask_json(mask: MaskView) -> dict[str, Any]:
    """One annotation."""
    return {
        "place": mask.place,
        "name": mask.name,
        "label": mask.label,
        "colour": list(mask.colour),
        "patch": mask.patch.wire() if mask.patch is not None else None,
        "area": mask.area,
        "bbox": list(mask.bbox),
        "fields": dict(mask.fields),
        "json": mask.json,
        "problem": mask.problem,
    }


def task_json(task: Task) -> dict[str, Any]:
    """A task: the command, how far it is, and once it is done what it did."""
    answer = task.answer.get("mended", task.answer) if task.kind == "mend" else task.answer
    done: dict[str, Any] = {}
    if task.state == "done" and task.kind != "check":
        done = {
            "samples": answer.get("samples", 0),
            "format": answer.get("format", ""),
            "changes": list(answer.get("changes", []))[:_SENTENCES],
            "change_count": len(answer.get("changes", [])),
            "notes": list(answer.get("notes", []))[:_SENTENCES],
            "left_out": list(answer.get("left_out", []))[:_SENTENCES],
        }
    return {
        "task": task.token,
        "kind": task.kind,
        "dataset": task.dataset,
        "target": task.target,
        "command": task.command,
        "state": task.state,
        "done": task.progress.done,
        "total": task.progress.total,
        "what": task.progress.what,
        "problem": task.problem,
        "answer": done,
    }


def card_json(opened: Opened, findings: Findings | None, row: int) -> dict[str, Any]:
    """One sample of the gallery, without its picture."""
    index, entry = opened.index, opened.entry(row)
    kinds = findings.codes.get(row, ()) if findings is not None else ()
    return {
        "row": row,
        "name": entry.name,
        "split": entry.split,
        "width": int(index.width[row]),
        "height": int(index.height[row]),
        "mask_count": int(index.masks[row]),
        "codes": list(kinds),
        "worst": str(RULES[kinds[0]].severity) if kinds and kinds[0] in RULES else "",
    }


def summary_json(findings: Findings | None) -> dict[str, Any] | None:
    """What the last check found, in numbers; None where none was made."""
    if findings is None:
        return None
    kinds = findings.report.get("kinds", [])
    return {"fresh": findings.fresh, "counts": findings.counts, "kinds": kinds}


def findings_of_file(findings: Findings | None, file: str) -> list[dict[str, Any]]:
    """The findings of one sample, the first fifty."""
    listed = findings.report["findings"] if findings is not None else []
    return [one for one in listed if one["file"] == file][:50]


def filtered(findings: Findings | None, code: str, text: str) -> list[dict[str, Any]]:
    """The findings of one kind or severity whose file or sentence holds a text."""
    listed = findings.report["findings"] if findings is not None else []
    part = text.lower()
    return [
        one
        for one in listed
        if code in ("", one["code"], one["severity"])
        and (not part or part in one["file"].lower() or part in one["sentence"].lower())
    ]


def findings_text(rows: list[dict[str, Any]], kind: str) -> str:
    """Findings as CSV or JSON."""
    rows = [{key: one.get(key) for key in _FINDING_FIELDS} for one in rows]
    if kind == "json":
        return orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode()
    text = io.StringIO()
    writer = csv.DictWriter(text, _FINDING_FIELDS)
    writer.writeheader()
    writer.writerows({key: _cell(value) for key, value in row.items()} for row in rows)
    return text.getvalue()


def _cell(value: Any) -> Any:
    """A value that no spreadsheet takes for a formula."""
    risky = isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t")
    return f"'{value}" if risky else value
