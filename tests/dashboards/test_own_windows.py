"""A campaign whose file has windows of its own: every chart shows these, and says which."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from asking import Asked
from ground import ROOT, Store
from played import Played
from stores import new_store

from dashboards.boards import BOARDS, WINDOWS, board_of
from dashboards.macros import Range, expand
from dashboards.page.content import CLOCK
from dashboards.panel import Board, Panel
from infra.clickhouse.campaigns import load_campaigns as load
from schemas.campaign import Window, load_campaigns
from streams.commands.appeals import door_appeal
from streams.producers.door import START_MS, TAIL_END_MS

SPAN = Range(START_MS - 3_600_000, TAIL_END_MS)
CHOICE = {"campaign": ("door",), "influencer": ("author",)}
PANELS = [
    pytest.param(board, panel, id=f"{board.uid}-{panel.id}")
    for board in BOARDS
    if "campaign" in board.variables
    for panel in board.panels
]


@pytest.fixture(scope="module")
def own_store(clickhouse: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    """`door` with windows of 1, 3 and 24 hours in its file."""
    folder: Path = tmp_path_factory.mktemp("campaigns")
    text = (ROOT / "infra" / "campaigns" / "door.toml").read_text(encoding="utf-8")
    for name, size, slide in (("1h", 3600, 60), ("3h", 3 * 3600, 300), ("24h", 24 * 3600, 1800)):
        text += f'\n[[windows]]\nname = "{name}"\nsize = {size}\nslide = {slide}\n'
    (folder / "door.toml").write_text(text, encoding="utf-8")
    campaigns = load_campaigns(folder)
    store = new_store(clickhouse, "own_windows_of_dashboards", campaigns)
    store.insert(Played(door_appeal(), campaigns).rows(int(time.time() * 1000)))
    yield store
    store.drop()


@pytest.mark.parametrize(("board", "panel"), PANELS)
def test_no_panel_says_that_nobody_came(board: Board, panel: Panel, own_store: Asked, door_store: Asked) -> None:
    sql = expand(panel.sql, SPAN, CHOICE)
    rows, usual = own_store.ask(sql)[2], door_store.ask(sql)[2]
    assert bool(rows) == bool(usual)
    assert rows, panel.title
    assert any(value not in (None, "") for row in rows for value in row)


@pytest.mark.parametrize(
    ("uid", "number", "window", "which"),
    [
        ("groundswell-appeal", 10, "3h", "trend_window"),
        ("groundswell-influencer", 5, "3h", "trend_window"),
        ("groundswell-influencer", 11, "3h", "trend_window"),
        ("groundswell-influencer", 6, "24h", "longest_window"),
    ],
)
def test_a_chart_shows_the_window_that_its_title_names(
    uid: str, number: int, window: str, which: str, own_store: Asked
) -> None:
    [panel] = [panel for panel in board_of(uid).panels if panel.id == number]
    assert f"${{{which}}}" in panel.title
    names, _, [clock] = own_store.ask(expand(CLOCK, SPAN, CHOICE))
    assert dict(zip(names, clock, strict=True))[which] == window
    assert own_store.rows(expand(WINDOWS[which], SPAN, CHOICE)) == [{"value": window}]
    member, few = ("door", "1") if uid == "groundswell-appeal" else ("author", "exposures >= 20 OR window = '3h'")
    ends = own_store.ask(
        f"SELECT window_end FROM conversion_windows WHERE member = '{member}' AND window = '{window}' AND ({few}) "
        "ORDER BY window_end"
    )[2]
    assert [row[:1] for row in own_store.ask(expand(panel.sql, SPAN, CHOICE))[2]] == ends
    assert len(ends) > 100


def test_a_campaign_with_one_window_has_it_on_every_chart(own_store: Asked) -> None:
    door = load_campaigns(ROOT / "infra" / "campaigns")["door"]
    load(own_store.client, [msgspec.structs.replace(door, id="lone", windows=(Window("2h", 7200, 60),))])
    rows = own_store.rows("SELECT trend_window, longest_window FROM chart_windows WHERE campaign_id = 'lone'")
    assert rows == [{"trend_window": "2h", "longest_window": "2h"}]
