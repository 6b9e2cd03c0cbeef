"""Sending and topics on a broker: one contract, both brokers."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator

import pytest
from door_fold import codec
from kafka import KafkaConsumer, TopicPartition

from schemas.errors import Fault
from schemas.partitioning import partition_of
from schemas.topics import CLICKS, HEARTBEATS, SOURCES, TOPICS
from streams.producers import door
from streams.producers.outgoing import Outgoing
from streams.producers.player import play
from streams.producers.send import send_lines
from streams.producers.sender import Sender
from streams.producers.topic_rules import Plan
from streams.producers.topics import check_topics, create_topics

NOW_MS = door.START_MS + 3_600_000


@pytest.fixture(params=["tansu", pytest.param("apache_kafka", marks=pytest.mark.kafka)])
def plan(request: pytest.FixtureRequest, prefix: str) -> Plan:
    broker = request.getfixturevalue(request.param)
    bootstrap = broker if isinstance(broker, str) else broker.bootstrap
    return Plan(tuple(bootstrap.split(",")), prefix=prefix, retention_days=-1)


@pytest.fixture
def sender(plan: Plan) -> Iterator[Sender]:
    create_topics(plan)
    with Sender(plan.brokers, plan.prefix) as sender:
        yield sender


def _read(plan: Plan, topic: str, count: int) -> list:
    """All records of a topic, waiting at most 20 s for as many as are expected."""
    consumer = KafkaConsumer(bootstrap_servers=list(plan.brokers), auto_offset_reset="earliest", group_id=None)
    consumer.assign([TopicPartition(plan.name(topic), number) for number in range(plan.partitions)])
    records: list = []
    deadline = time.monotonic() + 20
    while len(records) < count and time.monotonic() < deadline:
        for batch in consumer.poll(500).values():
            records += batch
    consumer.close()
    return records


def _click(number: int, **changes: object) -> bytes:
    fields = {
        "event_id": f"00000000-0000-4000-8000-{number:012d}",
        "campaign_id": "door",
        "referral_id": f"door-{number:04d}",
        "occurred_at": "2026-03-12T18:30:00Z",
        "schema_version": 1,
    }
    return json.dumps({**fields, **changes}).encode()


def test_topics_are_created_once_and_then_found_right(plan: Plan) -> None:
    created = create_topics(plan)
    assert [(finding.topic, finding.partitions) for finding in created] == [
        (plan.name(topic.name), 4) for topic in TOPICS
    ]
    assert {finding.state for finding in created} == {"created"}
    again = create_topics(plan)
    assert {finding.state for finding in again} <= {"right", "cannot tell"}
    assert check_topics(plan) == again


def test_missing_topics_are_refused_by_the_check_and_by_the_sender(plan: Plan) -> None:
    with pytest.raises(Fault, match="does not exist"):
        check_topics(plan)
    with Sender(plan.brokers, plan.prefix) as sender, pytest.raises(Fault, match="groundswell topics"):
        sender.send(Outgoing(CLICKS, None, b"r", b"{}", NOW_MS))


def test_topics_of_another_number_of_partitions_are_refused(plan: Plan) -> None:
    create_topics(plan)
    with pytest.raises(Fault, match="GROUNDSWELL_PARTITIONS=4"):
        check_topics(Plan(plan.brokers, plan.prefix, partitions=6))


@pytest.mark.slow
def test_the_whole_appeal_arrives_as_it_was_made(plan: Plan, sender: Sender) -> None:
    records = list(door.records())
    summary = play(records, sender, campaign_id="door", until_ms=door.TAIL_END_MS)
    made = Counter(record.topic for record in records)
    assert {topic: counts.acknowledged for topic, counts in summary.items() if topic in SOURCES} == made
    assert all(counts.failed == 0 and counts.sent == counts.acknowledged for counts in summary.values())
    for topic in SOURCES:
        arrived = _read(plan, topic, made[topic])
        sent = [record for record in records if record.topic == topic]
        assert Counter((record.key, record.value or b"", record.timestamp) for record in arrived) == Counter(
            (record.key, record.value, record.record_time_ms) for record in sent
        )
    beats = _read(plan, HEARTBEATS, summary[HEARTBEATS].acknowledged)
    newest = {partition: max(b.timestamp for b in beats if b.partition == partition) for partition in range(4)}
    assert set(newest.values()) == {door.TAIL_END_MS}


def test_records_of_a_partition_keep_their_order(plan: Plan, sender: Sender) -> None:
    records = [Outgoing(CLICKS, None, b"one key", str(number).encode(), NOW_MS) for number in range(3_000)]
    for record in records:
        sender.send(record)
    sender.flush()
    arrived = _read(plan, CLICKS, 3_000)
    assert [int(record.value) for record in arrived] == list(range(3_000))


def test_a_sender_says_where_the_logs_end_that_it_looked_at(plan: Plan, sender: Sender) -> None:
    key = b"one key"
    partition = partition_of(key, 4)
    sender.send(Outgoing(CLICKS, None, key, b"before anybody looked", NOW_MS))
    sender.flush()
    assert sender.ends_of(partition) == {}
    with Sender(plan.brokers, plan.prefix) as second:
        second.look_at_ends(SOURCES)
        assert second.ends_of(partition) == {**dict.fromkeys(SOURCES, 0), CLICKS: 1}
        for _ in range(3):
            second.send(Outgoing(CLICKS, None, key, b"{}", NOW_MS))
        second.flush()
        assert second.ends_of(partition)[CLICKS] == 4
        assert second.ends_of((partition + 1) % 4) == dict.fromkeys(SOURCES, 0)


def test_keys_go_where_the_contract_says(plan: Plan, sender: Sender) -> None:
    for number in range(50):
        sender.send(Outgoing(CLICKS, None, f"key-{number}".encode(), b"{}", NOW_MS))
    sender.flush()
    for record in _read(plan, CLICKS, 50):
        assert record.partition == partition_of(record.key, 4)


def test_only_good_lines_are_sent_and_the_others_are_told(plan: Plan, sender: Sender) -> None:
    lines = [
        _click(1),
        b"",
        b"no json",
        _click(2, campaign_id="dor"),
        _click(3, referral_id=None),
        _click(4) + b"\n",
    ]
    sent = send_lines(sender, CLICKS, lines, codec(), lambda: NOW_MS)
    assert [(line.number, str(line.rejection.reason)) for line in sent.refused] == [
        (3, "bad_json"),
        (4, "unknown_campaign"),
        (5, "wrong_type"),
    ]
    assert str(sent.refused[1]).startswith("line 4: unknown_campaign campaign_id='dor'; expected ")
    assert sent.exit_code == 1
    assert sent.summary[CLICKS].acknowledged == 2
    assert {record.value for record in _read(plan, CLICKS, 2)} == {_click(1), _click(4)}


@pytest.mark.parametrize("checks", [True, False])
def test_a_byte_order_mark_before_a_line_is_not_sent(plan: Plan, sender: Sender, checks: bool) -> None:
    lines = [b"\xef\xbb\xbf" + _click(1) + b"\r\n", b"\xef\xbb\xbf\r\n", b"\xef\xbb\xbf" + _click(2)]
    sent = send_lines(sender, CLICKS, lines, codec() if checks else None, lambda: NOW_MS)
    assert sent.refused == []
    assert {record.value for record in _read(plan, CLICKS, 2)} == {_click(1), _click(2)}


def test_unchecked_lines_are_sent_as_they_are(plan: Plan, sender: Sender) -> None:
    lines = [_click(1), b"no json", _click(2, referral_id=7)]
    sent = send_lines(sender, CLICKS, lines, None, lambda: NOW_MS)
    assert sent.exit_code == 0
    arrived = _read(plan, CLICKS, 3)
    assert {record.value: record.key for record in arrived} == {
        lines[0]: b"door-0001",
        lines[1]: None,
        lines[2]: None,
    }


def test_a_topic_that_is_no_source_is_refused(sender: Sender) -> None:
    with pytest.raises(Fault, match="no topic for events"):
        send_lines(sender, HEARTBEATS, [b"{}"], None)


def test_a_record_that_is_too_large_is_fatal_and_counted(sender: Sender) -> None:
    with pytest.raises(Fault, match="not acknowledged"):
        sender.send(Outgoing(CLICKS, None, b"r", b"x" * (9 * 1024 * 1024), NOW_MS))
    assert sender.summary[CLICKS].failed == 1


def test_few_in_flight_still_send_everything(plan: Plan) -> None:
    create_topics(plan)
    told: list[int] = []
    with Sender(plan.brokers, plan.prefix, in_flight=7, on_acknowledged=told.append) as sender:
        for number in range(200):
            sender.send(Outgoing(CLICKS, None, b"r", str(number).encode(), NOW_MS))
    assert sender.summary[CLICKS].acknowledged == 200
    assert told[-1] == 200


@pytest.mark.slow
@pytest.mark.parametrize("address", ["127.0.0.1:1", "no-such-host.invalid:9092"])
def test_nobody_there_is_said_within_fifteen_seconds(address: str) -> None:
    started = time.monotonic()
    with pytest.raises(Fault, match="no broker answers at"):
        Sender([address])
    assert time.monotonic() - started < 15
