"""One page and one real Chromium for all browser tests."""

import shutil
from contextlib import suppress

import pytest

from tests.page_server import draw_plan, page_settings, serve

from .desk import Desk

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
)


BROWSER = pytest.StashKey()
SAID = ".fs-status, .fs-toast, .fs-busy, .fs-task"
TEXTS = """said => [...document.querySelectorAll(said)].map(e => e.innerText.trim())
    .filter(Boolean).join("\\n") || "nothing" """


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """With a failure comes what the open pages say: a wait that ran out does not."""
    report = yield
    browser = item.config.stash.get(BROWSER, None)
    if report.failed and browser is not None and browser.is_connected():
        from playwright.sync_api import Error

        for page in [page for context in browser.contexts for page in context.pages]:
            with suppress(Error):  # a page that crashed, or hangs, has nothing to say
                said = page.wait_for_function(TEXTS, arg=SAID, timeout=5_000).json_value()
                report.sections.append((f"said by {page.url}", said))
    return report


@pytest.fixture(scope="session")
def chromium(request):
    """The system's Chromium."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("no Chromium here; install it with: apt-get install chromium")
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with api.sync_playwright() as player:
        browser = player.chromium.launch(executable_path=path, args=list(FLAGS))
        request.config.stash[BROWSER] = browser
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def served(tmp_path_factory):
    """The page on a free port."""
    with serve(page_settings(tmp_path_factory.mktemp("page"), max_upload_mb=5)) as page:
        yield page


@pytest.fixture(scope="session")
def plan(tmp_path_factory):
    """A plan of three rooms, 640 x 480."""
    return draw_plan(tmp_path_factory.mktemp("plan") / "three rooms.png")


@pytest.fixture
def context(chromium):
    """A visitor's browser, closed at the end: a page left open goes on asking the server."""
    made = chromium.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    yield made
    made.close()


@pytest.fixture
def desk(context, served, plan):
    """A visitor with the plan open."""
    visitor = Desk(context.new_page(), served.url)
    visitor.open(plan)
    yield visitor
    assert not visitor.problems
