"""Playing history: records at a chosen speed, with heartbeats so that every partition's clock ticks in played time.

Without heartbeats a pause in an old appeal would be filled by the wall clock and close years of windows; and a
partition in which nothing happens would hold everybody's windows open.

    records   r r      r            r r
    beats        |  |  |  |  |  |  |      every five played minutes, one to every partition
                                   until
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import msgspec

from schemas.times import MINUTE_MS, rfc3339
from schemas.topics import HEARTBEATS
from streams.producers.outgoing import Outgoing
from streams.producers.sender import Sender, Summary

BEAT_MS: Final = 5 * MINUTE_MS

Progress = Callable[[int, int], None]  # record time reached, epoch milliseconds; records sent so far


def with_heartbeats(
    records: Iterable[Outgoing], campaign_id: str, partitions: int, until_ms: int
) -> Iterator[Outgoing]:
    """The records with heartbeats between them, and the last beat at `until_ms` or the last record, if later.

    Args:
        records: by record time.
        partitions: each beat is one record to every one of them.
    """
    next_ms = last_ms = None
    for record in records:
        if next_ms is None:
            next_ms = record.record_time_ms + BEAT_MS
        while record.record_time_ms >= next_ms:
            yield from _beat(campaign_id, partitions, next_ms)
            next_ms += BEAT_MS
        last_ms = record.record_time_ms
        yield record
    if next_ms is None or last_ms is None:
        return
    end_ms = max(until_ms, last_ms)
    for at_ms in (*range(next_ms, end_ms, BEAT_MS), end_ms):
        yield from _beat(campaign_id, partitions, at_ms)


def _beat(campaign_id: str, partitions: int, at_ms: int) -> Iterator[Outgoing]:
    feed = f"player/{campaign_id}"
    value = msgspec.json.encode({"feed": feed, "at": rfc3339(at_ms)})
    for partition in range(partitions):
        yield Outgoing(HEARTBEATS, partition, feed.encode(), value, at_ms)


def play(
    records: Iterable[Outgoing],
    sender: Sender,
    *,
    campaign_id: str,
    until_ms: int,
    speed: float | None = None,
    progress: Progress | None = None,
    now: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> Summary:
    """Send records with heartbeats and wait until all are acknowledged.

    Args:
        until_ms: played time of the last heartbeat, epoch milliseconds.
        speed: played seconds a second; None as fast as it goes.
        progress: told at every heartbeat, and at the end.
        now, pause: the clock to keep pace by, in seconds.

    Raises:
        Fault: a topic does not exist, or a record was not acknowledged.
    """
    beaten = with_heartbeats(records, campaign_id, sender.partitions(HEARTBEATS), until_ms)
    played = beaten if speed is None else _paced(beaten, speed, now, pause)
    sent = at_ms = 0
    for record in played:
        sender.send(record)
        sent += 1
        at_ms = record.record_time_ms
        if progress is not None and record.topic == HEARTBEATS and record.partition == 0:
            progress(at_ms, sent)
    summary = sender.flush()
    if progress is not None:
        progress(at_ms, sent)
    return summary


def _paced(
    records: Iterable[Outgoing], speed: float, now: Callable[[], float], pause: Callable[[float], None]
) -> Iterator[Outgoing]:
    started = now()
    first_ms = None
    for record in records:
        if first_ms is None:
            first_ms = record.record_time_ms
        ahead = (record.record_time_ms - first_ms) / 1_000 / speed - (now() - started)
        if ahead > 0.001:
            pause(ahead)
        yield record
