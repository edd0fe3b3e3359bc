"""The page, or another program, as a server in a process of its own: what benchmarks talk to."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from floorseg.settings import PROJECT


@dataclass(frozen=True)
class Server:
    """A running server: its ``url``, the ``seconds`` until it answered, and its ``process``."""

    url: str
    seconds: float
    process: psutil.Process

    def memory(self) -> float:
        """Resident memory in megabytes."""
        return float(self.process.memory_info().rss) / 1e6

    def computed(self) -> float:
        """Seconds of processor time so far: what starting costs, however busy the machine is."""
        times = self.process.cpu_times()
        return float(times.user + times.system)


@contextmanager
def serve(*command: str) -> Iterator[Server]:
    """Start ``python COMMAND`` and wait until it answers; it ends with the context.

    Args:
        command: words after ``python``; ``{port}`` stands for a free port.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    start = time.perf_counter()
    words = [word.format(port=port) for word in command]
    process = subprocess.Popen(
        [sys.executable, *words], cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT
    )
    url = f"http://127.0.0.1:{port}/"
    try:
        while True:
            try:
                httpx.get(url, timeout=5)
                break
            except httpx.TransportError:
                if process.poll() is not None:
                    raise RuntimeError(f"the server ended: {' '.join(words)}") from None
                time.sleep(0.1)
        yield Server(url, time.perf_counter() - start, psutil.Process(process.pid))
    finally:
        process.terminate()
        process.wait(20)


@contextmanager
def checkpoint_or_random(name: str) -> Iterator[None]:
    """The named checkpoint, or random weights of the same kind where it is not there yet."""
    from floorseg.core.find_checkpoint import find_checkpoint
    from floorseg.core.model import build_model, save_checkpoint
    from floorseg.errors import CheckpointError

    try:
        find_checkpoint(name)
    except CheckpointError:
        sys.stderr.write(f"there is no {name} yet: random weights, equally fast\n")
    else:
        yield
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"{name}.pt"
        save_checkpoint(file, build_model("nano"), architecture="nano", image_size=512)
        os.environ["FLOORSEG_CHECKPOINTS"] = folder
        yield
