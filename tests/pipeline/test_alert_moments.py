"""Who is woken in an appeal that goes through everything: `door` with people who stop giving, a feed that dies and a
night, played through the real pipeline and stopped at six moments.

    launch                  14 h            32 h        35 h  36 h           41 h       48 h
      |                      |  nobody gives  |feed down |     | nobody comes |           |  tail
    ^           ^                            ^          ^                   ^                      ^
   -1 h        13 h                         31.9 h     34.8 h              39.5 h                 50 h
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from heapq import merge
from operator import attrgetter
from typing import Any, Final

import msgspec
import pytest
from harness import Pipeline
from outages import without_donations, without_feed

from dashboards.alerts import ALERTS
from schemas.times import rfc3339
from schemas.topics import CLICKS, SHARES, SOURCES
from streams.clickhouse.client import connect
from streams.commands.appeals import Appeal, door_appeal
from streams.producers import door
from streams.producers.feeds import steady_beats
from streams.producers.outgoing import Outgoing
from streams.producers.player import BEAT_MS

HOUR_MS: Final = 3_600_000
# A minute is judged when nothing can come into it any more: the allowed lateness of the appeal and the minute itself.
JUDGED_MS: Final = 300_000 + 60_000
PATIENCE_SECONDS: Final = 60.0

MOMENTS: Final = (
    ("before launch", -1.0, "not_started", set()),
    ("healthy", 13.0, "ok", set()),
    ("stalled", 31.9, "stalled", {("groundswell-stalled", "door")}),
    ("feed down", 34.8, "feed_down", {("groundswell-feed-down", "door")}),
    ("a night without traffic", 39.5, "no_traffic", {("groundswell-no-traffic", "door")}),
    ("tail", 50.0, "tail", set()),
)


@pytest.fixture(scope="module")
def moments() -> dict[str, tuple[str, dict[str, list[dict[str, Any]]]]]:
    """The campaign's state, and each rule's rows by its uid, at each moment."""
    records = list(troubled())
    seen = {}
    played_ms = 0
    with Pipeline("tansu") as pipeline:
        pipeline.start_all()
        for name, hour, *_ in MOMENTS:
            until_ms = at(hour)
            part = [record for record in records if played_ms <= record.record_time_ms < until_ms]
            pipeline.play(Appeal(door.CAMPAIGN_ID, part, until_ms))
            played_ms = until_ms
            state = wait_until_judged(pipeline, until_ms - JUDGED_MS)
            seen[name] = (state, {alert.uid: asked(pipeline, alert.sql) for alert in ALERTS})
    return seen


def troubled() -> Iterator[Outgoing]:
    appeal = door_appeal()
    tried = rehearsal(next(record for record in appeal.records if record.topic == SHARES))
    early = steady_beats(door.CAMPAIGN_ID, SOURCES, range(at(-2), at(0), BEAT_MS))
    whole = merge([tried], early, appeal.records, appeal.beside, key=attrgetter("record_time_ms"))
    given = without_feed(without_donations(whole, at(14), at(32)), "donations", at(32), at(35))
    # Nobody clicks, and the feed of clicks says that it is alive.
    return (record for record in given if record.topic != CLICKS or not at(36) <= record.record_time_ms < at(41))


def rehearsal(share: Outgoing) -> Outgoing:
    """Somebody tries a link an hour and a half before the launch."""
    event = {
        **msgspec.json.decode(share.value),
        "event_id": "00000000-0000-4000-8000-000000000001",
        "referral_id": "rehearsal",
        "occurred_at": rfc3339(at(-1.5)),
    }
    return Outgoing(SHARES, None, b"rehearsal", msgspec.json.encode(event), at(-1.5))


def at(hour: float) -> int:
    return door.START_MS + round(hour * HOUR_MS)


def wait_until_judged(pipeline: Pipeline, moment_ms: int) -> str:
    """Until the detector has reached that minute; the campaign's state there."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    sql = "SELECT state, toUnixTimestamp(minute) * 1000 FROM stall_states WHERE member = 'door'"
    while True:
        for state, minute_ms in pipeline.query(sql):
            if minute_ms >= moment_ms:
                return str(state)
        assert time.monotonic() < deadline, f"{pipeline.query(sql)}, not yet {moment_ms}\n{pipeline.logs()}"
        time.sleep(0.3)


def asked(pipeline: Pipeline, sql: str) -> list[dict[str, Any]]:
    return list(connect(pipeline.settings.store).query(sql).named_results())


@pytest.mark.parametrize(("name", "hour", "state", "expected"), MOMENTS, ids=[moment[0] for moment in MOMENTS])
def test_exactly_these_entities_fire(
    moments: dict[str, Any], name: str, hour: float, state: str, expected: set[tuple[str, str]]
) -> None:
    reached, rows = moments[name]
    assert reached == state
    firing = {
        (uid, row.get("influencer_id") or row.get("campaign_id") or row.get("topic") or row.get("pipeline"))
        for uid, found in rows.items()
        for row in found
        if row["firing"]
    }
    assert firing == expected


def test_every_entity_has_a_row_whether_it_fires_or_not(moments: dict[str, Any]) -> None:
    before = {"door"}
    for _, rows in moments.values():
        for uid in ("groundswell-stalled", "groundswell-slow", "groundswell-no-traffic", "groundswell-feed-down"):
            assert [row["campaign_id"] for row in rows[uid]] == ["door"]
        assert len(rows["groundswell-dead-letters"]) == 4
        assert len(rows["groundswell-behind"]) == len(rows["groundswell-dead"]) == 1
        influencers = {row["influencer_id"] for row in rows["groundswell-influencer-stalled"]}
        assert influencers >= before - {"door"}
        before = influencers
    assert len(before) > 10


def test_an_alert_carries_the_sentence_of_its_beginning_and_keeps_it_afterwards(moments: dict[str, Any]) -> None:
    [fired] = moments["stalled"][1]["groundswell-stalled"]
    assert "clicks since the last donation" in fired["sentence"]
    assert fired["next_step"]
    assert fired["since"].startswith("2026-03-1")
    [later] = moments["feed down"][1]["groundswell-stalled"]
    assert {**later, "firing": 1} == fired, "the same labels, so that the alert resolves"
    [down] = moments["feed down"][1]["groundswell-feed-down"]
    assert "donations/door" in down["sentence"]
