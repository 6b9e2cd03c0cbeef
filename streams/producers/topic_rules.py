"""What the topics must be like for the law of state to hold, and how to mend one that is not.

Pure: it compares what a broker reports with `schemas.topics.TOPICS`.  A topic that keeps longer, or takes larger
messages, than it must is right; a setting that its broker does not report is not wrong, but unknown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from schemas.errors import Fault
from schemas.times import DAY_MS
from schemas.topics import (
    CHECKPOINTS,
    CONVERSIONS,
    DEAD_LETTERS,
    FOREVER,
    HEARTBEATS,
    HORIZON_DAYS,
    SLICES,
    SOURCES,
    TOPICS,
    Topic,
)
from streams.settings.kafka_security import PLAINTEXT, Security

# Written by the number of a source partition, or read beside one.
AS_MANY_AS_SOURCES: Final = (HEARTBEATS, SLICES, CONVERSIONS, CHECKPOINTS, DEAD_LETTERS)
# Marks in `checkpoints` are offsets of `slices`, and after a saved state only changed slices are published.
DELETED_TOGETHER: Final = (SLICES, CHECKPOINTS)

SEGMENT_BYTES: Final = 64 * 1024 * 1024

CLEANUP: Final = "cleanup.policy"
RETENTION: Final = "retention.ms"
RETENTION_BYTES: Final = "retention.bytes"
MESSAGE_BYTES: Final = "max.message.bytes"
TIMESTAMP_TYPE: Final = "message.timestamp.type"
# How far a record's time may be ahead of the broker's clock; brokers before 3.6 do not know it.
TIMESTAMP_AHEAD: Final = "message.timestamp.after.max.ms"
AHEAD_MS: Final = 3_600_000


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
        horizon_days: how old an event may be; the sources must keep as long, for a state is folded from them.
        security: how to come in at the brokers.
    """

    brokers: tuple[str, ...]
    prefix: str = ""
    partitions: int = 4
    replication: int = 1
    retention_days: int | None = None
    horizon_days: int = HORIZON_DAYS
    security: Security = PLAINTEXT

    def name(self, topic: str) -> str:
        """The physical name of a topic."""
        return self.prefix + topic

    def retention_ms(self, topic: Topic) -> int:
        days = topic.retention_days
        if self.retention_days is not None and days != FOREVER:
            days = self.retention_days
        return FOREVER if days == FOREVER else days * DAY_MS


class Found(NamedTuple):
    """A topic as its broker reports it: the number of partitions, and those settings that it reports."""

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
    if topic.name in (*SOURCES, HEARTBEATS):
        settings[TIMESTAMP_AHEAD] = str(AHEAD_MS)
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
    yield from short_of_horizon(plan, found)


def short_of_horizon(plan: Plan, found: Mapping[str, Found]) -> Iterator[Fault]:
    """Source topics that forget an event while a duplicate of it may come.

    One that does not exist yet, or whose broker does not report it, is taken as it is planned.
    """
    wanted = plan.horizon_days * DAY_MS
    for topic in TOPICS:
        reported = found[topic.name].settings if topic.name in found else {}
        kept = int(reported.get(RETENTION, plan.retention_ms(topic)))
        if topic.name in SOURCES and 0 <= kept < wanted:
            what = (
                f"GROUNDSWELL_HORIZON_DAYS is {plan.horizon_days}, and topic {plan.name(topic.name)!r} keeps its "
                f"records for {kept / DAY_MS:g} days"
            )
            lower = f"Set GROUNDSWELL_HORIZON_DAYS={kept // DAY_MS}; or set" if kept >= DAY_MS else "Set"
            alter = f" and run `{_mend_setting(plan, topic, RETENTION, str(wanted))}`" if topic.name in found else ""
            yield Fault("settings", what, f"{lower} GROUNDSWELL_RETENTION_DAYS={plan.horizon_days}{alter}.")


def untold(topic: Topic, found: Found) -> list[str]:
    """Names of the settings that the broker does not report, so that they cannot be checked."""
    asked = [CLEANUP, MESSAGE_BYTES] + [RETENTION] * ("delete" in topic.cleanup)
    asked += [TIMESTAMP_AHEAD] * (topic.name in (*SOURCES, HEARTBEATS))
    return [name for name in asked if name not in found.settings]


def _wrong_partitions(plan: Plan, found: Mapping[str, Found]) -> Iterator[Fault]:
    counts = {name: found[name].partitions for name in (*SOURCES, *AS_MANY_AS_SOURCES) if name in found}
    sources = {count for name, count in counts.items() if name in SOURCES}
    if len(sources) > 1:
        reported = ", ".join(f"{name} {count}" for name, count in counts.items() if name in SOURCES)
        what = f"the source topics have different numbers of partitions ({reported})"
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
        for name in AS_MANY_AS_SOURCES:
            have = counts.get(name, count)
            if have != count:
                what = f"topic {plan.name(name)!r} has {have} partitions, the source topics have {count}"
                yield Fault("kafka", what, _mend_partitions(plan, name, have, count))


def _mend_partitions(plan: Plan, name: str, have: int, want: int) -> str:
    tool = _tool(plan, "kafka-topics.sh")
    if have < want:
        return f"Run `{tool} --alter --topic {plan.name(name)} --partitions {want}`."
    gone = DELETED_TOGETHER if name in DELETED_TOGETHER else (name,)
    deletes = ", ".join(f"`{tool} --delete --topic {plan.name(one)}`" for one in gone)
    return f"Stop the workers, run {deletes} and then `groundswell topics`."


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


def _at_most(have: str, want: str) -> bool:
    return int(have) <= int(want)


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
    TIMESTAMP_AHEAD: _at_most,
}
