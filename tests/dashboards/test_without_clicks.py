"""Boards of an appeal without clicks: a show whose viewers were counted, played into the real engine."""

from __future__ import annotations

from typing import Any

import pytest
from asking import Asked
from show import MINUTES, START, VIEWERS

from dashboards.boards import BOARDS, panel_of
from dashboards.macros import Range, expand
from dashboards.panel import Board, Panel
from dashboards.words import rate_said

START_MS = int(START.timestamp() * 1000)
SPAN = Range(START_MS - 3_600_000, START_MS + 10 * 3_600_000)
CHOICE = {"campaign": ("sgdq2019",), "influencer": ("gamesdonequick",)}
PANELS = [pytest.param(board, panel, id=f"{board.uid}-{panel.id}") for board in BOARDS for panel in board.panels]


def shown(store: Asked, panel: Panel) -> list[dict[str, Any]]:
    return store.rows(expand(panel.sql, SPAN, CHOICE))


def board_rows(store: Asked, uid: str, number: int) -> list[dict[str, Any]]:
    return shown(store, panel_of(uid, number))


@pytest.mark.parametrize(("board", "panel"), PANELS)
def test_no_panel_speaks_of_clicks_that_nobody_counted(board: Board, panel: Panel, show_store: Asked) -> None:
    if panel.title == "Funnel" or "topic" in panel.sql or panel.title == "Their links":
        return  # they count clicks among the others, and there are none
    told = [value for row in shown(show_store, panel) for value in row.values() if isinstance(value, str)]
    assert not [value for value in told if "click" in value], told
    assert not [column.title for column in panel.columns if "lick" in column.title]


def test_conversion_is_told_for_a_million(show_store: Asked) -> None:
    for uid, number in (("groundswell-appeal", 9), ("groundswell-influencer", 4)):
        rows = board_rows(show_store, uid, number)
        assert len(rows) >= 4
        assert all(row["counted"].endswith(" sampled impressions") for row in rows)
        hour = next(row for row in rows if row["window"] == "6h")
        assert hour["rate_said"] == "62 per million"
        low, high = hour["interval_said"].removesuffix(" per million").split(" \u2013 ")
        assert 50 < float(low) < 62 < float(high) < 75


def test_the_leaderboard_and_groups_are_told_for_a_million(show_store: Asked) -> None:
    [leader] = board_rows(show_store, "groundswell-appeal", 11)
    assert (leader["position"], leader["standing"]) == (1, "ranked")
    assert leader["counted"] == f"{MINUTES - 1} of {VIEWERS * MINUTES} sampled impressions"
    for row in (leader, *board_rows(show_store, "groundswell-appeal", 13)):
        assert row["rate_said"] in ("62 per million", "63 per million")
        assert row["interval_said"].endswith(" per million")


def test_the_ladder_and_the_naive_difference_claim_nothing(show_store: Asked) -> None:
    for uid, number in (("groundswell-appeal", 14), ("groundswell-influencer", 3)):
        assert [row["rung"] for row in board_rows(show_store, uid, number)] == ["shared", "seen", "gave"]
    [people] = board_rows(show_store, "groundswell-appeal", 16)
    assert (people["naive"], people["highest"]) == (None, 1)


def test_the_influencers_charts_draw_viewers_and_gifts_apart(show_store: Asked) -> None:
    came, gave = (board_rows(show_store, "groundswell-influencer", number) for number in (5, 11))
    assert {row["line"] for row in came} == {"sampled impressions"}
    assert [row["time"] for row in came] == [row["time"] for row in gave]
    # On one axis a gift a minute would be a line at nothing beside viewers.
    assert max(row["happened"] for row in came) > 10_000 * max(row["donations"] for row in gave) > 0


@pytest.mark.parametrize(
    ("rates", "said", "interval"),
    [
        ("0.0184 AS r, 0.0150 AS l, 0.0225 AS h", "1.84 %", "1.50 \u2013 2.25 %"),
        ("0. AS r, 0. AS l, 0.0876 AS h", "0.00 %", "0.00 \u2013 8.76 %"),
        ("0.000063 AS r, 0.000052 AS l, 0.000075 AS h", "63 per million", "52 \u2013 75 per million"),
        ("0.00000125 AS r, 0.0000004 AS l, 0.000012 AS h", "1.25 per million", "0.4 \u2013 12 per million"),
        ("NULL AS r, NULL AS l, NULL AS h", None, None),
        ("NULL AS r, 0.1 AS l, 0.5 AS h", None, "10.00 \u2013 50.00 %"),
        ("1.5 AS r, NULL AS l, NULL AS h", "150.00 %", None),
    ],
)
def test_a_rate_is_told_in_the_unit_that_shows_it(empty_store: Asked, rates: str, said: str, interval: str) -> None:
    [row] = empty_store.rows(f"SELECT {rate_said('r', 'l', 'h')} FROM (SELECT {rates})")
    assert (row["rate_said"], row["interval_said"]) == (said, interval)
