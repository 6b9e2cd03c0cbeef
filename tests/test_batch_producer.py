"""The way out refuses in words what its topic would refuse at every start."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from schemas.errors import Fault
from schemas.topics import DEAD_LETTER_MESSAGE_BYTES, DEAD_LETTERS, OWN_MESSAGE_BYTES, SLICES
from streams.kafka.batch_producer import AROUND_BYTES, BATCH_BYTES, BatchProducer, Message
from streams.settings import Settings


class Producer:
    """Acknowledges everything."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, int]] = []
        self.create_batch = AIOKafkaProducer(max_batch_size=BATCH_BYTES).create_batch  # never started

    async def send_batch(self, batch: Any, topic: str, partition: int) -> asyncio.Future[None]:
        self.sent.append((topic, batch.record_count()))
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done


def sent(topic: str, size: int) -> list[tuple[str, int]]:
    async def send() -> list[tuple[str, int]]:
        producer, client = BatchProducer(Settings(prefix="x-")), Producer()
        producer._producer = client
        await producer.send([Message(topic, 0, b"k", b"small"), Message(topic, 0, b"", b"v" * size)])
        return client.sent

    return asyncio.run(send())


@pytest.mark.parametrize(("topic", "largest"), [(SLICES, OWN_MESSAGE_BYTES), (DEAD_LETTERS, DEAD_LETTER_MESSAGE_BYTES)])
def test_a_message_that_its_topic_would_refuse_is_a_fault_before_it_is_sent(topic: str, largest: int) -> None:
    assert sent(f"x-{topic}", largest - AROUND_BYTES) == [(f"x-{topic}", 1), (f"x-{topic}", 1)]
    with pytest.raises(Fault, match=f"for x-{topic}-0 is larger than the topic takes"):
        sent(f"x-{topic}", largest - AROUND_BYTES + 1)
