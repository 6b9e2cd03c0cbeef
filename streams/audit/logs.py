"""Read the four source logs from their beginning to their end, without a group and without leaving a trace.

The end of a log is the high watermark of a fetch.  `end_offsets` is not asked: an embedded broker answers it with
the start of the last batch plus one, and an audit that stops there would miss what it is there to find.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from schemas.errors import Fault
from schemas.skips import Skip, Skips
from schemas.skips import decode as decode_skip
from schemas.topics import SKIPS, SOURCE_MESSAGE_BYTES, SOURCES
from streams.audit.records import LogRecord, Logs, Place, Span
from streams.kafka.records import Damaged, RangeMarker, damage_fault, read_records_safely

_log: Final = logging.getLogger("groundswell.audit")

# A message of the largest allowed size and its batch must fit into one fetch.
FETCH_BYTES: Final = 2 * SOURCE_MESSAGE_BYTES
POLL_MS: Final = 100
# No record and no watermark for this long, while there is something to read: the broker is gone.
PATIENCE_SECONDS: Final = 30.0
COUNTING_ROLE: Final = "attribution"  # whose skips the counts follow


def read_logs(
    kafka: str,
    *,
    prefix: str = "",
    partitions: int | None = None,
    security: Mapping[str, Any] | None = None,
    after: Logs | None = None,
) -> Logs:
    """All records of the source topics, up to the end that each log has when it is first fetched.

    Args:
        kafka: bootstrap servers, `host:port[,host:port]`.
        prefix: what stands before the name of every topic.
        partitions: how many each source topic must have; None takes what the first one has.
        security: further arguments of the client (`security_protocol`, `sasl_mechanism`, ...).
        after: what was read before; only what has come since is fetched, and both are given back.

    Raises:
        Fault: no broker, a topic is not there, the partition counts differ, the broker falls silent, or a log holds
            what cannot be read and no operator has skipped.
    """
    try:
        return asyncio.run(_read(kafka, prefix, partitions, dict(security or {}), after))
    except (KafkaError, OSError) as error:
        raise Fault(
            "kafka", f"{kafka}: {error or type(error).__name__}", "Check the address and that the broker is up."
        ) from error


async def _read(kafka: str, prefix: str, partitions: int | None, security: dict[str, Any], after: Logs | None) -> Logs:
    places, beside = await _places(kafka, prefix, partitions, security)
    read_records_safely()
    consumer = AIOKafkaConsumer(
        bootstrap_servers=kafka,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="none",
        max_partition_fetch_bytes=FETCH_BYTES,
        fetch_max_wait_ms=100,
        **security,
    )
    await consumer.start()
    try:
        skips_found = await _skips_of(consumer, beside)
        return await _drain(consumer, places, after or Logs([], {}), skips_found)
    finally:
        await consumer.stop()


async def _places(
    kafka: str, prefix: str, partitions: int | None, security: dict[str, Any]
) -> tuple[dict[TopicPartition, Place], list[TopicPartition]]:
    """The partitions of the four topics, and those of `skips`.

    A log that is not read would make every verdict a guess.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka, **security)
    await admin.start()
    try:
        # All topics are asked for: the embedded broker creates a topic that is asked for by its name.
        described = await admin.describe_topics()
    finally:
        await admin.close()
    counts = {answer["topic"]: len(answer["partitions"]) for answer in described if not answer["error_code"]}
    expected = partitions or counts.get(prefix + SOURCES[0])
    for topic in SOURCES:
        there = counts.get(prefix + topic, 0)
        if there == 0:
            raise Fault("kafka", f"the topic {prefix + topic} is not there", "Create it: groundswell topics.")
        if there != expected:
            raise Fault(
                "settings",
                f"the topic {prefix + topic} has {there} partitions, {expected} expected",
                "All source topics need the same number: groundswell topics says how to mend it.",
            )
    places = {
        TopicPartition(prefix + topic, partition): Place(topic, partition)
        for topic in SOURCES
        for partition in range(counts[prefix + topic])
    }
    return places, [TopicPartition(prefix + SKIPS, number) for number in range(counts.get(prefix + SKIPS, 0))]


