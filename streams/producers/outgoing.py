"""A record before it is sent."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from schemas.codec import key_of
from schemas.events import Event


class Outgoing(NamedTuple):
    """One record, ready for a topic.

    `topic` is the logical name, without a prefix.  `partition` is None where the key decides (murmur2), as it does
    for every record that is well formed.  `record_time_ms` is the record's timestamp, epoch milliseconds.
    """

    topic: str
    partition: int | None
    key: bytes | None
    value: bytes
    record_time_ms: int
    headers: tuple[tuple[str, bytes], ...] = ()


def outgoing(topic: str, event: Event, record_time_ms: int) -> Outgoing:
    """The record of an event: its JSON under the key that the contract asks for."""
    return Outgoing(topic, None, key_of(event), msgspec.json.encode(event), record_time_ms)
