"""Reading the logs and the whole audit, on the embedded broker and on Apache Kafka."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterable, Sequence

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from audit_landing import landed
from audit_store import Store
from audit_story import CAMPAIGNS, PARTITIONS, Log

from schemas.errors import Fault
from schemas.topics import SOURCES
from streams.audit import LogRecord, Place, audit, read_logs


@pytest.fixture(params=["tansu", pytest.param("apache_kafka", marks=pytest.mark.kafka)])
def kafka(request: pytest.FixtureRequest) -> str:
    broker = request.getfixturevalue(request.param)
    return str(getattr(broker, "bootstrap", broker))


async def _create(kafka: str, names: Sequence[str], partitions: int = PARTITIONS) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    # Kafka deletes what is older than its retention, and these stories are of another year.
    kept = {"retention.ms": "-1", "max.message.bytes": "4194304"}
    await admin.create_topics([NewTopic(name, partitions, 1, topic_configs=kept) for name in names])
    # The answer comes before every broker knows.
    while not set(names) <= set(await admin.list_topics()):
        await asyncio.sleep(0.05)
    await admin.close()


async def _send(kafka: str, prefix: str, records: Iterable[LogRecord]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=kafka, max_request_size=4_194_304)
    await producer.start()
    for record in records:
        await producer.send(
            prefix + record.topic,
            record.value,
            record.key,
            record.partition,
            timestamp_ms=record.record_time_ms,
            headers=list(record.headers),
        )
    await producer.flush()
    await producer.stop()


def _fill(kafka: str, prefix: str, records: Iterable[LogRecord] = ()) -> None:
    async def work() -> None:
        await _create(kafka, [prefix + topic for topic in SOURCES])
        await _send(kafka, prefix, records)

    asyncio.run(work())


def test_every_record_is_read_as_it_was_sent(kafka: str, prefix: str, appeal: Log) -> None:
    appeal.records.append(
        LogRecord("clicks", 3, _end(appeal, "clicks", 3), b"k", b"x" * 2_000_000, 1000, (("h", b"1"),))
    )
    _fill(kafka, prefix, appeal.records)
    logs = read_logs(kafka, prefix=prefix, partitions=PARTITIONS)
    assert sorted(logs.records, key=_place) == sorted(appeal.records, key=_place)
    assert len(logs.spans) == 4 * PARTITIONS
    assert logs.spans[Place("clicks", 3)].end == _end(appeal, "clicks", 3)
    assert logs.trimmed() == {}


def test_a_log_of_many_batches_is_read_to_its_high_watermark(kafka: str, prefix: str, log: Log) -> None:
    """ListOffsets of the embedded broker says 6 here: the start of the last batch plus one."""
    for minute in range(12):
        log.click("r1", at=minute)
    _fill(kafka, prefix, log.records[:5])
    asyncio.run(_send(kafka, prefix, log.records[5:]))
    assert len(read_logs(kafka, prefix=prefix).records) == 12


def test_reading_on_gives_the_old_records_and_the_new_ones_once(kafka: str, prefix: str, log: Log) -> None:
    for minute in range(9):
        log.click(f"r{minute}", at=minute)
    _fill(kafka, prefix, log.records[:4])
    first = read_logs(kafka, prefix=prefix)
    asyncio.run(_send(kafka, prefix, log.records[4:]))
    both = read_logs(kafka, prefix=prefix, after=first)
    assert sorted(both.records, key=_place) == sorted(log.records, key=_place)
    assert read_logs(kafka, prefix=prefix, after=both) == both


def test_empty_logs_are_read_at_once(kafka: str, prefix: str) -> None:
    _fill(kafka, prefix)
    began = time.monotonic()
    assert read_logs(kafka, prefix=prefix).records == []
    assert time.monotonic() - began < 20


def test_a_missing_topic_is_a_fault_and_is_not_created(kafka: str, prefix: str) -> None:
    for _ in range(2):
        with pytest.raises(Fault, match=f"the topic {prefix}shares is not there"):
            read_logs(kafka, prefix=prefix)


def test_unequal_partition_counts_are_a_fault(kafka: str, prefix: str) -> None:
    asyncio.run(_create(kafka, [prefix + topic for topic in SOURCES[:3]]))
    asyncio.run(_create(kafka, [prefix + SOURCES[3]], partitions=3))
    with pytest.raises(Fault, match="has 3 partitions, 4 expected"):
        read_logs(kafka, prefix=prefix)


def test_an_unreachable_broker_is_a_fault() -> None:
    with pytest.raises(Fault, match="Check the address and that the broker is up"):
        read_logs("127.0.0.1:1")


def test_a_log_and_its_rows_are_equal(kafka: str, prefix: str, store: Store, appeal: Log) -> None:
    _fill(kafka, prefix, appeal.records)
    store.land(landed(appeal))
    result = audit(kafka, store.client, CAMPAIGNS, prefix, PARTITIONS)
    assert result.differences == []
    assert result.compared["records"] == len(appeal.records)


def test_an_audit_that_waits_sees_what_lands_later(tansu: str, prefix: str, store: Store, appeal: Log) -> None:
    _fill(tansu, prefix, appeal.records)
    tables = landed(appeal)
    last = tables["conversions"].pop()
    store.land(tables)
    assert not audit(tansu, store.client, CAMPAIGNS, prefix).equal
    late = threading.Timer(2, store.insert, ("conversions", [last]))
    late.start()
    assert audit(tansu, store.client, CAMPAIGNS, prefix, wait=60).equal
    late.join()


def test_an_audit_sees_events_that_come_while_it_waits(tansu: str, prefix: str, store: Store, appeal: Log) -> None:
    _fill(tansu, prefix, appeal.records[:10])
    store.land(landed(appeal))
    rest = threading.Timer(2, lambda: asyncio.run(_send(tansu, prefix, appeal.records[10:])))
    rest.start()
    assert audit(tansu, store.client, CAMPAIGNS, prefix, wait=60).equal
    rest.join()


def _place(record: LogRecord) -> tuple[str, int, int]:
    return record[:3]


def _end(log: Log, topic: str, partition: int) -> int:
    return sum(record[:2] == (topic, partition) for record in log.records)
