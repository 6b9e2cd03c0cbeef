"""What the topics must be like for the law of state to hold, and how to mend one that is not.

Pure: it compares what a broker says with `schemas.topics.TOPICS`.  A topic that keeps longer, or takes larger
messages, than it must is right; one whose broker says nothing of a setting is not wrong, we cannot tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from schemas.errors import Fault
from schemas.times import DAY_MS
from schemas.topics import ATTRIBUTION_INPUTS, FOREVER, HEARTBEATS, TOPICS, Topic

SEGMENT_BYTES: Final = 64 * 1024 * 1024

CLEANUP: Final = "cleanup.policy"
RETENTION: Final = "retention.ms"
RETENTION_BYTES: Final = "retention.bytes"
MESSAGE_BYTES: Final = "max.message.bytes"
TIMESTAMP_TYPE: Final = "message.timestamp.type"


@dataclass(frozen=True)
class Plan:
    """How the topics are wanted.

    Args:
        brokers: `host:port` of each.
        prefix: of the physical names.
        partitions: of each topic that is created, and of those that attribution reads.
        replication: how many brokers hold a copy.
        retention_days: in place of the contract's, for topics that delete; -1 keeps for ever, which is what
            playing history needs, because Kafka deletes by record time.  None: as the contract says.
    """

    brokers: tuple[str, ...]
    prefix: str = ""
    partitions: int = 4
    replication: int = 1
    retention_days: int | None = None

    def name(self, topic: str) -> str:
        """The physical name of a topic."""
        return self.prefix + topic

    def retention_ms(self, topic: Topic) -> int:
        days = topic.retention_days
        if self.retention_days is not None and days != FOREVER:
            days = self.retention_days
        return FOREVER if days == FOREVER else days * DAY_MS


class Found(NamedTuple):
    """What a broker says of a topic: its number of partitions, and those settings that it tells."""

    partitions: int
    settings: Mapping[str, str]


def settings_of(plan: Plan, topic: Topic) -> dict[str, str]:
    """The settings that a topic is created with."""
    settings = {
        CLEANUP: topic.cleanup,
        RETENTION: str(plan.retention_ms(topic)),
        RETENTION_BYTES: "-1",
        MESSAGE_BYTES: str(topic.max_message_bytes),
        TIMESTAMP_TYPE: "CreateTime",
    }
    if "compact" in topic.cleanup:
        # Only whole segments are compacted, and a restart reads what is not.
        settings["segment.bytes"] = str(SEGMENT_BYTES)
    if plan.replication >= 3:
        settings["min.insync.replicas"] = str(plan.replication - 1)
    return settings


def faults(plan: Plan, found: Mapping[str, Found]) -> Iterator[Fault]:
    """Everything that is wrong, worst first.

    Args:
        found: by logical name; a topic that is not in it does not exist.
    """
    for topic in TOPICS:
        if topic.name not in found:
            what = f"topic {plan.name(topic.name)!r} does not exist"
            yield Fault("kafka", what, "Run `groundswell topics` to create what is missing.")
    yield from _wrong_partitions(plan, found)
    for topic in TOPICS:
        if topic.name in found:
            yield from _wrong_settings(plan, topic, found[topic.name].settings)


def untold(topic: Topic, found: Found) -> list[str]:
    """Names of the settings that the broker does not tell, so that nobody can say whether they are right."""
    asked = [CLEANUP, MESSAGE_BYTES] + [RETENTION] * ("delete" in topic.cleanup)
    return [name for name in asked if name not in found.settings]


def _wrong_partitions(plan: Plan, found: Mapping[str, Found]) -> Iterator[Fault]:
    counts = {name: found[name].partitions for name in ATTRIBUTION_INPUTS if name in found}
    sources = {count for name, count in counts.items() if name != HEARTBEATS}
    if len(sources) > 1:
        told = ", ".join(f"{name} {count}" for name, count in counts.items())
        what = f"the source topics have different numbers of partitions ({told})"
        delete = f"{_tool(plan, 'kafka-topics.sh')} --delete --topic NAME"
        yield Fault(
            "kafka",
            what,
            f"Delete the odd one (its records are lost), `{delete}`, and run `groundswell topics`.",
        )
        return
    for count in sources:
        if count != plan.partitions:
            what = f"the source topics have {count} partitions, the settings say {plan.partitions}"
            yield Fault("settings", what, f"Set GROUNDSWELL_PARTITIONS={count}.")
        beats = counts.get(HEARTBEATS, count)
        if beats != count:
            what = f"topic {plan.name(HEARTBEATS)!r} has {beats} partitions, the source topics have {count}"
            yield Fault("kafka", what, f"Run `{_mend_partitions(plan, beats, count)}`.")


def _mend_partitions(plan: Plan, have: int, want: int) -> str:
    tool, name = _tool(plan, "kafka-topics.sh"), plan.name(HEARTBEATS)
    if have < want:
        return f"{tool} --alter --topic {name} --partitions {want}"
    return f"{tool} --delete --topic {name}` and then `groundswell topics"


def _wrong_settings(plan: Plan, topic: Topic, settings: Mapping[str, str]) -> Iterator[Fault]:
    wanted = settings_of(plan, topic)
    for name, is_right in _RULES.items():
        if name in settings and name in wanted and not is_right(settings[name], wanted[name]):
            if name in (RETENTION, RETENTION_BYTES) and "delete" not in topic.cleanup:
                continue
            what = f"topic {plan.name(topic.name)!r} has {name}={settings[name]}, it must be {wanted[name]}"
            yield Fault("kafka", what, f"Run `{_mend_setting(plan, topic, name, wanted[name])}`.")


def _mend_setting(plan: Plan, topic: Topic, name: str, value: str) -> str:
    tool = _tool(plan, "kafka-configs.sh")
    shown = f"[{value}]" if "," in value else value
    where = f"--entity-type topics --entity-name {plan.name(topic.name)}"
    return f"{tool} --alter {where} --add-config {name}={shown}"


def _tool(plan: Plan, name: str) -> str:
    return f"{name} --bootstrap-server {','.join(plan.brokers)}"


def _same_words(have: str, want: str) -> bool:
    return {word.strip() for word in have.split(",")} == set(want.split(","))


def _at_least(have: str, want: str) -> bool:
    return int(have) >= int(want)


def _keeps_as_long(have: str, want: str) -> bool:
    return int(have) < 0 or (int(want) >= 0 and int(have) >= int(want))


_RULES: Final = {
    CLEANUP: _same_words,
    RETENTION: _keeps_as_long,
    RETENTION_BYTES: _keeps_as_long,
    MESSAGE_BYTES: _at_least,
    TIMESTAMP_TYPE: _same_words,
}
