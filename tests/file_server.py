"""A small HTTP server for tests: serves a folder, knows ranges, and can break off in the middle."""

import re
import threading
from collections import Counter
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class FileServer(ThreadingHTTPServer):
    """What it serves and what was asked of it.

    ``breaks``: how many answers still break off halfway. ``ranges``: whether it can start in the
    middle. ``starts``: the byte that each answer began with. ``sent``: bytes sent by path.
    ``headers``: added to every answer.
    """

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder = folder
        self.breaks = 0
        self.ranges = True
        self.sent: Counter[str] = Counter()
        self.asked: list[str] = []
        self.starts: list[int] = []
        self.headers: dict[str, str] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: FileServer
    protocol_version = "HTTP/1.1"

    def do_HEAD(self):
        self._answer(body=False)

    def do_GET(self):
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        self.server.asked.append(f"{self.command} {self.path}")
        path = self.server.folder / self.path.lstrip("/")
        if not path.is_file():
            self.send_error(404)
            return
        content, status = path.read_bytes(), 200
        total = len(content)
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if asked and self.server.ranges:
            start, status = int(asked[1]), 206
            if start >= total:
                self.send_error(416)
                return
            content = content[start:]
        self.server.starts.append(total - len(content))
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        if status == 206:
            self.send_header("Content-Range", f"bytes {total - len(content)}-{total - 1}/{total}")
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if body:
            self._send(content)

    def _send(self, content: bytes) -> None:
        if self.server.breaks:
            self.server.breaks -= 1
            content = content[: len(content) // 2]
            self.close_connection = True
        self.wfile.write(content)
        self.server.sent[self.path] += len(content)

    def log_message(self, *_):
        pass


@contextmanager
def serving(folder: Path):
    server = FileServer(folder)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
