"""A visitor looks at a dataset: cards, charts, gallery, a sample, findings, runs laid open."""

import json
from pathlib import Path

import pytest

from floorseg.data.sa1b import write_sample
from tests.data.conftest import annotation, drawing, room

pytestmark = pytest.mark.browser

PAGE = "document.querySelector('#datasets .fs-root').page"


@pytest.fixture(scope="module")
def flats(served):
    """``flats``, thirty plans in two splits, under the page's data root."""
    folder = served.settings.data_root / "flats"
    for number in range(30):
        masks = [
            annotation(1, room(at=(3, 3)), category_id=1, category_name="kitchen"),
            annotation(2, room(at=(20, 30), extent=(12, 18)), category_id=2, category_name="bath"),
        ]
        split = "train" if number < 24 else "test"
        found = masks[: 1 + number % 2]
        write_sample(folder / split, f"plan{number:02}", drawing(seed=number), found)
    path = folder / "train" / "plan01.json"
    path.write_text(path.read_text().replace('"area":200', '"area":7'))
    return folder


MENDED = "#datasets input[aria-label='Name of the mended copy']"
CONVERTED = "#datasets input[aria-label='Name of the converted dataset']"


@pytest.fixture(params=[1280, 390], ids=["desk", "phone"])
def page(request, chromium, served, flats):
    """A visitor with ``flats`` open."""
    context = chromium.new_context(
        viewport={"width": request.param, "height": 800}, accept_downloads=True
    )
    tab = context.new_page()
    problems, outside = [], []
    tab.on("pageerror", lambda error: problems.append(str(error)))
    tab.on("request", lambda sent: outside.append(sent.url))
    tab.goto(served.url)
    mine = (  # the last: on a phone in the menu of tabs that do not fit
        "[...document.querySelectorAll('button')]"
        ".filter((button) => button.textContent.trim() === 'Dataset').pop()"
    )
    tab.wait_for_function(mine)
    tab.evaluate(f"{mine}.click()")
    tab.wait_for_function("document.querySelector('#datasets .fs-root')?.page?.facts")
    tab.evaluate(f"{PAGE}.greeted.then(() => {PAGE}.open('flats'))")
    tab.wait_for_function(f"{PAGE}.seen && {PAGE}.seen.images === 30")
    yield tab
    context.close()
    assert not problems
    assert not [url for url in outside if not url.startswith((served.url, "data:", "blob:"))]


def section(page, name: str) -> None:
    page.locator(f"#datasets .fs-nav [data-section={name}]").click()


def open_sample(page, row: int) -> None:
    section(page, "gallery")
    page.locator(f"#datasets .fs-tile[data-row='{row}']").click()
    page.wait_for_function(f"{PAGE}.current && {PAGE}.current.row === {row}")


def test_cards_and_charts_tell_what_is_in_it(page):
    page.wait_for_function("document.querySelectorAll('#datasets .js-plotly-plot').length === 5")
    cards = page.locator("#datasets .fs-cards").inner_text()
    assert "30" in cards
    assert "45" in cards
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1")


def test_the_gallery_filters_by_class_and_pages(page):
    section(page, "gallery")
    page.wait_for_selector("#datasets .fs-thumb img")
    assert "30 samples" in page.locator("#datasets .fs-panel[data-section=gallery]").inner_text()
    page.locator("#datasets [aria-label='Next page']").first.click()
    page.wait_for_function("document.querySelectorAll('#datasets .fs-tile').length === 6")
    page.select_option("#datasets select[aria-label=Class]", label="bath")
    page.wait_for_function("document.querySelectorAll('#datasets .fs-tile').length === 15")
    assert "15 samples" in page.locator("#datasets .fs-panel[data-section=gallery]").inner_text()


def test_the_gallery_is_sorted_by_what_is_chosen(page):
    section(page, "gallery")
    page.wait_for_selector("#datasets .fs-tile")
    page.select_option("#datasets select[aria-label='Sort by']", "masks")
    page.wait_for_function(f"{PAGE}.wanted().sort === 'masks'")
    page.locator("#datasets .fs-order").click()
    page.wait_for_function(
        "[...document.querySelectorAll('#datasets .fs-tile')].slice(0, 15)"
        ".every((tile) => tile.innerText.includes('2 masks'))"
    )
    page.fill("#datasets input[aria-label='File name']", "plan1")
    page.wait_for_function("document.querySelectorAll('#datasets .fs-tile').length === 10")
    names = page.locator("#datasets .fs-tilename").all_inner_texts()
    assert all(name.startswith("plan1") for name in names)


@pytest.mark.parametrize(
    ("button", "field", "other", "said"),
    [
        ("Write a mended copy", MENDED, CONVERTED, "data check"),
        ("Convert", CONVERTED, MENDED, "data convert"),
    ],
)
def test_a_copy_is_written_with_its_command_shown(page, served, button, field, other, said):
    name = f"copy_{said.split()[1]}_{page.viewport_size['width']}"
    section(page, "findings")
    page.fill(field, name)
    page.fill(other, "typed meanwhile")
    page.get_by_role("button", name=button, exact=True).click()
    made = page.locator("#datasets .fs-task", has_text=name)
    made.get_by_role("button", name="Open it").wait_for(timeout=200_000)
    assert f"python -m floorseg {said}" in made.inner_text()
    assert "30 samples" in made.inner_text()
    page.wait_for_function(f"{PAGE}.facts.datasets.includes('{name}')")
    assert page.input_value(field) != name, "it is taken"
    assert page.input_value(other) == "typed meanwhile"
    made.get_by_role("button", name="Open it").click()
    page.wait_for_function(f"{PAGE}.name === '{name}' && {PAGE}.seen?.images === 30")
    assert (served.settings.data_root / name / "train" / "plan01.json").is_file()


