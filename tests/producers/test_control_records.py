"""A heartbeat and an annotation as a person says them on the command line."""

from __future__ import annotations

import pytest

from schemas.annotations import decode
from schemas.errors import Fault
from schemas.heartbeats import check
from schemas.times import DAY_MS, rfc3339
from schemas.topics import ANNOTATIONS, HEARTBEATS
from streams.producers.control_records import KINDS, annotation_said, heartbeat_said
from streams.producers.outgoing import Outgoing

NOW_MS = 1_773_338_400_000
CAMPAIGNS = ("door", "sgdq2019")


def beat(
    feed: str = "donations/stripe", campaign: str | None = None, at: str | None = None, played: bool = False
) -> Outgoing:
    return heartbeat_said(feed, campaign, at, campaigns=CAMPAIGNS, now_ms=NOW_MS, played=played)


def note(text: str = "slow page", at: str | None = None, until: str | None = None, campaign: str = "door") -> Outgoing:
    return annotation_said(campaign, "note", text, at, until, campaigns=CAMPAIGNS, now_ms=NOW_MS)[1]


def test_a_heartbeat_is_of_now_and_of_every_campaign_unless_told_otherwise() -> None:
    record = beat()
    heard = check(record.value, record.record_time_ms)
    assert (record.topic, record.partition, record.key) == (HEARTBEATS, None, b"donations/stripe@")
    assert (heard.feed, heard.campaign_id, heard.at_ms) == ("donations/stripe", None, NOW_MS)
    assert record.record_time_ms == NOW_MS


def test_a_feed_of_two_campaigns_has_two_keys_so_that_compaction_keeps_both() -> None:
    assert {beat(campaign=name).key for name in CAMPAIGNS} == {b"donations/stripe@door", b"donations/stripe@sgdq2019"}


def test_at_is_what_the_feed_promises_and_the_record_time_is_now() -> None:
    record = beat(at="2026-03-12T18:50:00+01:00")
    assert check(record.value, NOW_MS).at_ms == NOW_MS - 600_000
    assert record.record_time_ms == NOW_MS


def test_while_history_is_played_the_record_time_is_the_promise() -> None:
    assert beat(at=rfc3339(NOW_MS - DAY_MS), played=True).record_time_ms == NOW_MS - DAY_MS


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"feed": "stripe"}, "'stripe' is no name of a feed. It is TOPIC/NAME"),
        ({"feed": "gifts/stripe"}, "donations/stripe"),
        ({"feed": "donations/"}, "no name of a feed"),
        ({"feed": "player/door"}, "no name of a feed"),
        ({"campaign": "dor"}, "'dor'. Give one of door, sgdq2019"),
        ({"at": "18:05"}, "2026-03-12T18:05:00Z"),
        ({"at": "2026-02-30T18:05:00Z"}, "no time with an offset"),
        ({"at": "1999-03-12T18:05:00Z"}, "years 2000 to 2099"),
        ({"at": rfc3339(NOW_MS + DAY_MS + 1)}, "more than a day ahead"),
    ],
)
def test_a_heartbeat_that_cannot_be_is_refused_in_words(said: dict[str, str], told: str) -> None:
    with pytest.raises(Fault) as refused:
        beat(**said)
    assert told in str(refused.value)
    assert refused.value.whose == "input"


def test_an_annotation_is_of_now_and_has_an_id_of_its_own() -> None:
    first, second = decode(note().value), decode(note().value)
    assert (first.at, first.until, first.text, first.kind) == (rfc3339(NOW_MS), None, "slow page", "note")
    assert first.annotation_id != second.annotation_id
    assert (note().topic, note().partition, note().key) == (ANNOTATIONS, None, b"door")


def test_an_annotation_may_last() -> None:
    lasted = decode(note(at="2026-03-12T18:00:00Z", until="2026-03-12T19:30:00Z").value)
    assert (lasted.at, lasted.until) == ("2026-03-12T18:00:00.000Z", "2026-03-12T19:30:00.000Z")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"campaign": "dor"}, "no campaign file has the id 'dor'"),
        ({"text": " "}, "empty or too long"),
        ({"text": "x" * 2001}, "1 to 2000 characters"),
        ({"at": "noon"}, "--at 'noon'"),
        ({"until": "noon"}, "--until 'noon'"),
        ({"until": rfc3339(NOW_MS)}, "not after the beginning"),
    ],
)
def test_an_annotation_that_cannot_be_is_refused_in_words(said: dict[str, str], told: str) -> None:
    with pytest.raises(Fault) as refused:
        note(**said)
    assert told in str(refused.value)


def test_nobody_notes_an_acceptance_by_hand() -> None:
    assert set(KINDS) == {"launch", "reminder", "note", "relabelling"}
