"""What the doctor says of listeners, copies, ways, passwords, files and the page."""

from __future__ import annotations

import http.server
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from ground import Store

from infra.kafka.cluster import ApacheKafka
from schemas.topics import SOURCES, TOPICS
from streams.commands.topics import plan_of
from streams.doctor import brokers, data, here, ways
from streams.doctor.finding import Finding, is_loopback
from streams.doctor.listeners import examine_listeners
from streams.producers.topic_rules import Found, settings_of
from streams.settings import Settings

MAP = "IN:SASL_SSL,OUT:PLAINTEXT,OPEN:SSL,CONTROLLER:PLAINTEXT"
MARKS = {"ok   ", "WRONG", "?    "}


def states(findings: Iterator[Finding]) -> list[tuple[str, str]]:
    listed = list(findings)
    for finding in listed:
        assert bool(finding.mend) == (finding.state == "wrong"), finding
        assert "\n" not in finding.found + finding.mend
    return [(finding.check, finding.state) for finding in listed]


LISTENERS = [
    ("OUT://127.0.0.1:9092", {}, "ok"),
    ("OUT://localhost:9092", {}, "ok"),
    ("OUT://[::1]:9092", {}, "ok"),
    ("OUT://:9092", {}, "wrong"),
    ("OUT://0.0.0.0:9092", {}, "wrong"),
    ("OUT://[::]:9092", {}, "wrong"),
    ("OUT://kafka:9092", {}, "wrong"),
    ("OUT://192.0.2.7:9092", {}, "wrong"),
    ("CONTROLLER://:9093", {}, "wrong"),
    ("IN://:9092", {}, "ok"),
    ("OPEN://:9092", {}, "wrong"),
    ("OPEN://:9092", {"ssl.client.auth": "required"}, "ok"),
    ("OPEN://:9092", {"ssl.client.auth": "none", "listener.name.open.ssl.client.auth": "required"}, "ok"),
    ("PLAINTEXT://:9092", {}, "wrong"),
]


@pytest.mark.parametrize(("listener", "more", "state"), LISTENERS)
def test_a_listener_that_others_reach_must_be_sealed_and_ask_who_comes(
    listener: str, more: dict[str, str], state: str
) -> None:
    told = {"listeners": listener, "listener.security.protocol.map": MAP, **more}
    assert states(examine_listeners("1", told)) == [("kafka listener", state)]


def test_each_listener_is_one_finding_and_a_silent_broker_cannot_be_told() -> None:
    told = {"listeners": "IN://:1,OUT://127.0.0.1:2,CONTROLLER://:3", "listener.security.protocol.map": MAP}
    assert [state for _, state in states(examine_listeners("1", told))] == ["ok", "ok", "wrong"]
    assert states(examine_listeners("1", {})) == [("kafka listener", "cannot tell")]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost", "a.localhost", "LOCALHOST"])
def test_loopback_is_known(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "0.0.0.0", "10.1.2.3", "kafka", "localhost.example", "127.0.0.1.example"])
def test_what_is_not_loopback_is_not_taken_for_it(host: str) -> None:
    assert not is_loopback(host)


def test_copies_and_what_is_in_sync() -> None:
    examine = brokers._examine_copies
    assert states(examine({"a": 1, "b": 3}, {})) == [("copies", "wrong")]
    assert states(examine({"a": 3}, {})) == [("copies", "ok"), ("min.insync.replicas", "cannot tell")]
    told = {"a": {"min.insync.replicas": "1"}, "b": {"min.insync.replicas": "2"}}
    assert states(examine({"a": 3, "b": 3}, told)) == [("copies", "ok"), ("min.insync.replicas", "wrong")]
    assert states(examine({"b": 3}, told)) == [("copies", "ok"), ("min.insync.replicas", "ok")]


