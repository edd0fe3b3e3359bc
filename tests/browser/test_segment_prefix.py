"""The page behind a reverse proxy that gives it a path prefix, in a real browser."""

import pytest

from tests.page_server import page_settings, serve

from .behind_proxy import proxied
from .desk import LEFT, Desk
from .test_segment_files import save

pytestmark = pytest.mark.browser


def test_behind_a_prefix_everything_works_and_nothing_is_asked_for_outside_it(
    chromium, tmp_path, plan
):
    with (
        serve(page_settings(tmp_path, root_path="/plans")) as page,
        proxied("/plans", page.url) as url,
    ):
        context = chromium.new_context(accept_downloads=True)
        try:
            desk = Desk(context.new_page(), url)  # notes what is asked for outside ``url``
            desk.open(plan)
            desk.click(LEFT)
            desk.key("Escape")
            desk.paint((60, 100), (160, 100))
            saved = save(desk, "sa1b", tmp_path / "regions.json")
            desk.page.locator("[role=tab]").nth(1).click()
        finally:
            context.close()

    assert saved.stat().st_size > 0
    assert desk.outside == []
    assert desk.problems == []
