"""Samples and tasks of the Dataset tab as its script reads them."""

from typing import Any

from floorseg.services.dataset_samples import MaskView, SampleView
from floorseg.services.dataset_tasks import Task

_SENTENCES = 200  # of a finished copy that are shown


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
