"""What is wrong with topics, said with the way to mend it."""

from __future__ import annotations

import pytest

from schemas.times import DAY_MS
from schemas.topics import CHECKPOINTS, CONVERSIONS, DEAD_LETTERS, HEARTBEATS, SHARES, SLICES, SOURCES, TOPICS
from streams.producers.topic_rules import Found, Plan, faults, settings_of, short_of_horizon, untold

PLAN = Plan(("broker:9092",))


def _found(plan: Plan = PLAN) -> dict[str, Found]:
    return {topic.name: Found(plan.partitions, settings_of(plan, topic)) for topic in TOPICS}


def _with(name: str, **settings: str) -> dict[str, Found]:
    found = _found()
    changed = {**found[name].settings, **{key.replace("_", "."): value for key, value in settings.items()}}
    return {**found, name: Found(4, changed)}


def _first(found: dict[str, Found], plan: Plan = PLAN) -> str:
    return str(next(faults(plan, found)))


def test_topics_as_they_are_created_are_right() -> None:
    for plan in (PLAN, Plan(("b:1",), "p-", 8, 3, -1), Plan(("b:1",), retention_days=3, horizon_days=2)):
        assert list(faults(plan, _found(plan))) == []


def test_a_missing_topic_is_to_be_created() -> None:
    found = _found()
    del found[SLICES]
    assert "groundswell topics" in _first(found)


def test_a_wrong_cleanup_is_mended_with_one_command() -> None:
    told = _first(_with(SLICES, cleanup_policy="delete"))
    assert told.startswith("kafka: topic 'slices' has cleanup.policy=delete, it must be compact,delete")
    assert (
        "`kafka-configs.sh --bootstrap-server broker:9092 --alter --entity-type topics --entity-name slices"
        " --add-config cleanup.policy=[compact,delete]`" in told
    )


def test_the_order_of_two_cleanup_policies_does_not_matter() -> None:
    assert list(faults(PLAN, _with(SLICES, cleanup_policy="delete,compact"))) == []


def test_a_topic_that_forgets_too_early_is_wrong() -> None:
    assert "retention.ms=604800000, it must be 1209600000" in _first(_with(SHARES, retention_ms="604800000"))


@pytest.mark.parametrize("kept", ["-1", "99999999999"])
def test_a_topic_that_keeps_longer_is_right(kept: str) -> None:
    assert list(faults(PLAN, _with(SHARES, retention_ms=kept))) == []


def test_history_must_be_kept_for_ever_where_that_is_asked() -> None:
    plan = Plan(("broker:9092",), retention_days=-1)
    assert "retention.ms=1209600000, it must be -1" in _first(_found(PLAN), plan)


def test_a_limit_in_bytes_is_wrong_where_records_are_deleted() -> None:
    assert "retention.bytes" in _first(_with(SHARES, retention_bytes="1000000"))
    assert list(faults(PLAN, _with(HEARTBEATS, retention_bytes="1000000", retention_ms="1"))) == []


def test_messages_must_fit() -> None:
    assert "max.message.bytes=1048588" in _first(_with(SHARES, max_message_bytes="1048588"))


def test_the_producers_time_must_stand() -> None:
    assert "it must be CreateTime" in _first(_with(SHARES, message_timestamp_type="LogAppendTime"))


def test_source_topics_of_different_size_are_refused() -> None:
    found = {**_found(), SHARES: Found(3, {})}
    assert "shares 3, clicks 4" in _first(found)


def test_heartbeats_of_another_size_are_refused() -> None:
    few, many = ({**_found(), HEARTBEATS: Found(count, {})} for count in (1, 9))
    assert "--alter --topic heartbeats --partitions 4" in _first(few)
    assert "--delete --topic heartbeats" in _first(many)


@pytest.mark.parametrize("topic", [SLICES, CONVERSIONS, CHECKPOINTS, DEAD_LETTERS])
def test_topics_that_are_written_by_partition_number_have_as_many_as_the_sources(topic: str) -> None:
    few, many = ({**_found(), topic: Found(count, {})} for count in (1, 9))
    assert f"topic '{topic}' has 1 partitions, the source topics have 4" in _first(few)
    assert f"--alter --topic {topic} --partitions 4" in _first(few)
    assert f"--delete --topic {topic}`" in _first(many)


@pytest.mark.parametrize("topic", [SLICES, CHECKPOINTS])
def test_slices_and_checkpoints_are_deleted_together(topic: str) -> None:
    told = _first({**_found(), topic: Found(9, {})})
    assert "--delete --topic slices`" in told
    assert "--delete --topic checkpoints`" in told


def test_a_horizon_beyond_what_the_sources_keep_is_refused() -> None:
    plan = Plan(("broker:9092",), horizon_days=30)
    assert _first(_found(plan), plan) == (
        "settings: GROUNDSWELL_HORIZON_DAYS is 30, and topic 'shares' keeps its records for 14 days. Set "
        "GROUNDSWELL_HORIZON_DAYS=14; or set GROUNDSWELL_RETENTION_DAYS=30 and run `kafka-configs.sh "
        "--bootstrap-server broker:9092 --alter --entity-type topics --entity-name shares "
        "--add-config retention.ms=2592000000`."
    )


@pytest.mark.parametrize("kept", ["-1", str(30 * DAY_MS)])
def test_a_horizon_within_what_the_sources_keep_is_right(kept: str) -> None:
    plan = Plan(("broker:9092",), horizon_days=30)
    found = _found(plan)
    longer = {**found, **{name: Found(4, {**found[name].settings, "retention.ms": kept}) for name in SOURCES}}
    assert list(faults(plan, longer)) == []


def test_a_horizon_beyond_the_planned_retention_is_refused_before_topics_are_made() -> None:
    plan = Plan(("broker:9092",), retention_days=7)
    told = str(next(short_of_horizon(plan, {})))
    assert told.endswith("for 7 days. Set GROUNDSWELL_HORIZON_DAYS=7; or set GROUNDSWELL_RETENTION_DAYS=14.")


def test_partitions_that_the_settings_do_not_say_are_refused() -> None:
    assert "GROUNDSWELL_PARTITIONS=4" in _first(_found(), Plan(("broker:9092",), partitions=8))


def test_a_broker_that_tells_nothing_is_not_wrong_but_cannot_be_checked() -> None:
    silent = {topic.name: Found(4, {}) for topic in TOPICS}
    assert list(faults(PLAN, silent)) == []
    for topic in TOPICS:
        assert "cleanup.policy" in untold(topic, silent[topic.name])


def test_names_carry_the_prefix() -> None:
    plan = Plan(("broker:9092",), prefix="blue-")
    assert "topic 'blue-shares' does not exist" in _first({}, plan)
