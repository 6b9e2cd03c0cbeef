"""Findings of the brokers: their listeners, and whether the topics keep what they take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from kafka.admin import ConfigResource, ConfigResourceType

from schemas.errors import Fault
from schemas.topics import SOURCES, TOPICS
from streams.doctor.finding import Finding, of_fault
from streams.doctor.listeners import examine_listeners
from streams.kafka.admin import admin
from streams.producers.topic_rules import RETENTION, Found, Plan, faults
from streams.settings import Settings

SAFE_COPIES: Final = 3
IN_SYNC: Final = "min.insync.replicas"


def examine_brokers(settings: Settings, plan: Plan) -> Iterator[Finding]:
    """Findings of the brokers and their topics; one that says why, where they cannot be asked."""
    try:
        with admin(settings.brokers, settings.security) as client:
            answers = _brokers(client)
            described = {topic["name"]: topic for topic in client.describe_topics()}
            ours = [settings.topic(topic.name) for topic in TOPICS if settings.topic(topic.name) in described]
            reported = _reported_configs(client, ConfigResourceType.TOPIC, ours)
    except Fault as fault:
        yield of_fault("kafka", fault)
        return
    for broker, properties in answers.items():
        yield from examine_listeners(broker, properties)
    yield from _examine_copies({name: _copies(described[name]) for name in ours}, reported)
    found = {settings.logical(name): Found(len(described[name]["partitions"]), reported.get(name, {})) for name in ours}
    yield from _examine_rules(plan, found)


def _brokers(client: Any) -> Mapping[str, Mapping[str, str]]:
    """By broker, what it tells of itself."""
    numbers = [str(broker["broker_id"]) for broker in client.describe_cluster()["brokers"]]
    reported = _reported_configs(client, ConfigResourceType.BROKER, numbers)
    return {number: reported.get(number, {}) for number in numbers}


def _reported_configs(client: Any, kind: Any, names: Sequence[str]) -> dict[str, dict[str, str]]:
    if not names:
        return {}
    answer = client.describe_configs([ConfigResource(kind, name) for name in names], config_filter="all")
    entries = answer.get("topic" if kind == ConfigResourceType.TOPIC else "broker", {})
    return {
        name: {key: entry["value"] for key, entry in reported.items() if entry["value"] is not None}
        for name, reported in entries.items()
    }


def _copies(topic: Mapping[str, Any]) -> int:
    return min((len(partition["replica_nodes"]) for partition in topic["partitions"]), default=0)


def _examine_copies(copies: Mapping[str, int], reported: Mapping[str, Mapping[str, str]]) -> Iterator[Finding]:
    if not copies:
        return  # the rules say that the topics are missing
    few = sorted(name for name, number in copies.items() if number < SAFE_COPIES)
    if few:
        least = min(copies.values())
        seen = f"{len(few)} of {len(copies)} topics have fewer than {SAFE_COPIES} copies ({few[0]}: {least} at least)"
        mend = "Use three brokers and GROUNDSWELL_REPLICATION=3 before the topics are made; a lost disk loses the log."
        yield Finding("copies", "wrong", seen, mend)
        return  # with so few copies no other value of min.insync.replicas would be right
    yield Finding("copies", "ok", f"every topic has {min(copies.values())} copies or more")
    silent = [name for name in copies if IN_SYNC not in reported.get(name, {})]
    weak = [name for name in copies if name not in silent and int(reported[name][IN_SYNC]) < 2]
    if weak:
        seen = f"{len(weak)} topics acknowledge what only one broker holds ({weak[0]}: {IN_SYNC}=1)"
        yield Finding(IN_SYNC, "wrong", seen, f"Set {IN_SYNC}=2 on them with kafka-configs.sh.")
    elif silent:
        yield Finding(IN_SYNC, "cannot tell", f"the broker does not tell it of {silent[0]}")
    else:
        yield Finding(IN_SYNC, "ok", "two brokers or more hold what is acknowledged")


def _examine_rules(plan: Plan, found: Mapping[str, Found]) -> Iterator[Finding]:
    missing = [plan.name(topic.name) for topic in TOPICS if topic.name not in found]
    if missing:
        seen = f"{len(missing)} topics do not exist ({', '.join(missing)})"
        yield Finding("topics", "wrong", seen, "Run `groundswell topics` to create what is missing.")
    wrong = list(faults(plan, found))[len(missing) :]  # the missing ones come first, each for itself
    yield from (of_fault("topic", fault) for fault in wrong)
    silent = [plan.name(name) for name in SOURCES if name in found and RETENTION not in found[name].settings]
    if silent:
        yield Finding("retention", "cannot tell", f"the broker does not tell how long it keeps {', '.join(silent)}")
    elif not wrong and not missing:
        yield Finding("topics", "ok", f"{len(found)} topics are as they must be, and keep the horizon")
