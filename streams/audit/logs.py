"""Read the four source logs from their beginning to their end, without a group and without leaving a trace.

The end of a log is the high watermark of a fetch.  `end_offsets` is not asked: an embedded broker answers it with
the start of the last batch plus one, and an audit that stops there would miss what it is there to find.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from schemas.errors import Fault
from schemas.topics import SOURCE_MESSAGE_BYTES, SOURCES
from streams.audit.records import LogRecord, Logs, Place, Span

_log: Final = logging.getLogger("groundswell.audit")

# A message of the largest allowed size and its batch must fit into one fetch.
FETCH_BYTES: Final = 2 * SOURCE_MESSAGE_BYTES
POLL_MS: Final = 100
# No record and no watermark for this long, while there is something to read: the broker is gone.
PATIENCE_SECONDS: Final = 30.0


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
        Fault: no broker, a topic is not there, the partition counts differ, or the broker falls silent.
    """
    try:
        return asyncio.run(_read(kafka, prefix, partitions, dict(security or {}), after))
    except (KafkaError, OSError) as error:
        raise Fault(
            "kafka", f"{kafka}: {error or type(error).__name__}", "Check the address and that the broker is up."
        ) from error


async def _read(kafka: str, prefix: str, partitions: int | None, security: dict[str, Any], after: Logs | None) -> Logs:
    places = await _places(kafka, prefix, partitions, security)
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
        return await _drain(consumer, places, after or Logs([], {}))
    finally:
        await consumer.stop()


async def _places(
    kafka: str, prefix: str, partitions: int | None, security: dict[str, Any]
) -> dict[TopicPartition, Place]:
    """The partitions of the four topics; a log that is not read would make every verdict a guess."""
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
    return {
        TopicPartition(prefix + topic, partition): Place(topic, partition)
        for topic in SOURCES
        for partition in range(counts[prefix + topic])
    }


async def _drain(consumer: AIOKafkaConsumer, places: dict[TopicPartition, Place], before: Logs) -> Logs:
    consumer.assign(list(places))
    first = await consumer.beginning_offsets(list(places))
    begins = {tp: _begin(before.spans.get(place), first[tp]) for tp, place in places.items()}
    for tp, place in places.items():
        known = before.spans.get(place)
        consumer.seek(tp, max(first[tp], known.end if known else 0))

    records = list(before.records)
    ends: dict[TopicPartition, int] = {}
    unread = set(places)
    loop = asyncio.get_running_loop()
    news = loop.time()
    while unread:
        batches = await consumer.getmany(timeout_ms=POLL_MS, max_records=50_000)
        for tp in unread - ends.keys():
            if (mark := consumer.highwater(tp)) is not None:
                ends[tp] = mark
                news = loop.time()
        for tp, batch in batches.items():
            records += [_record(places[tp], raw) for raw in batch if raw.offset < ends[tp]]
            news = loop.time()
        for tp in [tp for tp in unread if tp in ends and await consumer.position(tp) >= ends[tp]]:
            consumer.pause(tp)
            unread.remove(tp)
        if loop.time() - news > PATIENCE_SECONDS:
            names = ", ".join(f"{places[tp].topic}/{places[tp].partition}" for tp in sorted(unread))
            raise Fault("kafka", f"nothing comes from {names}", "Check that the broker is up and try again.")
    _log.info("read %d records of %d partitions", len(records), len(places))
    return Logs(records, {place: Span(begins[tp], ends[tp]) for tp, place in places.items()})


def _begin(known: Span | None, first: int) -> int:
    # What was read before is still in hand, even if retention has taken it from the log since.
    return first if known is None else min(known.begin, first)


def _record(place: Place, raw: Any) -> LogRecord:
    headers = tuple((name, value or b"") for name, value in raw.headers)
    return LogRecord(place.topic, place.partition, raw.offset, raw.key, raw.value, raw.timestamp, headers)
