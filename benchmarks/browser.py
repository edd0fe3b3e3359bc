"""From mouse-up to the painted mask, in a real Chromium: ours, and the common way.

    python -m benchmarks.browser [--clicks 60] [--seconds 20] [--keep]

The common way is ``gr.Image.select`` with a handler that gives back the whole picture, mask drawn
in. Both are served as processes of their own, with the same checkpoint and the same plan of
1280 x 960 pixels, encoded beforehand. Then twenty visitors click at once while a stranger searches
all rooms: each one's masks are compared with those it gets alone.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil

from benchmarks.table import keep, show
from floorseg.settings import PROJECT

PLAN = PROJECT / "floorseg/ui/examples/agent_house.png"
SPOTS = [(860, 700), (300, 520), (520, 980), (700, 620), (420, 420), (1000, 400)]  # on the window
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
)
VISITORS = 20

# performance.now() once the frame that shows the answer has gone out
AFTER_FRAME = """
window.shown = (done) => requestAnimationFrame(() => {
  const channel = new MessageChannel();
  channel.port1.onmessage = () => done(performance.now());
  channel.port2.postMessage(0);
});
addEventListener('pointerup', (event) => { window.up = event.timeStamp; }, true);
"""
OURS = """void (window.took = new Promise((done) => addEventListener('floorseg:painted',
  () => shown((now) => done(now - window.up)), {once: true})))"""
COMMON = """void (window.took = new Promise((done) => {
  const out = document.querySelector('#out');
  const seen = new MutationObserver(() => {
    const image = out.querySelector('img');
    if (!image || image.src === window.last) return;
    window.last = image.src;
    seen.disconnect();
    image.decode().then(() => shown((now) => done(now - window.up)));
  });
  seen.observe(out, {subtree: true, childList: true, attributes: true});
}))"""
MANY = """(count) => {
  const page = document.querySelector('.fs-root').page, { masks } = floorseg, regions = [];
  for (let i = 0; i < count; i++) {
    const box = {x: 10 + (i % 20) * 62, y: 10 + ((i / 20) | 0) * 92, w: 56, h: 84};
    const mask = masks.fromBits(new Uint8Array(box.w * box.h).fill(1), box);
    regions.push(page.newRegion(mask, {id: i + 1, score: 0.9}));
  }
  page.commit({regions, draft: null, nextId: count + 1});
}"""


@dataclass(frozen=True)
class Clicks:
    """What a series of clicks took: ``milliseconds`` each, and bytes ``up`` and ``down`` each."""

    milliseconds: list[float]
    up: list[int]
    down: list[int]

    def row(self, name: str) -> list[str]:
        """A line of the table."""
        middle, late = np.percentile(self.milliseconds, [50, 95])
        return [
            name, str(len(self.milliseconds)), f"{middle:.0f}", f"{late:.0f}",
            f"{np.median(self.up) / 1000:.2f}", f"{np.median(self.down) / 1000:.1f}",
        ]  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print the tables, and keep them where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clicks", type=int, default=60)
    parser.add_argument("--seconds", type=float, default=20, help="how long the visitors click")
    parser.add_argument("--checkpoint", default="floorseg-nano-rooms")
    parser.add_argument("--keep", action="store_true", help="append to benchmarks/RESULTS.md")
    parser.add_argument("--serve-common", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.serve_common:
        serve_common(options.serve_common, options.checkpoint)
        return
    with tempfile.TemporaryDirectory() as folder, _checkpoint(options.checkpoint, Path(folder)):
        rows, notes = measure(options)
        crowd = measure_crowd(options)
    text = show(["mouse-up to painted", "clicks", "median ms", "95 % ms", "kB up", "kB down"], rows)
    text = "\n\n".join([text, crowd, *notes])
    print(text)
    if options.keep:
        keep("The page in a real Chromium", "python -m benchmarks.browser", text)


def measure(options: argparse.Namespace) -> tuple[list[list[str]], list[str]]:
    """Ours, ours with 200 regions, and the common way."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as player:
        path = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = player.chromium.launch(executable_path=path, args=list(FLAGS))
        with _served("app.py", "--port", "{port}", "--checkpoint", options.checkpoint) as ours:
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.add_init_script(AFTER_FRAME)
            start = time.perf_counter()
            page.goto(ours.url)
            page.wait_for_function("(document.querySelector('.fs-root') || {}).page?.plan")
            usable = time.perf_counter() - start
            page.wait_for_function(
                "document.querySelector('.fs-status').textContent.includes('read in')"
            )
            stage = page.locator(".fs-stage").bounding_box()
            few = _click_through(page, stage, options.clicks, OURS, clear=True)
            page.evaluate(MANY, 200)
            many = _click_through(page, stage, options.clicks, OURS, clear=True)
            started = ours.seconds
        rows = [few.row("ours"), many.row("ours, 200 accepted regions")]
        with _served(
            "-m", "benchmarks.browser", "--serve-common", "{port}",
            "--checkpoint", options.checkpoint,
        ) as theirs:  # fmt: skip
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.add_init_script(AFTER_FRAME)
            page.goto(theirs.url)
            page.wait_for_selector("#plan img")
            page.wait_for_timeout(1000)
            area = page.locator("#plan img").bounding_box()
            common = _click_through(page, area, max(6, options.clicks // 3), COMMON, clear=False)
        rows.append(common.row("gr.Image.select, whole picture back"))
        browser.close()
    notes = [f"server up in {started:.1f} s, page usable {usable:.1f} s after it was asked for"]
    return rows, notes


def _click_through(page: Any, area: Any, clicks: int, watch: str, *, clear: bool) -> Clicks:
    """Click here and there; the first three clicks only warm up."""
    took, up, down = [], [], []
    finished: list[Any] = []

    def note(request: Any) -> None:
        finished.append(request)

    page.on("requestfinished", note)
    for number in range(clicks + 3):
        across, along = SPOTS[number % len(SPOTS)][0] / 1280, SPOTS[number % len(SPOTS)][1] / 1280
        if clear:
            page.keyboard.press("Escape")
        page.mouse.move(area["x"] + area["width"] * across, area["y"] + area["height"] * along)
        page.wait_for_timeout(120)
        finished.clear()
        page.evaluate(watch)
        page.mouse.down()
        page.mouse.up()
        milliseconds = page.evaluate("window.took")
        page.wait_for_timeout(60)
        if number >= 3:
            sizes = [request.sizes() for request in finished]
            took.append(milliseconds)
            up.append(sum(s["requestBodySize"] for s in sizes))
            down.append(sum(s["responseBodySize"] for s in sizes))
    page.remove_listener("requestfinished", note)
    return Clicks(took, up, down)


def measure_crowd(options: argparse.Namespace) -> str:
    """Twenty visitors at once, with and without a stranger's search of all rooms."""
    with _served("app.py", "--port", "{port}", "--checkpoint", options.checkpoint) as page:
        alone = _Visitor(page.url, options.checkpoint, 0)
        memory_before = _memory(page.process)
        truth = {spot: alone.click(spot) for spot in SPOTS}
        quiet = [alone.timed(spot)[0] for spot in SPOTS * 3]
        with ThreadPoolExecutor(VISITORS) as pool:
            visitors = list(
                pool.map(lambda n: _Visitor(page.url, options.checkpoint, n + 1), range(VISITORS))
            )
            calm = _rush(pool, visitors, truth, options.seconds / 2)
            search = alone.search()
            busy = _rush(pool, visitors, truth, options.seconds / 2)
            alone.stop(search)
        memory_after = _memory(page.process)
    rows = [
        ["one visitor", str(len(quiet)), *_spread(quiet), "0"],
        [f"{VISITORS} visitors", str(len(calm[0])), *_spread(calm[0]), str(calm[1])],
        [f"{VISITORS} visitors, a stranger searches all rooms", str(len(busy[0])),
         *_spread(busy[0]), str(busy[1])],
    ]  # fmt: skip
    headings = ["one click over HTTP", "clicks", "median ms", "95 % ms", "max ms", "wrong masks"]
    held = f"{memory_before:.0f} MB before, {memory_after:.0f} MB after"
    return f"{show(headings, rows)}\n\nmemory of the server: {held}"


def _rush(
    pool: ThreadPoolExecutor,
    visitors: "list[_Visitor]",
    truth: dict[tuple[int, int], Any],
    seconds: float,
) -> tuple[list[float], int]:
    """Everybody clicks without a pause; what each click took, and how many masks were wrong."""
    end = time.monotonic() + seconds

    def click_on(visitor: _Visitor) -> tuple[list[float], int]:
        took, wrong = [], 0
        while time.monotonic() < end:
            spot = SPOTS[(len(took) + visitor.number) % len(SPOTS)]
            milliseconds, answer = visitor.timed(spot)
            took.append(milliseconds)
            wrong += answer != truth[spot]
        return took, wrong

    results = list(pool.map(click_on, visitors))
    return [t for took, _ in results for t in took], sum(wrong for _, wrong in results)


class _Visitor:
    """One session that talks to the page as its script does."""

    def __init__(self, url: str, checkpoint: str, number: int) -> None:
        self.number = number
        self._client = httpx.Client(base_url=url, timeout=120)
        config = self._client.get("config").json()
        found = (c["id"] for c in config["components"] if c["props"].get("elem_id") == "segment")
        self._component = next(found)
        self._checkpoint = checkpoint
        self._plan = self._call("open_example", {"name": PLAN.stem})["plan"]
        self._call("prepare", {"plan": self._plan, "checkpoint": checkpoint})

    def _call(self, name: str, payload: dict[str, Any]) -> Any:
        body = {"data": [payload], "component_id": self._component, "fn_name": name}
        body["session_hash"] = f"visitor-{self.number}"
        return self._client.post("gradio_api/component_server/", json=body).json()

    def click(self, spot: tuple[int, int]) -> Any:
        payload = {"plan": self._plan, "checkpoint": self._checkpoint}
        return self._call("segment", payload | {"points": [[*spot, 1]]})["candidates"]

    def timed(self, spot: tuple[int, int]) -> tuple[float, Any]:
        start = time.perf_counter()
        answer = self.click(spot)
        return (time.perf_counter() - start) * 1000, answer

    def search(self) -> str:
        payload = {"plan": self._plan, "checkpoint": self._checkpoint, "preset": "details"}
        return str(self._call("start_search", payload)["search"])

    def stop(self, search: str) -> None:
        self._call("stop_search", {"search": search})


def serve_common(port: int, checkpoint: str) -> None:
    """The page that most demos are: one handler, the whole picture back."""
    import gradio as gr

    from floorseg.core.images import read_image
    from floorseg.core.model import load_model
    from floorseg.core.predictor import Predictor
    from floorseg.core.render import overlay
    from floorseg.core.structures import Point, Prompt
    from floorseg.services.catalog import checkpoint_folders
    from floorseg.settings import Settings

    predictor = Predictor(load_model(checkpoint, folders=checkpoint_folders(Settings())))
    picture = read_image(PLAN)
    embedding = predictor.encode(picture)

    def select(event: gr.SelectData) -> np.ndarray:
        point = Point(float(event.index[0]), float(event.index[1]))
        best = predictor.decode(embedding, [Prompt().with_point(point)])[0][0]
        return overlay(picture, [best.mask])

    with gr.Blocks(analytics_enabled=False) as page, gr.Row():
        plan = gr.Image(picture, type="numpy", elem_id="plan")
        result = gr.Image(elem_id="out", interactive=False)
        plan.select(select, None, result, show_progress="hidden")
    page.launch(server_port=port, ssr_mode=False)


@dataclass(frozen=True)
class _Server:
    url: str
    seconds: float
    process: psutil.Process


@contextmanager
def _served(*command: str) -> Iterator[_Server]:
    """A server as a process of its own, ended when the context is left."""
    import socket

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
        yield _Server(url, time.perf_counter() - start, psutil.Process(process.pid))
    finally:
        process.terminate()
        process.wait(20)


@contextmanager
def _checkpoint(name: str, folder: Path) -> Iterator[None]:
    """The named checkpoint, or random weights of the same kind where it is not there yet."""
    from floorseg.core.find_checkpoint import find_checkpoint
    from floorseg.core.model import build_model, save_checkpoint
    from floorseg.errors import CheckpointError

    try:
        find_checkpoint(name)
    except CheckpointError:
        print(f"there is no {name} yet: random weights, equally fast", file=sys.stderr)
        save_checkpoint(
            folder / f"{name}.pt", build_model("nano"), architecture="nano", image_size=512
        )
        os.environ["FLOORSEG_CHECKPOINTS"] = str(folder)
    yield


def _memory(process: psutil.Process) -> float:
    return float(process.memory_info().rss) / 1e6


def _spread(milliseconds: Sequence[float]) -> list[str]:
    middle, late = np.percentile(milliseconds, [50, 95])
    return [f"{middle:.0f}", f"{late:.0f}", f"{max(milliseconds):.0f}"]


if __name__ == "__main__":
    main()
