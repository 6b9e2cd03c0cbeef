"""Whether Kafka can be reached: asked every two seconds, said once when it changes; and whether it lets us in.

The clients beneath us wait for a broker by themselves, and complain many times a second while they do.  Their
complaints are dropped (`streams.logs`), this is said in their place.  They also take a refused password for a broker
that is away, and would wait for ever: a refusal is a `Fault`, because only a person can mend it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Final

from aiokafka.conn import create_conn
from aiokafka.errors import KafkaError

from schemas.errors import Fault
from streams.security import Security, not_spoken, refused

logger = logging.getLogger("groundswell.kafka")

ASK_SECONDS: Final = 2.0
ENTRY_SECONDS: Final = 20.0
# A broker that starts may not know its users yet.
REFUSALS: Final = 3


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


async def watch_entry(brokers: Sequence[str], security: Security) -> None:
    """Look for ever whether we are let in: what was right at the start may be changed on the brokers.

    Raises:
        Fault: refused so often in a row that it is no accident.
    """
    refusals = 0
    while not security.is_plain:
        await asyncio.sleep(ASK_SECONDS if refusals else ENTRY_SECONDS)
        try:
            await check_entry(brokers, security)
        except Fault:
            refusals += 1
            if refusals >= REFUSALS:
                raise
        else:
            refusals = 0


async def check_entry(brokers: Sequence[str], security: Security, within: float = ASK_SECONDS) -> None:
    """Come in at the first broker that lets us; nothing is said of those that are away.

    Raises:
        Fault: one refuses us, and none lets us in.
    """
    for attempt in range(REFUSALS):
        refusals = [await _refusal(broker, security, within) for broker in brokers]
        if None in refusals:
            return
        certain = [refusal for refusal in refusals if isinstance(refusal, Fault)]
        if certain:
            raise certain[0]
        if not any(refusal is Turned.CLOSED for refusal in refusals):
            return
        if attempt + 1 < REFUSALS:
            await asyncio.sleep(1.0)  # a broker that starts or ends closes connections too
    raise not_spoken(security, ",".join(brokers))


class Turned(Enum):
    """Why one knock led nowhere, where nobody says so."""

    AWAY = "nobody there"
    CLOSED = "the connection was taken and then closed"


async def _refusal(broker: str, security: Security, within: float) -> Fault | Turned | None:
    """What a broker has against us; None where it lets us in."""
    host, _, port = broker.rpartition(":")
    asked = create_conn(host.strip("[]"), int(port), request_timeout_ms=int(within * 1000), **security.arguments())
    try:
        connection = await asyncio.wait_for(asked, within)
    except (KafkaError, OSError, TimeoutError) as error:
        cause = error.__cause__ if isinstance(error.__cause__, Exception) else error
        was_closed = isinstance(error, KafkaError | ConnectionResetError)
        return refused(security, broker, cause) or (Turned.CLOSED if was_closed else Turned.AWAY)
    connection.close()
    return None
