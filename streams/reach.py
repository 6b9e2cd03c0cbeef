"""Whether Kafka can be reached: asked every two seconds, said once when it changes.

The clients beneath us wait for a broker by themselves, and complain many times a second while they do.  Their
complaints are dropped (`streams.logs`), this is said in their place.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from typing import Final

logger = logging.getLogger("groundswell.kafka")

ASK_SECONDS: Final = 2.0


async def watch(brokers: Sequence[str], tell: Callable[[bool], object] = lambda is_away: None) -> None:
    """Look for ever; say when no broker answers any more, and when one does again.

    Args:
        brokers: `host:port` of each.
        tell: called at every look with whether all are away.
    """
    away = False
    while True:
        await asyncio.sleep(ASK_SECONDS)
        answers = await any_answers(brokers)
        if not answers and not away:
            logger.warning("Kafka at %s cannot be reached; waiting, nothing is lost", ",".join(brokers))
        elif answers and away:
            logger.warning("Kafka at %s answers again", ",".join(brokers))
        away = not answers
        tell(away)


async def any_answers(brokers: Sequence[str], within: float = ASK_SECONDS) -> bool:
    """Whether any of the brokers takes a connection, each within so many seconds."""
    for broker in brokers:
        host, _, port = broker.rpartition(":")
        try:
            _, writer = await asyncio.wait_for(asyncio.open_connection(host.strip("[]"), int(port)), within)
        except (OSError, TimeoutError):
            continue
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        return True
    return False
