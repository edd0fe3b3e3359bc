"""Many visitors click at once, each on a plan of its own, while a stranger searches all rooms.

    python -m benchmarks.soak [--seconds 60] [--users 20] [--pause 0.5] [--quick] [--keep]

Every visitor is a session of its own over HTTP, as a browser's: it uploads a plan, keeps its
connection open, and clicks. Every answer is compared with the one that the visitor got while it was
alone. In the first half of the time nobody searches, in the second a stranger searches without end.
Then all leave, and the server's memory is compared with what it was before they came. Ends with 1
if a single mask was another visitor's.
"""

import argparse
import io
import random
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Any

import httpx
import numpy as np
from PIL import Image

from benchmarks.server import Server, checkpoint_or_random, serve
from benchmarks.table import keep, show
from floorseg.settings import PROJECT

EXAMPLES = sorted((PROJECT / "floorseg/ui/examples").glob("*.png"))
TURNS = [None, *Image.Transpose]
ASKED: list[dict[str, Any]] = [  # on plans of about 1280 x 960, or turned
    {"points": [[860, 700, 1]]},
    {"points": [[300, 520, 1]]},
    {"points": [[420, 420, 1], [700, 620, 0]]},
    {"points": [], "box": [500, 300, 800, 600]},
]
HEADINGS = ["a click over HTTP", "clicks", "median ms", "95 % ms", "99 % ms", "max ms", "wrong"]