async def _skips_of(consumer: AIOKafkaConsumer, tps: list[TopicPartition]) -> list[Skip]:
    """The skips of operators."""
    if not tps:
        return []
    skips_found: list[Skip] = []

    def take(tp: TopicPartition, raw: Any) -> None:
        skip = decode_skip(raw.value)
        if skip is not None and skip.partition == tp.partition:
            skips_found.append(skip)

    await _to_end(consumer, tps, await consumer.beginning_offsets(tps), take)
    return skips_found


async def _drain(
    consumer: AIOKafkaConsumer, places: dict[TopicPartition, Place], before: Logs, skips_found: list[Skip]
) -> Logs:
    first = await consumer.beginning_offsets(list(places))
    begins = {tp: _begin(before.spans.get(place), first[tp]) for tp, place in places.items()}
    known = {tp: before.spans[place].end for tp, place in places.items() if place in before.spans}
    records, skips = list(before.records), Skips.of(skips_found, COUNTING_ROLE)

    def take(tp: TopicPartition, raw: Any) -> None:
        place = places[tp]
        if isinstance(raw, Damaged):
            _accept_damage(tp, place, raw, skips)
        elif not isinstance(raw, RangeMarker) and skips.beyond(place, raw.offset) == raw.offset:
            records.append(_record(place, raw))

    ends = await _to_end(consumer, list(places), {tp: max(first[tp], known.get(tp, 0)) for tp in places}, take)
    _log.info("read %d records of %d partitions", len(records), len(places))
    return Logs(records, {place: Span(begins[tp], ends[tp]) for tp, place in places.items()}, skips_found)


def _accept_damage(tp: TopicPartition, place: Place, mark: Damaged, skips: Skips) -> None:
    """
    Raises:
        Fault: no operator has skipped it.
    """
    if skips.beyond(place, mark.first) <= mark.offset:
        raise damage_fault(place.topic, tp.topic, tp.partition, mark)


async def _to_end(
    consumer: AIOKafkaConsumer,
    tps: list[TopicPartition],
    starts: Mapping[TopicPartition, int],
    take: Callable[[TopicPartition, Any], None],
) -> dict[TopicPartition, int]:
    """Hand over everything up to the end that each log has when it is first fetched; where they end.

    Raises:
        Fault: nothing comes any more.
    """
    consumer.assign(tps)
    for tp in tps:
        consumer.seek(tp, starts[tp])
    ends: dict[TopicPartition, int] = {}
    unread = set(tps)
    loop = asyncio.get_running_loop()
    news = loop.time()
    while unread:
        batches = await consumer.getmany(timeout_ms=POLL_MS, max_records=50_000)
        for tp in unread - ends.keys():
            if (mark := consumer.highwater(tp)) is not None:
                ends[tp] = mark
                news = loop.time()
        for tp, batch in batches.items():
            for raw in batch:
                if raw.offset < ends[tp]:
                    take(tp, raw)
            news = loop.time()
        for tp in [tp for tp in unread if tp in ends and await consumer.position(tp) >= ends[tp]]:
            consumer.pause(tp)
            unread.remove(tp)
        if loop.time() - news > PATIENCE_SECONDS:
            names = ", ".join(f"{tp.topic}/{tp.partition}" for tp in sorted(unread))
            raise Fault("kafka", f"nothing comes from {names}", "Check that the broker is up and try again.")
    return ends


def _begin(known: Span | None, first: int) -> int:
    # What was read before is still in hand, even if retention has taken it from the log since.
    return first if known is None else min(known.begin, first)


def _record(place: Place, raw: Any) -> LogRecord:
    headers = tuple((name, value or b"") for name, value in raw.headers)
    return LogRecord(place.topic, place.partition, raw.offset, raw.key, raw.value, raw.timestamp, headers)
