"""What the measurement of recovery does to the topics, and reads from them, beside the worker."""

from __future__ import annotations

import asyncio
import time
import uuid
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

import msgspec
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition

from schemas import slices
from schemas.codec import Codec
from schemas.events import Click
from schemas.partitioning import partition_of
from schemas.times import rfc3339
from schemas.topics import CHECKPOINTS, CLICKS, SLICES
from streams.gc_tuning import gc_paused
from streams.kafka.batch_producer import BatchProducer
from streams.kafka.checkpoints import Checkpoints
from streams.operators.attribution.snapshot import fingerprint_of, from_bytes, to_bytes
from streams.settings import Settings
from tests.benchmarks.fill import CAMPAIGN, SPAN_MS, START_MS

AFTER_MS: Final = START_MS + SPAN_MS - 30_000  # the last minute of the log


class Cost(NamedTuple):
    """One checkpoint: how large it is, and what it took here to read, decode and encode it."""

    partition: int
    size: int
    ids: int
    slices: int  # minutes in which an entity had an event
    read: float
    decode: float
    encode: float

    def __str__(self) -> str:
        return (
            f"{self.partition}: {self.size:,} bytes, {self.ids:,} ids, {self.slices:,} slices; "
            f"read in {self.read:.2f} s, decoded in {self.decode:.2f} s, encoded in {self.encode:.2f} s"
        )


def send_one_each(settings: Settings) -> None:
    """One new event for each partition, at the log's end."""
    producer = KafkaProducer(bootstrap_servers=settings.brokers, acks="all")
    try:
        for partition in range(settings.partitions):
            number = next(
                n for n in range(10_000) if partition_of(f"referral-{n}".encode(), settings.partitions) == partition
            )
            referral = f"referral-{number}"
            event = Click(str(uuid.uuid4()), CAMPAIGN, referral, rfc3339(AFTER_MS), 1, "visitor-new")
            producer.send(
                settings.topic(CLICKS),
                msgspec.json.encode(event),
                referral.encode(),
                partition=partition,
                timestamp_ms=AFTER_MS,
            ).get(30)
    finally:
        producer.close()


def empty_checkpoints(settings: Settings) -> None:
    """Delete every record of the topic `checkpoints`."""
    admin = KafkaAdminClient(bootstrap_servers=settings.brokers)
    try:
        topic = settings.topic(CHECKPOINTS)
        # -1 is the end of the log.
        admin.delete_records({TopicPartition(topic, number): -1 for number in range(settings.partitions)})
    finally:
        admin.close()


async def checkpoint_costs(settings: Settings) -> list[Cost]:
    """Read every partition's newest checkpoint as a worker does, decode it, encode it again."""
    fingerprint = fingerprint_of(Codec(settings.load_campaigns(), settings.partitions, settings.horizon_days))
    checkpoints = Checkpoints(settings, BatchProducer(settings))
    costs = []
    for partition in range(settings.partitions):
        began = time.perf_counter()
        data = await checkpoints.newest_state(partition, bytes) or b""
        read = time.perf_counter()
        with gc_paused():
            state = from_bytes(data, partition, fingerprint)
        decoded = time.perf_counter()
        with gc_paused():
            to_bytes(state, fingerprint)
        encoded = time.perf_counter()
        ids = sum(len(one) for by_end in state.identities.values() for one in by_end.values())
        seconds = (read - began, decoded - read, encoded - decoded)
        slices = len(state.slice_table)
        costs.append(Cost(partition, len(data), ids, slices, *seconds))
        del state
        await asyncio.sleep(0)
    return costs


class Slices:
    """The topic `slices` from its present end on; `first_seen`: when the first slice of a source partition came."""

    def __init__(self, settings: Settings) -> None:
        self._consumer: Any = KafkaConsumer(bootstrap_servers=settings.brokers, enable_auto_commit=False)
        places = [TopicPartition(settings.topic(SLICES), number) for number in range(settings.partitions)]
        self._consumer.assign(places)
        for place, end in self._consumer.end_offsets(places).items():
            self._consumer.seek(place, end)
        self.first_seen: dict[int, float] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._consumer.close()

    def look(self) -> None:
        fetched = self._consumer.poll(timeout_ms=10)
        now = time.monotonic()
        for records in fetched.values():
            for record in records:
                said = slices.decode(record.value)
                if isinstance(said, slices.Slice):
                    self.first_seen.setdefault(said.source_partition, now)
