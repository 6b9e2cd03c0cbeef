"""What people watch: states, changes, incidents, annotations, feeds; the same with merges stopped and rows doubled."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from stories import START, Database, migrated

from schemas.times import rfc3339

TABLES = ("stalls", "annotations", "heartbeats")
VIEWS = ("current_annotations", "feeds", "stall_states", "stall_changes", "stall_incidents")


def moment(minute: float) -> str:
    return rfc3339(int(START.timestamp() * 1000 + minute * 60_000))


def at(minute: int) -> datetime:
    return (START + timedelta(minutes=minute)).replace(tzinfo=None)


def word(minute: int, state: str, since: int, **more: Any) -> dict[str, Any]:
    """What the detector says of the appeal (or of `member`) at the end of a minute."""
    member = more.pop("member", None)
    return {
        "campaign_id": "appeal",
        "dimension": "influencer" if member else "campaign",
        "member": member or "appeal",
        "minute": moment(minute),
        "state": state,
        "since": moment(since),
        "changed": int(minute == since),
        "sentence": f"{state} at {minute}",
        "next_step": "Look.",
        "exposure": "clicks",
        "exposures_since": 5,
        "minutes_since": None,
        "last_donation_at": None,
        "observed": 0.0,
        "expected": 9.8,
        "chance": None,
        "usual_rate": 0.018,
        "level": 1.0,
        "red": 8.0,
        "amber": 4.0,
        "exposures_to_confirm": None,
        "silent_feeds": [],
        "unheard": ["donations"],
        "version": 100 + minute,
        "computed_at": moment(minute + 5),
        **more,
    }


HISTORY = [
    word(1, "not_started", 1),
    word(30, "ok", 30),
    word(100, "slow", 100),
    word(110, "stalled", 110),
    word(140, "stalled", 110),
    word(150, "ok", 150),
    word(200, "feed_down", 200, silent_feeds=["donations/stripe"]),
    word(260, "feed_down", 200, silent_feeds=["donations/stripe"], last_donation_at=moment(190), minutes_since=70),
    word(30, "ok", 30, member="ana"),
    word(40, "ok", 30, member="ana"),
]


def note(text: str, offset: int, kind: str = "note") -> dict[str, Any]:
    return {
        "annotation_id": "11111111-1111-4111-8111-111111111111",
        "campaign_id": "appeal",
        "kind": kind,
        "at": moment(0),
        "until": None,
        "text": text,
        "source_partition": 0,
        "source_offset": offset,
    }


def beat(feed: str, minute: float, campaign: str = "") -> dict[str, Any]:
    return {"feed": feed, "campaign_id": campaign, "at": moment(minute), "record_time": moment(minute)}


BEATS = [beat("donations/stripe", 0), beat("donations/stripe", 5), beat("donations/stripe", 3, "appeal")]


@pytest.fixture
def watched(store: Database) -> Any:
    yield store
    for table in TABLES:
        store.client.command(f"TRUNCATE TABLE {table}")


def tell(database: Database, rows: list[dict[str, Any]] = HISTORY) -> None:
    # Each an insert of its own, the last one first: a part a row, in no order.
    for row in reversed(rows):
        database.insert("stalls", [row])
    for table, others in (("annotations", [note("new", 7), note("old", 3)]), ("heartbeats", BEATS)):
        for row in others:
            database.insert(table, [row])


def test_the_newest_word_is_the_state(watched: Database) -> None:
    tell(watched)
    campaign = watched.one("SELECT * FROM stall_states WHERE dimension = 'campaign'")
    assert (campaign["state"], campaign["since"], campaign["minute"]) == ("feed_down", at(200), at(260))
    assert (campaign["silent_feeds"], campaign["last_donation_at"]) == (["donations/stripe"], at(190))
    assert (campaign["sentence"], campaign["minutes_since"], campaign["chance"]) == ("feed_down at 260", 70, None)
    influencer = watched.one("SELECT state, minute, minutes_since FROM stall_states WHERE member = 'ana'")
    assert influencer == {"state": "ok", "minute": at(40), "minutes_since": None}


def test_the_larger_version_of_a_minute_is_its_word(watched: Database) -> None:
    tell(watched, [word(30, "ok", 30, version=9), word(30, "slow", 30, version=10), word(30, "ok", 30, version=8)])
    assert watched.one("SELECT state FROM stall_states") == {"state": "slow"}
    assert watched.rows("SELECT state FROM stall_changes") == [{"state": "slow"}]


def test_changes_are_the_history_of_states(watched: Database) -> None:
    tell(watched)
    changes = watched.rows("SELECT state, at FROM stall_changes WHERE member = 'appeal' ORDER BY at")
    assert [(row["state"], row["at"]) for row in changes] == [
        ("not_started", at(1)), ("ok", at(30)), ("slow", at(100)), ("stalled", at(110)), ("ok", at(150)),
        ("feed_down", at(200)),
    ]  # fmt: skip


def test_an_incident_lasts_until_the_next_state_and_an_open_one_has_no_end(watched: Database) -> None:
    tell(watched)
    incidents = watched.rows("SELECT state, started_at, resolved_at, sentence FROM stall_incidents ORDER BY started_at")
    assert [tuple(row.values()) for row in incidents] == [
        ("slow", at(100), at(110), "slow at 100"),
        ("stalled", at(110), at(150), "stalled at 110"),
        ("feed_down", at(200), None, "feed_down at 200"),
    ]


def test_incidents_of_one_member_end_with_its_own_changes_alone(watched: Database) -> None:
    tell(watched, [word(10, "stalled", 10, member="ana"), word(20, "ok", 20, member="bob"), word(15, "ok", 15)])
    assert watched.one("SELECT member, resolved_at FROM stall_incidents") == {"member": "ana", "resolved_at": None}


def test_an_annotation_that_is_said_again_replaces_itself(watched: Database) -> None:
    tell(watched)
    assert watched.one("SELECT text FROM current_annotations") == {"text": "new"}


def test_a_feed_is_as_alive_as_its_newest_heartbeat(watched: Database) -> None:
    tell(watched)
    beats = watched.rows("SELECT feed, topic, campaign_id, last_heartbeat FROM feeds ORDER BY campaign_id")
    assert [tuple(row.values()) for row in beats] == [
        ("donations/stripe", "donations", "", at(5)),
        ("donations/stripe", "donations", "appeal", at(3)),
    ]


def test_every_view_says_the_same_with_merges_stopped_and_rows_doubled(watched: Database, bare: Database) -> None:
    tell(watched)
    doubled = migrated(bare)
    tell(doubled)
    tell(doubled, HISTORY[::2])
    tell(doubled, [row for row in HISTORY for _ in range(2)])
    assert doubled.one("SELECT count() AS n FROM stalls")["n"] > 2 * len(HISTORY)
    for view in VIEWS:
        once = watched.reader.query(f"SELECT * FROM {view} ORDER BY ALL").result_rows
        assert once, view
        assert doubled.reader.query(f"SELECT * FROM {view} ORDER BY ALL").result_rows == once, view
