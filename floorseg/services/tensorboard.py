"""One real TensorBoard on the folder of runs, ended with this process."""

import atexit
import socket
import subprocess
import sys
from pathlib import Path
from threading import Lock

from floorseg.errors import RunError

_HOST = "127.0.0.1"


class TensorBoard:
    """Starts TensorBoard when it is first asked for; whoever asks later gets the same one.

    Args:
        runs: the folder of runs.

    It listens on this machine alone: it asks for no password, which the page may do.
    """

    def __init__(self, runs: Path) -> None:
        self._runs = runs
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0
        self._lock = Lock()

    def address(self) -> str:
        """Where it is for a browser on this machine, started if need be.

        Raises:
            RunError: if it cannot be started.
        """
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._start()
            return f"http://{_HOST}:{self._port}/"

    def from_elsewhere(self, host: str) -> str:
        """What makes :meth:`address` work in a browser on another machine.

        Args:
            host: what that browser calls this machine.
        """
        return f"ssh -N -L {self._port}:{_HOST}:{self._port} {host}"

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
        self._port = _free_port()
        self._runs.mkdir(parents=True, exist_ok=True)
        arguments = [
            sys.executable, "-m", "tensorboard.main", "--logdir", str(self._runs),
            "--host", _HOST, "--port", str(self._port), "--load_fast", "false",
        ]  # fmt: skip
        try:
            self._process = subprocess.Popen(
                arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )  # fmt: skip
        except OSError as problem:
            raise RunError(f"TensorBoard cannot be started: {problem.strerror}") from problem
        atexit.register(self.close)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])
