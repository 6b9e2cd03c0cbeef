"""Times: RFC 3339 text with an offset on the outside, epoch milliseconds on the inside."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

MINUTE_MS: Final = 60_000
DAY_MS: Final = 86_400_000
YEAR_2000_MS: Final = 946_684_800_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE = r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d"
_SECONDS = r":[0-5]\d(?:\.\d{1,3})?"
_OFFSET = r"(?:[Zz]|[+-]\d\d:\d\d)"
_RFC3339 = re.compile(rf"({_MINUTE})({_SECONDS})({_OFFSET})", re.ASCII)


def parse_ms(text: str) -> int:
    """Epoch milliseconds of an RFC 3339 text with an offset and at most three digits of fraction.

    Raises:
        ValueError: the text is anything else (a leap second included: Kafka and ClickHouse have none).
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise ValueError(f"not an RFC 3339 time with an offset and at most milliseconds: {text!r}")
    minute, seconds, offset = match.groups()
    whole, _, fraction = seconds[1:].partition(".")
    return _minute_ms(minute, offset) + int(whole) * 1000 + int((fraction + "000")[:3])


@lru_cache(maxsize=65_536)
def _minute_ms(minute: str, offset: str) -> int:
    # Events come minute by minute, so the calendar is asked once a minute and not once an event.
    zone = "+00:00" if offset in "Zz" else offset
    moment = datetime.fromisoformat(f"{minute.upper()}:00{zone}")
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def rfc3339(ms: int) -> str:
    """The text of an epoch millisecond, always UTC, always with milliseconds: ``2026-03-12T18:00:00.000Z``."""
    moment = _EPOCH + timedelta(milliseconds=ms)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{ms % 1000:03d}Z"


def slice_end(ms: int) -> int:
    """End, in epoch seconds, of the one-minute slice ``[end - 60 s, end)`` that holds the millisecond."""
    return (ms // MINUTE_MS + 1) * 60
