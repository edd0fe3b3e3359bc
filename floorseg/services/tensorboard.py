"""One real TensorBoard on the folder of runs, ended with this process."""

import atexit
import socket
import subprocess
import sys
from pathlib import Path
from threading import Lock

from floorseg.errors import RunError


class TensorBoard:
    """Starts TensorBoard when it is first asked for; whoever asks later gets the same one.

    Args:
        runs: the folder of runs.
        host: address it listens on.
    """

    def __init__(self, runs: Path, *, host: str = "127.0.0.1") -> None:
        self._runs = runs
        self._host = host
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0
        self._lock = Lock()

    def address(self) -> str:
        """Where it is, started if need be.

        Raises:
            RunError: if it cannot be started.
        """
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._start()
            return f"http://{self._host}:{self._port}/"

    @property
    def command(self) -> str:
        """What one types for the same in a terminal."""
        return f"tensorboard --logdir {self._runs}"

    def close(self) -> None:
        """End it."""
        with self._lock:
            if self._process is not None and self._process.poll() is None:
                self._process.terminate()
                try:
                    self._process.wait(timeout=5)
                except subprocess.TimeoutExpired:
                    self._process.kill()
            self._process = None

    def _start(self) -> None:
        self._port = _free_port(self._host)
        self._runs.mkdir(parents=True, exist_ok=True)
        arguments = [
            sys.executable, "-m", "tensorboard.main", "--logdir", str(self._runs),
            "--host", self._host, "--port", str(self._port), "--load_fast", "false",
        ]  # fmt: skip
        try:
            self._process = subprocess.Popen(
                arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )  # fmt: skip
        except OSError as problem:
            raise RunError(f"TensorBoard cannot be started: {problem.strerror}") from problem
        atexit.register(self.close)


def _free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
