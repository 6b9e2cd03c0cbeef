"""Checkpoints: saved states in the topic `checkpoints`; they only shorten a replay.

A checkpoint is a run of parts and a manifest, all in the partition of the state; without its manifest it does not
exist.  Keys end with the writer's incarnation, and a writer alternates between two slots, so that neither a zombie nor
a crash between two parts can damage the checkpoint before.  Among the complete ones the largest position counts.

    parts 0..n-1 of slot A, manifest A | parts of slot B, manifest B | parts of slot A ...

Conversion keeps no state here (the topic `slices` is its state), only the position up to which everything has been
emitted and acknowledged.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Final, TypeVar

import msgspec
from msgspec import Struct
from xxhash import xxh3_64_hexdigest

from schemas.topics import CHECKPOINTS
from streams import failpoints
from streams.kafka.batch_producer import BatchProducer, Message
from streams.kafka.loading import Load
from streams.kafka.log_tail import read_tail
from streams.settings import Settings

logger = logging.getLogger("groundswell.checkpoints")
State = TypeVar("State")

CHECKPOINT_SCHEMA: Final = 2  # 2: marks carry an epoch
PART_BYTES: Final = 700 * 1024  # a record must fit into the topic's 1 MiB


class CheckpointPart(Struct, frozen=True, tag="part", array_like=True):
    """A piece of a saved state."""

    schema: int
    incarnation: str
    version: int
    number: int
    data: bytes


class CheckpointManifest(Struct, frozen=True, tag="seal", array_like=True):
    """The last record of a checkpoint: how many parts it has, and the digest of them all."""

    schema: int
    incarnation: str
    version: int
    parts: int
    digest: str


class EmittedUpTo(Struct, frozen=True, tag="mark", array_like=True):
    """Conversion has emitted everything before this position of its partition of `slices`.

    `clock` and `watermarks` (by campaign) are where it stood then, epoch milliseconds.  `epoch` tells this log from
    one of the same name before it, see `streams.kafka.epochs`.
    """

    schema: int
    position: int
    clock: int = 0
    watermarks: dict[str, int] = {}
    epoch: int = 0


Saved = CheckpointPart | CheckpointManifest | EmittedUpTo
_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Saved] = msgspec.msgpack.Decoder(CheckpointPart | CheckpointManifest | EmittedUpTo)


class Checkpoints:
    """Writes and finds checkpoints and marks."""

    def __init__(self, settings: Settings, producer: BatchProducer) -> None:
        self._settings = settings
        self._producer = producer
        self._topic = settings.topic(CHECKPOINTS)
        self._slots: dict[str, int] = {}

    async def write(self, partition: int, incarnation: str, version: int, data: bytes) -> None:
        """Save a state.  Everything emitted before it must have been acknowledged."""
        slot = self._slots[incarnation] = 1 - self._slots.get(incarnation, 1)
        prefix = f"state|{partition}|{slot}"
        pieces = [data[start : start + PART_BYTES] for start in range(0, len(data), PART_BYTES)]
        for number, piece in enumerate(pieces):
            part = CheckpointPart(CHECKPOINT_SCHEMA, incarnation, version, number, piece)
            await self._send(partition, f"{prefix}|{number}|{incarnation}", part)
            failpoints.hit("between_parts")
        seal = CheckpointManifest(CHECKPOINT_SCHEMA, incarnation, version, len(pieces), xxh3_64_hexdigest(data))
        await self._send(partition, f"{prefix}|seal|{incarnation}", seal)
        failpoints.hit("after_checkpoint")
        logger.debug("checkpoint of partition %d at version %d: %d bytes", partition, version, len(data))

    async def write_mark(self, partition: int, incarnation: str, mark: EmittedUpTo) -> None:
        """Record that everything before the mark's position has been emitted and acknowledged."""
        await self._send(partition, f"mark|{partition}|{incarnation}", mark)

    async def _send(self, partition: int, key: str, record: Saved) -> None:
        await self._producer.send([Message(self._topic, partition, key.encode(), _encoder.encode(record))])

    async def newest_state(
        self, partition: int, read: Callable[[bytes], State], load: Load | None = None
    ) -> State | None:
        """The saved state with the largest version that can be read; None where there is none.

        Args:
            read: makes a state of the bytes; raises ValueError where they are of no use here.  Called in a thread of
                its own: a large state takes seconds, and the event loop goes on meanwhile.
            load: counts what is read.
        """
        broken: list[int] = []
        found: State | None = None
        async for records in self._read_tail(partition, load):
            broken.clear()  # a nearer look may have cut through one that is whole
            found = await asyncio.to_thread(_newest_of, records, broken, partition, read)
            if found is not None:
                break
        for version in broken:
            logger.warning("checkpoint of partition %d at version %d not used: not whole", partition, version)
        return found

    async def newest_mark(self, partition: int, load: Load | None = None) -> EmittedUpTo | None:
        """The mark with the largest epoch and position; None where there is none."""
        async for records in self._read_tail(partition, load):
            marks = [record for record in records if isinstance(record, EmittedUpTo)]
            if marks:
                return max(marks, key=lambda mark: (mark.epoch, mark.position))
        return None

    def _read_tail(self, partition: int, load: Load | None) -> AsyncIterator[list[Saved]]:
        decode, settings = Decode(partition), self._settings
        return read_tail(settings.brokers, self._topic, partition, decode, security=settings.security, load=load)


class Decode:
    """Records of a partition's checkpoints; says once that some are of no use."""

    def __init__(self, partition: int) -> None:
        self._partition = partition
        self._has_said = False

    def __call__(self, value: bytes | None) -> Saved | None:
        if value is None:
            return None
        try:
            record = _decoder.decode(value)
        except (msgspec.DecodeError, RecursionError):
            self._say("what is no record of ours")
            return None
        if record.schema != CHECKPOINT_SCHEMA:
            self._say(f"records of schema {record.schema}, this program's is {CHECKPOINT_SCHEMA}")
            return None
        return record

    def _say(self, what: str) -> None:
        if not self._has_said:
            logger.warning("checkpoints of partition %d not used: %s", self._partition, what)
            self._has_said = True


def _newest_of(records: list[Saved], broken: list[int], partition: int, read: Callable[[bytes], State]) -> State | None:
    """The newest state among the records that can be read; why a whole one cannot is said."""
    for version, data in _sealed(records, broken):
        try:
            return read(data)
        except ValueError as error:
            logger.warning("checkpoint of partition %d at version %d not used: %s", partition, version, error)
    return None


def _sealed(records: list[Saved], broken: list[int]) -> Iterator[tuple[int, bytes]]:
    """The whole checkpoints among the records as (version, data), the largest version first.

    Args:
        broken: gets the versions of those passed over on the way: a part is missing, or was damaged.
    """
    parts: dict[tuple[str, int, int], bytes] = {}
    seals: list[CheckpointManifest] = []
    for record in records:
        if isinstance(record, CheckpointPart):
            parts[record.incarnation, record.version, record.number] = record.data
        elif isinstance(record, CheckpointManifest):
            seals.append(record)
    for seal in sorted(seals, key=lambda seal: seal.version, reverse=True):
        pieces = [parts.get((seal.incarnation, seal.version, number)) for number in range(seal.parts)]
        data = b"".join(piece for piece in pieces if piece is not None)
        if None not in pieces and xxh3_64_hexdigest(data) == seal.digest:
            yield seal.version, data
        else:
            broken.append(seal.version)