@dataclass
class Rush:
    """What happened while everybody clicked: ``milliseconds`` of each click, ``wrong`` masks."""

    milliseconds: list[float] = field(default_factory=list)
    wrong: int = 0

    def row(self, name: str) -> list[str]:
        """A line of the table."""
        spread = np.percentile(self.milliseconds, [50, 95, 99, 100])
        count = str(len(self.milliseconds))
        return [name, count, *(f"{value:.0f}" for value in spread), str(self.wrong)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table, keep it where asked; 1 if a mask was wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--users", type=int, default=20)
    parser.add_argument("--pause", type=float, default=0.5, help="of a visitor between two clicks")
    parser.add_argument("--checkpoint", default="floorseg-nano-rooms")
    parser.add_argument("--quick", action="store_true", help="4 visitors, 10 seconds")
    parser.add_argument("--keep", action="store_true", help="append to benchmarks/RESULTS.md")
    options = parser.parse_args(arguments)
    if options.quick:
        options.users, options.seconds = 4, 10.0
    with checkpoint_or_random(options.checkpoint):
        text, wrong = measure(options)
    sys.stdout.write(text + "\n")
    if options.keep:
        keep(f"{options.users} visitors at once", "python -m benchmarks.soak", text)
    return 1 if wrong else 0


def measure(options: argparse.Namespace) -> tuple[str, int]:
    """The table with its notes, and how many masks were wrong."""
    command = ("app.py", "--port", "{port}", "--checkpoint", options.checkpoint)
    with serve(*command) as page, ThreadPoolExecutor(options.users) as pool:
        _warm(pool, page.url, options)
        before = _settled(page)
        visitors = _come(pool, page.url, options)
        alone = Rush([ms for visitor in visitors for ms in visitor.look()])
        worked = page.computed()
        calm = rush(pool, visitors, options.seconds / 2, options.pause)
        cost = (page.computed() - worked) / len(calm.milliseconds) * 1000
        over = Event()
        stranger = Thread(target=_search_until, args=(page.url, options.checkpoint, over))
        stranger.start()
        busy = rush(pool, visitors, options.seconds / 2, options.pause)
        over.set()
        stranger.join()
        most = page.memory()
        for visitor in visitors:
            visitor.leave()
        after = _settled(page)
    many = f"{options.users} visitors, each on a plan of its own"
    rows = [
        alone.row("one after the other"),
        calm.row(many),
        busy.row(f"{many}; a stranger searches all rooms"),
    ]
    usual = float(np.median(calm.milliseconds))
    extra = [max(part.milliseconds) - usual for part in (calm, busy)]
    notes = (
        f"longest click above the median without a search: {extra[0]:.0f} ms without a search, "
        f"{extra[1]:.0f} ms with one\n\n"
        f"the server's processor time a click: {cost:.0f} ms\n\n"
        f"memory of the server: {before:.0f} MB before they came, {most:.0f} MB at most, "
        f"{after:.0f} MB after they left"
    )
    return f"{show(HEADINGS, rows)}\n\n{notes}", calm.wrong + busy.wrong


def _warm(pool: ThreadPoolExecutor, url: str, options: argparse.Namespace) -> None:
    """As many come, click once and go: every thread has run, all that is loaded once is loaded."""
    early = _come(pool, url, options)
    list(pool.map(lambda visitor: visitor.click(0), early))
    early[0].search()
    for visitor in early:
        visitor.leave()


def _come(pool: ThreadPoolExecutor, url: str, options: argparse.Namespace) -> "list[Visitor]":
    numbers = range(1, options.users + 1)
    return list(pool.map(lambda number: Visitor(url, options.checkpoint, number), numbers))


def rush(
    pool: ThreadPoolExecutor, visitors: "Sequence[Visitor]", seconds: float, pause: float
) -> Rush:
    """Everybody clicks for so many seconds, with short pauses of thought."""
    end = time.monotonic() + seconds

    def click_on(visitor: Visitor) -> Rush:
        mine = Rush()
        while time.monotonic() < end:
            number = len(mine.milliseconds) % len(ASKED)
            start = time.perf_counter()
            answer = visitor.click(number)
            mine.milliseconds.append((time.perf_counter() - start) * 1000)
            mine.wrong += answer != visitor.truth[number]
            time.sleep(random.uniform(0, 2 * pause))
        return mine

    parts = list(pool.map(click_on, visitors))
    return Rush([t for part in parts for t in part.milliseconds], sum(p.wrong for p in parts))


class Visitor:
    """One session that talks to the page as its script does, with a plan that no other has."""

    def __init__(self, url: str, checkpoint: str, number: int) -> None:
        self.truth: list[Any] = []
        self._session = f"soak-{number}-{random.getrandbits(60):x}"
        self._checkpoint = checkpoint
        self._client = httpx.Client(base_url=url, timeout=120, verify=False)  # plain HTTP, here
        self._open_line()
        config = self._client.get("config").json()
        self._component = next(
            c["id"] for c in config["components"] if c["props"].get("elem_id") == "segment"
        )
        [path] = self._client.post("gradio_api/upload", files={"files": _plan(number)}).json()
        self._plan = self._call("open_plan", {"path": path, "name": f"{number}.png"})["plan"]
        self._call("prepare", {"plan": self._plan, "checkpoint": checkpoint})

    def __enter__(self) -> "Visitor":
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    def look(self) -> list[float]:
        """Note the true answers while nobody else clicks; milliseconds of each click."""
        took = []
        for number in range(len(ASKED)):
            start = time.perf_counter()
            self.truth.append(self.click(number))
            took.append((time.perf_counter() - start) * 1000)
        return took

    def click(self, number: int) -> Any:
        """The candidates for one of ``ASKED``."""
        asked = {"plan": self._plan, "checkpoint": self._checkpoint, **ASKED[number]}
        return self._call("segment", asked)["candidates"]

    def search(self, over: Event | None = None) -> None:
        """Look for all rooms to the end, or until ``over``."""
        asked = {"plan": self._plan, "checkpoint": self._checkpoint, "preset": "rooms"}
        name = {"search": self._call("start_search", asked)["search"]}
        while self._call("search_state", name)["state"] in ("waiting", "running"):
            if over is not None and over.is_set():
                self._call("stop_search", name)
            time.sleep(0.2)

    def leave(self) -> None:
        """Close the page."""
        self._line.close()
        self._client.close()

    def _open_line(self) -> None:
        """What tells the server that the page is still there."""
        request = self._client.build_request("GET", f"gradio_api/heartbeat/{self._session}")
        self._line = self._client.send(request, stream=True)

    def _call(self, name: str, payload: dict[str, Any]) -> Any:
        body = {"data": [payload], "component_id": self._component, "fn_name": name}
        body["session_hash"] = self._session
        answer = self._client.post("gradio_api/component_server/", json=body)
        answer.raise_for_status()
        found = answer.json()
        if "error" in found:
            raise RuntimeError(f"{name}: {found['error']}")
        return found


def _plan(number: int) -> tuple[str, bytes]:
    """An example, turned or mirrored; with a number of its own drawn in, so that no two agree."""
    with Image.open(EXAMPLES[number % len(EXAMPLES)]) as example:
        picture = example.convert("RGB")
    turn = TURNS[number // len(EXAMPLES) % len(TURNS)]
    if turn is not None:
        picture = picture.transpose(turn)
    picture.putpixel((number % picture.width, 0), (255, 0, 0))
    content = io.BytesIO()
    picture.save(content, "PNG", compress_level=1)
    return f"{number}.png", content.getvalue()


def _search_until(url: str, checkpoint: str, over: Event) -> None:
    with Visitor(url, checkpoint, 999) as stranger:
        while not over.is_set():
            stranger.search(over)


def _settled(page: Server) -> float:
    """Memory in megabytes once it no longer falls."""
    now = page.memory()
    for _ in range(10):
        time.sleep(1)
        before, now = now, page.memory()
        if before - now < 2:
            break
    return now


if __name__ == "__main__":
    sys.exit(main())
