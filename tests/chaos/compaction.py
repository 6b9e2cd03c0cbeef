"""The topic `slices` is conversion's state: what compaction leaves of it must still be all of it.

Compaction keeps the last record of a key and not the one with the largest version, so a zombie's late word could win.
Here the log cleaner is made to run over a topic that zombies have written to, everything that conversion has landed is
thrown away, and conversion builds it anew from what is left.
"""

from __future__ import annotations

import time
from typing import Final

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType

from schemas.topics import CHECKPOINTS, SLICES
from streams.clickhouse.client import connect
from streams.commands.audit import audit_with, describe
from tests.chaos.world import BROKERS, World

EAGER: Final = {"segment.ms": "1000", "min.cleanable.dirty.ratio": "0.001", "min.compaction.lag.ms": "0"}
LOOK_OFTEN: Final = {"log.cleaner.backoff.ms": "1000"}  # of the brokers; the default is 15 s
COMPACTED_WITHIN: Final = 120.0
REBUILT_WITHIN: Final = 180.0
SILENT_FOR: Final = 30.0
ATTRIBUTION: Final = ("attribution-1", "attribution-2", "attribution-3")
CONVERSION: Final = ("conversion-1", "conversion-2")
SINK: Final = "sink-1"


def rebuild_from_compacted(world: World) -> list[str]:
    """What went wrong, in sentences; empty: nothing."""
    before = _records(world)
    _compact_eagerly(world)
    deadline = time.monotonic() + COMPACTED_WITHIN
    # Workers tick every two seconds, so segments roll.
    while not 0 < (after := _records(world)) < before:
        if time.monotonic() > deadline:
            return [f"the log cleaner did not run within {COMPACTED_WITHIN:.0f} s: {before} records, now {after}"]
        time.sleep(1)
    # With attribution at rest nobody says a slice again: what is rebuilt comes from the compacted log alone.
    for name in (*ATTRIBUTION, *CONVERSION):
        world.stack.stop_child(name)
    _forget_marks(world)
    store = connect(world.settings.store)
    for table in ("conversions", "watermarks"):
        store.command(f"TRUNCATE TABLE {table}")
    for name in CONVERSION:
        world.stack.restart_child(name)
    deadline = time.monotonic() + REBUILT_WITHIN
    while not (result := audit_with(world.settings, 20.0)).equal and time.monotonic() < deadline:
        world.tend((*CONVERSION, SINK))
    rows = f"{sum(result.compared.values()):,} rows compared"
    print(f"chaos: slices compacted from {before:,} to {after:,} records, conversion rebuilt: {rows}", flush=True)
    return [] if result.equal else [f"rebuilt from compacted slices: {describe(result)}"]


def _compact_eagerly(world: World) -> None:
    """These settings and no others are altered: what `groundswell topics` has set stays."""
    admin = KafkaAdminClient(bootstrap_servers=world.settings.brokers)
    try:
        resource = ConfigResource(ConfigResourceType.TOPIC, world.settings.topic(SLICES), configs=dict(EAGER))
        brokers = [ConfigResource(ConfigResourceType.BROKER, str(n), configs=dict(LOOK_OFTEN)) for n in BROKERS]
        admin.alter_configs([resource, *brokers], incremental=True)
    finally:
        admin.close()


def _records(world: World) -> int:
    """How many records the topic `slices` holds.

    Raises:
        TimeoutError: the broker fell silent before the end.
    """
    places = _places(world, SLICES)
    consumer = KafkaConsumer(bootstrap_servers=world.settings.brokers, enable_auto_commit=False)
    number, news = 0, time.monotonic()
    try:
        consumer.assign(places)
        ends = consumer.end_offsets(places)
        for place, begin in consumer.beginning_offsets(places).items():
            consumer.seek(place, begin)
        while any(consumer.position(place) < ends[place] for place in places):
            found = sum(map(len, consumer.poll(timeout_ms=500).values()))
            number += found
            if found:
                news = time.monotonic()
            elif time.monotonic() - news > SILENT_FOR:
                raise TimeoutError(f"the end of the topic {SLICES} was not reached")
    finally:
        consumer.close()
    return number


def _forget_marks(world: World) -> None:
    """Without marks conversion says everything anew."""
    admin = KafkaAdminClient(bootstrap_servers=world.settings.brokers)
    try:
        admin.delete_records(dict.fromkeys(_places(world, CHECKPOINTS), -1))
    finally:
        admin.close()


def _places(world: World, topic: str) -> list[TopicPartition]:
    return [TopicPartition(world.settings.topic(topic), number) for number in range(world.settings.partitions)]
