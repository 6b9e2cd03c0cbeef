"""A filled log: one million events in four topics, as a large appeal would have them.

2 % shares, 70 % impressions, 26 % clicks, 2 % donations; 20,000 referrals of 2,000 influencers, 1 % duplicates, 5 %
late.  Events carry the contract's fields and nothing else; everything is drawn from one seed.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from uuid import UUID

import msgspec
from aiokafka import AIOKafkaProducer

from schemas.events import Click, Donation, Event, Impression, Share
from schemas.partitioning import partition_of
from schemas.times import parse_ms, rfc3339
from schemas.topics import CLICKS, DONATIONS, IMPRESSIONS, SHARES

START_MS = parse_ms("2026-03-12T18:00:00Z")
SPAN_MS = 48 * 3_600_000
REFERRALS = 20_000
INFLUENCERS = 2_000
MIX = ((SHARES, 2), (IMPRESSIONS, 70), (CLICKS, 26), (DONATIONS, 2))
CAMPAIGN = "door"


def events(number: int, seed: int = 1) -> Iterator[tuple[str, Event, int]]:
    """Topic, event and record time (epoch milliseconds), by record time."""
    dice = random.Random(seed)
    owners = draw_owners(dice)
    topics = [topic for topic, share in MIX for _ in range(share)]
    earlier: list[tuple[str, Event]] = []
    for index in range(number):
        record_ms = START_MS + SPAN_MS * index // number
        if earlier and dice.random() < 0.01:
            topic, event = dice.choice(earlier)
            yield topic, event, record_ms
            continue
        topic = dice.choice(topics)
        late = dice.random() < 0.05
        occurred_ms = record_ms - (dice.randrange(360_000, 18_000_000) if late else dice.randrange(3_000))
        event = draw(dice, topic, owners, occurred_ms)
        if index % 50 == 0:
            earlier.append((topic, event))
        yield topic, event, record_ms


def draw_owners(dice: random.Random) -> list[str]:
    """Whose each referral is: few influencers have most of them."""
    return [f"influencer-{min(int(dice.paretovariate(0.7)), INFLUENCERS)}" for _ in range(REFERRALS)]


def draw(dice: random.Random, topic: str, owners: list[str], occurred_ms: int) -> Event:
    """A new event of a topic; `owners` are the influencers of all referrals."""
    referral = dice.randrange(REFERRALS)
    event_id = str(UUID(int=dice.getrandbits(128), version=4))
    envelope = (event_id, CAMPAIGN, f"referral-{referral}", rfc3339(occurred_ms), 1)
    if topic == SHARES:
        return Share(*envelope, owners[referral], "blog", "original", 100, "strong")
    if topic == IMPRESSIONS:
        return Impression(*envelope, dice.choice((1, 1, 2, 5, 40)), "measured")
    if topic == CLICKS:
        return Click(*envelope, f"visitor-{dice.getrandbits(40):x}")
    return Donation(*envelope, f"gift-{event_id}", "donation", "25.00", "USD", "weak")


async def fill(brokers: str, number: int, partitions: int) -> None:
    """Write the events, in batches of the client's own, as fast as it goes."""
    await write(brokers, events(number), partitions)


async def write(brokers: str, stream: Iterable[tuple[str, Event, int]], partitions: int, prefix: str = "") -> None:
    """Write topic, event and record time (epoch milliseconds) of each, in that order within a partition."""
    producer = AIOKafkaProducer(bootstrap_servers=brokers, acks="all", max_batch_size=512 * 1024)
    await producer.start()
    try:
        builders = {}
        futures = []
        for topic, event, record_ms in stream:
            key = (event.referral_id or "").encode()
            home = (prefix + topic, partition_of(key, partitions))
            value = msgspec.json.encode(event)
            builder = builders.setdefault(home, producer.create_batch())
            if builder.append(key=key, value=value, timestamp=record_ms) is None:
                futures.append(await producer.send_batch(builder, home[0], partition=home[1]))
                builders[home] = producer.create_batch()
                builders[home].append(key=key, value=value, timestamp=record_ms)
        for (topic, partition), builder in builders.items():
            futures.append(await producer.send_batch(builder, topic, partition=partition))
        for future in futures:
            await future
    finally:
        await producer.stop()
