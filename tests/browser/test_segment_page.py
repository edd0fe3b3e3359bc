"""A visitor segments a plan, in a real browser."""

import pytest

from tests.page_server import SHIPPED

from .desk import LEFT, LOWER, UPPER, Desk

pytestmark = pytest.mark.browser


def test_the_page_loads_with_an_example_and_nothing_from_outside(chromium, served):
    desk = Desk(chromium.new_page(), served.url)

    assert desk.page.title() == "floorseg"
    assert desk.page.locator("[role=tab]").first.inner_text() == "Segment"
    assert desk.page.locator(".fs-example").count() == 6
    assert desk.value("plan.name") == desk.value("facts.examples[0].name") + ".png"
    assert desk.outside == []
    assert desk.problems == []


def test_a_click_brings_three_candidates_and_little_traffic(desk):
    sizes = []
    desk.page.on(
        "response",
        lambda answer: (
            sizes.append((len(answer.request.post_data), len(answer.body())))
            if "component_server" in answer.url
            else None
        ),
    )

    desk.click(LEFT)

    assert desk.value("now.draft.candidates.length") == 3
    assert sizes[0][0] <= 2_000
    if SHIPPED.is_file():  # masks of random weights are noise, which does not compress
        assert sizes[0][1] <= 30_000


def test_keys_choose_among_the_candidates(desk):
    desk.click(LEFT)

    desk.key("2")

    assert desk.value("now.draft.chosen") == 1
    assert desk.page.locator(".fs-chip").nth(1).get_attribute("aria-pressed") == "true"


def test_a_right_click_takes_away_and_undo_brings_the_first_answer_back(desk):
    desk.click(LEFT)
    desk.click(UPPER, button="right")
    assert desk.value("now.draft.points.map((p) => p.inside)") == [True, False]

    desk.key("Control+z")

    assert desk.value("now.draft.points.length") == 1
    assert desk.value("now.draft.candidates.length") == 3


def test_redo_brings_back_what_undo_took(desk):
    desk.paint((100, 100), (200, 100))
    desk.key("Control+z")
    desk.key("Control+z")
    assert desk.value("now.regions.length") == 0

    desk.key("Control+Shift+z")
    desk.key("Control+Shift+z")

    assert desk.value("now.regions.length") == 1


def test_dragging_draws_a_box_that_is_answered(desk):
    desk.drag((340, 40), (600, 220))
    desk.until("now.draft && now.draft.candidates")

    x0, y0, x1, y1 = desk.value("now.draft.box")
    assert (round(x0), round(y0), round(x1), round(y1)) == (340, 40, 600, 220)


def test_enter_accepts_the_region_and_lists_it(desk):
    desk.click(LEFT)
    desk.page.wait_for_function("!document.querySelector('.fs-chip').disabled")
    if not desk.value("draftMask().area"):
        pytest.skip("random weights drew nothing here")
    desk.key("Enter")

    assert desk.page.locator(".fs-table tbody tr").count() == 1
    assert desk.value("now.draft") is None


def test_brush_and_eraser_change_the_selected_region_and_undo_takes_it_back(desk):
    desk.paint((100, 100), (200, 100))
    [painted] = desk.regions()
    desk.page.locator(".fs-swatch").click()
    desk.page.locator(".fs-stage").focus()
    desk.key("b")
    desk.drag((100, 120), (200, 120))
    [larger] = desk.regions()
    desk.key("e")
    desk.drag((150, 60), (150, 180))
    [smaller] = desk.regions()

    desk.key("Control+z")
    desk.key("Control+z")

    assert smaller["area"] < larger["area"]
    assert painted["area"] < larger["area"]
    assert desk.regions() == [painted]


def test_two_regions_merge_into_one_with_all_their_pixels(desk):
    desk.paint((60, 60), (120, 60))
    desk.paint((60, 160), (120, 160))
    first, second = desk.regions()
    desk.page.locator(".fs-swatch").nth(0).click()
    desk.page.locator(".fs-swatch").nth(1).click(modifiers=["Control"])

    desk.page.get_by_role("button", name="Merge the selected regions (M)").click()

    [merged] = desk.regions()
    assert merged["area"] == first["area"] + second["area"]


def test_a_line_splits_a_region_and_no_pixel_is_lost(desk):
    desk.paint((60, 100), (260, 100))
    [whole] = desk.regions()
    desk.key("s")

    desk.drag((160, 60), (160, 140))

    first, second = desk.regions()
    assert first["area"] + second["area"] == whole["area"]
    assert abs(first["area"] - second["area"]) < whole["area"] * 0.1


def test_a_region_is_renamed_and_classed_in_its_row(desk):
    desk.paint((60, 100), (120, 100))
    desk.page.get_by_label("Name", exact=True).fill("Kitchen")
    desk.page.keyboard.press("Enter")
    desk.page.locator("input[aria-label=Class]").fill("balcony")
    desk.page.keyboard.press("Enter")

    [region] = desk.regions()

    assert (region["name"], region["cls"]) == ("Kitchen", "balcony")


def test_hovering_a_region_marks_its_row(desk):
    desk.paint((60, 100), (120, 100))

    desk.page.mouse.move(*desk.at((90, 100)), steps=5)

    desk.page.locator("tr.fs-hover").wait_for()
    [region] = desk.regions()
    assert desk.page.locator("tr.fs-hover").get_attribute("data-region") == str(region["id"])
    assert desk.value("surface.state.hovered") == region["id"]


