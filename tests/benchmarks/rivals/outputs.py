"""What lies on the broker: a log, read back for the truth, and the last values that a contestant wrote."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final, NamedTuple

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas import slices
from schemas.slices import INFLUENCER, Slice
from tests.benchmarks.rivals.topics import PARTITIONS
from tests.benchmarks.rivals.truth import Values

QUIET_SECONDS: Final = 20.0
COUNTS: Final = ("impressions", "clicks", "donations", "cents")


class Output(NamedTuple):
    """What a contestant wrote: last values, how many records, the broker's time of the last one (epoch seconds)."""

    values: Values
    records: int
    last: float


def values_of_topic(brokers: str, topic: str) -> Iterator[bytes]:
    """Every value, each partition in its order.

    Not held in memory: pieces come out of an event loop of their own.
    """
    loop = asyncio.new_event_loop()
    records = _records(brokers, topic)
    try:
        while True:
            try:
                piece = loop.run_until_complete(records.__anext__())
            except StopAsyncIteration:
                return
            for record in piece:
                yield record.value
    finally:
        loop.run_until_complete(records.aclose())  # type: ignore[attr-defined]
        loop.close()


def output_of_rival(brokers: str, topic: str) -> Output:
    """Keys are `influencer|minute`, or that and `|partition`: then the partitions are summed up."""
    return asyncio.run(_output_of_rival(brokers, topic))


async def _output_of_rival(brokers: str, topic: str) -> Output:
    newest: dict[bytes, bytes] = {}
    number, last = 0, 0
    async for piece in _records(brokers, topic):
        number += len(piece)
        for record in piece:
            newest[record.key] = record.value
            last = max(last, record.timestamp)
    values: Values = {}
    for key, value in newest.items():
        counts = msgspec.json.decode(value)
        _add(values, "|".join(key.decode().split("|")[:2]), [counts[name] for name in COUNTS])
    return Output(values, number, last / 1000)


def output_of_groundswell(brokers: str, topic: str) -> Output:
    """The last value is the one with the largest version; source partitions are summed up."""
    return asyncio.run(_output_of_groundswell(brokers, topic))


async def _output_of_groundswell(brokers: str, topic: str) -> Output:
    newest: dict[tuple[str, int, int], Slice] = {}
    number, last = 0, 0
    async for piece in _records(brokers, topic):
        number += len(piece)
        for record in piece:
            said = slices.decode(record.value)
            if isinstance(said, Slice) and said.dimension == INFLUENCER:
                last = max(last, record.timestamp)
                key = (said.member, said.end, said.source_partition)
                if key not in newest or newest[key].version <= said.version:
                    newest[key] = said
    values: Values = {}
    for (member, end, _), said in newest.items():
        counts = dict(zip(slices.COUNTS, said.counts, strict=True))
        impressions = sum(number for name, number in counts.items() if name.startswith("impressions_"))
        cents = sum(gross for gross, _, _ in said.money.values())
        _add(values, f"{member}|{end // 60 - 1}", [impressions, counts["clicks"], counts["donations"], cents])
    return Output(values, number, last / 1000)


def _add(values: Values, key: str, counts: list[int]) -> None:
    into = values.setdefault(key, [0, 0, 0, 0])
    for place, number in enumerate(counts):
        into[place] += number


async def _records(brokers: str, topic: str) -> AsyncIterator[list[Any]]:
    """The records of a topic, in pieces, from its beginning to its present end."""
    consumer = AIOKafkaConsumer(bootstrap_servers=brokers, enable_auto_commit=False, auto_offset_reset="earliest")
    await consumer.start()
    try:
        places = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        while any([await consumer.position(place) < end for place, end in ends.items()]):
            found = await asyncio.wait_for(consumer.getmany(timeout_ms=500, max_records=20_000), QUIET_SECONDS)
            for piece in found.values():
                yield piece
    finally:
        await consumer.stop()
