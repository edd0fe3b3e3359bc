"""Commands as processes: some are waited for, some outlive whoever started them.

Nothing here reaches a shell: a command is a list, and its input is empty.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from threading import Thread

from floorseg.errors import RunError
from floorseg.settings import PROJECT

PATIENCE = 300.0  # seconds that checking a configuration may take


def command_line(arguments: Sequence[str]) -> list[str]:
    """``python -m floorseg ARGUMENTS`` with this interpreter, for a process."""
    return [sys.executable, "-m", "floorseg", *arguments]


def start_detached(command: Sequence[str], *, log: Path) -> subprocess.Popen[bytes]:
    """Start a process that no terminal, page or parent takes along when it ends."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as file:
        process = subprocess.Popen(
            list(command), stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
            start_new_session=True, env=environment(),
        )  # fmt: skip
    Thread(target=process.wait, daemon=True).start()  # else it stays in the process table
    return process


def answer_of(arguments: Sequence[str], cwd: Path | None) -> str:
    """What ``python -m floorseg ARGUMENTS`` prints.

    Raises:
        RunError: with the sentence it ended with, if it refused or took too long.
    """
    try:
        done = subprocess.run(
            command_line(arguments), capture_output=True, text=True, timeout=PATIENCE, check=False,
            stdin=subprocess.DEVNULL, env=environment(), cwd=cwd,
        )  # fmt: skip
    except subprocess.TimeoutExpired as problem:
        raise RunError(
            f"checking the configuration took more than {PATIENCE:.0f} s; is the dataset on a "
            "slow disk? Run the command in a terminal to see more"
        ) from problem
    if done.returncode:
        lines = [line for line in done.stderr.strip().splitlines() if line.strip()]
        said = lines[-1] if lines else f"it ended with code {done.returncode}"
        raise RunError(said.removeprefix("floorseg: "))
    return done.stdout


def environment() -> dict[str, str]:
    """This process's, with this floorseg found from any folder."""
    known = os.environ.get("PYTHONPATH", "")
    path = os.pathsep.join([str(PROJECT), *([known] if known else [])])
    return {**os.environ, "PYTHONPATH": path}