def test_topics_that_are_missing_or_forget_too_early() -> None:
    plan = plan_of(Settings())
    right = {topic.name: Found(4, settings_of(plan, topic)) for topic in TOPICS}
    assert states(brokers._examine_rules(plan, right)) == [("topics", "ok")]
    silent = {name: Found(4, {}) for name in right}
    assert states(brokers._examine_rules(plan, silent)) == [("retention", "cannot tell")]
    assert states(brokers._examine_rules(plan, {})) == [("topics", "wrong")]
    short = {**right, SOURCES[0]: Found(4, {**right[SOURCES[0]].settings, "retention.ms": "3600000"})}
    found = list(brokers._examine_rules(plan, short))
    assert {finding.state for finding in found} == {"wrong"}
    assert any("GROUNDSWELL_HORIZON_DAYS" in finding.found for finding in found)


WAYS = [
    ({}, "ok"),
    ({"KAFKA": "10.0.0.1:1"}, "wrong"),
    ({"KAFKA": "127.0.0.1:1,kafka:2"}, "wrong"),
    ({"KAFKA": "k:1", "KAFKA_SECURITY": "sasl_plaintext", "KAFKA_USER": "u", "KAFKA_PASSWORD": "hush"}, "wrong"),
    ({"KAFKA": "k:1", "KAFKA_SECURITY": "sasl_ssl", "KAFKA_USER": "u", "KAFKA_PASSWORD": "hush"}, "ok"),
    ({"KAFKA_SECURITY": "sasl_ssl", "KAFKA_USER": "u", "KAFKA_PASSWORD_FILE": "/not/there"}, "wrong"),
]


@pytest.mark.parametrize(("changes", "state"), WAYS)
def test_the_way_to_kafka(changes: dict[str, str], state: str) -> None:
    settings = Settings.from_environment({f"GROUNDSWELL_{name}": value for name, value in changes.items()})
    (finding,) = ways.examine_way_to_kafka(settings)
    assert finding.state == state
    assert "hush" not in str(finding)


def test_a_store_over_plain_http_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ways, "_examine_users", lambda *_: iter(()))
    monkeypatch.setattr(ways, "own_addresses", list)
    for store, state in (("clickhouse://u:hush@ch/x", "wrong"), ("clickhouses://u:hush@ch/x", "ok")):
        (finding,) = ways.examine_store(Settings(store=store))
        assert finding.state == state
        assert "hush" not in str(finding)


def test_the_data_of_a_store_on_this_machine_is_for_its_owner_alone(clickhouse: Store, tmp_path: Path) -> None:
    (found,) = data.examine_data(Settings(store=clickhouse.store))
    assert (found.check, found.state) == ("store's data", "ok"), found
    (tmp_path / "open").mkdir(mode=0o755)
    (tmp_path / "shut").mkdir(mode=0o700)
    folders = [tmp_path / name for name in ("open", "shut", "missing")]
    assert states(data.examine_folders(folders)) == [
        ("store's data", "wrong"),
        ("store's data", "ok"),
        ("store's data", "cannot tell"),
    ]
    assert list(data.examine_data(Settings(store="clickhouse://u@192.0.2.7:9/x"))) == []


