"""Views that panels stand on: clocks, pace, conversion now, freshness; by hand-made cases, every row stored twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from stories import APPEAL, START, Database

from infra.clickhouse.campaigns import load_campaigns
from schemas.campaign import StallRules
from schemas.times import rfc3339

TOPICS = ("shares", "clicks", "impressions", "donations")


def moment(hours: float) -> str:
    return rfc3339(int(START.timestamp() * 1000 + hours * 3_600_000))


def after(hours: float) -> datetime:
    return (START + timedelta(hours=hours)).replace(tzinfo=None)


def read_up_to(
    store: Database, hours: float, *, source: int = 0, idle: int = 0, computed_at: str | None = None, waiting: int = 0
) -> None:
    """Attribution's report that it has read everything up to then (the lateness of five minutes not counted)."""
    row = {
        "slices_partition": 0, "source_partition": source, "clock": moment(hours), "idle": idle, "source_version": 1,
        "version": 1, "computed_at": computed_at or moment(hours), "positions": dict.fromkeys(TOPICS, 10),
        "begins": dict.fromkeys(TOPICS, 0), "ends": dict.fromkeys(TOPICS, 10 + waiting),
        "accepted": dict.fromkeys(TOPICS, 10), "duplicates": {}, "dead_lettered": {}, "late": {},
    }  # fmt: skip
    for _ in range(2):
        store.insert("watermarks", [row])


def conversion(
    store: Database, end: float, window: str = "1h", clicks: int = 0, donations: int = 0, version: int = 1, **more: Any
) -> None:
    """The result of one window of the appeal that ends so many hours after its start."""
    row = {
        "campaign_id": "appeal", "dimension": "campaign", "member": "appeal", "window": window,
        "window_end": moment(end), "shares": 0, "impressions_measured": 0, "impressions_sampled": 0,
        "impressions_estimated": 0, "clicks": clicks, "donations": donations, "refunds": 0, "currency": "USD",
        "gross": "10.00", "fee": "0", "refunded": "0", "net": "10.00", "other_currencies": {},
        "conversion": None, "per_impression": None, "final": 1, "watermark": moment(end), "version": version,
        "computed_at": moment(end), **more,
    }  # fmt: skip
    for _ in range(2):
        store.insert("conversions", [row])


CLOCK = (
    "SELECT phase, hours_in, hours_left, hours_of_tail, part_of_time FROM campaign_clock WHERE campaign_id = 'appeal'"
)
LATENESS = 5 / 60  # hours


@pytest.mark.parametrize(
    ("up_to", "expected"),
    [
        (None, ("no records yet", None, None, None, None)),
        (-6, ("before", None, 54, None, 0)),
        (0, ("running", 0, 48, None, 0)),
        (12, ("running", 12, 36, None, 0.25)),
        (48, ("tail", 48, None, 0, 1)),
        (60, ("tail", 60, None, 12, 1)),
    ],
)
def test_the_clock_of_an_appeal_is_what_is_complete_and_not_now(
    store: Database, up_to: float | None, expected: tuple[Any, ...]
) -> None:
    if up_to is not None:
        read_up_to(store, up_to + LATENESS)
        conversion(store, 1)
    seen = tuple(store.one(CLOCK).values())
    assert seen == (expected[0], *(None if value is None else pytest.approx(value) for value in expected[1:]))


def test_an_appeal_of_which_nothing_was_heard_when_its_time_had_gone_has_no_clock(store: Database) -> None:
    read_up_to(store, 100)
    assert tuple(store.one(CLOCK).values()) == ("no records yet", None, None, None, None)
    assert store.rows("SELECT * FROM money_over_time") == []
    assert store.rows("SELECT * FROM hours") == []


PACE = "SELECT part_of_goal, pace, standing FROM appeal_pace WHERE campaign_id = 'appeal'"


