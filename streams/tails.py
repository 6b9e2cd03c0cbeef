"""The last records of a partition, read from its end backwards by a client of its own.

It is how a worker finds what an earlier one left: the newest checkpoint, the newest mark, the newest word of the
stall detectors.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import Any, Final, TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaConnectionError, KafkaTimeoutError, NodeNotReadyError

from streams.records import read_records_safely
from streams.security import PLAINTEXT, Security

logger = logging.getLogger("groundswell.tails")
Answer = TypeVar("Answer")
Record = TypeVar("Record")

RETRY_SECONDS: Final = 1.0
TAIL_RECORDS: Final = 64  # how far from the end the search begins; then four times as far, and so on


async def tails(
    brokers: Sequence[str],
    topic: str,
    partition: int,
    decode: Callable[[bytes | None], Record | None],
    reach: int = TAIL_RECORDS,
    security: Security = PLAINTEXT,
) -> AsyncIterator[list[Record]]:
    """The last records of a partition, then more and more of them, until all were looked at.

    Args:
        topic: physical.
        decode: makes a record of a value; None where it is of no use.
        reach: how many records from the end are looked at first.
        security: how to come in at the brokers.
    """
    tp = TopicPartition(topic, partition)
    begin, end = await extent_of(brokers, topic, partition, security)
    while True:
        start = max(begin, end - reach)
        ask = lambda consumer, start=start: _read(consumer, tp, start, end, decode)  # noqa: E731
        yield await _patiently(brokers, security, ask)
        if start == begin:
            return
        reach *= 4


async def extent_of(
    brokers: Sequence[str], topic: str, partition: int, security: Security = PLAINTEXT
) -> tuple[int, int]:
    """Where a log begins and ends; `topic` is physical."""
    tp = TopicPartition(topic, partition)
    return await _patiently(brokers, security, lambda consumer: _extent_of(consumer, tp))


async def whole(
    brokers: Sequence[str],
    topic: str,
    partitions: Iterable[int],
    decode: Callable[[bytes | None], Record | None],
    security: Security = PLAINTEXT,
) -> list[tuple[int, Record]]:
    """Everything that partitions of a small topic hold, each with its partition; one client reads them all.

    Args: as of `tails`.
    """
    tps = [TopicPartition(topic, partition) for partition in partitions]

    async def ask(consumer: Any) -> list[tuple[int, Record]]:
        consumer.assign(tps)
        for tp, begin in (await consumer.beginning_offsets(tps)).items():
            consumer.seek(tp, begin)
        records, unread = [], set(tps)
        while unread:
            for tp, fetched in (await consumer.getmany(*unread, timeout_ms=100)).items():
                decoded = ((tp.partition, decode(record.value)) for record in fetched)
                records += [(partition, record) for partition, record in decoded if record is not None]
            ends = {tp: consumer.highwater(tp) for tp in unread}
            unread = {tp for tp, end in ends.items() if end is None or await consumer.position(tp) < end}
        return records

    return await _patiently(brokers, security, ask) if tps else []


async def _patiently(brokers: Sequence[str], security: Security, ask: Callable[[Any], Awaitable[Answer]]) -> Answer:
    """Ask with a client of its own, again and again while the broker is away."""
    arguments = security.arguments()
    read_records_safely()
    while True:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=brokers,
            client_id="groundswell-checkpoints",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            **arguments,
        )
        try:
            await consumer.start()
            return await ask(consumer)
        except (KafkaConnectionError, KafkaTimeoutError, NodeNotReadyError) as error:
            logger.debug("cannot read the end of a log now: %r", error)
            await asyncio.sleep(RETRY_SECONDS)
        finally:
            # A client that is stopped before its tasks ever ran raises CancelledError out of `stop`.
            await asyncio.sleep(0)
            await consumer.stop()


async def _extent_of(consumer: Any, tp: Any) -> tuple[int, int]:
    consumer.assign([tp])
    begin = (await consumer.beginning_offsets([tp]))[tp]
    return begin, await _end_of(consumer, tp, begin)


async def _end_of(consumer: Any, tp: Any, begin: int) -> int:
    """The end of a log as a fetch says it: an in-memory broker's answer to "latest" is only a lower bound."""
    known = (await consumer.end_offsets([tp]))[tp]
    consumer.seek(tp, max(begin, known - 1))
    while consumer.highwater(tp) is None:
        await consumer.getmany(tp, timeout_ms=200)
    return int(consumer.highwater(tp))


async def _read(
    consumer: Any, tp: Any, start: int, end: int, decode: Callable[[bytes | None], Record | None]
) -> list[Record]:
    consumer.assign([tp])
    consumer.seek(tp, start)
    records: list[Record] = []
    while await consumer.position(tp) < end:
        fetched = await consumer.getmany(tp, timeout_ms=500)
        decoded = (decode(record.value) for record in fetched.get(tp, []))
        records.extend(record for record in decoded if record is not None)
    return records
