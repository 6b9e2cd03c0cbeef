"""What is sent beside events: heartbeats of feeds, annotations; and what can be taken away to see it missed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec
import pytest
from outages import without_donations, without_feed

from schemas.annotations import decode as decode_annotation
from schemas.heartbeats import check
from schemas.times import parse_ms
from schemas.topics import ANNOTATIONS, CLICKS, DONATIONS, HEARTBEATS, IMPRESSIONS, SOURCES
from streams.commands.appeals import Appeal, door_appeal, gdq_appeal
from streams.producers import door, gdq
from streams.producers.gdq_series import Row
from streams.producers.outgoing import Outgoing

SERIES = Path(__file__).parents[3] / "shared" / "data" / "sgdq2019" / "timeseries.csv"
MINUTE = 60_000
HOUR = 60 * MINUTE


@pytest.fixture(scope="module")
def appeal() -> Appeal:
    return door_appeal()


def _heard(records: tuple[Outgoing, ...] | list[Outgoing]) -> list:
    return [check(record.value, record.record_time_ms) for record in records if record.topic == HEARTBEATS]


def test_every_feed_of_the_sample_beats_every_five_minutes_for_its_campaign(appeal: Appeal) -> None:
    for topic in SOURCES:
        times = [heard.at_ms for heard in _heard(appeal.beside) if heard.feed == f"{topic}/door"]
        assert times == list(range(door.START_MS, door.TAIL_END_MS + 1, 5 * MINUTE))
    assert {heard.campaign_id for heard in _heard(appeal.beside)} == {"door"}


def test_what_is_beside_the_events_comes_by_record_time_and_is_no_event(appeal: Appeal) -> None:
    times = [record.record_time_ms for record in appeal.beside]
    assert times == sorted(times)
    assert {record.topic for record in appeal.beside} == {HEARTBEATS, ANNOTATIONS}


def test_the_sample_has_its_launch_its_reminders_and_its_results_post(appeal: Appeal) -> None:
    records = [record for record in appeal.beside if record.topic == ANNOTATIONS]
    notes = [decode_annotation(record.value) for record in records]
    assert [note.kind for note in notes] == ["launch", "reminder", "reminder", "reminder"]
    assert [parse_ms(note.at) for note in notes] == [record.record_time_ms for record in records]
    assert (parse_ms(notes[0].at), parse_ms(notes[-1].at)) == (door.START_MS, door.RESULTS_MS)
    assert {record.key for record in records} == {b"door"}
    assert len({note.annotation_id for note in notes}) == len(notes)
    assert list(door.notes()) == list(door.notes())


def test_the_launch_and_the_reminders_are_posts_of_the_author(appeal: Appeal) -> None:
    posts = {
        parse_ms(fields["occurred_at"])
        for record in appeal.records
        if record.topic == "shares" and b'"author"' in record.value
        for fields in [msgspec.json.decode(record.value)]
        if fields["influencer_id"] == "author"
    }
    told = [record.record_time_ms for record in appeal.beside if record.topic == ANNOTATIONS]
    assert set(told[:-1]) <= posts


def test_a_hole_in_a_series_is_a_hole_of_its_feed() -> None:
    start = 1_561_300_200_000
    rows = [
        Row(start, 10, 1, 100),
        Row(start + MINUTE, None, 2, 200),
        Row(start + 2 * MINUTE, 0, None, None),
        Row(start + 3 * MINUTE, 12, 3, None),
        Row(start + 9 * MINUTE, 14, 4, 300),
    ]
    beats = list(gdq.feed_beats(rows))
    minutes = {
        topic: [
            (heard.at_ms - start) // MINUTE for heard in _heard(beats) if heard.feed == f"{topic}/{gdq.CAMPAIGN_ID}"
        ]
        for topic in (DONATIONS, IMPRESSIONS)
    }
    assert minutes == {DONATIONS: [1, 2, 10], IMPRESSIONS: [1, 3, 4, 10]}
    assert all(heard.at_ms < beat.record_time_ms for heard, beat in zip(_heard(beats), beats, strict=True))


@pytest.mark.slow
def test_the_real_series_beats_in_the_minutes_that_it_has() -> None:
    if not SERIES.exists():
        pytest.skip(f"the series is not there ({SERIES})")
    played = gdq_appeal(SERIES)
    beats = Counter(heard.feed for heard in _heard(played.beside))
    assert beats == {"donations/sgdq2019": 9_959 - 103, "impressions/sgdq2019": 9_959 - 472}


@pytest.mark.slow
def test_without_donations_only_those_of_the_range_are_missing(appeal: Appeal) -> None:
    start, end = door.START_MS + 20 * HOUR, door.START_MS + 30 * HOUR
    left = without_donations(appeal.records, start, end)
    gone = [record for record in appeal.records if record not in set(left)]
    assert gone
    assert all(record.topic == DONATIONS and start <= record.record_time_ms < end for record in gone)
    assert not [record for record in left if record.topic == DONATIONS and start <= record.record_time_ms < end]
    assert without_donations(appeal.beside, start, end) == list(appeal.beside)


def test_without_a_feed_its_events_and_its_heartbeats_are_missing(appeal: Appeal) -> None:
    start, end = door.START_MS + 20 * HOUR, door.START_MS + 30 * HOUR
    gone = set(appeal.records) - set(without_feed(appeal.records, CLICKS, start, end))
    assert gone
    assert {record.topic for record in gone} == {CLICKS}
    beats = set(appeal.beside) - set(without_feed(appeal.beside, CLICKS, start, end))
    assert len(beats) == 10 * 12
    assert {heard.feed for heard in _heard(list(beats))} == {"clicks/door"}
    assert all(start <= record.record_time_ms < end for record in gone | beats)
