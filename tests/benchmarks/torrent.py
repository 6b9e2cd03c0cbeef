"""A producer that is faster than the workers: good events of now, 1 % of them twice, from one seed a run.

`python -m tests.benchmarks.torrent` sends so many events a second until its time or number is up, or until SIGTERM, and
writes how many different events of each topic it has sent: what must be in the store in the end.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any, Final

import msgspec
from aiokafka import AIOKafkaProducer

from schemas.partitioning import partition_of
from tests.benchmarks.fill import MIX, REFERRALS, draw, draw_owners

PULSE_SECONDS: Final = 0.05
REMEMBERED: Final = 1000  # a duplicate is one of so many


async def pour(brokers: str, partitions: int, options: argparse.Namespace, stopping: list[int]) -> Counter[str]:
    """Send; the number of different events by topic."""
    dice = random.Random(options.seed)
    owners = draw_owners(random.Random(0))  # the same in every run: a referral has one owner
    topics = [topic for topic, share in MIX for _ in range(share)]
    homes = [partition_of(f"referral-{number}".encode(), partitions) for number in range(REFERRALS)]
    earlier: list[tuple[str, int, bytes, bytes]] = []
    good: Counter[str] = Counter()
    producer = AIOKafkaProducer(bootstrap_servers=brokers, acks="all", max_batch_size=512 * 1024)
    await producer.start()
    try:
        begun, sent = time.monotonic(), 0
        while not stopping and sent < options.events and time.monotonic() - begun < options.seconds:
            due = min(options.events, int((time.monotonic() - begun) * options.rate))
            now_ms = int(time.time() * 1000)
            records = []
            for _ in range(min(due - sent, int(options.rate))):
                if earlier and dice.random() < 0.01:
                    records.append(dice.choice(earlier))
                    continue
                topic = dice.choice(topics)
                late_ms = dice.randrange(900_000) if dice.random() < 0.02 else dice.randrange(3_000)
                event = draw(dice, topic, owners, now_ms - late_ms)
                key = (event.referral_id or "").encode()
                record = (topic, homes[int(key[9:])], key, msgspec.json.encode(event))
                good[topic] += 1
                records.append(record)
                if len(earlier) < REMEMBERED:
                    earlier.append(record)
            await send(producer, records, now_ms)
            sent += len(records)
            await asyncio.sleep(PULSE_SECONDS)
    finally:
        await producer.stop()
    return good


async def send(producer: Any, records: list[tuple[str, int, bytes, bytes]], now_ms: int) -> None:
    """Write the records and wait until they are acknowledged."""
    builders: dict[tuple[str, int], Any] = {}
    futures = []
    for topic, partition, key, value in records:
        home = (topic, partition)
        builder = builders.get(home) or builders.setdefault(home, producer.create_batch())
        if builder.append(key=key, value=value, timestamp=now_ms) is None:
            futures.append(await producer.send_batch(builder, topic, partition=partition))
            builders[home] = builder = producer.create_batch()
            builder.append(key=key, value=value, timestamp=now_ms)
    for (topic, partition), builder in builders.items():
        futures.append(await producer.send_batch(builder, topic, partition=partition))
    for future in futures:
        await future


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--brokers", required=True)
    parser.add_argument("--partitions", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True, help="events a second")
    parser.add_argument("--events", type=int, required=True, help="at most")
    parser.add_argument("--seconds", type=float, required=True, help="at most")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    stopping: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopping.append(number))
    good = asyncio.run(pour(options.brokers, options.partitions, options, stopping))
    options.out.write_text(json.dumps(good))
    return 0


if __name__ == "__main__":
    sys.exit(main())