@pytest.mark.parametrize(
    ("up_to", "given", "pace", "standing"),
    [
        (12, "1000", 0.8, "behind an even pace"),
        (12, "1250", 1.0, "ahead of an even pace"),
        (12, "5000", 4.0, "goal reached"),
        (60, "4999", 0.9998, "goal not reached"),
        (-1, "100", None, "not begun"),
    ],
)
def test_pace_is_the_part_of_the_goal_over_the_part_of_the_time(
    store: Database, story: Any, up_to: float, given: str, pace: float | None, standing: str
) -> None:
    story.donation(None, given, at=up_to - 0.5)
    story.tell(store)
    read_up_to(store, up_to + LATENESS)
    row = store.one(PACE)
    assert (row["pace"], row["standing"]) == (None if pace is None else pytest.approx(pace), standing)


def test_money_grows_to_where_it_is_known_beside_the_goal_and_an_even_pace(store: Database, story: Any) -> None:
    story.donation(None, "10.10", at=1)
    story.donation(None, "0.20", at=1.001, fee="0.05")
    story.donation(None, "5.00", at=2, kind="refund")
    story.donation(None, "100", at=3, currency="JPY")
    story.tell(store)
    story.tell(store)
    read_up_to(store, 12 + LATENESS)
    rows = store.rows("SELECT * FROM money_over_time WHERE campaign_id = 'appeal' ORDER BY minute_end")
    at = [(row["minute_end"], row["gross"], row["net"]) for row in rows]
    minute = 1 / 60
    assert at == [
        (after(0), 0, 0),
        (after(1 + minute), Decimal("10.30"), Decimal("10.25")),
        (after(2 + minute), Decimal("10.30"), Decimal("5.25")),
        (after(12), Decimal("10.30"), Decimal("5.25")),
    ]
    assert [rows[0]["even_pace"], rows[-1]["even_pace"], rows[-1]["goal"]] == [0, 1250, 5000]


def test_money_of_an_influencer_grows_to_where_it_is_known_and_who_was_given_nothing_has_no_line(
    store: Database, story: Any
) -> None:
    story.share("link", "author")
    story.share("other", "friend")
    story.donation("link", "10.10", at=1)
    story.donation("link", "0.20", at=4)
    story.donation("link", "5.00", at=5, kind="refund")
    story.tell(store)
    story.tell(store)
    read_up_to(store, 12 + LATENESS)
    rows = store.rows("SELECT * FROM influencer_money WHERE campaign_id = 'appeal' ORDER BY influencer_id, minute_end")
    minute = 1 / 60
    assert [(row["influencer_id"], row["minute_end"], row["gross"]) for row in rows] == [
        ("author", after(0), 0),
        ("author", after(1 + minute), Decimal("10.10")),
        ("author", after(4 + minute), Decimal("10.30")),
        ("author", after(12), Decimal("10.30")),
    ]


def test_an_hour_in_which_nothing_happened_is_an_hour_of_zero(store: Database, story: Any) -> None:
    story.donation(None, "10", at=0.5)
    story.donation(None, "20", at=3.5)
    story.tell(store)
    read_up_to(store, 5.5 + LATENESS)
    rows = store.rows("SELECT hour_end, gross FROM hours WHERE campaign_id = 'appeal' ORDER BY hour_end")
    expected = [(after(hour), gross) for hour, gross in enumerate([10, 0, 0, 20, 0, 0], 1)]
    assert [tuple(row.values()) for row in rows] == expected


WILSON = [(1, 1, 0.2065, 1.0), (0, 40, 0.0, 0.0876), (8, 300, 0.0136, 0.0517), (92, 5000, 0.0150, 0.0225)]


@pytest.mark.parametrize(("donations", "clicks", "low", "high"), WILSON)
def test_a_window_has_wilsons_interval(store: Database, donations: int, clicks: int, low: float, high: float) -> None:
    conversion(store, 1, clicks=clicks, donations=donations)
    row = store.one("SELECT * FROM conversion_windows")
    assert (row["rate_low"], row["rate_high"]) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))
    assert row["rate"] == (None if clicks < 20 else donations / clicks)
    counted = "SELECT counted FROM conversion_now WHERE window = '1h'"
    assert store.one(counted) == {"counted": f"{donations} of {clicks} clicks"}