def test_a_store_that_takes_what_everybody_knows(clickhouse: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    found = list(ways.examine_store(Settings(store=clickhouse.store)))
    assert [finding.state for finding in found if finding.check == "store's users"] == ["wrong", "wrong", "ok"]
    assert [finding.state for finding in found if finding.check == "store's reach"] == ["ok"]
    # Loopback has more than one address: one of them plays the part of an address that others reach.
    monkeypatch.setattr(ways, "own_addresses", lambda: ["127.0.0.1"])
    found = list(ways.examine_store(Settings(store=clickhouse.store)))
    assert [finding.state for finding in found if finding.check == "store's reach"] == ["wrong"]


class Answer(http.server.BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize(("status", "state"), [(200, "wrong"), (404, "wrong"), (401, "ok"), (421, "ok")])
def test_a_page_beyond_loopback_must_ask_for_a_password(
    status: int, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = type("Handler", (Answer,), {"status": status})
    with http.server.HTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(here, "own_addresses", lambda: ["127.0.0.1"])
        assert states(here.examine_page(server.server_port)) == [("page", state)]
        server.shutdown()
    assert states(here.examine_page(server.server_port)) == [("page", "ok")]


def test_own_addresses_are_not_loopback() -> None:
    assert not any(is_loopback(address) for address in here.own_addresses())


def test_secrets_that_are_guessed_and_files_that_are_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    file, dotenv = tmp_path / "token", tmp_path / ".env"
    file.write_text("a-token-of-some-length\n")
    dotenv.write_text("")
    environment = {
        "GROUNDSWELL_WRITER_PASSWORD": "groundswell",
        "GROUNDSWELL_READER_PASSWORD": "a-password-of-some-length",
        "GROUNDSWELL_PAGE_PASSWORD": "short",
        "GROUNDSWELL_GRAFANA_TOKEN_FILE": str(file),
        "GROUNDSWELL_STORE_PASSWORD_FILE": str(tmp_path / "missing"),
    }
    found = list(here.examine_passwords(environment))
    assert [finding.state for finding in found] == ["wrong", "wrong", "ok", "wrong", "ok"]
    assert "short" not in str(found)
    for mode, state in ((0o644, "wrong"), (0o602, "wrong"), (0o640, "ok"), (0o600, "ok")):
        file.chmod(mode)
        dotenv.chmod(mode)
        files = states(here.examine_files(Settings(), environment))
        assert files == [("file", "wrong"), ("file", state), ("file", state)]


def run(*words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {f"GROUNDSWELL_{name.upper()}": value for name, value in settings.items()}
    argv = [sys.executable, "-m", "streams.commands", "doctor", *words]
    return subprocess.run(
        argv, env={"PATH": "/usr/bin:/bin", **environment}, capture_output=True, text=True, timeout=60
    )


def test_the_verb_names_what_makes_a_laptop_a_laptop(tansu: str, clickhouse: Store, prefix: str) -> None:
    done = run(kafka=tansu, store=clickhouse.store, prefix=prefix)
    assert (done.returncode, done.stderr) == (1, "")
    lines = done.stdout.splitlines()
    assert {line[:5] for line in lines} == MARKS
    assert "?     kafka listener: broker 111 does not tell where it listens" in lines
    assert any(line.startswith("WRONG topics: 12 topics do not exist") for line in lines)
    assert any("takes groundswell with a password that everybody knows" in line for line in lines)
    as_json = json.loads(run("--json", kafka=tansu, store=clickhouse.store, prefix=prefix).stdout)
    assert as_json["ok"] is False
    assert [line.split(": ")[0][6:] for line in lines] == [finding["check"] for finding in as_json["findings"]]


@pytest.mark.slow
def test_what_is_away_is_a_finding_and_the_rest_is_looked_at() -> None:
    done = run(kafka="127.0.0.1:9", store="clickhouse://u:hush@127.0.0.1:9/x")
    assert (done.returncode, done.stderr) == (1, "")
    assert "WRONG kafka: no broker answers at 127.0.0.1:9" in done.stdout
    assert "nothing answers at clickhouse://127.0.0.1:9/x" in done.stdout
    assert "page: " in done.stdout
    assert "hush" not in done.stdout


@pytest.mark.kafka
def test_a_broker_that_tells_is_told_of(apache_kafka: ApacheKafka, clickhouse: Store, prefix: str) -> None:
    settings = {"kafka": apache_kafka.bootstrap, "store": clickhouse.store, "prefix": prefix}
    made = {f"GROUNDSWELL_{name.upper()}": value for name, value in settings.items()}
    topics = [sys.executable, "-m", "streams.commands", "topics"]
    subprocess.run(topics, env={"PATH": "/usr/bin:/bin", **made}, check=True, capture_output=True, timeout=60)
    lines = run(**settings).stdout.splitlines()
    address = apache_kafka.addresses[0]
    assert f"ok    kafka listener: PLAINTEXT of broker 1 listens on {address} with PLAINTEXT" in lines
    assert any(line.startswith("WRONG copies: 12 of 12 topics have fewer than 3 copies") for line in lines)
    assert "ok    topics: 12 topics are as they must be, and keep the horizon" in lines
