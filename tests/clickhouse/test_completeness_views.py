"""Accounting and completeness, from the newest report on every source partition."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from schemas.codec.rejections import Rejection
from schemas.dead_letters import dead_letter
from schemas.reasons import Reason
from schemas.rows import dead_letter_row

TOPICS = ("shares", "clicks", "impressions", "donations")


def report(
    source, *, clock, idle=0, version=1, slices=0, position=10, end=12, accepted=7, live=0, said="19:00:00", epoch=0
):
    """A watermark row; each topic has 10 offsets read, of which one is a duplicate and two are dead letters.

    Of clicks a transaction's marker is in place of the duplicate.
    """
    return {
        "slices_partition": slices, "source_partition": source, "clock": clock, "idle": idle,
        "source_version": version, "version": epoch << 40 | version, "computed_at": f"2026-03-12T{said}.000Z",
        "live": live,
        "positions": dict.fromkeys((*TOPICS, "heartbeats"), position), "begins": dict.fromkeys(TOPICS, 0),
        "ends": dict.fromkeys(TOPICS, end), "accepted": dict.fromkeys(TOPICS, accepted),
        "duplicates": {"clicks": position - accepted - 3, "shares": 1, "impressions": 1, "donations": 1},
        "dead_lettered": dict.fromkeys(TOPICS, 2), "late": {"clicks": 3}, "passed_over": {"clicks": 1},
    }  # fmt: skip


def test_every_record_is_accounted_for_by_the_newest_report(store):
    rows = [
        report(0, clock="2026-03-12T19:00:00.000Z", version=30),
        report(0, clock="2026-03-12T18:00:00.000Z", version=20, slices=1, position=5, accepted=2),
        report(1, clock="2026-03-12T19:00:00.000Z", version=9, slices=1),
    ]
    for _ in range(2):
        store.insert("watermarks", rows)
    row = store.one("SELECT * FROM accounting WHERE topic = 'clicks'")
    assert row == {
        "topic": "clicks", "produced": 24, "accepted": 14, "duplicates": 0, "dead_lettered": 4, "in_flight": 4,
        "late": 6, "passed_over": 2, "not_landed": 20, "missing": 0, "difference": 0,
    }  # fmt: skip
    assert {row["topic"] for row in store.rows("SELECT topic FROM accounting")} == set(TOPICS)


def landed(position, topic_id="first", topic="clicks"):
    return {"topic": topic, "topic_id": topic_id, "partition": 0, "position": position}


def clicks_of(store, story, *offsets):
    for offset in offsets:
        story.click("r1", offset=offset)
    story.tell(store)


ACCOUNT = "SELECT not_landed, missing, difference FROM accounting WHERE topic = 'clicks'"
# Of the clicks with the offsets 0 to 9 two are dead letters, and at one offset there is none.
REPORT = report(0, clock="2026-03-12T19:00:00.000Z")


def test_rows_that_all_landed_make_no_difference(store, story):
    store.insert("watermarks", [REPORT])
    clicks_of(store, story, *range(7), 12, 13)
    store.insert("landed_positions", [landed(14)])
    assert store.one(ACCOUNT) == {"not_landed": 0, "missing": 0, "difference": 0}


def test_rows_that_went_elsewhere_are_a_difference_however_much_came_later(store, story):
    store.insert("watermarks", [REPORT])
    clicks_of(store, story, 0, 1, 2, 3, 4, *range(10, 30))
    store.insert("landed_positions", [landed(30)])
    assert store.one(ACCOUNT) == {"not_landed": 0, "missing": 2, "difference": 2}


def test_rows_that_were_deleted_are_a_difference(store, story):
    store.insert("watermarks", [REPORT])
    clicks_of(store, story, *range(10))
    store.insert("landed_positions", [landed(10)])
    store.client.command("TRUNCATE TABLE clicks")
    assert store.one(ACCOUNT) == {"not_landed": 0, "missing": 7, "difference": 7}


def test_rows_that_are_on_their_way_are_no_difference(store, story):
    store.insert("watermarks", [REPORT])
    clicks_of(store, story, 0, 1)
    assert store.one(ACCOUNT) == {"not_landed": 10, "missing": 0, "difference": 0}
    store.insert("landed_positions", [landed(4)])
    assert store.one(ACCOUNT) == {"not_landed": 6, "missing": 0, "difference": 0}


def test_of_a_topic_that_was_made_anew_the_new_position_counts(store, story):
    store.insert("watermarks", [REPORT])
    store.insert("landed_positions", [{**landed(500), "landed_at": "2026-03-12 18:00:00.000"}])
    store.insert("landed_positions", [landed(4, "second")])
    assert store.one(ACCOUNT)["not_landed"] == 6


@pytest.mark.parametrize(
    ("reports", "expected"),
    [
        ([("19:00", 0), ("18:30", 0)], "18:25"),
        ([("19:00", 0), ("18:30", 1)], "18:55"),
        ([("19:00", 1), ("18:30", 1)], "18:55"),
        ([("19:00", 0), (None, 1)], "18:55"),
        ([("19:00", 0), (None, 0)], None),
        ([(None, 1)], None),
    ],
)
def test_complete_up_to_is_the_slowest_busy_partition_less_the_lateness(store, reports, expected):
    rows = [
        report(source, clock=f"2026-03-12T{clock}:00.000Z" if clock else "1970-01-01T00:00:00.000Z", idle=idle)
        for source, (clock, idle) in enumerate(reports)
    ]
    store.insert("watermarks", rows)
    seen = store.one("SELECT complete_up_to FROM complete_up_to WHERE campaign_id = 'appeal'")["complete_up_to"]
    hours_minutes = None if seen is None else seen.replace(tzinfo=UTC).strftime("%H:%M")
    assert hours_minutes == expected
    assert seen is None or seen.replace(tzinfo=UTC) > datetime(2026, 3, 12, tzinfo=UTC)


def complete_at(store):
    seen = store.one("SELECT complete_up_to FROM complete_up_to WHERE campaign_id = 'appeal'")["complete_up_to"]
    return seen.replace(tzinfo=UTC).strftime("%H:%M:%S")


def test_in_live_use_an_idle_partition_whose_worker_is_gone_stands_where_it_stood(store):
    store.insert(
        "watermarks",
        [
            report(0, clock="2026-03-12T19:00:00.000Z", live=1, idle=1),
            report(1, clock="2026-03-12T18:59:58.000Z", live=1, idle=1, said="18:59:58"),
        ],
    )
    assert complete_at(store) == "18:54:58"
    store.insert(
        "watermarks", [report(0, clock="2026-03-12T19:30:00.000Z", live=1, idle=1, said="19:30:00", version=2)]
    )
    assert complete_at(store) == "18:54:58"
    fresh = store.one("SELECT complete FROM freshness")["complete"].replace(tzinfo=UTC)
    assert fresh == datetime(2026, 3, 12, 18, 59, 58, tzinfo=UTC)


def test_a_clock_that_is_fast_completes_nothing_beyond_the_moment_at_which_it_was_said(store):
    store.insert("watermarks", [report(0, clock="2026-03-12T19:58:00.000Z", live=1)])
    assert complete_at(store) == "18:55:00"
    store.insert("watermarks", [report(0, clock="2026-03-12T20:58:00.000Z", version=2)])  # history may be of any time
    assert complete_at(store) == "20:53:00"


def test_where_history_is_played_idle_counts_only_while_its_worker_speaks(store):
    gone = report(1, clock="2026-03-12T18:00:00.000Z", idle=1, said="18:59:55")
    store.insert("watermarks", [report(0, clock="2026-03-12T19:00:00.000Z", idle=1), gone])
    assert complete_at(store) == "18:55:00"
    store.insert("watermarks", [{**gone, "version": 2, "computed_at": "2026-03-12T18:59:49.000Z"}])
    assert complete_at(store) == "17:55:00"


def test_what_is_said_of_a_new_log_outranks_all_of_the_one_before(store):
    store.insert("watermarks", [report(0, clock="2026-03-12T19:00:00.000Z", version=900, slices=1, epoch=3)])
    store.insert(
        "watermarks", [report(0, clock="2026-03-12T19:00:00.000Z", version=5, position=4, accepted=1, epoch=4)]
    )
    assert store.one("SELECT accepted FROM accounting WHERE topic = 'clicks'") == {"accepted": 1}


def test_results_are_as_complete_as_the_slowest_partition_of_slices(store):
    store.insert(
        "watermarks",
        [
            report(0, clock="2026-03-12T19:00:00.000Z", version=30),
            report(0, clock="2026-03-12T18:00:00.000Z", version=20, slices=1),
        ],
    )
    seen = store.one("SELECT complete_up_to FROM complete_up_to WHERE campaign_id = 'appeal'")["complete_up_to"]
    assert seen.replace(tzinfo=UTC) == datetime(2026, 3, 12, 17, 55, tzinfo=UTC)
    fresh = store.one("SELECT seconds_between, partitions FROM freshness")
    assert fresh == {"seconds_between": 3600, "partitions": 1}


def letter(record_time_ms=0):
    """A dead letter as attribution makes it."""
    return dead_letter(
        Rejection(Reason.BAD_JSON, "", "{", "a JSON object"),
        processor=("attribution", "1"),
        source=("clicks", 1, 5),
        record_time_ms=record_time_ms,
        key=None,
        payload=b"{",
        headers=[("trace", b"\x00\xff")],
    )


def test_a_dead_letter_written_twice_is_one(store):
    store.insert("dead_letters", [dead_letter_row(letter(), offset=3)])
    store.insert("dead_letters", [dead_letter_row(letter(), offset=4)])
    row = store.one("SELECT topic, reason, dead_letters FROM dead_letter_reasons")
    assert tuple(row.values()) == ("clicks", "bad_json", 1)
    whole = store.one("SELECT * FROM current_dead_letters")
    assert (whole["precedence"], whole["key"], whole["payload"], whole["headers"]) == (
        -3, None, "ew==", [("trace", "AP8=")],
    )  # fmt: skip


def test_a_dead_letter_of_any_year_that_a_text_can_say_lands(store):
    store.insert("dead_letters", [dead_letter_row(letter(record_time_ms=221_845_392_000_000), offset=3)])
    assert store.one("SELECT record_time FROM current_dead_letters")["record_time"].year == 9000
