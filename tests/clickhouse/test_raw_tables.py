"""The raw tables refuse what would spoil every later query, and keep the first copy."""

from __future__ import annotations

import msgspec
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from schemas.results import Amounts, WindowResult


def test_milliseconds_that_would_be_the_year_58862_are_refused(store, story):
    story.share("r1", "ana")
    [row] = story.rows["shares"]
    row["occurred_at"] = 1_773_338_400_000
    with pytest.raises(DatabaseError, match="occurred_at_in_range"):
        story.tell(store)


def test_one_insert_can_hold_every_year_there_is(store, story):
    for _ in range(100):
        story.click("r1")
    for year, row in enumerate(story.rows["clicks"], start=2000):
        row["occurred_at"] = row["record_time"] = f"{year}-06-01T00:00:00.000Z"
    story.tell(store)
    assert store.one("SELECT count() AS events FROM clicks FINAL")["events"] == 100


def test_the_first_copy_of_an_event_wins_whatever_the_later_ones_say(store, story):
    known = story.donation(None, "10.00")
    story.donation(None, "99.00", event=known)
    first, second = story.rows["donations"]
    store.insert("donations", [second])
    store.insert("donations", [first])
    store.insert("donations", [second])
    assert [str(row["amount"]) for row in store.rows("SELECT amount FROM donations FINAL")] == ["10.0000"]


def test_a_mended_share_survives_the_merge_with_its_refused_copy(store, story):
    story.share("r1", "ana")
    known = story.share("r1", "bob", at=1)
    story.share("r1", "ana", at=1, event=known)
    story.tell(store)
    store.client.command("SYSTEM START MERGES")
    store.client.command("OPTIMIZE TABLE shares FINAL")
    assert store.one("SELECT count() AS n FROM accepted_shares")["n"] == 2
    store.client.command("SYSTEM STOP MERGES")


def test_conversions_show_the_highest_version(store):
    noon = "2026-03-12T12:00:00.000Z"
    older = WindowResult(
        campaign_id="appeal", dimension="influencer", member="ana", window="1h", window_end=noon, shares=1,
        impressions_measured=0, impressions_sampled=0, impressions_estimated=0, clicks=6, donations=0, refunds=0,
        currency="USD", gross="0.00", fee="0.00", refunded="0.00", net="0.00",
        other_currencies={"JPY": Amounts("500", "0", "0")}, conversion=0.0, per_impression=None, final=0,
        watermark=noon, version=11, computed_at=noon,
    )  # fmt: skip
    newer = msgspec.structs.replace(older, version=12, clicks=7, gross="12.50")
    store.insert("conversions", [newer])
    store.insert("conversions", [older])
    shown = store.one("SELECT * FROM current_conversions")
    assert (shown["version"], shown["clicks"], str(shown["gross"])) == (12, 7, "12.5000")
    assert str(shown["other_currencies"]["JPY"]["gross"]) == "500.0000"
    assert (shown["conversion"], shown["per_impression"]) == (0, None)


def test_a_window_end_in_epoch_seconds_is_the_same_moment(store):
    row = {"campaign_id": "appeal", "dimension": "campaign", "member": "appeal", "window": "1h", "currency": "USD"}
    store.insert("conversions", [{**row, "window_end": "1773316800", "version": 1}])
    store.insert("conversions", [{**row, "window_end": "2026-03-12T12:00:00.000Z", "version": 2}])
    assert store.one("SELECT version FROM current_conversions")["version"] == 2
