"""The topic `slices` is conversion's state: what compaction leaves of it must still be all of it.

Compaction keeps the last record of a key and not the one with the largest version, so a zombie's late word could win.
Here the log cleaner is made to run over a topic that zombies have written to, everything that conversion has landed is
thrown away, and conversion builds it anew from what is left.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType

from schemas.topics import CHECKPOINTS, SLICES
from streams.commands.audit import audit_with, describe
from streams.commands.topics import plan_of
from streams.producers.topics import create_topics
from tests.chaos.world import World

EAGER: Final = {"segment.ms": "1000", "min.cleanable.dirty.ratio": "0.001", "min.compaction.lag.ms": "0"}
COMPACTED_WITHIN: Final = 120.0
CONVERSION: Final = ("conversion-1", "conversion-2")


def rebuild_from_compacted(world: World) -> list[str]:
    """What went wrong, in sentences; empty: nothing."""
    before = _records(world)
    _compact_eagerly(world)
    deadline = time.monotonic() + COMPACTED_WITHIN
    # Workers tick every two seconds, so segments roll; the cleaner looks every 15 s.
    while (after := _records(world)) >= before:
        if time.monotonic() > deadline:
            return [f"the log cleaner did not run within {COMPACTED_WITHIN:.0f} s: {before} records, still {after}"]
        time.sleep(3)
    for name in CONVERSION:
        world.stack.stop_child(name)
    _forget_marks(world)
    for table in ("conversions", "watermarks"):
        _command(world, f"TRUNCATE TABLE {table}")
    for name in CONVERSION:
        world.stack.restart_child(name)
    result = audit_with(world.settings, 120.0)
    print(f"chaos: slices compacted from {before:,} to {after:,} records, conversion rebuilt from them", flush=True)
    return [] if result.equal else [f"rebuilt from compacted slices: {describe(result)}"]


def _command(world: World, sql: str) -> None:
    from streams.store import connect

    connect(world.settings.store).command(sql)


def _compact_eagerly(world: World) -> None:
    """These settings and no others are altered: what `groundswell topics` has set stays."""
    admin = KafkaAdminClient(bootstrap_servers=world.settings.brokers)
    try:
        resource = ConfigResource(ConfigResourceType.TOPIC, world.settings.topic(SLICES), configs=dict(EAGER))
        admin.alter_configs([resource], incremental=True)
    finally:
        admin.close()


def _records(world: World) -> int:
    """How many records the topic `slices` holds."""
    return asyncio.run(_count(world))


async def _count(world: World) -> int:
    consumer: Any = AIOKafkaConsumer(bootstrap_servers=world.settings.brokers, enable_auto_commit=False)
    await consumer.start()
    number = 0
    try:
        places = [TopicPartition(world.settings.topic(SLICES), at) for at in range(world.settings.partitions)]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        await consumer.seek_to_beginning(*places)
        open_places = {place for place in places if ends[place] > 0}
        while open_places:
            found = await consumer.getmany(*open_places, timeout_ms=1000, max_records=5000)
            number += sum(map(len, found.values()))
            for place in list(open_places):
                if await consumer.position(place) >= ends[place]:
                    open_places.discard(place)
    finally:
        await consumer.stop()
    return number


def _forget_marks(world: World) -> None:
    """Without marks conversion says everything anew; saved states go with them, so attribution folds anew too."""
    for name in ("attribution-1", "attribution-2", "attribution-3"):
        world.stack.stop_child(name)
    admin = KafkaAdminClient(bootstrap_servers=world.settings.brokers)
    name = world.settings.topic(CHECKPOINTS)
    try:
        admin.delete_topics([name])
        deadline = time.monotonic() + 30
        while name in admin.list_topics() and time.monotonic() < deadline:
            time.sleep(0.2)
    finally:
        admin.close()
    create_topics(plan_of(world.settings))
    for worker in ("attribution-1", "attribution-2", "attribution-3"):
        world.stack.restart_child(worker)
