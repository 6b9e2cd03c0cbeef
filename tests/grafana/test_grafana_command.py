"""`groundswell grafana` as people call it: the real store, a real broker, a Grafana that keeps its contract."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import clickhouse_connect
import pytest
from click.testing import CliRunner, Result
from ground import ROOT, Store
from published_grafana import PERMISSIONS, TOKEN, PublishedGrafana
from small_bundle import BOARDS, small_bundle

from infra.clickhouse.migrate import migrate
from infra.grafana.doctor import NEEDED
from schemas.annotations import decode
from schemas.campaign import load_campaigns
from schemas.errors import Fault
from schemas.times import parse_ms
from schemas.topics import ANNOTATIONS
from streams.commands import cli
from streams.commands.topics import plan_of
from streams.producers.topics import create_topics
from streams.settings import Settings

START = parse_ms("2026-03-12T18:00:00Z")
Groundswell = Callable[..., Result]


@pytest.fixture
def groundswell(grafana: PublishedGrafana, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Groundswell:
    """Calls the command with this Grafana's address in the environment and the small bundle in place of the files."""
    bundle = small_bundle(tmp_path)
    # By its name among modules: as an attribute of the package it is the command.
    module = importlib.import_module("streams.commands.grafana")
    monkeypatch.setattr(module, "read_bundle", lambda _: bundle)
    monkeypatch.setenv("GROUNDSWELL_GRAFANA_URL", grafana.url)
    monkeypatch.setenv("GROUNDSWELL_GRAFANA_TOKEN", TOKEN)
    return lambda *words: CliRunner().invoke(cli, ["grafana", *words], standalone_mode=False)


