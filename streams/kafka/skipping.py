"""What operators have said to skip, read from the topic `skips`.

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
    """The next offset that attribution takes in of a source topic, as it has said last; 0 where it has said nothing."""

    def newest(value: bytes | None) -> Progress | None:
        try:
            said = slices.decode(value or b"")
        except (ValueError, RecursionError):
            return None
        return said if isinstance(said, Progress) and said.source_partition == partition else None

    # Every partition of `slices` is told of every source partition.
    brokers, security = settings.brokers, settings.security
    async for found in read_tail(brokers, settings.topic(SLICES), 0, newest, security=security):
        if found:
            return max(found, key=lambda said: said.version).positions.get(topic, 0)
    return 0


async def skips_of(settings: Settings, partitions: Iterable[int]) -> list[Skip]:
    """All skips of these partitions, in the order in which they were said."""
    topic, security = settings.topic(SKIPS), settings.security
    said = await read_all(settings.brokers, topic, sorted(partitions), skips.decode, security)
    # What lies in another partition was not said by the verb; a key that was said twice counts once.
    found = {skips.skip_key(skip): skip for partition, skip in said if skip.partition == partition}
    return sorted(found.values(), key=lambda skip: skip.said_at)
