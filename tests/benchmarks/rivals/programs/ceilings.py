"""What no fold can be quicker than: `aiokafka` reads the log and throws it away, `msgspec` decodes it and no more."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.events import EVENTS
from tests.benchmarks.rivals.programs import job

AT_ONCE = 5000


async def read_all(keep: list[Any] | None) -> int:
    """Records of the log; `keep`: where topic and value of each go."""
    consumer = AIOKafkaConsumer(bootstrap_servers=job.BROKER, group_id=None, auto_offset_reset="earliest")
    await consumer.start()
    consumer.assign([TopicPartition(topic, number) for topic in job.TOPICS for number in range(job.PARTITIONS)])
    read = 0
    while read < job.EVENTS:
        for place, records in (await consumer.getmany(timeout_ms=200, max_records=AT_ONCE)).items():
            read += len(records)
            if keep is None:
                job.taken(len(records))
            else:
                keep += [(place.topic.removeprefix(job.PREFIX), record.value) for record in records]
    return read


def decode(records: list[Any]) -> None:
    decoders = {topic: msgspec.json.Decoder(event).decode for topic, event in EVENTS.items()}
    for start in range(0, len(records), AT_ONCE):
        piece = records[start : start + AT_ONCE]
        job.taken(len(piece))
        for topic, value in piece:
            decoders[topic](value)


def main() -> None:
    if sys.argv[1] == "aiokafka":
        asyncio.run(_throw_away())
    else:
        records: list[Any] = []
        asyncio.run(read_all(records))
        decode(records)
        job.finished()


async def _throw_away() -> None:
    await read_all(None)
    job.finished()


if __name__ == "__main__":
    main()
