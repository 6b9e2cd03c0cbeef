"""`groundswell topics`: create what is missing, refuse what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple

from kafka.admin import ConfigResource, ConfigResourceType

from schemas.errors import Fault
from schemas.topics import TOPICS
from streams.kafka.admin import admin, partition_counts
from streams.producers.topic_rules import TIMESTAMP_AHEAD, Found, Plan, faults, settings_of, short_of_horizon, untold

NO_ERROR: Final = 0
ALREADY_EXISTS: Final = 36  # somebody else was quicker
INVALID_CONFIG: Final = 40

State = Literal["created", "right", "cannot tell"]


class CheckedTopic(NamedTuple):
    """One topic: physical name, partitions, and what is known; `untold` names settings the broker says nothing of."""

    topic: str
    partitions: int
    state: State
    untold: tuple[str, ...]


def create_topics(plan: Plan) -> list[CheckedTopic]:
    """Create the topics that do not exist, then check all.

    Raises:
        Fault: no broker answers, it refuses to create one, or one is wrong; the first of them.
    """
    with admin(plan.brokers, plan.security) as client:
        existing = partition_counts(client)
        missing = [topic for topic in TOPICS if plan.name(topic.name) not in existing]
        if missing:
            # Before and not after, so that nothing is made that would have to be mended.
            for fault in short_of_horizon(plan, _found(client, plan)):
                raise fault
            _create(client, plan, [topic.name for topic in missing])
        return _check(client, plan, created={plan.name(topic.name) for topic in missing})


def check_topics(plan: Plan) -> list[CheckedTopic]:
    """Check all topics and create none.

    Raises:
        Fault: no broker answers, or a topic is missing or wrong; the first of them.
    """
    with admin(plan.brokers, plan.security) as client:
        return _check(client, plan, created=set())


def _create(client: Any, plan: Plan, names: list[str]) -> None:
    wanted: dict[str, dict[str, Any]] = {
        plan.name(topic.name): {
            "num_partitions": plan.partitions,
            "replication_factor": plan.replication,
            "configs": settings_of(plan, topic),
        }
        for topic in TOPICS
        if topic.name in names
    }
    answer = client.create_topics(wanted, raise_errors=False)
    unknown = [topic["name"] for topic in answer["topics"] if topic["error_code"] == INVALID_CONFIG]
    if [name for name in unknown if wanted[name]["configs"].pop(TIMESTAMP_AHEAD, None)]:
        # Brokers before 3.6 do not know it; what they do not tell is named as such afterwards.
        again = client.create_topics({name: wanted[name] for name in unknown}, raise_errors=False)
        others = [topic for topic in answer["topics"] if topic["name"] not in unknown]
        answer = {"topics": [*others, *again["topics"]]}
    for topic in answer["topics"]:
        if topic["error_code"] not in (NO_ERROR, ALREADY_EXISTS):
            what = f"topic {topic['name']!r} cannot be created ({topic['error_message']})"
            raise Fault("kafka", what, "Mend the settings (partitions, replication, prefix) or the broker.")
    client.wait_for_topics(list(wanted))


def _check(client: Any, plan: Plan, created: set[str]) -> list[CheckedTopic]:
    found = _found(client, plan)
    for fault in faults(plan, found):
        raise fault
    return [
        _finding(plan.name(topic.name), found[topic.name], untold(topic, found[topic.name]), created)
        for topic in TOPICS
    ]


def _finding(name: str, found: Found, silent: list[str], created: set[str]) -> CheckedTopic:
    state: State = "created" if name in created else "cannot tell" if silent else "right"
    return CheckedTopic(name, found.partitions, state, tuple(silent))


def _found(client: Any, plan: Plan) -> dict[str, Found]:
    counts = partition_counts(client)
    existing = [topic.name for topic in TOPICS if plan.name(topic.name) in counts]
    settings = _settings(client, [plan.name(name) for name in existing])
    return {name: Found(counts[plan.name(name)], settings.get(plan.name(name), {})) for name in existing}


def _settings(client: Any, names: list[str]) -> Mapping[str, Mapping[str, str]]:
    """What the broker tells of the topics' settings, by physical name; less than all on some brokers."""
    if not names:
        return {}
    asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    answer = client.describe_configs(asked, config_filter="all").get("topic", {})
    return {
        name: {key: entry["value"] for key, entry in entries.items() if entry["value"] is not None}
        for name, entries in answer.items()
    }
