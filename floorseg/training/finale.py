"""The end of a training: its best weights, scored beside their base by ``runs score RUN``."""

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from floorseg.runs import RunFolder
from floorseg.settings import PROJECT

logger = logging.getLogger(__name__)


def score_on_test(run: RunFolder) -> None:
    """Score a finished run on its test split, if it has one; a failure does not undo the run.

    Asked to stop meanwhile, the scoring ends and the run is finished all the same.
    """
    if not (run.checkpoints / "best.pt").is_file():
        return
    logger.info("scoring the best checkpoint on the test split")
    scoring = subprocess.Popen(
        [sys.executable, "-m", "floorseg", "runs", "score", str(run.path.resolve())],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(PROJECT)}, start_new_session=True,
    )  # fmt: skip
    with _ending_on_request(scoring):
        said, problems = scoring.communicate()
    for line in said.splitlines():
        logger.info("test, %s", line)
    if scoring.returncode:
        lines = problems.strip().splitlines()[-1:] or ["the scoring was stopped"]
        logger.warning("%s", lines[0].removeprefix("floorseg: "))


@contextmanager
def _ending_on_request(scoring: "subprocess.Popen[str]") -> Iterator[None]:
    """Whoever asks this process to stop asks the scoring, and what it started."""

    def end(number: int, _: object) -> None:
        os.killpg(scoring.pid, number)

    before = {s: signal.signal(s, end) for s in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
