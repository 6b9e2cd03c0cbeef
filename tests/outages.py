"""What breaks in an appeal, for tests and trials: records that never came.

Each is a function of the records of a played appeal; ranges are of record time, half-open, epoch milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from schemas.topics import DONATIONS, HEARTBEATS
from streams.producers.outgoing import Outgoing


class _Feed(msgspec.Struct):
    feed: str


_feed_decoder = msgspec.json.Decoder(_Feed)


def without_donations(records: Iterable[Outgoing], from_ms: int, to_ms: int) -> list[Outgoing]:
    """People stop giving (or cannot): no donation and no refund comes; every feed goes on."""
    return [record for record in records if not (record.topic == DONATIONS and _is_within(record, from_ms, to_ms))]


def without_feed(records: Iterable[Outgoing], topic: str, from_ms: int, to_ms: int) -> list[Outgoing]:
    """A topic's feeds are down: neither their events nor their heartbeats come."""
    return [record for record in records if not (_is_of_feed(record, topic) and _is_within(record, from_ms, to_ms))]


def _is_within(record: Outgoing, from_ms: int, to_ms: int) -> bool:
    return from_ms <= record.record_time_ms < to_ms


def _is_of_feed(record: Outgoing, topic: str) -> bool:
    if record.topic != HEARTBEATS:
        return record.topic == topic
    return _feed_decoder.decode(record.value).feed.startswith(f"{topic}/")
