"""A run's best weights on the test split beside those it began with, loaded as a user would.

Evaluation is a process, with the command a person would type. What it says is summed up in
``test.json`` of the run folder; its full reports lie in ``test/``.
"""

import logging
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from eval.report import compare, find_reports, load_report
from floorseg.data.dataset import open_dataset
from floorseg.errors import RunError
from floorseg.runs import RunFolder
from floorseg.services.detached import environment

CLICKS = 3
ASKED = {  # protocol: arguments, and what its scores are called here
    "click": (["--clicks", str(CLICKS)], {"iou": "1 click", f"iou_{CLICKS}": f"{CLICKS} clicks"}),
    "box": ([], {"iou": "box"}),
}
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TestSplit:
    """What is scored: a dataset's split, the run's best weights, and what they were made from."""

    folder: str
    split: str
    best: Path
    base: str | None


def score(run: RunFolder) -> dict[str, dict[str, float]]:
    """Score a run's best weights and their base, and keep it in the run folder.

    Returns:
        for "1 click", "3 clicks" and "box": mean IoU as ``base`` and ``tuned``, and what was
        gained, object by object: ``gain`` with its 95 % interval ``low`` to ``high``. Without a
        base only ``tuned``. Empty where the run has no test split.

    Raises:
        RunError: if there are no best weights, or the evaluation fails.
        DatasetError: if the dataset cannot be read.
    """
    asked = _asked(run)
    if asked is None:
        return {}
    _forget_older_weights(run, asked.best)
    scores: dict[str, dict[str, float]] = {}
    for protocol, (arguments, names) in ASKED.items():
        out = run.path / "test" / protocol
        _evaluate(asked, protocol, arguments, out)
        for name, facts in _facts(out, asked, names):
            scores[name] = facts
    run.write_json("test.json", {"dataset": asked.folder, "split": asked.split, "scores": scores})
    run.record("test", scores=scores)
    return scores


def in_words(name: str, facts: dict[str, float]) -> str:
    """``1 click: 0.41 -> 0.56, +0.15 (0.12 to 0.18)``."""
    if "base" not in facts:
        return f"{name}: {facts['tuned']:.4f}"
    return (
        f"{name}: {facts['base']:.4f} -> {facts['tuned']:.4f}, {facts['gain']:+.4f} "
        f"(95 % interval {facts['low']:+.4f} to {facts['high']:+.4f})"
    )


def _asked(run: RunFolder) -> TestSplit | None:
    said: Any = yaml.safe_load(run.config.read_text(encoding="utf-8"))
    dataset = said.get("dataset") or {}
    split, folder = dataset.get("test"), dataset.get("folder")
    if not split or not folder or split not in open_dataset(Path(folder)).splits:
        return None
    best = run.checkpoints / "best.pt"
    if not best.is_file():
        raise RunError(f"{run.name} has no best weights yet; they come with its first validation")
    return TestSplit(str(folder), str(split), best, dataset.get("base_model"))


def _forget_older_weights(run: RunFolder, best: Path) -> None:
    """Reports of a part of the run that has since become better are made anew."""
    folder = run.path / "test"
    if folder.is_dir() and folder.stat().st_mtime < best.stat().st_mtime:
        shutil.rmtree(folder)


def _evaluate(asked: TestSplit, protocol: str, arguments: list[str], out: Path) -> None:
    base = ["--checkpoint", asked.base] if asked.base else []
    command = [
        sys.executable, "-m", "eval", *base, "--checkpoint", str(asked.best), "--data",
        asked.folder, "--split", asked.split, "--protocol", protocol, *arguments, "--out", str(out),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment())
    if done.returncode:
        said = done.stderr.strip().splitlines()[-1:] or ["it said nothing"]
        raise RunError(f"the test split could not be scored: {said[0].removeprefix('eval: ')}")


def _facts(
    out: Path, asked: TestSplit, names: dict[str, str]
) -> Iterator[tuple[str, dict[str, float]]]:
    """Each score under a folder of reports, by what it is called here."""
    folders = {
        "tuned" if Path(load_report(path).checkpoint.file).resolve() == asked.best.resolve()
        else "base": path
        for path in find_reports([out])
    }  # fmt: skip
    reports = {side: load_report(path) for side, path in folders.items()}
    gaps = compare(folders["base"], folders["tuned"]).scores if "base" in folders else {}
    for score, name in names.items():
        facts = {
            side: report.scores[score].mean
            for side, report in reports.items()
            if score in report.scores
        }
        if gap := gaps.get(score):
            facts |= {"gain": gap.mean, "low": gap.low, "high": gap.high}
        if facts:
            yield name, facts
