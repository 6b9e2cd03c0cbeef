"""The offsets that operators skip, read from the topic `skips`.

A skip of partition 3 of any topic lies in partition 3 of `skips`, so whoever is given a partition reads one.
"""

from __future__ import annotations

from collections.abc import Iterable

from schemas import skips, slices
from schemas.skips import Skip
from schemas.slices import Progress
from schemas.topics import SKIPS, SLICES
from streams.kafka.log_tail import read_all, read_tail
from streams.settings import Settings


async def taken_in(settings: Settings, topic: str, partition: int) -> int:
    """The position of attribution in a source topic, by its newest progress record; 0 where there is none."""

    def newest(value: bytes | None) -> Progress | None:
        try:
            found_records = slices.decode(value or b"")
        except (ValueError, RecursionError):
            return None
        return (
            found_records
            if isinstance(found_records, Progress) and found_records.source_partition == partition
            else None
        )

    # Every partition of `slices` holds the progress of every source partition.
    brokers, security = settings.brokers, settings.security
    async for found in read_tail(brokers, settings.topic(SLICES), 0, newest, security=security):
        if found:
            return max(found, key=lambda found_records: found_records.version).positions.get(topic, 0)
    return 0


async def skips_of(settings: Settings, partitions: Iterable[int]) -> list[Skip]:
    """All skips of these partitions, in the order in which they were recorded."""
    topic, security = settings.topic(SKIPS), settings.security
    found_records = await read_all(settings.brokers, topic, sorted(partitions), skips.decode, security)
    # A record in another partition was not written by the verb; a key that was written twice counts once.
    found = {skips.skip_key(skip): skip for partition, skip in found_records if skip.partition == partition}
    return sorted(found.values(), key=lambda skip: skip.said_at)
