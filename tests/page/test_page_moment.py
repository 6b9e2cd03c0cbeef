"""Which time a board looks at, and which it says it is complete up to."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import anyio
import pytest
from asking import Asked

from dashboards.page.asking import Answer
from dashboards.page.content import SPANS, Content
from streams.commands.page import AskStore

MOMENT = 3  # panel "Complete up to" of the appeal's board
MONEY, MONEY_PER_HOUR = 5, 6


def told(ask: Any, span: str, campaign: str = "door") -> dict[str, Any]:
    choice = {"campaign": (campaign,), "influencer": ("author",)}
    return json.loads(anyio.run(Content(ask).board, "groundswell-appeal", choice, span))


def minute(time_ms: int) -> str:
    return f"{datetime.fromtimestamp(time_ms / 1000, UTC):%Y-%m-%d %H:%M}"


def span_of(board: dict[str, Any]) -> tuple[str, str]:
    return minute(board["from"]), minute(board["to"])


@pytest.mark.parametrize(
    ("span", "first"), [("1h", "2026-03-13 11:25"), ("6h", "2026-03-13 06:25"), ("48h", "2026-03-12 17:00")]
)
def test_the_last_hours_of_a_running_appeal_end_where_it_is_known(running: Asked, span: str, first: str) -> None:
    board = told(AskStore(running.reader), span)
    assert board["clock"]["phase"] == "running"
    assert board["clock"]["complete_up_to"].startswith("2026-03-13 12:25")
    assert span_of(board) == (first, "2026-03-13 12:25")
    for panel in (MONEY, MONEY_PER_HOUR):
        assert board["panels"][str(panel)]["rows"], panel


def test_the_whole_of_a_running_appeal_goes_on_to_its_end(running: Asked) -> None:
    assert span_of(told(AskStore(running.reader), "all")) == ("2026-03-12 17:00", "2026-03-14 18:00")


@pytest.mark.parametrize("span", SPANS)
def test_an_appeal_that_nobody_heard_of_has_a_span_too(running: Asked, span: str) -> None:
    board = told(AskStore(running.reader), span, "sgdq2019")
    assert board["clock"]["phase"] == "no records yet"
    assert 0 < board["from"] < board["to"]
    assert all(panel.get("error") is None for panel in board["panels"].values())


@pytest.mark.parametrize(
    ("moment", "last"),
    [
        (None, ("2026-03-14 12:00", "2026-03-14 18:00")),
        ("2026-03-12 09:00:00", ("2026-03-12 03:00", "2026-03-12 09:00")),
        ("2026-03-12 19:00:00", ("2026-03-12 17:00", "2026-03-12 19:00")),
    ],
    ids=["nothing heard", "before the start", "just begun"],
)
def test_six_hours_are_never_of_no_length(moment: str | None, last: tuple[str, str]) -> None:
    def still(sql: str, rows: int, seconds: int) -> Answer:
        return clock_of(moment)

    assert span_of(told(still, "6h")) == last


def clock_of(moment: str | None) -> Answer:
    said = {"complete_up_to": moment, "chart_from": "2026-03-12 17:00:00", "chart_until": "2026-03-14 18:00:00"}
    return Answer(list(said), ["DateTime"] * len(said), [list(said.values())])


def test_a_board_says_one_time_though_the_store_fills_while_it_is_asked() -> None:
    asked: list[str] = []

    def growing(sql: str, rows: int, seconds: int) -> Answer:
        asked.append(sql)
        return clock_of(f"2026-03-13 07:{len(asked):02}:00")

    board = told(growing, "6h")
    [said] = board["panels"][str(MOMENT)]["rows"]
    assert board["clock"]["complete_up_to"] == said[0]
    assert minute(board["to"]) == said[0][:16]
    # What is said to be complete must be in every figure beside it: they are asked later.
    assert [("chart_until" in sql, "newest_record" in sql) for sql in asked[:2]] == [(True, False), (False, True)]


def test_a_campaign_that_nobody_knows_is_not_another(running: Asked) -> None:
    content = Content(AskStore(running.reader))
    choices = json.loads(anyio.run(content.choices, "nosuch"))
    assert choices["chosen"]["campaign"] == "nosuch"
    assert choices["influencer"] == []
    assert "nosuch" not in {known["value"] for known in choices["campaign"]}
    assert json.loads(anyio.run(content.choices, ""))["chosen"]["campaign"] == "door"
