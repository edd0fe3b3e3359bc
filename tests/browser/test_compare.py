"""A visitor sets checkpoints beside each other, in a real browser."""

import csv
import io

import numpy as np
import pytest
from PIL import Image

from floorseg.core.structures import Point, Prompt

from .desk import Desk, hand_over
from .two_models import LEFT, NAMES, serve_two

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    with serve_two(tmp_path_factory.mktemp("compare")) as page:
        yield page


class Bench:
    """One browser page with the Compare tab open."""

    def __init__(self, chromium, url: str, size=(1280, 900)) -> None:
        context = chromium.new_context(viewport={"width": size[0], "height": size[1]})
        self.page = context.new_page()
        self.page.set_default_timeout(60_000)
        self.problems: list[str] = []
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.goto(url)
        self.page.get_by_role("tab", name="Compare").click()
        self.until("plan && asking() && answerOf(0) && answerOf(1)")

    def value(self, expression: str):
        """Something of the tab's state: ``slots``."""
        return self.page.evaluate(_within(expression))

    def until(self, expression: str) -> None:
        self.page.wait_for_function(_within(f"Boolean({expression})"))

    def open_sample(self) -> None:
        self.page.locator("#compare").get_by_label("Dataset", exact=True).select_option("plans")
        self.until("sample")

    def click(self, x: float, y: float, panel: int = 0) -> None:
        """Click a point of the plan in one of the panels."""
        spot = self.value(f"panels[{panel}].surface.toScreen({{x: {x}, y: {y}}})")
        box = self.page.locator("#compare .fs-panel .fs-stage").nth(panel).bounding_box()
        self.page.mouse.click(box["x"] + spot["x"], box["y"] + spot["y"])
        self.until("asking() && slots.every((_, i) => answerOf(i))")

    def choose(self, slot: str, name: str) -> None:
        self.page.get_by_label(f"Checkpoint {slot}", exact=True).select_option(name)

    def close(self) -> None:
        self.page.context.close()
        assert self.problems == []


def _within(expression: str) -> str:
    return (
        "(() => { const p = (document.querySelector('#compare .fs-root') || {}).page; "
        f"if (!p) return null; with (p) {{ return {expression}; }} }})()"
    )


@pytest.fixture
def bench(chromium, two):
    visitor = Bench(chromium, two.url)
    yield visitor
    visitor.close()


def wire(bench: Bench, slot: int) -> str:
    return bench.value(f"JSON.stringify(floorseg.masks.toWire(answerOf({slot}).mask))")


def truly(two, pixels_name: str, point: tuple[float, float]) -> dict[str, np.ndarray]:
    """What each checkpoint says to one click, asked without any page."""
    content = (two.settings.data_root / "plans" / "test" / pixels_name).read_bytes()
    plan = two.segmenter.open_plan(content, pixels_name, "test")
    prompt = Prompt((Point(*point),))
    return {
        name: two.segmenter.segment(plan.token, name, prompt).patches[0].mask(plan.size)
        for name in NAMES
    }


def share(a: np.ndarray, b: np.ndarray) -> float:
    return (a & b).sum() / (a | b).sum()


def test_it_opens_with_an_example_that_two_checkpoints_have_answered_already(bench):
    assert bench.value("plan.source.example")
    assert bench.value("slots.length") == 2
    assert bench.value("prompt.points.length") == 1
    assert bench.page.locator("#compare .fs-panel:visible").count() == 2


def test_it_begins_with_the_plan_that_is_open_in_segment(context, two, plan):
    desk = Desk(context.new_page(), two.url)
    desk.open(plan)
    compare = desk.page.locator("#compare")
    title, again = compare.locator(".fs-title"), compare.get_by_text("The plan from Segment")
    desk.page.get_by_role("tab", name="Compare").click()
    title.get_by_text(plan.stem).wait_for()
    assert not again.is_visible()

    compare.get_by_role("button", name="Example").first.click()
    title.get_by_text(plan.stem).wait_for(state="detached")
    again.click()
    title.get_by_text(plan.stem).wait_for()
    assert desk.problems == []