@pytest.fixture
def store(database: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    client = clickhouse_connect.get_client(dsn=database.store)
    migrate(client, load_campaigns(ROOT / "infra" / "campaigns"))
    monkeypatch.setenv("GROUNDSWELL_STORE", database.store)
    yield client
    client.close()


def findings(groundswell: Groundswell) -> tuple[int, dict[str, dict[str, Any]]]:
    done = groundswell("doctor", "--json")
    answer = json.loads(done.stdout)
    assert answer["ok"] == (done.return_value == 0)
    return done.return_value, {finding["check"]: finding for finding in answer["findings"]}


def wrong(groundswell: Groundswell) -> dict[str, str]:
    code, found = findings(groundswell)
    bad = {check: f"{finding['found']}. {finding['mend']}" for check, finding in found.items() if not finding["ok"]}
    assert code == (1 if bad else 0)
    assert all(finding["mend"] for finding in found.values() if not finding["ok"])
    return bad


def test_doctor_finds_nothing_wrong_after_a_push(groundswell: Groundswell) -> None:
    before = wrong(groundswell)
    assert {"folder", "dashboard groundswell-appeal", "rules appeal", "contact points"} <= set(before)
    assert groundswell("push", "--no-annotations").return_value == 0
    assert wrong(groundswell) == {}
    assert "ok    dashboard groundswell-appeal: up to date" in groundswell("doctor").stdout


def test_without_the_plugin_nothing_is_pushed(grafana: PublishedGrafana, groundswell: Groundswell) -> None:
    grafana.plugin = None
    done = groundswell("push", "--no-annotations")
    assert isinstance(done.exception, Fault)
    assert "is not installed. Install it: GF_PLUGINS_PREINSTALL_SYNC=" in str(done.exception)
    assert grafana.writes == []


def test_doctor_changes_nothing(grafana: PublishedGrafana, groundswell: Groundswell) -> None:
    groundswell("doctor")
    assert grafana.writes == []


def test_doctor_stops_at_a_bad_token(groundswell: Groundswell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROUNDSWELL_GRAFANA_TOKEN", "glsa_wrong")
    code, found = findings(groundswell)
    assert code == 1
    assert list(found) == ["address", "token"]
    assert "glsa_wrong" not in groundswell("doctor").output


def test_doctor_stops_where_nothing_answers(groundswell: Groundswell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.grafana.gateway.WAITS", ())
    monkeypatch.setenv("GROUNDSWELL_GRAFANA_URL", "http://127.0.0.1:9")
    assert list(wrong(groundswell)) == ["address"]


def test_doctor_names_what_the_token_lacks(grafana: PublishedGrafana, groundswell: Groundswell) -> None:
    grafana.permissions = {name: ["*"] for name in PERMISSIONS if not name.startswith("annotations:")}
    assert "lacks annotations:create, annotations:write, annotations:read" in wrong(groundswell)["permissions"]
    assert len(NEEDED) == 9


@pytest.mark.parametrize(
    ("plugin", "said"),
    [(None, "GF_PLUGINS_PREINSTALL_SYNC"), ({"info": {"version": "3.2.0"}}, "Update it to 4.20.0")],
)
def test_doctor_names_the_plugin(
    grafana: PublishedGrafana, groundswell: Groundswell, plugin: dict[str, Any] | None, said: str
) -> None:
    grafana.plugin = plugin
    assert said in wrong(groundswell)["plugin"]


def test_doctor_names_the_data_source(grafana: PublishedGrafana, groundswell: Groundswell) -> None:
    grafana.datasource_health = (400, {"status": "ERROR", "message": "dial tcp: connection refused"})
    assert "connection refused" in wrong(groundswell)["data source"]
    grafana.datasource = {"uid": "clickhouse", "type": "prometheus"}
    assert "it is a prometheus" in wrong(groundswell)["data source"]
    grafana.datasource = None
    assert "there is none with the uid 'clickhouse'" in wrong(groundswell)["data source"]


def test_doctor_names_what_is_old_paused_or_gone(grafana: PublishedGrafana, groundswell: Groundswell) -> None:
    groundswell("push", "--no-annotations")
    grafana.health["version"] = "11.5.2"
    assert "needs Grafana 11.6" in wrong(groundswell)["address"]
    grafana.health["version"] = "12.4.0"
    grafana.groups["groundswell", "appeal"]["rules"][0]["isPaused"] = True
    grafana.boards["groundswell-appeal"]["dashboard"]["title"] = "Mine"
    del grafana.boards["groundswell-pipeline"]
    assert set(wrong(groundswell)) == {"rules appeal", *(f"dashboard {uid}" for uid in BOARDS)}


def test_a_conflict_is_exit_code_1_and_the_rest_is_sent(grafana: PublishedGrafana, groundswell: Groundswell) -> None:
    groundswell("push", "--no-annotations")
    grafana.boards["groundswell-appeal"]["meta"]["provisioned"] = True
    grafana.boards["groundswell-appeal"]["dashboard"]["title"] = "An older one"
    del grafana.boards["groundswell-pipeline"]
    done = groundswell("push", "--no-annotations", "--json")
    answer = json.loads(done.stdout)
    assert (done.return_value, answer["ok"]) == (1, False)
    by_name = {step["name"]: step["outcome"] for step in answer["steps"]}
    assert (by_name["groundswell-appeal"], by_name["groundswell-pipeline"]) == ("conflict", "created")


def test_push_without_an_address_is_a_fault(groundswell: Groundswell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GROUNDSWELL_GRAFANA_URL")
    with pytest.raises(Fault, match="GROUNDSWELL_GRAFANA_URL is not set"):
        raise groundswell("push").exception or AssertionError("it went through")


def test_annotations_and_incidents_of_the_store_are_pushed(
    grafana: PublishedGrafana, groundswell: Groundswell, store: Any
) -> None:
    store.command(
        "INSERT INTO annotations (annotation_id, campaign_id, kind, at, until, text, source_partition, source_offset) "
        "VALUES ('0b9c7a3e-0000-4000-8000-000000000001', 'door', 'launch', '2026-03-12 18:00:00', NULL, 'Out', 0, 0)"
    )
    for minute, state in (("18:30", "ok"), ("19:00", "stalled"), ("20:00", "ok")):
        store.command(
            "INSERT INTO stalls (campaign_id, dimension, member, minute, state, since, changed, sentence, version) "
            f"VALUES ('door', 'campaign', 'door', '2026-03-12 {minute}:00', '{state}', '2026-03-12 {minute}:00', 1, "
            f"'It is {state}', 1)"
        )
    assert groundswell("push").return_value == 0
    marks = sorted(grafana.annotations.values(), key=lambda one: one["time"])
    assert [(one["text"], one["time"] - START, one["timeEnd"] - START) for one in marks] == [
        ("Out", 0, 0),
        ("It is stalled", 3_600_000, 7_200_000),
    ]
    again = json.loads(groundswell("push", "--json").stdout)
    assert {step["outcome"] for step in again["steps"] if step["kind"] == "annotation"} == {"unchanged"}


def test_annotations_of_people_reach_the_topic_once(
    grafana: PublishedGrafana, groundswell: Groundswell, store: Any, tansu: str, prefix: str, monkeypatch: Any
) -> None:
    monkeypatch.setenv("GROUNDSWELL_KAFKA", tansu)
    monkeypatch.setenv("GROUNDSWELL_PREFIX", prefix)
    create_topics(plan_of(Settings(kafka=tansu, prefix=prefix)))
    groundswell("push", "--no-annotations")
    grafana.annotate("on the radio", START + 60_000, dashboardUID=BOARDS[0])
    assert "created" in groundswell("pull-annotations", "--dry-run").stdout
    assert groundswell("pull-annotations").return_value == 0
    (record,) = read(tansu, prefix + ANNOTATIONS)
    annotation = decode(record.value)
    assert (record.key, annotation.campaign_id, annotation.text) == (b"door", "door", "on the radio")
    # As the sink lands it; then nothing is new.
    columns = ["annotation_id", "campaign_id", "kind", "at", "text", "source_partition", "source_offset"]
    at = annotation.at.removesuffix("Z").replace("T", " ")
    store.command(
        f"INSERT INTO annotations ({', '.join(columns)}) VALUES ('{annotation.annotation_id}', 'door', "
        f"'{annotation.kind}', '{at}', '{annotation.text}', 0, 0)"
    )
    again = json.loads(groundswell("pull-annotations", "--json").stdout)
    assert [step["outcome"] for step in again["steps"]] == ["unchanged"]
    assert len(read(tansu, prefix + ANNOTATIONS)) == 1


def read(broker: str, topic: str) -> list[Any]:
    """Every record of a topic."""
    from kafka import KafkaConsumer

    consumer = KafkaConsumer(
        topic, bootstrap_servers=broker, auto_offset_reset="earliest", group_id=None, consumer_timeout_ms=1500
    )
    try:
        return list(consumer)
    finally:
        consumer.close()
