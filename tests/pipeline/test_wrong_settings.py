"""A wrong setting is one line that says whose fault it is and what to do, and exit code 2.

A broker that is away or hangs is one line too, and exit code 1: start me again.
"""

from __future__ import annotations

import socket
import subprocess
import sys
from typing import Any

import pytest
from kafka import KafkaAdminClient
from kafka.admin import NewTopic

from schemas.topics import TOPICS


def run(*arguments: str, module: str = "streams.commands", **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {f"GROUNDSWELL_{name.upper()}": value for name, value in settings.items()}
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        env={"PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


def assert_one_line(done: subprocess.CompletedProcess[str], whose: str, *words: str, code: int = 2) -> None:
    assert done.returncode == code, done
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert whose in lines[0]
    for word in words:
        assert word in lines[0], lines[0]


@pytest.mark.parametrize("role", ["attribution", "conversion", "sink"])
def test_an_unreachable_broker(role: str) -> None:
    assert_one_line(run("worker", role, kafka="127.0.0.1:9"), "kafka", "127.0.0.1:9", "GROUNDSWELL_KAFKA", code=1)


@pytest.mark.parametrize("verb", [("topics",), ("send", "clicks"), ("audit",), ("replay", "door")])
def test_an_unreachable_broker_for_those_who_write_and_read(verb: tuple[str, ...]) -> None:
    assert_one_line(run(*verb, kafka="127.0.0.1:9"), "kafka", "127.0.0.1:9", "GROUNDSWELL_KAFKA", code=1)


def test_a_store_that_is_no_address() -> None:
    for store in ("clickhouse://reader:x@127.0.0.1:abc/groundswell", "http://127.0.0.1", "clickhouse://h:99999/x"):
        assert_one_line(run("sql", "SELECT 1", store=store), "settings", "GROUNDSWELL_STORE")


def test_an_unreachable_store() -> None:
    done = run("sql", "SELECT 1", store="clickhouse://u:secret@127.0.0.1:9/groundswell")
    assert_one_line(done, "clickhouse", "127.0.0.1:9", "GROUNDSWELL_STORE")
    assert "secret" not in done.stderr


def test_a_wrong_password(clickhouse: Any) -> None:
    store = f"clickhouse://groundswell:wrong@127.0.0.1:{clickhouse.port}/groundswell"
    assert_one_line(run("sql", "SELECT 1", store=store), "settings", "password")
    assert_one_line(run("migrate", store=store), "settings", "password")


def test_a_wrong_password_of_the_sink(clickhouse: Any, tansu: str) -> None:
    store = f"clickhouse://groundswell:wrong@127.0.0.1:{clickhouse.port}/groundswell"
    assert run("topics", kafka=tansu, prefix="sink_").returncode == 0
    assert_one_line(run("worker", "sink", kafka=tansu, prefix="sink_", store=store), "settings", "password")


def test_migrating_makes_the_database_that_is_not_there(clickhouse: Any) -> None:
    store = clickhouse.of("nobody_made_this").store
    assert_one_line(run("sql", "SELECT 1", store=store), "clickhouse", "no such database", "groundswell migrate")
    first, second = run("migrate", store=store), run("migrate", store=store)
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert "applied 0001_" in first.stdout
    assert "(0 applied now)" in second.stdout


@pytest.mark.parametrize("name", ["groundswell", "nobody_made_that"])
def test_migrating_as_the_reader(clickhouse: Any, name: str) -> None:
    done = run("migrate", store=clickhouse.of(name).reader_store)
    assert_one_line(done, "settings", "may not", "GROUNDSWELL_STORE")


def test_migrating_a_database_without_a_proper_name(clickhouse: Any) -> None:
    assert_one_line(run("migrate", store=clickhouse.of("a-b").store), "settings", "'a-b' is no name for a database")


def test_unequal_partition_counts(tansu: str) -> None:
    client = KafkaAdminClient(bootstrap_servers=tansu)
    client.create_topics([NewTopic(f"uneven_{t.name}", 3 if t.name == "clicks" else 4, 1) for t in TOPICS])
    client.close()
    for verb in (("worker", "attribution"), ("topics", "--check")):
        assert_one_line(run(*verb, kafka=tansu, prefix="uneven_"), "kafka", "partitions", "clicks 3")


def test_a_data_directory_held_by_another_process(ground: Any, clickhouse: Any) -> None:
    data = str(ground.folder / "clickhouse")
    done = run("--data", data, "--port", "0", module="infra.embedded.clickhouse")
    assert_one_line(done, "clickhouse", data, str(ground.pid_of("clickhouse")))


def test_a_setting_that_is_no_number() -> None:
    assert_one_line(run("topics", partitions="many"), "settings", "GROUNDSWELL_PARTITIONS: Expected `int`")


def test_a_campaign_folder_without_campaigns(tmp_path: Any, tansu: str) -> None:
    assert_one_line(run("worker", "sink", kafka=tansu, campaigns=str(tmp_path)), "settings", "campaign")


def test_a_password_on_a_command_line() -> None:
    done = run("sql", "SELECT 1", "--store", "clickhouse://reader:hush@127.0.0.1:9/groundswell")
    assert_one_line(done, "input", "--store", "GROUNDSWELL_STORE_PASSWORD")
    assert "hush" not in done.stderr


def test_a_password_that_nobody_asks_for() -> None:
    done = run("topics", kafka_password="hush")
    assert_one_line(done, "settings", "GROUNDSWELL_KAFKA_PASSWORD", "GROUNDSWELL_KAFKA_SECURITY")
    assert "hush" not in done.stderr


def test_a_listener_that_is_no_kafka(clickhouse: Any) -> None:
    done = run("topics", kafka=f"127.0.0.1:{clickhouse.port}")
    assert_one_line(done, "settings", "does not answer as Kafka does", "GROUNDSWELL_KAFKA_SECURITY")


@pytest.mark.parametrize("security", ["plaintext", "ssl"])
def test_a_broker_that_hangs_is_no_wrong_setting(security: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # the kernel takes the connections, nobody answers
        done = run("topics", kafka=f"127.0.0.1:{silent.getsockname()[1]}", kafka_security=security)
    assert_one_line(done, "kafka", "does not answer in time", "start again", code=1)


def test_a_password_of_the_store_in_a_file(clickhouse: Any, tmp_path: Any) -> None:
    file = tmp_path / "password"
    file.write_text("reader\n")
    store = f"clickhouse://reader@127.0.0.1:{clickhouse.port}/groundswell"
    done = run("sql", "SELECT currentUser() != ''", store=store, store_password_file=str(file))
    assert (done.returncode, done.stderr) == (0, "")
    assert_one_line(run("sql", "SELECT 1", store=store), "settings", "password")
