"""The rows of the tables: what a record says, and where it came from.

Events and our own results are as they should be by then; what people, feeds and older versions wrote is looked at
here, because one row that the store refuses holds up all others.
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from schemas.annotations import Annotation
from schemas.dead_letters import DeadLetter
from schemas.events import UUID_PATTERN, Event
from schemas.heartbeats import CheckedHeartbeat
from schemas.slices import CAMPAIGN, INFLUENCER
from schemas.stalls import Stall
from schemas.times import TIME_FORM, YEAR_2000_MS, YEAR_2100_MS, parse_ms, rfc3339
from schemas.topics import SOURCES

LARGEST: Final = 2**64 - 1  # of ClickHouse's UInt64
LARGEST_SMALL: Final = 2**16 - 1  # of its UInt16
_RAW_LINE: Final = b'%b,"record_time":"%b","late":%d,"source_partition":%d,"source_offset":%d,"precedence":%d}\n'
_encode = msgspec.json.Encoder().encode
_is_uuid = re.compile(UUID_PATTERN).fullmatch


def raw_line(event: Event, *, occurred_ms: int, record_time: str, partition: int, offset: int, late: bool) -> bytes:
    """The row of an accepted event as one line of JSON.

    The event's own text with more fields behind it: a dict of columns cost four times as much.  `precedence` makes the
    first copy of an event win in a ReplacingMergeTree, which keeps the largest version.

    Args:
        record_time: as `rfc3339` writes it; a number is seconds to some versions of the store, milliseconds to others.
    """
    if not _is_as_stored(event):
        event = msgspec.structs.replace(
            event,
            event_id=event.event_id.lower(),
            referral_id=event.referral_id or "",
            occurred_at=rfc3339(occurred_ms),
        )
    return _RAW_LINE % (_encode(event)[:-1], record_time.encode(), late, partition, offset, -offset)


def _is_as_stored(event: Event) -> bool:
    """Whether id, referral and time are written as the tables have them, as nearly all are."""
    occurred_at = event.occurred_at
    return (
        # Of the forms that a time may have, those of this length differ in the case of two letters alone, and a leap
        # second is none to the store.
        len(occurred_at) == len(TIME_FORM)
        and occurred_at[17:19] != "60"
        and occurred_at[10] == "T"
        and occurred_at[-1] == "Z"
        and event.referral_id is not None
        and event.event_id == event.event_id.lower()
    )


def dead_letter_row(letter: DeadLetter, *, offset: int) -> dict[str, Any]:
    """The row of a dead letter; `offset` is its own in the topic `dead-letters`, the first copy wins.

    Raises:
        ValueError: nothing that attribution says, in words.
    """
    parse_ms(letter.record_time)
    if letter.topic not in SOURCES or not 0 <= letter.source_partition <= LARGEST_SMALL:
        raise ValueError("its place is in no source topic")
    numbers = (letter.source_offset, letter.full_length)
    if not all(0 <= number <= LARGEST for number in numbers) or not 1 <= letter.attempts <= LARGEST_SMALL:
        raise ValueError("a count is out of range")
    row = msgspec.structs.asdict(letter)
    row["headers"] = [(name, content or b"") for name, content in letter.headers]
    row["precedence"] = -offset
    return row


def stall_row(stall: Stall) -> dict[str, Any]:
    """The row of the detector's word.

    Raises:
        ValueError: nothing that the detector says, in words.
    """
    if stall.dimension not in (CAMPAIGN, INFLUENCER):
        raise ValueError(f"no detector watches a {stall.dimension}")
    for moment in (stall.minute, stall.since, stall.last_donation_at or stall.minute):
        _check_moment(moment)
    parse_ms(stall.computed_at)
    numbers = (stall.exposures_since, stall.minutes_since, stall.exposures_to_confirm, stall.version)
    if not all(0 <= (number or 0) <= LARGEST for number in numbers) or stall.changed not in (0, 1):
        raise ValueError("a count is out of range")
    row = msgspec.structs.asdict(stall)
    for inner in ("schema", "incarnation", "watch"):
        del row[inner]
    return row


def annotation_row(annotation: Annotation, *, partition: int, offset: int) -> dict[str, Any]:
    """The row of an annotation.

    Raises:
        ValueError: it is not as the contract says, in words.
    """
    if _is_uuid(annotation.annotation_id) is None:
        raise ValueError("`annotation_id` is no UUID")
    _check_moment(annotation.at)
    if annotation.until is not None:
        _check_moment(annotation.until)
    row = msgspec.structs.asdict(annotation)
    row["annotation_id"] = annotation.annotation_id.lower()
    row["source_partition"] = partition
    row["source_offset"] = offset
    return row


def heartbeat_row(heard: CheckedHeartbeat, record_time_ms: int) -> dict[str, Any]:
    """The row of a feed's heartbeat; `record_time_ms` is the record's own, epoch milliseconds."""
    return {
        "feed": heard.feed,
        "campaign_id": heard.campaign_id or "",
        "at": rfc3339(heard.at_ms),
        "record_time": rfc3339(record_time_ms),
    }


def _check_moment(text: str) -> None:
    if not YEAR_2000_MS <= parse_ms(text) < YEAR_2100_MS:
        raise ValueError("a time is not in the years 2000 to 2099")
