"""Apache Kafka on loopback: up, killed, back with what it had acknowledged; and what is said where it cannot run."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ground import ROOT
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic
from listeners import Listener
from test_stack import until

from infra.embedded.stack import EmbeddedStack
from infra.kafka import jars, properties
from infra.kafka.cluster import ApacheKafka
from infra.kafka.properties import Node
from infra.processes.ports import free_port, listens
from schemas.errors import Fault


def produce(bootstrap: str, topic: str, values: range) -> None:
    producer = KafkaProducer(bootstrap_servers=bootstrap, acks="all", retries=20, linger_ms=5)
    acknowledgements = [producer.send(topic, b"%d" % value, partition=value % 2) for value in values]
    for acknowledgement in acknowledgements:
        acknowledgement.get(60)
    producer.close()


def consume(bootstrap: str, topic: str, count: int) -> list[int]:
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    partitions = [TopicPartition(topic, number) for number in range(2)]
    consumer.assign(partitions)
    consumer.seek_to_beginning(*partitions)
    values: list[int] = []
    deadline = time.monotonic() + 30
    while len(values) < count and time.monotonic() < deadline:
        values += [int(record.value) for batch in consumer.poll(500).values() for record in batch]
    consumer.close()
    return sorted(values)


def create(bootstrap: str, topic: str, copies: int) -> None:
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.create_topics([NewTopic(topic, 2, copies)])
    admin.close()


@pytest.mark.kafka
def test_the_shared_broker_takes_records_and_large_ones_too(apache_kafka: ApacheKafka, prefix: str) -> None:
    topic = f"{prefix}up"
    create(apache_kafka.bootstrap, topic, 1)
    produce(apache_kafka.bootstrap, topic, range(100))
    assert consume(apache_kafka.bootstrap, topic, 100) == list(range(100))
    producer = KafkaProducer(bootstrap_servers=apache_kafka.bootstrap, max_request_size=8 << 20)
    producer.send(topic, bytes(7 << 20), partition=0).get(30)
    producer.close()


@pytest.mark.kafka
@pytest.mark.slow
def test_a_killed_broker_comes_back_with_every_acknowledged_record(kafka_jars: Path) -> None:
    with ApacheKafka(brokers=1) as kafka:
        create(kafka.bootstrap, "kept", 1)
        produce(kafka.bootstrap, "kept", range(500))
        kafka.kill(1)
        assert not listens(kafka.nodes[0].port)
        kafka.start_again(1)
        produce(kafka.bootstrap, "kept", range(500, 600))
        assert consume(kafka.bootstrap, "kept", 600) == list(range(600))
        folder = kafka.stack.folder
    assert not folder.exists()


@pytest.mark.faults  # chaos kills brokers among three
@pytest.mark.kafka
@pytest.mark.slow
def test_three_brokers_go_on_while_one_is_dead(kafka_jars: Path) -> None:
    with ApacheKafka(brokers=3) as kafka:
        create(kafka.bootstrap, "copied", 3)
        produce(kafka.bootstrap, "copied", range(100))
        kafka.kill(2)
        produce(kafka.bootstrap, "copied", range(100, 200))
        kafka.start_again(2)
        assert consume(kafka.bootstrap, "copied", 200) == list(range(200))
        kafka.stack.check()


@pytest.mark.kafka
@pytest.mark.slow
def test_one_command_brings_it_up_keeps_its_data_and_leaves_no_process(kafka_jars: Path, tmp_path: Path) -> None:
    port = free_port()
    command = [sys.executable, "-m", "infra.kafka", "up", "--data", str(tmp_path / "kept"), "--port", str(port)]
    for run, number in enumerate((signal.SIGINT, signal.SIGTERM)):
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == f"ready 127.0.0.1:{port}\n"
        process.stdout.close()
        if run == 0:
            create(f"127.0.0.1:{port}", "kept", 1)
            produce(f"127.0.0.1:{port}", "kept", range(10))
        assert consume(f"127.0.0.1:{port}", "kept", 10) == list(range(10))
        process.send_signal(number)
        assert process.wait(30) == 0
        assert until(lambda: not listens(port))


@pytest.mark.kafka
@pytest.mark.slow
def test_the_embedded_stack_runs_on_apache_kafka_too(kafka_jars: Path) -> None:
    with EmbeddedStack(broker="apache") as stack:
        assert stack.running() == ("kafka-1", "clickhouse")
        create(stack.kafka, "kept", 1)
        produce(stack.kafka, "kept", range(10))
        stack.kill_child("kafka-1")
        stack.restart_child("kafka-1")
        assert consume(stack.kafka, "kept", 10) == list(range(10))


def test_a_machine_without_java_is_told_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(Fault, match="needs Java"):
        ApacheKafka().start()


def test_an_old_java_is_told_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake = tmp_path / "java"
    fake.write_text("#!/bin/sh\necho 'openjdk version \"1.8.0_402\"' >&2\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(Fault, match="no Java 17"):
        jars.java()


def test_a_machine_without_maven_is_told_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv(jars.FOLDER_SETTING, raising=False)
    with pytest.raises(Fault, match="no Maven"):
        jars.resolve()


def test_a_maven_that_cannot_fetch_is_quoted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake = tmp_path / "mvn"
    fake.write_text("#!/bin/sh\necho '[ERROR] the wire is cut'\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv(jars.FOLDER_SETTING, raising=False)
    with pytest.raises(Fault, match="the wire is cut"):
        jars.resolve()
    assert list((tmp_path / "cache" / "groundswell").iterdir()) == []


def test_a_folder_without_the_jars_is_a_fault_of_the_setting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(jars.FOLDER_SETTING, str(tmp_path))
    with pytest.raises(Fault, match=jars.FOLDER_SETTING):
        jars.resolve()


def test_two_brokers_are_refused() -> None:
    with pytest.raises(Fault, match="1 or 3"):
        ApacheKafka(brokers=2)


def test_the_version_is_that_of_the_pom() -> None:
    assert re.search(r"<artifactId>kafka_2.13</artifactId>\s*<version>(.*?)</version>", jars.POM.read_text())[1] == (
        jars.VERSION
    )


def test_every_node_listens_on_loopback_alone() -> None:
    nodes = [Node(number, 9000 + number, 9100 + number, Path(f"/data/{number}")) for number in (1, 2, 3)]
    text = properties.of(nodes[1], nodes)
    assert "node.id=2\n" in text
    assert "controller.quorum.voters=1@127.0.0.1:9101,2@127.0.0.1:9102,3@127.0.0.1:9103\n" in text
    assert "listeners=PLAINTEXT://127.0.0.1:9002,CONTROLLER://127.0.0.1:9102\n" in text
    assert "min.insync.replicas=2\n" in text
    assert "message.max.bytes=8388608\n" in text
    assert "0.0.0.0" not in text


def test_more_listeners_are_on_loopback_too_and_their_passwords_in_no_representation(tmp_path: Path) -> None:
    listeners = {
        9201: Listener("PASSWORD", "SASL_PLAINTEXT", users={"anna": "hush"}),
        9202: Listener("SEALED", "SSL", keystore=tmp_path / "both.pem", truststore=tmp_path / "ca.pem"),
    }
    node = Node(1, 9001, 9101, tmp_path, listeners)
    lines = dict(line.split("=", 1) for line in properties.of(node, [node]).splitlines())
    clients = "PLAINTEXT://127.0.0.1:9001,PASSWORD://127.0.0.1:9201,SEALED://127.0.0.1:9202"
    assert lines["advertised.listeners"] == clients
    assert lines["listeners"] == f"{clients},CONTROLLER://127.0.0.1:9101"
    assert lines["listener.security.protocol.map"].endswith(",PASSWORD:SASL_PLAINTEXT,SEALED:SSL")
    assert 'user_anna="hush"' in lines["listener.name.password.plain.sasl.jaas.config"]
    assert lines["listener.name.sealed.ssl.client.auth"] == "required"
    assert "hush" not in repr(node)


@pytest.mark.kafka
def test_a_cluster_id_may_begin_with_a_dash(kafka_jars: Path, tmp_path: Path) -> None:
    """One random id in 64 does; the formatter took it for an option."""
    (tmp_path / "cluster-id").write_text("-5L6g3nShT-eMCtK--X86w")
    with ApacheKafka(brokers=1, data=tmp_path) as cluster:
        (address,) = cluster.addresses
        assert listens(int(address.rpartition(":")[2]))
