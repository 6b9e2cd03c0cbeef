"""The live page in a real Chromium: every panel shows its figures, on a screen and on a phone, by day and by night."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from watching_browser import PATHS, PATIENCE_MS, open_board, tab

from dashboards.boards import BOARDS
from dashboards.panel import Board

pytestmark = pytest.mark.browser

BY_NAME = {board.title.lower(): board for board in BOARDS}
TOPS = "[...document.querySelectorAll('article')].map((found) => found.getBoundingClientRect().top)"
STATES = "Object.fromEntries([...document.querySelectorAll('article')].map((found) => [found.id, found.dataset.state]))"
OVERFLOWING = """() => [...document.querySelectorAll(
        ".panel, .first, .panel dd, .panel h3, .panel .question, .others, .scrolled, td, table:not(.stacked) th")]
    .filter((found) => found.scrollWidth > found.clientWidth + 1).map((found) => found.textContent)"""
# Rows that a panel's edge cuts through.
CUT_ROWS = """() => [...document.querySelectorAll(".scrolled")].flatMap((place) => {
    const edge = place.getBoundingClientRect().bottom;
    return [...place.querySelectorAll("tbody tr")].map((row) => [row.textContent, row.getBoundingClientRect()])
        .filter(([, box]) => box.top < edge - 2 && box.bottom > edge + 1).map(([text]) => text); })"""
# Lines of panels that do not end where their neighbours end.
RAGGED = """() => [...document.querySelectorAll(".grid")].flatMap((grid) => {
    const lines = new Map();
    for (const panel of grid.children) {
        const { top, bottom } = panel.getBoundingClientRect();
        lines.set(Math.round(top), [...(lines.get(Math.round(top)) || []), Math.round(bottom)]);
    }
    return [...lines.values()].filter((ends) => new Set(ends).size > 1); })"""
UNFILLED = """() => [...document.querySelectorAll(".chart")]
    .filter((place) => Math.abs(place.clientHeight - place.querySelector(".main-svg").clientHeight) > 2)
    .map((place) => place.getAttribute("aria-label"))"""
HIDDEN_ROWS = """(id) => { const place = document.querySelector(`${id} .scrolled`);
    return [...place.querySelectorAll("tbody tr")]
        .filter((row) => row.getBoundingClientRect().bottom > place.getBoundingClientRect().bottom + 1).length; }"""


# The line that stays in sight would lie across the middle of a picture of the whole page.
WHOLE = "footer { position: static !important; }"
NOT_YET = """() => [...document.querySelectorAll(".chart")].map((place) =>
    (place.layout.shapes || []).filter(({ name }) => name === "not complete yet").map(({ x0, x1 }) => [x0, x1]))"""
IN_SIGHT = """() => { const box = document.getElementById("known").getBoundingClientRect();
    return box.top >= 0 && box.bottom <= innerHeight; }"""


def board_of(name: str) -> Board:
    return BY_NAME[name]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", PATHS)
def test_every_panel_of_a_board_shows_data(
    browser: Any, page_address: str, pictures: Path, name: str, width: int, scheme: Any
) -> None:
    with tab(browser, width, scheme) as (page, wrong):
        open_board(page, page_address, name)
        page.screenshot(path=pictures / f"{name}-{width}-{scheme}.png", full_page=True, style=WHOLE)
        shown = {
            panel.get_attribute("id"): panel.get_attribute("data-state") for panel in page.query_selector_all("article")
        }
        assert shown == {f"panel-{panel.id}": "data" for panel in board_of(name).panels}
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(OVERFLOWING) == []
        assert page.evaluate(CUT_ROWS) == []
        assert page.evaluate(RAGGED) == []
        assert page.evaluate(UNFILLED) == []
        assert wrong == []


def test_figures_are_those_of_the_appeal(browser: Any, page_address: str) -> None:
    with tab(browser) as (page, _):
        open_board(page, page_address, "appeal")
        assert page.inner_text("h1") == "The door"
        assert page.inner_text("#complete") == "Complete up to 19 Mar 2026, 17:55 UTC"
        raised = page.inner_text("#panel-4")
        assert "$5,900.00" in raised
        assert "118 %" in raised
        assert "$5,799.68" in raised
        assert "1.88 – 8.28 %" in page.inner_text("#panel-11 tbody tr:first-child")


@pytest.mark.parametrize("width", [1280, 390])
def test_up_to_when_figures_are_complete_is_in_sight_beside_every_panel(
    browser: Any, running_page_address: str, width: int
) -> None:
    for name, minute in (("appeal", "12:25"), ("influencer", "12:25"), ("pipeline", "12:30")):
        with tab(browser, width) as (page, wrong):
            open_board(page, running_page_address, name)
            stretches = page.evaluate(NOT_YET)
            assert len(stretches) == sum(panel.kind == "timeseries" for panel in board_of(name).panels)
            for [(begins, ends)] in stretches:
                assert (begins[:16], ends[:16]) == (f"2026-03-13T{minute}", "2026-03-14T18:00")
            for panel in page.query_selector_all("article"):
                panel.scroll_into_view_if_needed()
                assert page.inner_text("#known") == f"Complete up to 13 Mar 2026, {minute} UTC"
                assert page.evaluate(IN_SIGHT)
            assert wrong == []


def test_charts_tables_and_states_say_what_they_are_to_who_sees_none(browser: Any, page_address: str) -> None:
    with tab(browser) as (page, _):
        open_board(page, page_address, "appeal")
        money = page.get_attribute("#panel-5 .chart", "aria-label")
        assert page.get_attribute("#panel-5 .chart", "role") == "img"
        assert money.startswith("Money over time: Raised $5,900.00 at ")
        for panel in page.query_selector_all("article"):
            title = panel.query_selector(f"#{panel.get_attribute('aria-labelledby')}")
            assert title.inner_text() != ""
        for table in page.query_selector_all("article table"):
            assert table.query_selector("caption").text_content() != ""
            assert table.query_selector_all("th[scope=col]")
        assert page.inner_text("#panel-1 .pill") == "tail"


def test_everything_that_can_be_used_is_reached_by_the_keyboard(browser: Any, page_address: str) -> None:
    with tab(browser) as (page, _):
        open_board(page, page_address, "appeal")
        reached = set()
        for _step in range(80):
            page.keyboard.press("Tab")
            reached.add(page.evaluate("document.activeElement.id || document.activeElement.textContent.slice(0, 20)"))
        assert {"Appeal", "Influencer", "Pipeline", "Ask in SQL", "pick-campaign", "pick-span", "author"} <= reached


def test_what_people_wrote_is_text_and_no_markup(browser: Any, page_address: str) -> None:
    with tab(browser) as (page, wrong):
        open_board(page, page_address, "appeal")
        assert "<b>One day left</b> & thanks" in page.inner_text("#panel-18")
        assert page.query_selector("#panel-18 b") is None
        assert wrong == []


def test_a_refresh_moves_nothing_and_draws_only_what_is_new(browser: Any, page_address: str) -> None:
    with tab(browser) as (page, wrong):
        open_board(page, page_address, "appeal")
        page.evaluate("document.querySelector('#panel-11 tbody tr').dataset.mark = 'old'")
        before = page.evaluate(
            "[...document.querySelectorAll('article')].map((found) => found.getBoundingClientRect().top)"
        )
        drawn = int(page.get_attribute("body", "data-drawn"))
        page.wait_for_selector(f"body[data-drawn='{drawn + 2}']", timeout=PATIENCE_MS)
        after = page.evaluate(
            "[...document.querySelectorAll('article')].map((found) => found.getBoundingClientRect().top)"
        )
        assert after == before
        assert page.query_selector("#panel-11 tbody tr[data-mark=old]") is not None
        assert wrong == []


def test_a_name_on_the_leaderboard_leads_to_the_influencer(browser: Any, page_address: str) -> None:
    with tab(browser) as (page, wrong):
        open_board(page, page_address, "appeal")
        page.click("#panel-11 a:has-text('community-25')")
        page.wait_for_selector("body[data-drawn]", timeout=PATIENCE_MS)
        assert page.inner_text("h1") == "community-25 in The door"
        assert "7 of 57" in page.inner_text("#panel-2")
        assert wrong == []


def test_the_last_hours_can_be_looked_at_alone(browser: Any, page_address: str) -> None:
    with tab(browser) as (page, wrong):
        open_board(page, page_address, "appeal")
        page.select_option("#pick-span", "48h")
        page.wait_for_url("**span=48h**")
        page.wait_for_selector("#panel-6 .chart .main-svg", timeout=PATIENCE_MS)
        first, last = page.evaluate("document.querySelector('#panel-6 .chart').layout.xaxis.range")
        assert (first[:16], last[:16]) == ("2026-03-17T17:55", "2026-03-19T17:55")
        assert wrong == []


def test_the_five_questions_run_and_an_error_is_said(browser: Any, page_address: str, pictures: Path) -> None:
    with tab(browser) as (page, wrong):
        page.goto(f"{page_address}/sql?campaign=door")
        page.wait_for_selector(".examples button", timeout=PATIENCE_MS)
        examples = page.query_selector_all(".examples button")
        assert len(examples) == 5
        for example in examples:
            example.click()
            page.wait_for_selector(".run:not([disabled])", timeout=PATIENCE_MS)
            assert " in " in page.inner_text(".status")
            assert page.query_selector_all(".result tbody tr")
        page.screenshot(path=pictures / "questions-1280-light.png", full_page=True, style=WHOLE)
        assert "leaderboard" in page.inner_text(".dictionary")
        assert wrong == []
        page.fill("#sql", "SELECT nobody FROM leaderboard")
        page.keyboard.press("Control+Enter")
        page.wait_for_selector(".result .failed", timeout=PATIENCE_MS)
        assert "nobody" in page.inner_text(".result .failed")


def test_a_chart_without_a_point_in_the_last_hours_says_no_more_than_that(browser: Any, page_address: str) -> None:
    with tab(browser) as (page, wrong):
        page.goto(f"{page_address}/influencer?campaign=door&influencer=author&span=1h")
        page.wait_for_selector("body[data-drawn]", timeout=PATIENCE_MS)
        assert "$3,270.00" in page.inner_text("#panel-2")
        assert page.inner_text("#panel-11 .empty") == "nothing to draw in the last hour"
        assert wrong == []


@pytest.mark.parametrize(
    ("path", "title", "picker", "picked"),
    [
        ("/?campaign=nosuch", "No campaign nosuch", "campaign", "nosuch (not known)"),
        ("/influencer?campaign=door&influencer=nobody", "nobody in The door", "influencer", "nobody (not known)"),
    ],
)
def test_who_is_not_known_is_not_shown_as_another(
    browser: Any, page_address: str, path: str, title: str, picker: str, picked: str
) -> None:
    with tab(browser) as (page, wrong):
        page.goto(page_address + path)
        page.wait_for_selector("body[data-drawn]", timeout=PATIENCE_MS)
        assert page.inner_text("h1") == title
        assert page.evaluate(f"document.querySelector('#pick-{picker}').selectedOptions[0].text") == picked
        assert wrong == []


def test_a_table_too_wide_for_a_phone_is_a_list_and_a_table_again_where_there_is_room(
    browser: Any, page_address: str
) -> None:
    with tab(browser, 390) as (page, _):
        open_board(page, page_address, "appeal")
        named = page.evaluate(
            "[...document.querySelectorAll('#panel-11 tr:nth-child(1) td')].map((cell) => [cell.dataset.label,"
            " cell.textContent, getComputedStyle(cell, '::before').content])"
        )
        assert named[:2] == [["Rank", "1", '"Rank"'], ["Influencer", "community-25", '"Influencer"']]
        heights = page.evaluate(
            "[...document.querySelectorAll('#panel-11 tbody tr')].map((row) => row.getBoundingClientRect().height)"
        )
        assert max(heights) < 220, "a card of four lines"
        page.set_viewport_size({"width": 1280, "height": 900})
        page.wait_for_selector("#panel-11 table:not(.stacked)", timeout=PATIENCE_MS)
        assert page.evaluate(CUT_ROWS) == []


@pytest.mark.parametrize("width", [1280, 390])
def test_rows_that_have_no_room_are_counted_and_can_be_seen(browser: Any, page_address: str, width: int) -> None:
    with tab(browser, width) as (page, wrong):
        open_board(page, page_address, "appeal")
        all_rows = len(page.query_selector_all("#panel-11 tbody tr"))
        hidden = page.evaluate(HIDDEN_ROWS, "#panel-11")
        assert 0 < hidden < all_rows
        assert page.inner_text("#panel-11 .more") == f"{all_rows - hidden} of {all_rows} rows: show all"
        page.click("#panel-11 .more")
        assert page.evaluate(HIDDEN_ROWS, "#panel-11") == 0
        assert page.inner_text("#panel-11 .more") == "show fewer rows"
        page.keyboard.press("Enter")
        assert page.evaluate(HIDDEN_ROWS, "#panel-11") == hidden
        assert wrong == []
