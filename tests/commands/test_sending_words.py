"""`groundswell send --heartbeat` and `groundswell annotate`, to a broker."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result
from kafka import KafkaConsumer, TopicPartition

from schemas.annotations import decode
from schemas.errors import Fault
from schemas.heartbeats import check
from schemas.topics import ANNOTATIONS, HEARTBEATS
from streams.commands import cli
from streams.producers.topic_rules import Plan
from streams.producers.topics import create_topics

Run = Callable[..., Result]


@pytest.fixture
def plan(tansu: str, prefix: str) -> Plan:
    made = Plan((tansu,), prefix=prefix, retention_days=-1)
    create_topics(made)
    return made


@pytest.fixture
def run(plan: Plan) -> Run:
    environment = {"GROUNDSWELL_KAFKA": plan.brokers[0], "GROUNDSWELL_PREFIX": plan.prefix}
    return lambda *arguments: CliRunner().invoke(cli, arguments, env=environment)


def _only_record(plan: Plan, topic: str) -> object:
    consumer = KafkaConsumer(bootstrap_servers=list(plan.brokers), auto_offset_reset="earliest", group_id=None)
    consumer.assign([TopicPartition(plan.name(topic), number) for number in range(plan.partitions)])
    records: list = []
    deadline = time.monotonic() + 20
    while not records and time.monotonic() < deadline:
        for batch in consumer.poll(500).values():
            records += batch
    consumer.close()
    (record,) = records
    return record


def test_a_heartbeat_arrives_and_is_told(plan: Plan, run: Run) -> None:
    said = run("send", "--heartbeat", "donations/stripe", "--campaign", "door", "--at", "2026-03-12T18:05:00Z")
    assert said.exception is None, said.output
    assert said.output == "donations/stripe: alive at 2026-03-12T18:05:00.000Z for door\n"
    record = _only_record(plan, HEARTBEATS)
    heard = check(record.value, record.timestamp)
    assert (record.key, heard.feed, heard.campaign_id) == (b"donations/stripe@door", "donations/stripe", "door")


def test_an_annotation_arrives_and_is_told(plan: Plan, run: Run) -> None:
    said = run("annotate", "door", "note", "the page was slow", "--at", "2026-03-12T18:05:00Z")
    assert said.exception is None, said.output
    note = decode(_only_record(plan, ANNOTATIONS).value)
    assert said.output == f"door: note at 2026-03-12T18:05:00.000Z ({note.annotation_id})\n"
    assert note.text == "the page was slow"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("send",), "give a TOPIC (shares, clicks, impressions, donations), or --heartbeat FEED"),
        (("send", "clicks", "--heartbeat", "clicks/web"), "without TOPIC"),
        (("send", "clicks", "--at", "2026-03-12T18:05:00Z"), "belong to --heartbeat"),
        (("send", "clicks", "--campaign", "door"), "belong to --heartbeat"),
        (("annotate", "door", "level_accepted", "x"), "'level_accepted' is not one of"),
    ],
)
def test_what_does_not_fit_together_is_refused(arguments: tuple[str, ...], told: str) -> None:
    said = CliRunner().invoke(cli, arguments)
    assert said.exit_code == 2
    assert told in said.output


@pytest.mark.parametrize(
    "arguments", [("send", "--heartbeat", "clicks/web", "--campaign", "dor"), ("annotate", "dor", "note", "x")]
)
def test_an_unknown_campaign_is_told_before_any_broker_is_asked(arguments: tuple[str, ...]) -> None:
    said = CliRunner().invoke(cli, arguments, env={"GROUNDSWELL_KAFKA": "127.0.0.1:1"})
    assert isinstance(said.exception, Fault)
    assert "no campaign file has the id 'dor'" in str(said.exception)
