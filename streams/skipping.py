"""What operators have said to skip, read from the topic `skips`.

A skip of partition 3 of any topic lies in partition 3 of `skips`, so whoever is given a partition reads one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from schemas import skips
from schemas.skips import Skip
from schemas.topics import SKIPS
from streams.settings import Settings
from streams.tails import tails

EVERY_RECORD: Final = 2**62


async def skips_of(settings: Settings, partitions: Iterable[int]) -> list[Skip]:
    """All skips of these partitions, in the order in which they were said."""
    found: list[Skip] = []
    topic, security = settings.topic(SKIPS), settings.security
    for partition in sorted(partitions):
        async for said in tails(settings.brokers, topic, partition, skips.decode, EVERY_RECORD, security):
            # A key says the same again; what lies in another partition was not said by the verb.
            found += {skips.skip_key(skip): skip for skip in said if skip.partition == partition}.values()
    return found
