"""Playing history: records at a chosen speed, with heartbeats so that every partition's clock ticks in played time.

Without heartbeats a pause in an old appeal would be filled by the wall clock and close years of windows; and a
partition in which nothing happens would hold everybody's windows open.

    records     r r      r            r r
    beats      |    |  |  |  |  |  |  |      one at the start, then every five played minutes
                                    until

Law: a beat goes out when everything before it is acknowledged, one record to every partition.  It says where the
partition's topics ended then, so that whoever has folded that much knows that nothing before the beat is missing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, NamedTuple, Protocol

from schemas import heartbeats
from schemas.heartbeats import Heartbeat
from schemas.times import MINUTE_MS, rfc3339
from schemas.topics import HEARTBEATS, SOURCES
from streams.producers.outgoing import Outgoing
from streams.producers.sender import Summary

BEAT_MS: Final = 5 * MINUTE_MS

Progress = Callable[[int, int], None]  # record time reached, epoch milliseconds; records sent so far


class Beat(NamedTuple):
    """A moment at which the player says how far it has come, epoch milliseconds of played time."""

    record_time_ms: int


class Way(Protocol):
    """What a player asks of a `Sender`."""

    def partitions(self, topic: str) -> int: ...
    def look_at_ends(self, topics: Iterable[str]) -> None: ...
    def ends_of(self, partition: int) -> Mapping[str, int]: ...
    def send(self, record: Outgoing) -> None: ...
    def flush(self) -> Summary: ...


def with_beats(records: Iterable[Outgoing], until_ms: int) -> Iterator[Outgoing | Beat]:
    """The records with beats between them, and the last beat at `until_ms` or the last record, if later.

    Args:
        records: by record time.  Those of a beat's own time come before it.
    """
    next_ms = last_ms = None
    for record in records:
        if next_ms is None:
            yield Beat(record.record_time_ms)
            next_ms = record.record_time_ms + BEAT_MS
        while record.record_time_ms > next_ms:
            yield Beat(next_ms)
            next_ms += BEAT_MS
        last_ms = record.record_time_ms
        yield record
    if next_ms is None or last_ms is None:
        return
    end_ms = max(until_ms, last_ms)
    for at_ms in (*range(next_ms, end_ms, BEAT_MS), end_ms):
        yield Beat(at_ms)


def play(
    records: Iterable[Outgoing],
    sender: Way,
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
    beaten = with_beats(records, until_ms)
    played = beaten if speed is None else _paced(beaten, speed, now, pause)
    sender.look_at_ends(SOURCES)
    sent = at_ms = 0
    for record in played:
        at_ms = record.record_time_ms
        if isinstance(record, Outgoing):
            sender.send(record)
            sent += 1
            continue
        sender.flush()
        for beat in _beat(campaign_id, sender, at_ms):
            sender.send(beat)
            sent += 1
        if progress is not None:
            progress(at_ms, sent)
    summary = sender.flush()
    if progress is not None:
        progress(at_ms, sent)
    return summary


def _beat(campaign_id: str, sender: Way, at_ms: int) -> Iterator[Outgoing]:
    for partition in range(sender.partitions(HEARTBEATS)):
        beat = Heartbeat(f"player/{campaign_id}", rfc3339(at_ms), campaign_id, dict(sender.ends_of(partition)))
        key, value = heartbeats.heartbeat_key(beat), heartbeats.encode(beat)
        yield Outgoing(HEARTBEATS, partition, key, value, at_ms)


def _paced(
    records: Iterable[Outgoing | Beat], speed: float, now: Callable[[], float], pause: Callable[[float], None]
) -> Iterator[Outgoing | Beat]:
    started = now()
    first_ms = None
    for record in records:
        if first_ms is None:
            first_ms = record.record_time_ms
        ahead = (record.record_time_ms - first_ms) / 1_000 / speed - (now() - started)
        if ahead > 0.001:
            pause(ahead)
        yield record
