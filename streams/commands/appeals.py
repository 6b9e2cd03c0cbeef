"""The appeals that can be played: the sample, and the public series of a real one."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from schemas.topics import SOURCES
from streams.producers import door, gdq
from streams.producers.outgoing import Outgoing
from streams.producers.player import Progress, play
from streams.producers.sender import Sender
from streams.settings import Settings


class Appeal(NamedTuple):
    """Records by record time, and the played time (epoch milliseconds) at which the last heartbeat ticks."""

    campaign_id: str
    records: list[Outgoing]
    until_ms: int


def door_appeal() -> Appeal:
    return Appeal(door.CAMPAIGN_ID, list(door.records()), door.TAIL_END_MS)


def gdq_appeal(path: Path) -> Appeal:
    """The real appeal in a file of one row a minute; `streams.producers.gdq` says how it is read."""
    records = list(gdq.records(path))
    return Appeal(gdq.CAMPAIGN_ID, records, records[-1].record_time_ms)


def send_appeal(
    appeal: Appeal, settings: Settings, *, speed: float | None = None, progress: Progress | None = None
) -> int:
    """Play an appeal into Kafka; how many events were acknowledged, heartbeats not counted."""
    with Sender(settings.brokers, settings.prefix) as sender:
        summary = play(
            appeal.records,
            sender,
            campaign_id=appeal.campaign_id,
            until_ms=appeal.until_ms,
            speed=speed,
            progress=progress,
        )
    return sum(counts.acknowledged for topic, counts in summary.items() if topic in SOURCES)