@pytest.mark.parametrize(("donations", "clicks"), [(0, 0), (3, 0), (3, 2)])
def test_what_is_no_proportion_has_no_interval(store: Database, donations: int, clicks: int) -> None:
    conversion(store, 1, clicks=clicks, donations=donations)
    row = store.one("SELECT * FROM conversion_windows")
    assert (row["rate"], row["rate_low"], row["rate_high"]) == (None, None, None)


@pytest.mark.parametrize("exposure", ["impressions_measured", "impressions_sampled", "impressions_estimated"])
def test_an_appeal_without_clicks_is_held_against_what_its_file_says(store: Database, exposure: str) -> None:
    rules = StallRules(exposure=exposure)
    load_campaigns(store.client, [msgspec.structs.replace(APPEAL, stall=rules, prior_conversion=0.005)])
    try:
        conversion(store, 1, clicks=7, donations=5, **{exposure: 1000})
        row = store.one("SELECT exposure, exposures, rate FROM conversion_windows")
        assert tuple(row.values()) == (exposure, 1000, 0.005)
    finally:
        load_campaigns(store.client, [APPEAL])


def test_conversion_now_is_the_newest_window_of_each_size_then_all(store: Database, story: Any) -> None:
    story.share("r1", "ana")
    story.click("r1", times=200)
    story.donation("r1", "5", "p1")
    story.tell_events(store)
    conversion(store, 2, clicks=100, donations=3)
    conversion(store, 3, clicks=10, donations=9, version=1)
    conversion(store, 3, clicks=50, donations=1, version=2)
    conversion(store, 3, window="15m", clicks=4, donations=1)
    conversion(store, 3, window="48h", clicks=150, donations=4)
    read_up_to(store, 4 + LATENESS)
    rows = store.rows("SELECT window, counted, up_to FROM conversion_now ORDER BY seconds")
    assert [tuple(row.values()) for row in rows] == [
        ("15m", "1 of 4 clicks", after(3)), ("1h", "1 of 50 clicks", after(3)), ("48h", "4 of 150 clicks", after(3)),
        ("all", "4 of 150 clicks", after(4)),  # as the longest windows add up
    ]  # fmt: skip


def test_groups_have_their_interval_and_add_up(store: Database, story: Any) -> None:
    story.share("r1", "ana", tie="strong", channel="email")
    story.share("r2", "bob", tie="weak", channel="twitter")
    story.click("r1", times=300)
    story.click("r2", times=40)
    for number in range(8):
        story.donation("r1", "5", f"p{number}")
    story.tell(store)
    story.tell(store)
    rows = store.rows("SELECT * FROM group_conversion ORDER BY dimension, member")
    seen = {(row["dimension"], row["member"]): (row["counted"], row["conversion_low"]) for row in rows}
    assert seen["channel", "email"] == ("8 of 300 clicks", pytest.approx(0.0136, abs=1e-4))
    assert seen["tie", "weak"] == ("0 of 40 clicks", 0)
    assert sum(row["donations"] for row in rows if row["dimension"] == "tie") == 8


def test_freshness_is_measured_against_the_wall_clock_while_things_happen(store: Database) -> None:
    now = datetime.now(UTC)
    hours = (now - START).total_seconds() / 3600
    read_up_to(store, hours - 0.1, source=0, computed_at=rfc3339(int(now.timestamp() * 1000)))
    read_up_to(store, hours - 0.01, source=1, computed_at=rfc3339(int(now.timestamp() * 1000) - 5000))
    row = store.one("SELECT * FROM freshness")
    assert (row["played"], row["partitions"]) == (0, 2)
    assert 360 <= row["seconds_behind"] < 420
    assert row["seconds_between"] == pytest.approx(0.09 * 3600, abs=1)
    assert 0 <= row["alive_seconds"] < 60


