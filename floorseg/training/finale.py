"""The end of a training: the best checkpoint, loaded as a user would, scored beside its base.

Evaluation is started as a process, with the same command a person would type; what it says is
summed up in ``test.json`` of the run folder, its full reports lie in ``test/``.
"""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from floorseg.data.dataset import open_dataset
from floorseg.errors import FloorsegError
from floorseg.runs import RunFolder
from floorseg.settings import PROJECT

ASKED = {  # protocol: arguments, and what its scores are called here
    "click": (["--clicks", "3"], {"iou": "1 click", "iou_3": "3 clicks"}),
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


def score_on_test(run: RunFolder) -> None:
    """Score a finished run on its test split, if it has one; a failure does not undo the run."""
    asked = _asked(run)
    if asked is None:
        return
    logger.info("scoring the best checkpoint on %s (%s)", asked.folder, asked.split)
    scores: dict[str, dict[str, Any]] = {}
    for protocol, (arguments, names) in ASKED.items():
        out = run.path / "test" / protocol
        done = subprocess.run(
            _command(asked, protocol, arguments, out), capture_output=True, text=True, check=False,
            env={**os.environ, "PYTHONPATH": str(PROJECT)},
        )  # fmt: skip
        if done.returncode:
            said = done.stderr.strip().splitlines()[-1:] or ["it said nothing"]
            logger.warning("the test split could not be scored: %s", said[0])
            return
        for side, report in _reports(out, asked):
            for score, name in names.items():
                if score in report["scores"]:
                    scores.setdefault(name, {})[side] = report["scores"][score]["mean"]
    run.write_json("test.json", {"dataset": asked.folder, "split": asked.split, "scores": scores})
    run.record("test", scores=scores)
    for name, pair in scores.items():
        sides = "  ".join(f"{side} {value:.4f}" for side, value in pair.items())
        logger.info("test, %s: %s", name, sides)


def _asked(run: RunFolder) -> TestSplit | None:
    dataset = OmegaConf.select(OmegaConf.load(run.config), "dataset") or {}
    split, folder = dataset.get("test"), dataset.get("folder")
    best = run.checkpoints / "best.pt"
    if not split or not folder or not best.is_file():
        return None
    try:
        if split not in open_dataset(Path(folder)).splits:
            return None
    except FloorsegError as problem:
        logger.warning("the test split could not be scored: %s", problem)
        return None
    return TestSplit(str(folder), str(split), best, dataset.get("base_model"))


def _command(asked: TestSplit, protocol: str, arguments: list[str], out: Path) -> list[str]:
    base = ["--checkpoint", asked.base] if asked.base else []
    return [
        sys.executable, "-m", "eval", *base, "--checkpoint", str(asked.best), "--data",
        asked.folder, "--split", asked.split, "--protocol", protocol, *arguments, "--out", str(out),
    ]  # fmt: skip


def _reports(out: Path, asked: TestSplit) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each report under a folder, as the base's or the fine-tuned model's."""
    for path in sorted(out.rglob("report.json")):
        report = json.loads(path.read_text(encoding="utf-8"))
        mine = Path(report["checkpoint"]["file"]).resolve() == asked.best.resolve()
        yield ("tuned" if mine else "base"), report