def test_it_begins_with_the_page_or_the_example_that_was_chosen_in_segment(context, two, tmp_path):
    desk = Desk(context.new_page(), two.url)
    file = tmp_path / "plans.pdf"
    pages = [Image.new("RGB", size, "white") for size in ((400, 200), (200, 400))]
    pages[0].save(file, "PDF", save_all=True, append_images=pages[1:])
    desk.open(file)
    desk.page.get_by_role("button", name="Next page").click()
    desk.until("plan.width < plan.height")
    desk.page.get_by_role("tab", name="Compare").click()
    desk.page.wait_for_function(_within("Boolean(plan)"))
    assert desk.page.evaluate(_within("plan.width < plan.height"))

    desk.page.get_by_role("button", name="Page before").click()
    desk.page.wait_for_function(_within("plan.width > plan.height"))
    assert "page 1 of 2" in desk.page.locator(".fs-pages:visible").inner_text()

    desk.page.get_by_role("tab", name="Segment").click()
    desk.page.locator(".fs-example").nth(1).click()
    desk.until("plan.name === facts.examples[1].name + '.png'")
    desk.page.get_by_role("tab", name="Compare").click()
    again = desk.page.locator("#compare").get_by_text("The plan from Segment")
    again.click()
    desk.page.wait_for_function(_within("plan.name === facts.examples[1].name + '.png'"))
    again.wait_for(state="hidden")
    assert desk.problems == []


@pytest.mark.parametrize("way", ["paste", "drop"])
def test_a_picture_is_pasted_or_dropped_in(bench, tmp_path, way):
    segmented = "document.querySelector('.fs-root').page.plan.name"
    before = bench.page.evaluate(segmented)
    picture = tmp_path / "other.png"
    Image.new("RGB", (300, 200), "white").save(picture)

    hand_over(bench.page.locator("#compare .fs-stage").first, way, picture)
    bench.until("plan.name === 'other.png'")

    assert bench.value("[plan.width, plan.height, asking()]") == [300, 200, False]
    assert "other.png · 300 × 200 px" in bench.page.locator("#compare .fs-title").inner_text()
    assert bench.page.evaluate(segmented) == before, "the other tab takes it, too"


def test_a_click_in_one_panel_goes_to_all(bench, two):
    bench.open_sample()
    for slot, name in zip("AB", NAMES, strict=True):
        bench.choose(slot, name)

    bench.click(80, 120, panel=1)

    expected = truly(
        two, "plan0.jpg", tuple(bench.value("[prompt.points[0].x, prompt.points[0].y]"))
    )
    assert bench.value("slots") == list(NAMES)
    for slot, name in enumerate(NAMES):
        assert bench.value(f"answerOf({slot}).mask.area") == int(expected[name].sum())


def test_agreement_and_truth_are_what_numpy_counts(bench, two):
    bench.open_sample()
    for slot, name in zip("AB", NAMES, strict=True):
        bench.choose(slot, name)
    bench.click(80, 120)
    at = tuple(bench.value("[prompt.points[0].x, prompt.points[0].y]"))
    masks = truly(two, "plan0.jpg", at)
    truth = np.zeros((240, 320), dtype=bool)
    truth[LEFT] = True

    rows = bench.value("figureRows().map((r) => ({truth: r.truth, others: r.others}))")

    assert rows[0]["others"][1] == pytest.approx(share(masks["alpha"], masks["beta"]), abs=1e-6)
    for row, name in zip(rows, NAMES, strict=True):
        assert row["truth"] == pytest.approx(share(masks[name], truth), abs=1e-6)


def test_the_difference_counts_every_pixel_once(bench):
    bench.open_sample()
    for slot, name in zip("AB", NAMES, strict=True):
        bench.choose(slot, name)
    bench.click(80, 120)

    bench.page.locator("#compare [data-view=difference]").click()

    a, b = bench.value("[answerOf(0).mask.area, answerOf(1).mask.area]")
    only_a, only_b, both = bench.value("parted.parts.map((m) => m.area)")
    assert (only_a + both, only_b + both) == (a, b)
    legend = bench.page.locator("#compare .fs-legend").inner_text()
    assert "only A" in legend
    assert "both" in legend


