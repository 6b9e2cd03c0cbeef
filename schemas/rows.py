"""The rows of the raw tables: an event and where it came from."""

from __future__ import annotations

from typing import Any

import msgspec

from schemas.dead_letters import DeadLetter
from schemas.events import Event
from schemas.times import rfc3339


def raw_row(
    event: Event, *, occurred_ms: int, record_time_ms: int, partition: int, offset: int, late: bool
) -> dict[str, Any]:
    """The row of an accepted event, by column.

    `precedence` makes the first copy of an event win in a ReplacingMergeTree, which keeps the largest version.
    """
    row = msgspec.structs.asdict(event)
    row["event_id"] = event.event_id.lower()
    row["referral_id"] = event.referral_id or ""
    row["occurred_at"] = rfc3339(occurred_ms)
    row["record_time"] = rfc3339(record_time_ms)
    row["late"] = int(late)
    row["source_partition"] = partition
    row["source_offset"] = offset
    row["precedence"] = -offset
    return row


def dead_letter_row(letter: DeadLetter, *, offset: int) -> dict[str, Any]:
    """The row of a dead letter; `offset` is its own in the topic `dead-letters`, the first copy wins."""
    row = msgspec.structs.asdict(letter)
    row["headers"] = [(name, content or b"") for name, content in letter.headers]
    row["precedence"] = -offset
    return row
