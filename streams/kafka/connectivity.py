"""Connectivity to Kafka: whether brokers answer, looked at every two seconds, and whether they let us in.

Law: a broker that does not answer is not a wrong setting.  Only an answer that is not Kafka's, a refusal, or a
connection that is closed three times makes a `Fault` of it.

The clients beneath us wait for a broker by themselves, and complain many times a second while they do.  Their
complaints are dropped (`streams.logs`), this is logged in their place.  They also take a refused password for a broker
that is away, and would wait for ever: a refusal is a `Fault`, because only a person can mend it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import struct
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Final

from aiokafka.conn import create_conn
from aiokafka.errors import KafkaError
from aiokafka.protocol.metadata import MetadataRequest

from schemas.errors import Fault, Unreachable
from streams.retries import Availability
from streams.settings.kafka_security import Security, not_spoken, refused

logger = logging.getLogger("groundswell.kafka")

ASK_SECONDS: Final = 2.0
ENTRY_SECONDS: Final = 20.0
# A broker that starts may not know its users yet.
REFUSALS: Final = 3
# ApiVersions, version 0, no client's name: what every broker answers, even before it knows who asks.
_CORRELATION: Final = 0x47524F55
HELLO: Final = struct.pack(">ihhih", 10, 18, 0, _CORRELATION, -1)


async def watch(brokers: Sequence[str], note: Callable[[bool], object] = lambda is_unavailable: None) -> None:
    """Look for ever; log when no broker answers any more, and when one does again.

    Args:
        brokers: `host:port` of each.
        note: called at every look with whether all are unavailable.
    """
    what = f"Kafka at {','.join(brokers)}"
    availability = Availability(what, logger)
    while True:
        await asyncio.sleep(ASK_SECONDS)
        if await any_answers(brokers):
            availability.answers()
        else:
            availability.lost(f"{what} cannot be reached")
        note(availability.is_lost)


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


async def check_entry(brokers: Sequence[str], security: Security, within: float = ASK_SECONDS) -> Turned | None:
    """Come in at the first broker that lets us: None.  Else `Turned.SILENT` where one hangs, or `Turned.AWAY`.

    Raises:
        Fault: one refuses us or is no Kafka as we speak it, and none lets us in.
    """
    for attempt in range(REFUSALS):
        refusals = [await _refusal(broker, security, within) for broker in brokers]
        if None in refusals:
            return None
        certain = [refusal for refusal in refusals if isinstance(refusal, Fault)]
        if certain:
            raise certain[0]
        if Turned.CLOSED not in refusals:
            return Turned.SILENT if Turned.SILENT in refusals else Turned.AWAY
        if attempt + 1 < REFUSALS:
            await asyncio.sleep(1.0)  # a broker that starts or ends closes connections too
    raise not_spoken(security, ",".join(brokers))


class Turned(Enum):
    """Why one attempt failed where no error names the reason."""

    AWAY = "nobody there"
    SILENT = "the connection was taken, or not even refused, and nothing was answered"
    CLOSED = "the connection was taken and then closed"
    STRANGE = "something was answered that Kafka would not say"


async def _refusal(broker: str, security: Security, within: float) -> Fault | Turned | None:
    """What a broker has against us; None where it lets us in."""
    host, _, port = broker.rpartition(":")
    place = host.strip("[]"), int(port)
    if not security.has_tls:
        outcome = await _greet(place, within)
        if outcome is not None:
            return not_spoken(security, broker) if outcome is Turned.STRANGE else outcome
    try:
        await asyncio.wait_for(_enter(place, security, within), within)
    except TimeoutError:
        return Turned.SILENT
    except (KafkaError, OSError) as error:
        cause = error.__cause__ if isinstance(error.__cause__, Exception) else error
        was_closed = isinstance(error, KafkaError | ConnectionResetError)
        return refused(security, broker, cause) or (Turned.CLOSED if was_closed else Turned.AWAY)
    return None


async def _enter(place: tuple[str, int], security: Security, within: float) -> None:
    """Come in and ask for the cluster without its topics: a listener that wants a password first hangs up on that."""
    connection = await create_conn(*place, request_timeout_ms=int(within * 1000), **security.arguments())
    try:
        await connection.send(MetadataRequest([]))
    finally:
        connection.close()


async def _greet(place: tuple[str, int], within: float) -> Turned | None:
    """The outcome of a plaintext ApiVersions request; None: the answer is Kafka's."""
    writer: asyncio.StreamWriter | None = None
    try:
        async with asyncio.timeout(within):
            reader, writer = await asyncio.open_connection(*place)
            writer.write(HELLO)
            reply = await reader.readexactly(8)
    except TimeoutError:
        return Turned.SILENT
    except asyncio.IncompleteReadError as error:
        return Turned.STRANGE if error.partial else Turned.CLOSED
    except ConnectionResetError:
        return Turned.CLOSED
    except OSError:
        return Turned.AWAY
    finally:
        if writer is not None:
            writer.close()
    return None if struct.unpack(">ii", reply)[1] == _CORRELATION else Turned.STRANGE


def nobody_answers(where: str) -> Unreachable:
    """The error where no broker takes a connection."""
    what = f"no broker answers at {where}"
    return Unreachable("kafka", what, "Start one, or set GROUNDSWELL_KAFKA=host:port[,host:port] to where they are.")
