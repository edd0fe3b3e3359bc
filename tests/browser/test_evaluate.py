"""A visitor evaluates checkpoints and looks at the reports, in a real browser."""

import zipfile

import pytest

from tests.page_server import free_port, serve

from .two_models import NAMES, serve_two

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    with serve_two(tmp_path_factory.mktemp("evaluate")) as page:
        yield page


@pytest.fixture
def page(chromium, two):
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    page = context.new_page()
    page.set_default_timeout(60_000)
    problems = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    open_tab(page, two.url)
    yield page
    context.close()
    assert problems == []


def open_tab(page, url: str) -> None:
    page.goto(url)
    page.get_by_role("tab", name="Evaluate").click()
    page.wait_for_function(within("facts"))


def within(expression: str) -> str:
    return (
        "(() => { const p = (document.querySelector('#evaluate .fs-root') || {}).page; "
        f"if (!p) return null; with (p) {{ return {expression}; }} }})()"
    )


@pytest.fixture(scope="module")
def finished(chromium, two):
    """An evaluation started in the page, which is closed while it runs."""
    page = chromium.new_page()
    page.set_default_timeout(60_000)
    open_tab(page, two.url)
    for name in ("small", *NAMES):
        page.get_by_role("checkbox", name=name).set_checked(name != "small")
    page.get_by_label("Dataset to evaluate on").select_option("plans")
    page.get_by_label("Clicks at most").fill("2")
    page.keyboard.press("Tab")
    page.wait_for_function("document.querySelector('#evaluate .fs-command').textContent")
    command = page.locator("#evaluate .fs-command").text_content()
    page.get_by_role("button", name="Evaluate", exact=True).click()
    page.wait_for_function(within("list.length === 1"))
    page.close()
    again = chromium.new_page()
    again.set_default_timeout(240_000)
    open_tab(again, two.url)
    again.wait_for_function(within("list.length && list[0].state === 'finished'"))
    again.close()
    return command


def test_an_empty_list_says_what_to_do(page):
    if page.evaluate(within("list.length")):
        pytest.skip("another test has evaluated already")

    empty = page.locator(".fs-evallist", has_text="Choose checkpoints and a dataset")
    empty.wait_for()  # drawn once the server has said that there is nothing
    assert empty.count() == 1


def test_an_evaluation_survives_the_browser_and_shows_its_command(finished, page):
    assert finished.startswith("python -m eval --checkpoint")
    assert "--clicks 2" in finished
    page.wait_for_function(within("board"))
    assert page.locator(".fs-eval").count() == 1


def test_the_leaderboard_has_the_base_first_and_differences_to_it(finished, page):
    page.wait_for_function(within("board"))
    rows = page.locator(".fs-league tbody tr")

    assert rows.count() == 2
    assert "base" in rows.first.inner_text()
    assert rows.nth(1).locator(".fs-leap").count() > 3

    page.get_by_label("Base that the others are compared with").select_option(index=1)
    page.wait_for_function(within("board && board.rows[0].checkpoint === 'beta'"))
    assert rows.first.inner_text().startswith("beta")


def test_every_plot_has_a_title_units_and_a_table(finished, page):
    page.wait_for_function(within("board"))
    figures = page.evaluate(within("board.figures"))
    page.wait_for_function(
        "n => document.querySelectorAll('#evaluate .js-plotly-plot').length === n",
        arg=len(figures),
    )

    assert {"clicks", "classes", "histogram", "size", "calibration"} <= {f["id"] for f in figures}
    for figure in figures:
        layout = figure["layout"]
        assert figure["title"]
        assert layout["xaxis"]["title"]["text"]
        assert layout["yaxis"]["title"]["text"]
        assert len(figure["table"]) > 1
    with page.expect_download() as coming:
        page.locator("[data-chart=clicks]").get_by_role("button", name="CSV").click()
    assert coming.value.suggested_filename == "evaluation_clicks.csv"


def test_a_picture_of_the_gallery_opens_in_compare_with_its_prompt(finished, page):
    page.locator(".fs-piece button").first.click()
    page.wait_for_function(
        "(() => { const p = document.querySelector('#compare .fs-root')?.page; return p && p.sample"
        " && p.asking() && p.answerOf(0) && p.answerOf(1); })()"
    )

    state = page.evaluate(
        "(() => { const p = document.querySelector('#compare .fs-root').page; "
        "return [p.sample.dataset, p.slots, p.prompt.points.length]; })()"
    )
    assert state == ["plans", list(NAMES), 1]
    menu = page.locator("#compare").get_by_label("Dataset", exact=True)
    page.wait_for_function("menu => menu.value === 'plans'", arg=menu.element_handle())
    walk = page.locator("#compare .fs-card", has_text="Through a dataset").inner_text()
    assert "of 3" in walk
    assert "null" not in walk


def test_everything_is_downloaded_as_one_zip(finished, page, tmp_path):
    page.wait_for_function(within("board"))
    with page.expect_download() as coming:
        page.get_by_role("button", name="Everything (zip)").click()
    coming.value.save_as(tmp_path / "all.zip")

    names = zipfile.ZipFile(tmp_path / "all.zip").namelist()

    assert "leaderboard.csv" in names
    assert "01-alpha/report.json" in names
    assert "01-alpha/pictures/worst-1.jpg" in names


def test_a_stranger_sees_the_reports_but_no_zip_of_the_servers_pictures(finished, chromium, two):
    public = two.settings.model_copy(update={"public": True, "port": free_port()})
    with serve(public) as served:
        page = chromium.new_page()
        page.set_default_timeout(60_000)
        open_tab(page, served.url)
        page.wait_for_function(within("board"))

        shown = page.get_by_role("button", name="CSV", exact=True).first.is_visible()
        zips = page.get_by_role("button", name="Everything (zip)").locator("visible=true").count()
        page.close()

    assert shown
    assert zips == 0


def test_nothing_sticks_out_on_a_phone(finished, chromium, two):
    page = chromium.new_page(viewport={"width": 390, "height": 844})
    page.set_default_timeout(60_000)
    open_tab(page, two.url)
    page.wait_for_function(within("board"))

    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.close()
