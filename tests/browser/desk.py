"""What a visitor does, in the words of the tests."""

import base64
from pathlib import Path

LEFT, UPPER, LOWER = (160, 240), (470, 130), (470, 360)  # inside the three rooms of the plan
PATIENCE = 60_000  # milliseconds: the machine may be busy with the tests beside these


class Desk:
    """One browser page with the Segment tab.

    Args:
        page: Playwright's page.
        url: where the app is.
    """

    def __init__(self, page, url: str) -> None:
        self.page = page
        page.set_default_timeout(PATIENCE)
        self.problems: list[str] = []
        self.outside: list[str] = []
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("request", self._note)
        self.url = url
        page.goto(url)
        page.wait_for_function("(document.querySelector('.fs-root') || {}).page?.facts")
        self.until("plan || !facts.examples.length")  # the first example greets the visitor

    def open(self, file: Path) -> None:
        """Open a plan and wait until a click would be answered at once."""
        before = self.value("plan && plan.token")
        self.page.set_input_files(".fs-open input[type=file]", str(file))
        self.until(f"plan && plan.token !== {before!r}" if before else "plan")
        self.page.wait_for_function(
            "document.querySelector('.fs-status').textContent.includes('plan read')"
        )

    def value(self, expression: str):
        """Something of the page's state: ``now.regions.length``."""
        return self.page.evaluate(f"(() => {{ with (document.querySelector('.fs-root').page) {{ "
                                  f"return {expression}; }} }})()")  # fmt: skip

    def until(self, expression: str) -> None:
        """Wait for something of the page's state to be true."""
        self.page.wait_for_function(
            f"(() => {{ with (document.querySelector('.fs-root').page) {{ "
            f"return Boolean({expression}); }} }})()"
        )

    def at(self, point: tuple[float, float]) -> tuple[float, float]:
        """Where a point of the plan is in the window."""
        x, y = point
        spot = self.value(f"surface.toScreen({{x: {x}, y: {y}}})")
        box = self.page.locator(".fs-stage").bounding_box()
        return box["x"] + spot["x"], box["y"] + spot["y"]

    def click(self, point: tuple[float, float], button: str = "left") -> None:
        """Click and wait for the mask."""
        self.page.mouse.click(*self.at(point), button=button)
        self.until("now.draft && now.draft.candidates")

    def drag(self, start: tuple[float, float], end: tuple[float, float], steps: int = 4) -> None:
        """Press, move, let go."""
        self.page.mouse.move(*self.at(start))
        self.page.mouse.down()
        self.page.mouse.move(*self.at(end), steps=steps)
        self.page.mouse.up()

    def key(self, name: str) -> None:
        """Press a key on the canvas."""
        self.page.keyboard.press(name)

    def paint(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """A new region by hand, accepted: does not depend on any model."""
        before = self.value("now.regions.length")
        self.key("b")
        self.drag(start, end)
        self.key("Enter")
        self.until(f"now.regions.length === {before + 1}")
        self.key("c")

    def regions(self) -> list[dict]:
        """Name, class, area and mask of every accepted region."""
        return self.value(
            "now.regions.map((r) => ({id: r.id, name: r.name, cls: r.cls, area: r.mask.area, "
            "edited: r.edited, wire: JSON.stringify(floorseg.masks.toWire(r.mask))}))"
        )

    def said(self, patience: float = PATIENCE) -> str:
        """The message that is shown, waiting so many milliseconds for it."""
        toast = self.page.locator(".fs-toast")
        toast.wait_for(timeout=patience)
        return toast.inner_text()

    def _note(self, request) -> None:
        if not request.url.startswith((self.url, "data:", "blob:")):
            self.outside.append(request.url)


def hand_over(stage, way: str, *files: Path) -> None:
    """What the browser tells the page when a person pastes or drops files there."""
    stage.evaluate(
        """(stage, [way, files]) => {
          const data = new DataTransfer();
          for (const [name, text] of files)
            data.items.add(new File([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))], name));
          stage.dispatchEvent(way === 'paste'
            ? new ClipboardEvent('paste', {clipboardData: data, bubbles: true, cancelable: true})
            : new DragEvent('drop', {dataTransfer: data, bubbles: true, cancelable: true}));
        }""",
        [way, [[f.name, base64.b64encode(f.read_bytes()).decode()] for f in files]],
    )
