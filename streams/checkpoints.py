"""Checkpoints: saved states in the topic `checkpoints`; they only shorten a replay.

A checkpoint is a run of parts and a seal, all in the partition of the state.  Without its seal it does not exist.
Keys end with the writer's incarnation, and a writer alternates between two slots, so that neither a zombie nor a
crash between two parts can damage the checkpoint before.  Among the sealed ones the largest position counts.

    parts 0..n-1 of slot A, seal A | parts of slot B, seal B | parts of slot A ...

Conversion keeps no state here (the topic `slices` is its state), only a mark: everything up to this position has
been emitted and acknowledged.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, Final, TypeVar

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaConnectionError, KafkaTimeoutError, NodeNotReadyError
from msgspec import Struct
from xxhash import xxh3_64_hexdigest

from schemas.topics import CHECKPOINTS
from streams.outbox import Message, Outbox
from streams.settings import Settings

logger = logging.getLogger("groundswell.checkpoints")
State = TypeVar("State")
Answer = TypeVar("Answer")

CHECKPOINT_SCHEMA: Final = 1
PART_BYTES: Final = 700 * 1024  # a record must fit into the topic's 1 MiB
RETRY_SECONDS: Final = 1.0
TAIL_RECORDS: Final = 64  # how far from the end the search begins; then four times as far, and so on


class Part(Struct, frozen=True, tag="part", array_like=True):
    """A piece of a saved state."""

    schema: int
    incarnation: str
    version: int
    number: int
    data: bytes


class Seal(Struct, frozen=True, tag="seal", array_like=True):
    """The last record of a checkpoint: how many parts it has, and the digest of them all."""

    schema: int
    incarnation: str
    version: int
    parts: int
    digest: str


class Mark(Struct, frozen=True, tag="mark", array_like=True):
    """Conversion has emitted everything before this position of its partition of `slices`.

    `clock` and `watermarks` (by campaign) are where it stood then, epoch milliseconds.
    """

    schema: int
    position: int
    clock: int = 0
    watermarks: dict[str, int] = {}


_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Part | Seal | Mark] = msgspec.msgpack.Decoder(Part | Seal | Mark)


class Checkpoints:
    """Writes and finds checkpoints and marks."""

    def __init__(self, settings: Settings, outbox: Outbox) -> None:
        self._settings = settings
        self._outbox = outbox
        self._topic = settings.topic(CHECKPOINTS)
        self._slots: dict[str, int] = {}

    async def write(self, partition: int, incarnation: str, version: int, data: bytes) -> None:
        """Save a state.  Everything emitted before it must have been acknowledged."""
        slot = self._slots[incarnation] = 1 - self._slots.get(incarnation, 1)
        prefix = f"state|{partition}|{slot}"
        pieces = [data[start : start + PART_BYTES] for start in range(0, len(data), PART_BYTES)]
        for number, piece in enumerate(pieces):
            part = Part(CHECKPOINT_SCHEMA, incarnation, version, number, piece)
            await self._send(partition, f"{prefix}|{number}|{incarnation}", part)
        seal = Seal(CHECKPOINT_SCHEMA, incarnation, version, len(pieces), xxh3_64_hexdigest(data))
        await self._send(partition, f"{prefix}|seal|{incarnation}", seal)
        logger.debug("checkpoint of partition %d at version %d: %d bytes", partition, version, len(data))

    async def write_mark(self, partition: int, incarnation: str, mark: Mark) -> None:
        """Say that everything before the mark's position has been emitted and acknowledged."""
        await self._send(partition, f"mark|{partition}|{incarnation}", mark)

    async def _send(self, partition: int, key: str, record: Part | Seal | Mark) -> None:
        await self._outbox.send([Message(self._topic, partition, key.encode(), _encoder.encode(record))])

    async def newest_state(self, partition: int, read: Callable[[bytes], State]) -> State | None:
        """The saved state with the largest version that can be read; None where there is none.

        Args:
            read: makes a state of the bytes; raises ValueError where they are of no use here.
        """
        async for records in self._tails(partition):
            for version, data in _sealed(records):
                try:
                    return read(data)
                except ValueError as error:
                    logger.warning("checkpoint of partition %d at version %d not used: %s", partition, version, error)
        return None

    async def newest_mark(self, partition: int) -> Mark | None:
        """The mark with the largest position; None where there is none."""
        async for records in self._tails(partition):
            marks = [record for record in records if isinstance(record, Mark)]
            if marks:
                return max(marks, key=lambda mark: mark.position)
        return None

    async def _tails(self, partition: int) -> AsyncIterator[list[Part | Seal | Mark]]:
        """The last records of a partition, then more and more of them, until all were looked at."""
        tp = TopicPartition(self._topic, partition)
        begin, end = await self._patiently(lambda consumer: _extent_of(consumer, tp))
        reach = TAIL_RECORDS
        while True:
            start = max(begin, end - reach)
            yield await self._patiently(lambda consumer, start=start: _read(consumer, tp, start, end))  # type: ignore[misc]
            if start == begin:
                return
            reach *= 4

    async def _patiently(self, ask: Callable[[Any], Awaitable[Answer]]) -> Answer:
        """Ask with a client of its own, again and again while the broker is away."""
        while True:
            consumer = AIOKafkaConsumer(
                bootstrap_servers=self._settings.brokers,
                client_id="groundswell-checkpoints",
                enable_auto_commit=False,
                auto_offset_reset="earliest",
            )
            try:
                await consumer.start()
                return await ask(consumer)
            except (KafkaConnectionError, KafkaTimeoutError, NodeNotReadyError) as error:
                logger.debug("cannot read checkpoints now: %r", error)
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


async def _read(consumer: Any, tp: Any, start: int, end: int) -> list[Part | Seal | Mark]:
    consumer.assign([tp])
    consumer.seek(tp, start)
    records: list[Part | Seal | Mark] = []
    while await consumer.position(tp) < end:
        fetched = await consumer.getmany(tp, timeout_ms=500)
        decoded = (_decode(record.value) for record in fetched.get(tp, []))
        records.extend(record for record in decoded if record is not None)
    return records


def _decode(value: bytes | None) -> Part | Seal | Mark | None:
    if value is None:
        return None
    try:
        record = _decoder.decode(value)
    except msgspec.DecodeError:
        return None  # from another version of the program
    return record if record.schema == CHECKPOINT_SCHEMA else None


def _sealed(records: list[Part | Seal | Mark]) -> Iterator[tuple[int, bytes]]:
    """The whole checkpoints among the records as (version, data), the largest version first."""
    parts: dict[tuple[str, int, int], bytes] = {}
    seals: list[Seal] = []
    for record in records:
        if isinstance(record, Part):
            parts[record.incarnation, record.version, record.number] = record.data
        elif isinstance(record, Seal):
            seals.append(record)
    for seal in sorted(seals, key=lambda seal: seal.version, reverse=True):
        pieces = [parts.get((seal.incarnation, seal.version, number)) for number in range(seal.parts)]
        data = b"".join(piece for piece in pieces if piece is not None)
        if None not in pieces and xxh3_64_hexdigest(data) == seal.digest:
            yield seal.version, data
