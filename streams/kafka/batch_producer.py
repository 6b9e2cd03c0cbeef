"""The batch producer: a list of messages is published in order and acknowledged as a whole, or the program stops.

Law: one send at a time.  With two in flight an older absolute value can land last (a prototype had 2 to 4 wrong
keys of 498,549 until it was serialized).  A failed send is fatal: the next incarnation emits the same again.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer

from schemas.errors import Fault
from schemas.topics import TOPICS
from streams import failpoints
from streams.settings import Settings

# How long a broker may be unavailable before a worker gives up and leaves it to its supervisor.
DELIVERY_TIMEOUT_MS = 120_000
BATCH_BYTES = 512 * 1024
REQUEST_BYTES = 8 * 1024 * 1024
# What the smallest topic of ours takes, less what Kafka puts around a record and its batch.
AROUND_BYTES = 1024
SURE_BYTES = min(topic.max_message_bytes for topic in TOPICS) - AROUND_BYTES


class Message(NamedTuple):
    """One record to write; `topic` is physical."""

    topic: str
    partition: int
    key: bytes
    value: bytes


AnyMessage = Message | tuple[str, int, bytes, bytes]
"""A bare tuple is made in a tenth of the time, where there are hundreds of thousands."""


class BatchProducer:
    """A producer that acknowledges whole lists.  Start it inside the running event loop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = asyncio.Lock()
        self._producer: Any = None
        self.acknowledged: Counter[str] = Counter()  # messages by physical topic

    async def start(self) -> None:
        self._producer = AIOKafkaProducer(
            bootstrap_servers=self._settings.brokers,
            client_id="groundswell-outbox",
            acks="all",
            max_batch_size=BATCH_BYTES,
            max_request_size=REQUEST_BYTES,
            request_timeout_ms=DELIVERY_TIMEOUT_MS,
            linger_ms=0,
            **self._settings.security.arguments(),
        )
        await self._producer.start()

    async def stop(self) -> None:
        if self._producer is not None:
            await self._producer.stop()

    async def send(self, messages: Iterable[AnyMessage]) -> int:
        """Write the messages, each partition's in the order given, and wait until all are acknowledged.

        Returns:
            How many there were.

        Raises:
            aiokafka.errors.KafkaError: one was not acknowledged.
            Fault: one is larger than its topic takes, and would be at every start.
        """
        async with self._lock:
            failpoints.hit("before_emission")
            builders: dict[tuple[str, int], Any] = {}
            futures: list[asyncio.Future[Any]] = []
            topics: Counter[str] = Counter()
            now_ms = int(time.time() * 1000)
            for topic, partition, key, value in messages:
                if len(key) + len(value) > SURE_BYTES:
                    self._check_size(topic, partition, len(key) + len(value))
                home = (topic, partition)
                builder = builders.get(home)
                if builder is None:
                    builder = builders[home] = self._producer.create_batch()
                if builder.append(key=key, value=value, timestamp=now_ms) is None:
                    topics[topic] += builder.record_count()
                    futures.append(await self._producer.send_batch(builder, topic, partition=partition))
                    builder = builders[home] = self._producer.create_batch()
                    builder.append(key=key, value=value, timestamp=now_ms)
            for (topic, partition), builder in builders.items():
                topics[topic] += builder.record_count()
                futures.append(await self._producer.send_batch(builder, topic, partition=partition))
            failpoints.hit("before_acknowledgement")
            for future in futures:
                await future
            failpoints.hit("after_acknowledgement")
            self.acknowledged.update(topics)
            return topics.total()

    def _check_size(self, topic: str, partition: int, size: int) -> None:
        name = self._settings.logical(topic)
        largest = max((known.max_message_bytes for known in TOPICS if known.name == name), default=SURE_BYTES)
        if size > largest - AROUND_BYTES:
            raise Fault(
                "groundswell",
                f"a message of {size} bytes for {topic}-{partition} is larger than the topic takes ({largest})",
                "Report it: what is sent there is bounded by what made it.",
            )