def test_history_that_is_played_is_not_behind(store: Database) -> None:
    now_ms = int(datetime.now(UTC).timestamp() * 1000)
    read_up_to(store, 10, computed_at=rfc3339(now_ms - 90_000))
    row = store.one("SELECT * FROM freshness")
    assert (row["played"], row["seconds_behind"]) == (1, None)
    assert 90 <= row["alive_seconds"] < 150


def test_an_idle_partition_is_as_fresh_as_the_newest(store: Database) -> None:
    read_up_to(store, 10, source=0)
    read_up_to(store, 2, source=1, idle=1, computed_at=moment(10))
    assert store.one("SELECT complete, seconds_between FROM freshness") == {"complete": after(10), "seconds_between": 0}


def test_landing_counts_what_has_come_through(store: Database) -> None:
    assert tuple(store.one("SELECT * FROM landing").values()) == (0, 0, 0)
    read_up_to(store, 1, waiting=3)
    assert tuple(store.one("SELECT * FROM landing").values()) == (52, 12, 40)


def test_a_hole_in_the_records_is_said_as_nothing_on_both_sides_and_up_to_the_newest(
    store: Database, story: Any
) -> None:
    for minute in (0, 1, 5):
        story.click("r1", at=minute / 60)
    story.donation("r1", "5", at=10 / 60)
    story.tell(store)
    rows = store.rows(
        f"SELECT topic, dateDiff('minute', toDateTime({START.timestamp():.0f}), minute_end) AS minute, records "
        "FROM throughput ORDER BY topic, minute"
    )
    assert [(row["minute"], row["records"]) for row in rows if row["topic"] == "clicks"] == [
        (0, 0), (1, 1), (2, 1), (3, 0), (5, 0), (6, 1), (7, 0), (11, 0),
    ]  # fmt: skip
    assert [(row["minute"], row["records"]) for row in rows if row["topic"] == "donations"] == [(10, 0), (11, 1)]


def test_orphans_wait_by_topic(store: Database, story: Any) -> None:
    story.share("r1", "ana")
    story.click("r1", times=3)
    story.click("nobodys")
    story.impression("nobodys", 500, "measured")
    story.donation("nobodys", "5")
    story.donation(None, "5")
    story.tell(store)
    story.tell(store)
    rows = store.rows("SELECT topic, unattributed, events, part FROM orphans ORDER BY topic")
    assert [tuple(row.values()) for row in rows] == [
        ("clicks", 1, 4, 0.25), ("donations", 1, 2, 0.5), ("impressions, measured", 500, 500, 1),
    ]  # fmt: skip


def test_a_gift_is_explained_by_its_link(store: Database, story: Any) -> None:
    story.share("r1", "ana", at=1, channel="email", tie="weak")
    story.donation("r1", "5", "p1", at=3.5, tie="strong")
    story.donation(None, "7", "p2", at=4)
    story.tell(store)
    story.tell(store)
    columns = "referral_id, channel, tie, minutes_since_share"
    rows = store.rows(f"SELECT {columns} FROM influencer_gifts(campaign = 'appeal', influencer = 'ana')")
    assert [tuple(row.values()) for row in rows] == [("r1", "email", "strong", 150)]
    rows = store.rows("SELECT influencer_id, channel, owner_tie, tie FROM money_ledger ORDER BY occurred_at")
    assert [tuple(row.values()) for row in rows] == [
        ("ana", "email", "weak", "strong"), ("(direct)", "(direct)", "(direct)", "strong"),
    ]  # fmt: skip


def test_a_feed_is_silent_since_its_heartbeat_as_of_the_newest_record(store: Database) -> None:
    for feed, hours in (("clicks/web", 1.0), ("donations/stripe", 0.5), ("shares/web", 1.2)):
        beat = {"feed": feed, "campaign_id": "", "at": moment(hours), "record_time": moment(hours)}
        store.insert("heartbeats", [beat])
    try:
        read_up_to(store, 1)
        rows = store.rows("SELECT feed, minutes_silent FROM feed_ages ORDER BY feed")
        assert [row["minutes_silent"] for row in rows] == [0, 30, 0]
    finally:
        store.client.command("TRUNCATE TABLE heartbeats")
