"""The last records of a partition, read from its end backwards by a client of its own.

It is how a worker finds what an earlier one left: the newest checkpoint, the newest mark, the newest word of the
stall detectors.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import Any, Final, Generic, TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaConnectionError, KafkaTimeoutError, NodeNotReadyError

from streams.kafka.loading import Load
from streams.kafka.records import read_records_safely
from streams.retries import retry_async
from streams.settings.kafka_security import PLAINTEXT, Security

logger = logging.getLogger("groundswell.tails")
Answer = TypeVar("Answer")
Record = TypeVar("Record")

RETRY_SECONDS: Final = 1.0
UNAVAILABLE: Final = (KafkaConnectionError, KafkaTimeoutError, NodeNotReadyError)
TAIL_RECORDS: Final = 64  # how far from the end the search begins; then twice as far, and so on


async def read_tail(
    brokers: Sequence[str],
    topic: str,
    partition: int,
    decode: Callable[[bytes | None], Record | None],
    lookback: int = TAIL_RECORDS,
    security: Security = PLAINTEXT,
    load: Load | None = None,
) -> AsyncIterator[list[Record]]:
    """The last records of a partition, then more and more of them, until all were looked at.

    Args:
        topic: physical.
        decode: makes a record of a value; None where it is of no use.
        reach: how many records from the end are looked at first.
        security: how to come in at the brokers.
        load: counts what is read.
    """
    load = load or Load(topic, partition)
    tp = TopicPartition(topic, partition)
    begin, end = await log_bounds(brokers, topic, partition, security, load.what)
    start, records = end, list[Record]()
    while True:
        log_range = _LogRange(tp, max(begin, end - lookback), start, decode, load)
        await _patiently(brokers, security, log_range.read, load.what)
        start, records = log_range.start, log_range.records + records
        yield records
        if start == begin:
            return
        lookback *= 2


async def log_bounds(
    brokers: Sequence[str], topic: str, partition: int, security: Security = PLAINTEXT, what: str = ""
) -> tuple[int, int]:
    """Where a log begins and ends; `topic` is physical, `what` names it for people."""
    tp = TopicPartition(topic, partition)
    return await _patiently(
        brokers, security, lambda consumer: _log_bounds(consumer, tp), what or f"{topic}-{partition}"
    )


async def read_all(
    brokers: Sequence[str],
    topic: str,
    partitions: Iterable[int],
    decode: Callable[[bytes | None], Record | None],
    security: Security = PLAINTEXT,
) -> list[tuple[int, Record]]:
    """Everything that partitions of a small topic hold, each with its partition; one client reads them all.

    Args: as of `read_tail`.
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

    return await _patiently(brokers, security, ask, topic) if tps else []


async def _patiently(
    brokers: Sequence[str], security: Security, ask: Callable[[Any], Awaitable[Answer]], what: str
) -> Answer:
    """Ask with a client of its own, again and again while the broker is away.

    There is no limit: a load without progress is trouble for whoever watches the worker.  `what` is said in the log.
    """
    arguments = security.arguments()
    read_records_safely()
    has_warned = False

    def warn_once(error: Exception) -> None:
        nonlocal has_warned
        if not has_warned:
            logger.warning("%s cannot be read now, asking again: %r", what, error)
            has_warned = True

    async def ask_once() -> Answer:
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
        finally:
            # A client that is stopped before its tasks ever ran raises CancelledError out of `stop`.
            await asyncio.sleep(0)
            await consumer.stop()

    return await retry_async(ask_once, UNAVAILABLE, warn_once, (RETRY_SECONDS,))


async def _log_bounds(consumer: Any, tp: Any) -> tuple[int, int]:
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


class _LogRange(Generic[Record]):
    """A stretch of a log that is read once: a client that fails leaves what it has read to the next one.

    Args:
        start, stop: the first offset, and the first one that is not wanted.
    """

    def __init__(
        self, tp: Any, start: int, stop: int, decode: Callable[[bytes | None], Record | None], load: Load
    ) -> None:
        self.start = start
        self.records: list[Record] = []
        self._tp, self._stop = tp, stop
        self._decode, self._load = decode, load
        self._position = start
        load.wants(stop - start)

    async def read(self, consumer: Any) -> None:
        consumer.assign([self._tp])
        consumer.seek(self._tp, self._position)
        while self._position < self._stop:
            fetched = await consumer.getmany(self._tp, timeout_ms=500)
            self._take(fetched.get(self._tp, []), await consumer.position(self._tp))

    def _take(self, fetched: Sequence[Any], position: int) -> None:
        wanted = [record.value for record in fetched if record.offset < self._stop]
        decoded = map(self._decode, wanted)
        self.records.extend(record for record in decoded if record is not None)
        position = min(position, self._stop)
        if position > self._position:
            self._load.took(position - self._position, sum(len(value or b"") for value in wanted))
            self._position = position
