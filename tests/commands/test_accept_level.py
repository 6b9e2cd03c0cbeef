"""`groundswell accept-level`, to a broker."""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from kafka import KafkaConsumer, TopicPartition

from schemas import annotations, slices
from schemas.errors import Fault
from schemas.slices import Acceptance
from schemas.topics import ANNOTATIONS, SLICES
from streams.commands.accept_level import accept_level
from streams.producers.topic_rules import Plan
from streams.producers.topics import create_topics

AT = "2026-03-13T18:05:00Z"
AT_SECONDS = 1_773_425_100


@pytest.fixture
def plan(tansu: str, prefix: str) -> Plan:
    made = Plan((tansu,), prefix=prefix, retention_days=-1)
    create_topics(made)
    return made


def run(plan: Plan, *arguments: str, **more: str):
    environment = {"GROUNDSWELL_KAFKA": plan.brokers[0], "GROUNDSWELL_PREFIX": plan.prefix, **more}
    return CliRunner().invoke(accept_level, arguments, env=environment)


def read(plan: Plan, topic: str, number: int) -> list:
    consumer = KafkaConsumer(bootstrap_servers=list(plan.brokers), auto_offset_reset="earliest", group_id=None)
    consumer.assign([TopicPartition(plan.name(topic), partition) for partition in range(plan.partitions)])
    records: list = []
    for _ in range(40):
        for batch in consumer.poll(500).values():
            records += batch
        if len(records) >= number:
            break
    consumer.close()
    return records


def test_every_copy_of_the_campaigns_detector_is_told_and_the_charts_are(plan: Plan) -> None:
    done = run(plan, "door", "--at", AT)
    assert done.exit_code == 0, done.exception
    assert "door: The present level of the appeal is accepted" in done.output
    told = read(plan, SLICES, plan.partitions)
    assert sorted(record.partition for record in told) == list(range(plan.partitions))
    expected = Acceptance(1, "door", "campaign", "door", AT_SECONDS)
    assert [slices.decode(record.value) for record in told] == [expected] * plan.partitions
    [note] = read(plan, ANNOTATIONS, 1)
    annotation = annotations.decode(note.value)
    assert (annotation.kind, annotation.at) == ("level_accepted", "2026-03-13T18:05:00.000Z")


def test_one_influencers_level_is_accepted_alone(plan: Plan) -> None:
    assert run(plan, "door", "--influencer", "ann", "--at", AT).exit_code == 0
    [told, *_] = read(plan, SLICES, plan.partitions)
    assert slices.decode(told.value) == Acceptance(1, "door", "influencer", "ann", AT_SECONDS)


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("nobody",), "no campaign file has the id 'nobody'"),
        (("door", "--influencer", "a b", "--at", AT), "'a b' is no id"),
        (("door", "--at", "now"), "--at 'now' is no time"),
    ],
)
def test_what_is_none_is_refused_in_one_line(plan: Plan, arguments: tuple[str, ...], what: str) -> None:
    done = run(plan, *arguments)
    assert isinstance(done.exception, Fault)
    assert what in str(done.exception)


def test_in_a_played_history_without_a_word_of_the_detector_the_time_must_be_given(plan: Plan, database) -> None:
    from infra.clickhouse.migrate import migrate
    from streams.clickhouse.client import connect
    from streams.settings import Settings

    migrate(connect(database.store), Settings().load_campaigns())
    done = run(plan, "door", GROUNDSWELL_CLOCK="played", GROUNDSWELL_STORE=database.store)
    assert isinstance(done.exception, Fault)
    assert "has said nothing of 'door' yet" in str(done.exception)
