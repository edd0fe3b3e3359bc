"""The end of a training: its best weights learn what rooms are, and are scored beside their base.

Both are commands that a person may type, too: ``runs odds RUN`` and ``runs score RUN``.
"""

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import yaml

from floorseg.runs import RunFolder
from floorseg.settings import PROJECT

STEPS = (  # what names the plans in the configuration's ``dataset``, the command, what it does
    ("odds", "odds", "looking which of the regions that the best checkpoint finds are rooms"),
    ("test", "score", "scoring the best checkpoint on the test split"),
)
logger = logging.getLogger(__name__)


def finish(run: RunFolder) -> None:
    """Do with a finished run what its configuration asks for; a failure does not undo the run.

    Asked to stop meanwhile, what is being done ends, nothing else begins, and the run is finished
    all the same.
    """
    if not (run.checkpoints / "best.pt").is_file():
        return
    said: Any = yaml.safe_load(run.config.read_text(encoding="utf-8"))
    dataset = said.get("dataset") or {}
    for plans, command, doing in STEPS:
        if dataset.get(plans) and dataset.get("folder"):
            logger.info(doing)
            if not _ran_through(command, run):
                return


def _ran_through(command: str, run: RunFolder) -> bool:
    """Run a command of ``runs`` and log what it says; False if it was asked to stop."""
    work = subprocess.Popen(
        [sys.executable, "-m", "floorseg", "runs", command, str(run.path.resolve())],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(PROJECT)}, start_new_session=True,
    )  # fmt: skip
    with _ending_on_request(work) as requests:
        said, problems = work.communicate()
    for line in said.splitlines():
        logger.info("%s: %s", command, line)
    if work.returncode:
        lines = problems.strip().splitlines()[-1:] or ["it was stopped"]
        logger.warning("%s: %s", command, lines[0].removeprefix("floorseg: "))
    return not requests


@contextmanager
def _ending_on_request(work: "subprocess.Popen[str]") -> Iterator[list[int]]:
    """Whoever asks this process to stop asks the work, and what it started; who did is listed."""
    requests: list[int] = []

    def end(number: int, _: object) -> None:
        requests.append(number)
        os.killpg(work.pid, number)

    before = {s: signal.signal(s, end) for s in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield requests
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
