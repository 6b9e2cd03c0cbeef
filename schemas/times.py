"""Times: RFC 3339 text with an offset on the outside, epoch milliseconds on the inside."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

MINUTE_MS: Final = 60_000
DAY_MS: Final = 86_400_000
YEAR_2000_MS: Final = 946_684_800_000
YEAR_2100_MS: Final = 4_102_444_800_000
LAST_MS: Final = 253_402_300_799_999  # the end of the year 9999

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HOUR_AND_MINUTE = r"(?:[01]\d|2[0-3]):[0-5]\d"
_UP_TO_MINUTE = re.compile(rf"(\d{{4}}-\d\d-\d\d)[Tt]({_HOUR_AND_MINUTE})", re.ASCII)
_FROM_SECOND = re.compile(rf":([0-5]\d)(?:\.(\d{{1,3}}))?(?:[Zz]|([+-])({_HOUR_AND_MINUTE}))", re.ASCII)
_MINUTE_LENGTH = len("2026-03-12T18:00")
_SECOND_LENGTH = len("2026-03-12T18:00:05.")
# Two small tables stay in the processor's cache; one of all 60,000 rests of a minute took four times as long.
_SECOND_MS: Final = {f":{second:02d}.": second * 1000 for second in range(60)}
_FRACTION_MS: Final = {f"{ms:03d}Z": ms for ms in range(1000)}


def parse_ms(text: str) -> int:
    """Epoch milliseconds of an RFC 3339 text with an offset and at most three digits of fraction.

    A leap second (23:59:60 UTC on the last day of a month, with any fraction) is the last millisecond before it ends
    the day: Kafka and ClickHouse have none, and so it stays in its own minute, hour and day.

    Raises:
        ValueError: the text is anything else, another sixtieth second included.
    """
    # Events come minute by minute, so the calendar is asked once a minute; and nearly all end as `rfc3339` does.
    minute_ms = _minute_ms(text[:_MINUTE_LENGTH])
    try:
        return minute_ms + _SECOND_MS[text[_MINUTE_LENGTH:_SECOND_LENGTH]] + _FRACTION_MS[text[_SECOND_LENGTH:]]
    except KeyError:
        rest = text[_MINUTE_LENGTH:]
        return _leap_ms(minute_ms, rest) if rest.startswith(":60") else minute_ms + _rest_ms(rest)


@lru_cache(maxsize=32_768)
def _minute_ms(text: str) -> int:
    """Epoch milliseconds of ``2026-03-12T18:00``, were it in UTC."""
    match = _UP_TO_MINUTE.fullmatch(text)
    if match is None:
        raise ValueError("not an RFC 3339 date and time")
    moment = datetime.fromisoformat(f"{match[1]}T{match[2]}+00:00")
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def _rest_ms(text: str) -> int:
    """What ``:05.123+02:00`` adds to its minute in UTC: 5,123 ms less two hours."""
    match = _FROM_SECOND.fullmatch(text)
    if match is None:
        raise ValueError("not seconds, a fraction of at most milliseconds, and an offset")
    second, fraction, sign, offset = match.groups()
    ms = int(second) * 1000 + int(((fraction or "") + "000")[:3])
    if sign is None:
        return ms
    hours, minutes = offset.split(":")
    ahead = (int(hours) * 60 + int(minutes)) * MINUTE_MS
    return ms - ahead if sign == "+" else ms + ahead


def _leap_ms(minute_ms: int, rest: str) -> int:
    second_before_ms = (minute_ms + _rest_ms(":59" + rest[3:])) // 1000 * 1000
    ends_day = (second_before_ms + 1000) % DAY_MS == 0
    day = _EPOCH + timedelta(days=second_before_ms // DAY_MS) if 0 <= second_before_ms <= LAST_MS else None
    if not ends_day or day is None or day.day != monthrange(day.year, day.month)[1]:
        raise ValueError("not the last minute of a month in UTC, which alone may have a sixtieth second")
    return second_before_ms + 999


TIME_FORM: Final = "0000-00-00T00:00:00.000Z"  # as `rfc3339` writes a time, a zero for each digit


def rfc3339(ms: int) -> str:
    """The text of an epoch millisecond, always UTC, always with milliseconds: ``2026-03-12T18:00:00.000Z``.

    A time before 1970 or after 9999 (records carry whatever their producer set) becomes the nearest in between.
    """
    minute, rest = divmod(min(max(ms, 0), LAST_MS), MINUTE_MS)
    return f"{_minute_text(minute)}{rest // 1000:02d}.{rest % 1000:03d}Z"


@lru_cache(maxsize=16_384)
def _minute_text(minute: int) -> str:
    return (_EPOCH + timedelta(minutes=minute)).strftime("%Y-%m-%dT%H:%M:")


def slice_end(ms: int) -> int:
    """End, in epoch seconds, of the one-minute slice ``[end - 60 s, end)`` that holds the millisecond."""
    return (ms // MINUTE_MS + 1) * 60
