"""The series of a marathon as events: sums to the cent, refunds, holes."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from door_fold import fold

from schemas.errors import Fault
from schemas.times import parse_ms
from streams.producers import gdq
from streams.producers.gdq_series import Movement, Row, movements, read_rows
from streams.producers.outgoing import Outgoing

SERIES = Path(__file__).parents[3] / "shared" / "data" / "sgdq2019" / "timeseries.csv"
HEADER = "time,viewers,tweets,chats,emotes,donations_total,money_total_usd\n"


@pytest.fixture(scope="module")
def series() -> Path:
    if not SERIES.exists():
        pytest.skip(f"the series is not there ({SERIES})")
    return SERIES


@pytest.fixture(scope="module")
def sent(series: Path) -> list[Outgoing]:
    return list(gdq.records(series))


def _events(records: list[Outgoing], topic: str) -> list[dict]:
    return [msgspec.json.decode(record.value) for record in records if record.topic == topic]


def _dollars(events: list[dict], kind: str) -> Decimal:
    return sum((Decimal(event["amount"]) for event in events if event["kind"] == kind), Decimal(0))


def test_donations_less_refunds_are_the_last_total_to_the_cent(sent: list[Outgoing]) -> None:
    events = _events(sent, "donations")
    assert _dollars(events, "donation") - _dollars(events, "refund") == Decimal("3005738.87")


def test_50908_donations_and_nine_refunds_come_out(sent: list[Outgoing]) -> None:
    events = _events(sent, "donations")
    assert Counter(event["kind"] for event in events) == {"donation": 50_908, "refund": 9}


def test_refunds_are_the_steps_down(sent: list[Outgoing]) -> None:
    refunds = [event["amount"] for event in _events(sent, "donations") if event["kind"] == "refund"]
    steps = ["25.00", "5.00", "35.00", "45.00", "5.00", "5.00", "9895.00", "15.00", "45.00"]
    assert refunds == steps


def test_viewers_are_sampled_impressions_and_blanks_are_none(sent: list[Outgoing], series: Path) -> None:
    impressions = _events(sent, "impressions")
    watched = [row.viewers for row in read_rows(series) if row.viewers]
    assert [event["count"] for event in impressions] == watched
    assert {event["basis"] for event in impressions} == {"sampled"}


def test_every_event_is_accepted_and_has_an_owner(sent: list[Outgoing]) -> None:
    folded = fold(sent)
    assert not folded.refused
    assert sum(len(events) for events in folded.accepted.values()) == len(sent)
    assert folded.owners == {"sgdq2019-show": gdq.INFLUENCER_ID}
    assert not sum(folded.late.values())


@pytest.mark.slow
def test_a_second_replay_is_all_duplicates(sent: list[Outgoing], series: Path) -> None:
    again = fold([*sent, *gdq.records(series)])
    assert sum(again.duplicates.values()) == len(sent)


def test_events_lie_in_their_minute_and_are_recorded_soon_after(sent: list[Outgoing]) -> None:
    times = [record.record_time_ms for record in sent]
    assert times == sorted(times)
    for record in sent:
        at_ms = parse_ms(msgspec.json.decode(record.value)["occurred_at"])
        assert record.record_time_ms - at_ms == gdq.RECORDED_AFTER_MS


def test_no_money_is_booked_in_a_hole(sent: list[Outgoing], series: Path) -> None:
    known = {row.at_ms for row in read_rows(series) if row.cents is not None}
    for event in _events(sent, "donations"):
        assert parse_ms(event["occurred_at"]) // 60_000 * 60_000 in known


# Cumulative (donations, cents) at each minute, and what moves: minute, kind, cents.
STORIES = {
    "what was there before is booked at the first row": (
        [(2, 1_000)],
        [(0, "donation", 500), (0, "donation", 500)],
    ),
    "the amounts add up to the cent": (
        [(3, 1_000)],
        [(0, "donation", 334), (0, "donation", 333), (0, "donation", 333)],
    ),
    "the gain over a hole is booked after it": (
        [(1, 100), (None, None), (None, None), (2, 300)],
        [(0, "donation", 100), (3, "donation", 200)],
    ),
    "money without a count is one donation": (
        [(1, 100), (1, 350)],
        [(0, "donation", 100), (1, "donation", 250)],
    ),
    "money while the count falls is one donation": (
        [(2, 200), (1, 350)],
        [(0, "donation", 100), (0, "donation", 100), (1, "donation", 150)],
    ),
    "a count without money is nothing": ([(1, 100), (3, 100)], [(0, "donation", 100)]),
    "a step down is one refund": ([(1, 100), (0, 40)], [(0, "donation", 100), (1, "refund", 60)]),
    "a step down while the count rises is one refund": (
        [(1, 900), (4, 500)],
        [(0, "donation", 900), (1, "refund", 400)],
    ),
    "fewer cents than donations are as many donations as cents": (
        [(5, 2)],
        [(0, "donation", 1), (0, "donation", 1)],
    ),
}


@pytest.mark.parametrize("story", STORIES)
def test_money_moves_as_told(story: str) -> None:
    totals, expected = STORIES[story]
    rows = [Row(minute, None, count, cents) for minute, (count, cents) in enumerate(totals)]
    assert list(movements(rows)) == [(minute, Movement(kind, cents)) for minute, kind, cents in expected]


def test_rows_are_sorted_and_a_repeated_minute_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "series.csv"
    path.write_text(
        HEADER
        + "2019-06-23T15:01:00+00:00,7,0,0,0,1,10.0\n"
        + "2019-06-23T15:00:00+00:00,,0,0,0,,\n"
        + "2019-06-23T15:01:00+00:00,9,0,0,0,5,90.0\n"
    )
    assert [(row.viewers, row.cents) for row in read_rows(path)] == [(None, None), (7, 1_000)]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "has no column"),
        ("time,viewers\n", "donations_total, money_total_usd"),
        (HEADER, "has no rows"),
        (HEADER + "yesterday,1,0,0,0,1,1.0\n", "line 2"),
        (HEADER + "2019-06-23T15:01:00,1,0,0,0,1,1.0\n", "line 2"),
        (HEADER + "2019-06-23T15:01:00+00:00,1,0,0,0,1,1.005\n", "line 2"),
        (HEADER + "2019-06-23T15:01:00+00:00,1,0,0,0,1,Infinity\n", "line 2"),
    ],
)
def test_a_file_that_is_no_series_is_the_inputs_fault(tmp_path: Path, content: str, told: str) -> None:
    path = tmp_path / "series.csv"
    path.write_text(content)
    with pytest.raises(Fault, match=told):
        read_rows(path)
