"""The appeals that can be played: the sample, and the public series of a real one."""

from __future__ import annotations

from heapq import merge
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

from schemas.topics import SOURCES
from streams.producers import door, gdq
from streams.producers.feeds import steady_beats
from streams.producers.gdq_series import read_rows
from streams.producers.outgoing import Outgoing
from streams.producers.player import BEAT_MS, Progress, play
from streams.producers.sender import Sender
from streams.settings import Settings


class Appeal(NamedTuple):
    """Events by record time, and the played time (epoch milliseconds) at which the last heartbeat ticks.

    `beside` is what is sent with them, by record time: heartbeats of the feeds, and annotations.
    """

    campaign_id: str
    records: list[Outgoing]
    until_ms: int
    beside: tuple[Outgoing, ...] = ()


def door_appeal() -> Appeal:
    beats = steady_beats(door.CAMPAIGN_ID, SOURCES, range(door.START_MS, door.TAIL_END_MS + 1, BEAT_MS))
    beside = tuple(merge(door.notes(), beats, key=attrgetter("record_time_ms")))
    return Appeal(door.CAMPAIGN_ID, list(door.records()), door.TAIL_END_MS, beside)


def gdq_appeal(path: Path) -> Appeal:
    """The real appeal in a file of one row a minute; `streams.producers.gdq` says how it is read."""
    rows = read_rows(path)
    records, beats = list(gdq.records_of(rows)), tuple(gdq.feed_beats(rows))
    return Appeal(gdq.CAMPAIGN_ID, records, records[-1].record_time_ms, beats)


def parts_of(appeal: Appeal, at_ms: int) -> tuple[Appeal, Appeal]:
    """What is sent before a record time (epoch milliseconds), and what from it on; either may be empty."""
    before = [record for record in appeal.records if record.record_time_ms < at_ms]
    after = appeal.records[len(before) :]
    beside = [record for record in appeal.beside if record.record_time_ms < at_ms]
    rest = appeal.beside[len(beside) :]
    return (
        appeal._replace(records=before, until_ms=min(at_ms, appeal.until_ms), beside=tuple(beside)),
        appeal._replace(records=after, beside=rest),
    )


def send_appeal(
    appeal: Appeal, settings: Settings, *, speed: float | None = None, progress: Progress | None = None
) -> int:
    """Play an appeal into Kafka; how many events were acknowledged, heartbeats and annotations not counted."""
    with Sender(settings.brokers, settings.prefix, security=settings.security) as sender:
        summary = play(
            merge(appeal.records, appeal.beside, key=attrgetter("record_time_ms")),
            sender,
            campaign_id=appeal.campaign_id,
            until_ms=appeal.until_ms,
            speed=speed,
            progress=progress,
        )
    return sum(counts.acknowledged for topic, counts in summary.items() if topic in SOURCES)