def test_hovering_a_row_marks_its_region(desk):
    desk.paint((60, 100), (120, 100))
    desk.paint((60, 300), (120, 300))
    _, second = desk.regions()

    desk.page.locator("tbody tr").nth(1).hover()

    assert desk.value("surface.state.hovered") == second["id"]


def test_delete_removes_the_region_under_the_pointer(desk):
    desk.paint((60, 100), (120, 100))
    desk.paint((60, 300), (120, 300))
    first, second = desk.regions()
    desk.page.mouse.move(*desk.at((90, 300)), steps=5)

    desk.key("Delete")

    assert [region["id"] for region in desk.regions()] == [first["id"]]
    desk.key("Control+z")
    assert [region["id"] for region in desk.regions()] == [first["id"], second["id"]]


def test_the_scale_gives_square_metres(desk):
    desk.paint((60, 100), (160, 100))
    desk.key("l")
    desk.page.mouse.click(*desk.at((100, 300)))
    desk.page.mouse.click(*desk.at((300, 300)))
    desk.page.get_by_label("Known length", exact=True).fill("400")
    desk.page.get_by_label("Unit").select_option("cm")
    desk.page.get_by_role("button", name="Set", exact=True).click()

    per_metre = desk.value("now.scale.perMetre")
    [region] = desk.regions()

    assert abs(per_metre - 50) < 0.5
    area = float(desk.page.locator(".fs-table tbody td.fs-num").first.inner_text())
    assert abs(area - region["area"] / per_metre**2) < 0.01


def test_all_rooms_runs_to_its_end(desk):
    desk.key("a")

    assert "found" in desk.said(120_000)
    assert desk.page.locator("progress").evaluate("bar => bar.max > 1")


def test_all_rooms_stops_when_asked(desk):
    desk.page.get_by_label("What to look for").select_option("details")
    desk.page.get_by_role("button", name="All details").click()
    desk.page.get_by_role("button", name="Stop").click()

    assert "Stopped" in desk.said(60_000)
    assert desk.regions() == []
    assert desk.page.locator(".fs-search").is_hidden()


def test_what_is_being_clicked_outlives_a_search(desk):
    desk.key("a")
    desk.until("search")
    desk.click(LEFT)

    desk.said(120_000)

    assert desk.value("now.draft.points.length") == 1


def test_another_plan_puts_the_work_aside_and_a_click_takes_it_up_again(desk):
    desk.paint((60, 100), (120, 100))
    desk.paint((60, 300), (120, 300))
    before = desk.regions()
    desk.page.locator(".fs-example").nth(1).click()
    desk.until("plan.name === facts.examples[1].name + '.png'")
    assert desk.regions() == []

    desk.page.get_by_role("button", name="Back to it").click()

    assert desk.value("plan.name") == "three rooms.png"
    assert desk.regions() == before
    desk.click(UPPER)
    desk.key("Escape")
    desk.key("Control+z")
    desk.key("Control+z")
    desk.key("Control+z")
    assert desk.regions() == before[:1]


def test_two_visitors_get_their_own_masks(desk, chromium, served, plan):
    other = Desk(chromium.new_context().new_page(), served.url)
    other.open(plan)
    desk.paint((60, 100), (160, 100))

    other.click(LOWER)

    assert desk.value("plan.token") != other.value("plan.token")
    assert other.regions() == []
    assert len(desk.regions()) == 1
    other.page.context.close()


def test_wheel_zooms_at_the_pointer_and_space_drag_moves(desk):
    spot = desk.at(LEFT)
    desk.page.mouse.move(*spot)
    desk.page.mouse.wheel(0, -400)
    desk.page.wait_for_function("document.querySelector('.fs-root').page.surface.fitted === false")
    zoomed = desk.at(LEFT)
    desk.page.locator(".fs-stage").focus()
    desk.page.keyboard.down(" ")
    desk.page.mouse.down()
    desk.page.mouse.move(spot[0] + 40, spot[1] + 30)
    desk.page.mouse.up()
    desk.page.keyboard.up(" ")

    moved = desk.at(LEFT)

    assert max(abs(zoomed[0] - spot[0]), abs(zoomed[1] - spot[1])) < 2
    assert abs(moved[0] - zoomed[0] - 40) < 2
    assert desk.value("now.draft") is None


def test_the_question_mark_shows_the_keys_and_escape_hides_them(desk):
    desk.page.locator(".fs-stage").focus()
    desk.page.keyboard.press("?")
    desk.page.get_by_role("dialog", name="Keys").wait_for()

    desk.page.keyboard.press("Escape")

    assert desk.page.get_by_role("dialog", name="Keys").count() == 0


def test_a_plan_the_server_forgot_is_sent_again_by_itself(desk, served):
    served.segmenter.plans._plans.clear()

    desk.click(UPPER)

    assert desk.value("now.draft.candidates.length") == 3


def test_a_phone_can_tap(chromium, served, plan):
    context = chromium.new_context(viewport={"width": 390, "height": 800}, has_touch=True)
    desk = Desk(context.new_page(), served.url)
    desk.open(plan)

    desk.page.touchscreen.tap(*desk.at(LEFT))
    desk.until("now.draft && now.draft.candidates")

    wide = desk.page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 390
    context.close()