def test_panels_zoom_and_move_together(bench):
    box = bench.page.locator("#compare .fs-panel .fs-stage").first.bounding_box()
    bench.page.mouse.move(box["x"] + 100, box["y"] + 200)
    bench.page.mouse.wheel(0, -500)
    bench.until("!panels[0].surface.fitted")

    one, two = bench.value("[panels[0].surface.view, panels[1].surface.view]")

    assert one == two


def test_the_slider_shows_a_left_and_b_right(bench):
    bench.page.locator("#compare [data-view=slider]").click()
    handle = bench.page.get_by_label("Border between the two")
    box, stage = handle.bounding_box(), bench.page.locator("#compare .fs-pair").bounding_box()

    bench.page.mouse.move(box["x"] + 14, box["y"] + 100)
    bench.page.mouse.down()
    bench.page.mouse.move(stage["x"] + stage["width"] * 0.25, box["y"] + 100, steps=4)
    bench.page.mouse.up()

    assert abs(bench.value("split") - 25) < 1
    assert bench.value("getComputedStyle(upper.host).clipPath").startswith("inset(0")


def test_switching_checkpoints_never_shows_another_one_s_mask_in_two_browsers(bench, chromium, two):
    other = Bench(chromium, two.url)
    for visitor, order in ((bench, NAMES), (other, NAMES[::-1])):
        visitor.open_sample()
        for slot, name in zip("AB", order, strict=True):
            visitor.choose(slot, name)
        visitor.click(80, 120)
    first = dict(zip(NAMES, (wire(bench, 0), wire(bench, 1)), strict=True))

    for _ in range(3):
        for visitor in (bench, other):
            a, b = visitor.value("slots")
            visitor.choose("A", b)
            visitor.choose("B", a)
            visitor.until("answerOf(0) && answerOf(1)")
            at = visitor.value("slots")
            assert [wire(visitor, 0), wire(visitor, 1)] == [first[at[0]], first[at[1]]]
    other.close()


def test_a_verdict_is_counted_kept_over_a_reload_and_downloaded(bench, tmp_path):
    bench.page.get_by_label("Note", exact=True).fill("tighter, at the door")
    bench.page.locator("[data-verdict=second]").click()
    assert "B better 1" in bench.page.locator(".fs-tally").inner_text()

    bench.page.reload()
    bench.page.get_by_role("tab", name="Compare").click()
    bench.until("plan && asking() && answerOf(0) && answerOf(1)")
    with bench.page.expect_download() as coming:
        bench.page.get_by_role("button", name="Download CSV").click()
    coming.value.save_as(tmp_path / "verdicts.csv")

    [row] = csv.DictReader(io.StringIO((tmp_path / "verdicts.csv").read_text()))
    assert (row["verdict"], row["note"]) == ("b", "tighter, at the door")


def test_a_split_is_stepped_through_by_disagreement(bench):
    bench.open_sample()
    for slot, name in zip("AB", NAMES, strict=True):
        bench.choose(slot, name)

    bench.page.get_by_role("button", name="Where do they differ most?").click()
    bench.until("scanned && scanned.state.state === 'done' && scanned.at === 0 && answerOf(0)")
    bench.page.get_by_role("button", name="Next", exact=True).click()
    bench.until("scanned.at === 1 && sample.row === scanned.spots[1].row && answerOf(0)")

    agreements = bench.value("scanned.spots.map((s) => s.agreement)")
    assert len(agreements) == 3
    assert agreements == sorted(agreements)


def test_nothing_sticks_out_on_a_phone(chromium, two):
    phone = Bench(chromium, two.url, size=(390, 844))

    assert phone.page.evaluate("document.documentElement.scrollWidth") <= 390
    phone.close()