def test_a_sample_shows_masks_that_can_be_hidden_and_their_json(page):
    open_sample(page, 1)
    page.locator("#datasets .fs-mask summary").first.click()
    assert '"category_name": "kitchen"' in page.locator("#datasets .fs-mask[open]").inner_text()
    page.locator("#datasets .fs-mask .fs-tool").first.click()
    assert page.evaluate(f"{PAGE}.regions.map((region) => region.visible)") == [False, True]
    page.locator("#datasets input[aria-label='Opacity of the masks']").fill("80")
    assert page.evaluate(f"{PAGE}.surface.state.fill") == 0.8


def test_the_pointer_on_a_mask_shows_its_fields(page):
    open_sample(page, 1)
    page.wait_for_timeout(300)
    spot = page.evaluate(f"{PAGE}.surface.toScreen({{x: 12, y: 8}})")
    box = page.locator("#datasets .fs-stage").bounding_box()
    page.mouse.move(box["x"] + spot["x"] - 2, box["y"] + spot["y"])
    page.mouse.move(box["x"] + spot["x"], box["y"] + spot["y"])
    page.wait_for_selector("#datasets .fs-tip:not([hidden])")
    assert "kitchen" in page.locator("#datasets .fs-tip").inner_text()


def test_a_mask_goes_to_the_inspector_where_what_disagrees_is_red(page):
    open_sample(page, 1)
    page.locator("#datasets .fs-mask summary").first.click()
    page.locator("#datasets .fs-mask[open] .fs-link").click()
    page.wait_for_selector("#datasets .fs-disagrees")
    assert "area" in page.locator("#datasets .fs-disagrees").inner_text()


def test_a_check_finds_it_and_leads_to_the_sample(page):
    section(page, "findings")
    page.wait_for_selector("#datasets .fs-kind[data-code=area]", timeout=200_000)
    page.locator("#datasets .fs-kind[data-code=area]").click()
    page.wait_for_function("document.querySelectorAll('#datasets .fs-file').length === 1")
    assert "stated 7" in page.locator("#datasets .fs-lines").first.inner_text()
    page.locator("#datasets .fs-file .fs-link").click()
    page.wait_for_function(f"{PAGE}.current && {PAGE}.current.name === 'plan01'")
    assert "plan01" in page.locator("#datasets .fs-sampletitle").inner_text()
    assert "state another area" in page.locator("#datasets .fs-here").inner_text()


def test_findings_are_those_of_the_chosen_split(page):
    section(page, "findings")
    page.wait_for_selector("#datasets .fs-kind[data-code=area]", timeout=200_000)
    page.select_option("#datasets select[aria-label=Split]", "test")
    page.wait_for_function(f"{PAGE}.seen && {PAGE}.seen.images === 6")
    page.wait_for_selector("#datasets .fs-kind[data-code=area]", state="detached")
    assert "in the test split" in page.locator("#datasets .fs-fact-wide").inner_text()
    page.select_option("#datasets select[aria-label=Split]", "train")
    page.wait_for_selector("#datasets .fs-kind[data-code=area]")


def test_a_drawn_mask_is_encoded_at_once_and_a_lesson_is_drawn(page):
    section(page, "inspector")
    page.locator("#datasets button", has_text="multi-class").first.click()
    page.wait_for_function(f"{PAGE}.inspector.answer && {PAGE}.inspector.answer.size[1] === 5")
    page.get_by_role("button", name="Clear", exact=True).click()
    page.select_option("#datasets select[aria-label='Kind of encoding']", label="binary")
    page.locator("#datasets .fs-cellbox[data-x='0'][data-y='2']").click()
    page.wait_for_function(f"{PAGE}.inspector.text.value.includes('[2, 1, 61]')")
    assert page.locator("#datasets .fs-runs tbody tr").count() == 3
    assert "8 x 8" in page.locator("#datasets .fs-facts").inner_text()


@pytest.mark.parametrize(
    ("name", "counts", "size"),
    [
        ("starts with 0", [2, 3, 1, 1], [7, 1]),
        ("starts with 1", [0, 6, 1], [7, 1]),
        ("multi-class", [1, 3, 2, 2, 3, 1, 3, 5], [4, 5]),
    ],
)
def test_the_examples_are_ready_to_load(page, name, counts, size):
    section(page, "inspector")
    page.locator("#datasets button", has_text=name).first.click()
    page.wait_for_function(
        f"JSON.stringify({PAGE}.inspector.answer?.runs.map((run) => run.length)) === "
        f"'{json.dumps(counts, separators=(',', ':'))}'"
    )
    assert page.evaluate(f"{PAGE}.inspector.answer.size") == size
    assert page.locator("#datasets .fs-disagrees").count() == 0
    with page.expect_download() as saved:
        page.locator("#datasets [title='Download the runs']").click()
    lines = Path(saved.value.path()).read_text().splitlines()
    assert [int(line.split(",")[2]) for line in lines[1:]] == counts


def test_hostile_text_is_answered_with_a_sentence(page):
    section(page, "inspector")
    page.fill("#datasets textarea", '{"size": [100000, 100000], "counts": [0, 10000000000]}')
    page.get_by_role("button", name="Lay it open").click()
    page.wait_for_function(
        "document.querySelector('#datasets .fs-wrong:not([hidden])')?.innerText.includes('larger')"
    )
    assert page.locator("#datasets .fs-runs tbody tr").count() == 0
