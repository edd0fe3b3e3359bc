"""From mouse-up to the painted mask, in a real Chromium: ours, and the common way.

    python -m benchmarks.browser [--clicks 60] [--quick] [--keep]

The common way is ``gr.Image.select`` with a handler that gives back the whole picture, mask drawn
in. Both are served as processes of their own, with the same checkpoint and the same plan of
1280 x 960 pixels, encoded beforehand. ``python -m benchmarks.soak`` measures many visitors at once.
"""

import argparse
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.server import checkpoint_or_random, serve
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
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--clicks", type=int, default=60)
    parser.add_argument("--quick", action="store_true", help="12 clicks")
    parser.add_argument("--checkpoint", default="floorseg-nano-rooms")
    parser.add_argument("--keep", action="store_true", help="append to benchmarks/RESULTS.md")
    parser.add_argument("--serve-common", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.serve_common:
        serve_common(options.serve_common, options.checkpoint)
        return
    if options.quick:
        options.clicks = 12
    with checkpoint_or_random(options.checkpoint):
        rows, notes = measure(options)
    text = show(["mouse-up to painted", "clicks", "median ms", "95 % ms", "kB up", "kB down"], rows)
    text = "\n\n".join([text, *notes])
    print(text)
    if options.keep:
        keep("The page in a real Chromium", "python -m benchmarks.browser", text)


def measure(options: argparse.Namespace) -> tuple[list[list[str]], list[str]]:
    """Ours, ours with 200 regions, and the common way."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as player:
        path = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = player.chromium.launch(executable_path=path, args=list(FLAGS))
        with serve("app.py", "--port", "{port}", "--checkpoint", options.checkpoint) as ours:
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.add_init_script(AFTER_FRAME)
            starting = ours.computed()
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
            started, computed = ours.seconds, starting
        rows = [few.row("ours"), many.row("ours, 200 accepted regions")]
        with serve(
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
    notes = [
        f"server up in {started:.1f} s ({computed:.1f} s of one processor), "
        f"page usable {usable:.1f} s after it was asked for"
    ]
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


if __name__ == "__main__":
    main()
