"""Heartbeats move the clock and their feed, unless they are none or their time is nobody's."""

from __future__ import annotations

import json
from typing import Any

import pytest
from random_logs import CODEC
from wiring import PROCESSOR, START_MS, Record

from schemas.times import DAY_MS, LAST_MS, YEAR_2000_MS, YEAR_2100_MS, rfc3339
from schemas.topics import HEARTBEATS
from streams.operators.attribution.feeds import FEEDS_AT_MOST, Feeds
from streams.operators.attribution.fold import AttributionOperator
from streams.operators.attribution.state import Attribution

SENT = dict.fromkeys(("shares", "clicks", "impressions", "donations"), 0)


def beat(at: object = None, **fields: object) -> bytes:
    return json.dumps({"feed": "clicks/web", "at": rfc3339(START_MS) if at is None else at, **fields}).encode()


def after(*beats: tuple[int, bytes | None]) -> Attribution:
    """The state after these heartbeats, each a record time and a value."""
    state = Attribution(0)
    records = [Record(offset, time_ms, b"0", value) for offset, (time_ms, value) in enumerate(beats)]
    AttributionOperator(CODEC, PROCESSOR).step(state, HEARTBEATS, records, len(records))
    return state


@pytest.mark.parametrize("absurd", [-1, 0, YEAR_2000_MS - 1, YEAR_2100_MS, 1_795_311_000_000_000, 2**63 - 1])
def test_an_absurd_record_time_is_read_and_moves_nothing(absurd: int) -> None:
    state = after((START_MS, beat()), (absurd, beat(rfc3339(START_MS + 1))), (START_MS + 1, beat()))
    assert (state.clock, state.positions[HEARTBEATS]) == (START_MS + 1, 3)
    assert state.feeds == Feeds(newest={"clicks/web@": START_MS})
    assert after((absurd, beat())).clock == 0


@pytest.mark.parametrize("sane", [YEAR_2000_MS, YEAR_2100_MS - 1])
def test_a_heartbeat_of_this_century_moves_the_clock(sane: int) -> None:
    state = after((sane, beat(rfc3339(sane))))
    assert (state.clock, state.feeds.newest) == (sane, {"clicks/web@": sane})


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"{}",
        b"\xff",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        beat("58862-04-17T03:20:00.000Z"),
        beat(rfc3339(START_MS + DAY_MS + 1)),
        beat("1999-12-31T23:59:59Z"),
        beat(rfc3339(LAST_MS)),
        beat("yesterday"),
        beat(START_MS),
        beat(feed="donations"),
        beat(feed="gifts/stripe"),
        beat(feed="clicks/web\n"),
        beat(feed="player/door", sent={**SENT, "clicks": -1}),
        beat(feed="player/door", sent={**SENT, "clicks": 2**63}),
        beat(feed="player/door", sent={**SENT, "clicks": None}),
        beat(feed="player/door", sent=[0, 0, 0, 0]),
        beat(campaign_id="a name with spaces"),
    ],
)
def test_what_is_no_heartbeat_is_passed_over(value: bytes | None) -> None:
    state = after((START_MS, value))
    assert (state.clock, state.positions[HEARTBEATS], state.feeds) == (0, 1, Feeds())


def test_a_heartbeat_may_be_a_day_ahead_of_its_record() -> None:
    assert after((START_MS, beat(rfc3339(START_MS + DAY_MS)))).feeds.newest == {"clicks/web@": START_MS + DAY_MS}


def test_the_newest_heartbeat_of_each_feed_and_campaign_counts() -> None:
    def said(minutes: int, **fields: Any) -> tuple[int, bytes]:
        return START_MS + 3_600_000, beat(rfc3339(START_MS + minutes * 60_000), **fields)

    state = after(said(5), said(3), said(1, campaign_id="door"), said(2, feed="donations/stripe"))
    minutes = {key: (at_ms - START_MS) // 60_000 for key, at_ms in state.feeds.newest.items()}
    assert minutes == {"clicks/web@": 5, "clicks/web@door": 1, "donations/stripe@": 2}


def test_a_feed_of_an_unknown_campaign_is_none_but_its_record_time_counts() -> None:
    state = after((START_MS, beat(campaign_id="nowhere")))
    assert (state.clock, state.feeds) == (START_MS, Feeds())


def test_whoever_makes_up_feeds_does_not_fill_the_memory() -> None:
    made_up = [(START_MS, beat(feed=f"clicks/{number}")) for number in range(2 * FEEDS_AT_MOST)]
    state = after(*made_up, (START_MS + 1, beat(rfc3339(START_MS + 1), feed="clicks/0")))
    assert len(state.feeds.newest) == FEEDS_AT_MOST
    assert state.feeds.newest["clicks/0@"] == START_MS + 1
