"""Times: RFC 3339 outside, epoch milliseconds inside, half-open minutes named by their end."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.times import DAY_MS, LAST_MS, YEAR_2000_MS, YEAR_2100_MS, parse_ms, rfc3339, slice_end

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
YEAR_58862_MS = 1_795_420_800_000_000


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1969-12-31T23:59:59.999Z", -1),
        ("2000-01-01T00:00:00Z", YEAR_2000_MS),
        ("2100-01-01T00:00:00Z", YEAR_2100_MS),
        ("9999-12-31T23:59:59.999Z", LAST_MS),
        ("2026-03-12T18:00:00Z", 1_773_338_400_000),
        ("2026-03-12t18:00:00z", 1_773_338_400_000),
        ("2026-03-12T18:00:00-00:00", 1_773_338_400_000),
        ("2026-03-12T20:00:00+02:00", 1_773_338_400_000),
        ("2026-03-12T13:00:00.000-05:00", 1_773_338_400_000),
        ("2026-03-12T23:45:00.0+05:45", 1_773_338_400_000),
        ("2026-03-13T17:59:00+23:59", 1_773_338_400_000),
        ("2026-03-12T18:00:00.5Z", 1_773_338_400_500),
        ("2026-03-12T18:00:00.05Z", 1_773_338_400_050),
        ("2026-03-12T18:00:00.005Z", 1_773_338_400_005),
        ("2024-02-29T00:00:00Z", 1_709_164_800_000),
        ("2000-02-29T00:00:00Z", YEAR_2000_MS + 59 * DAY_MS),
        ("0001-01-01T00:00:00+23:59", -62_135_596_800_000 - (23 * 60 + 59) * 60_000),
    ],
)
def test_text_is_so_many_milliseconds(text: str, ms: int) -> None:
    assert parse_ms(text) == ms


LAST_OF_2016_MS = 1_483_228_799_999


@pytest.mark.parametrize(
    "text",
    [
        "2016-12-31T23:59:60Z",
        "2016-12-31T23:59:60.000Z",
        "2016-12-31T23:59:60.999Z",
        "2016-12-31t23:59:60.5z",
        "2017-01-01T00:59:60+01:00",
        "2016-12-31T18:59:60.25-05:00",
    ],
)
def test_a_leap_second_is_the_last_millisecond_of_its_day(text: str) -> None:
    assert parse_ms(text) == LAST_OF_2016_MS
    assert rfc3339(parse_ms(text)) == "2016-12-31T23:59:59.999Z"


@given(st.dates(date(2000, 1, 1), date(2099, 12, 31)), st.integers(0, 999), st.integers(-1439, 1439))
def test_a_leap_second_ends_a_month_in_utc(day: date, fraction: int, offset: int) -> None:
    ends_month = (day + timedelta(days=1)).day == 1
    local = datetime(day.year, day.month, day.day, 23, 59) + timedelta(minutes=offset)
    sign = "-" if offset < 0 else "+"
    text = f"{local:%Y-%m-%dT%H:%M}:60.{fraction:03d}{sign}{abs(offset) // 60:02d}:{abs(offset) % 60:02d}"
    if ends_month:
        assert parse_ms(text) % DAY_MS == DAY_MS - 1
    else:
        with pytest.raises(ValueError, match="sixtieth"):
            parse_ms(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-03-12",
        "2026-03-12T18:00Z",
        "2026-03-12T18:00:00",
        "2026-03-12 18:00:00Z",
        "2026-03-12T18:00:00 Z",
        "2026-03-12T18:00:00Z\n",
        "\n2026-03-12T18:00:00Z",
        "2026-03-12T18:00:00.Z",
        "2026-03-12T18:00:00.1234Z",
        "2026-03-12T18:00:00,5Z",
        "2026-03-12T18:00:60Z",
        "2016-12-30T23:59:60Z",
        "2016-12-31T23:58:60Z",
        "2016-12-31T23:59:61Z",
        "2016-12-31T23:59:60.1234Z",
        "2016-12-31T23:59:60",
        "2016-12-31T23:59:60+01:00",
        "0001-01-01T00:00:60+00:01",
        "1969-12-31T23:59:60Z",
        "2026-03-12T18:60:00Z",
        "2026-03-12T24:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2100-02-29T00:00:00Z",
        "2026-04-31T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "2026-03-12T18:00:00+24:00",
        "2026-03-12T18:00:00+22:60",
        "2026-03-12T18:00:00+0200",
        "2026-03-12T18:00:00+02",
        "2026-03-12T18:00:00+02:00:30",
        "2026-03-12T18:00:00.5+02:00Z",
        "2026-W11-4T18:00:00Z",
        "20260312T180000Z",
        "58862-03-12T18:00:00Z",
        "+58862-03-12T18:00:00Z",
        "-2026-03-12T18:00:00Z",
        "２026-03-12T18:00:00Z",
        "2026-03-12T18:00:0٣Z",
        "1773338400000",
        "2026-03-12T18:00:00Z" + " " * 100_000,
    ],
)
def test_anything_else_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_ms(text)


offsets = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=offsets))
def test_python_reads_the_same(moment: datetime) -> None:
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    assert parse_ms(moment.isoformat(timespec="milliseconds")) == (moment - EPOCH) // timedelta(milliseconds=1)


@given(st.integers(0, LAST_MS))
def test_milliseconds_survive_a_round_trip(ms: int) -> None:
    assert parse_ms(rfc3339(ms)) == ms
    assert datetime.fromisoformat(rfc3339(ms)) - EPOCH == timedelta(milliseconds=ms)


@given(st.integers(-(2**70), 2**70))
def test_any_number_has_a_text_and_it_is_the_nearest(ms: int) -> None:
    assert parse_ms(rfc3339(ms)) == min(max(ms, 0), LAST_MS)


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (1_773_338_400_000, "2026-03-12T18:00:00.000Z"),
        (1_773_338_459_999, "2026-03-12T18:00:59.999Z"),
        (0, "1970-01-01T00:00:00.000Z"),
        (-1, "1970-01-01T00:00:00.000Z"),
        (YEAR_58862_MS, "9999-12-31T23:59:59.999Z"),
        (2**62, "9999-12-31T23:59:59.999Z"),
    ],
)
def test_milliseconds_are_told_in_utc(ms: int, text: str) -> None:
    assert rfc3339(ms) == text


def test_slice_is_half_open_and_named_by_its_end() -> None:
    #   17:59          18:00          18:01
    #     [--- 18:00 ---)[--- 18:01 ---)
    six = 1_773_338_400_000
    assert slice_end(six - 1) == six // 1000
    assert slice_end(six) == slice_end(six + 59_999) == six // 1000 + 60
    assert slice_end(-1) == 0


@given(st.integers(-(2**62), 2**62))
def test_every_millisecond_is_in_its_slice(ms: int) -> None:
    end = slice_end(ms)
    assert end % 60 == 0
    assert (end - 60) * 1000 <= ms < end * 1000
