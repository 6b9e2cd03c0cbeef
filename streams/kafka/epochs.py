"""The epoch of a partition of `slices`: what tells it from a topic of the same name that was deleted.

A result's version begins with it, so that all that is said of a new log outranks what was said of the one before,
whose positions may be larger.  It is kept in the marks and found anew only where there is none: then it is larger
than the one that the newest results carry, and than any that an earlier moment of the wall clock gave.
"""

from __future__ import annotations

from typing import Final

from schemas import results
from schemas.results import Watermark
from schemas.times import MINUTE_MS
from schemas.topics import CONVERSIONS
from streams.kafka.loading import Load
from streams.kafka.log_tail import read_tail
from streams.operators.windowing.state import POSITION_BITS
from streams.settings import Settings

# Minutes since 2020-01-01: 24 bits of them last until 2051.
BEGINNING_MS: Final = 1_577_836_800_000


def epoch_of(now_ms: int, used: int) -> int:
    """An epoch for a log that was never met.

    Args:
        now_ms: the wall clock; it may have gone back since the epoch before was made.
        used: the largest one that is known to have been used.
    """
    return max((now_ms - BEGINNING_MS) // MINUTE_MS, used + 1)


async def newest_epoch(settings: Settings, partition: int, load: Load | None = None) -> int:
    """The epoch of the newest progress among the results of a partition; 0 where there is none."""
    topic, security = settings.topic(CONVERSIONS), settings.security
    async for found in read_tail(settings.brokers, topic, partition, _version_of, security=security, load=load):
        if found:
            return max(found) >> POSITION_BITS
    return 0


def _version_of(value: bytes | None) -> int | None:
    try:
        result = results.decode(value or b"")
    except (ValueError, RecursionError):
        return None
    return result.version if isinstance(result, Watermark) else None
