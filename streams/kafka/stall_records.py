"""The newest records of the stall detectors of a partition, found in the topic `stalls`.

A record of a campaign comes after those of its influencers, so the search from the end of the log backwards is over
when each campaign of the newest roll was met with all of its influencers.  A campaign that nobody has spoken of for
longer than the topic is kept begins anew: by then its appeal is long over.
"""

from __future__ import annotations

from typing import Final

from schemas import stalls
from schemas.slices import CAMPAIGN
from schemas.stalls import Stall
from schemas.topics import STALLS
from streams.kafka.loading import Load
from streams.kafka.log_tail import read_tail
from streams.operators.stalls.records import roster_of
from streams.settings import Settings

FIRST_REACH: Final = 2000


async def newest_stalls(settings: Settings, partition: int, load: Load | None = None) -> list[Stall]:
    """Records among which is the newest of every entity of the partition; `load` counts what is read."""
    found: list[Stall] = []
    topic, security = settings.topic(STALLS), settings.security
    async for found in read_tail(settings.brokers, topic, partition, _decode, FIRST_REACH, security, load):
        if is_whole(found):
            break
    return found


def is_whole(found: list[Stall]) -> bool:
    """Whether nothing that counts lies before these records of the end of a log."""
    met: dict[str, set[str]] = {}
    wanted: dict[str, int] = {}
    read_all: set[str] = set()
    for stall in found:
        members = met.setdefault(stall.campaign_id, set())
        if stall.dimension != CAMPAIGN:
            members.add(stall.member)
            continue
        roll = roster_of(stall)
        wanted.update(roll)
        if len(members) >= roll.get(stall.campaign_id, 0):
            read_all.add(stall.campaign_id)
    return bool(wanted) and read_all >= set(wanted)


def _decode(value: bytes | None) -> Stall | None:
    try:
        return None if value is None else stalls.decode(value)
    except (ValueError, RecursionError):
        return None  # from another version of the program, or a foreign hand
