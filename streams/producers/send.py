"""`groundswell send TOPIC`: lines of JSON as events, each judged as the pipeline will judge it before it is sent."""

from __future__ import annotations

import time
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import msgspec

from schemas.codec import Codec, Rejection
from schemas.errors import Fault
from schemas.partitioning import partition_of
from schemas.topics import SOURCES
from streams.producers.outgoing import Outgoing
from streams.producers.sender import Sender, Summary

NO_PARTITION_BY_KEY: Final = 0


class RefusedLine(NamedTuple):
    """A line that was not sent: its number from 1, and why the pipeline would make it a dead letter."""

    number: int
    rejection: Rejection

    def __str__(self) -> str:
        rejection = self.rejection
        where = f" {rejection.field}={rejection.value!r}" if rejection.field else ""
        return f"line {self.number}: {rejection.reason}{where}; expected {rejection.expectation}"


@dataclass
class SentLines:
    """What became of the lines: counts by topic, and the refused ones."""

    summary: Summary
    refused: list[RefusedLine] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        return 1 if self.refused else 0


class _Route(msgspec.Struct):
    """What the key is made of; a line that is no such object has no key."""

    referral_id: str | None = None
    campaign_id: str | None = None


def wall_clock_ms() -> int:
    return time.time_ns() // 1_000_000


def send_lines(
    sender: Sender,
    topic: str,
    lines: Iterable[bytes],
    codec: Codec | None,
    record_time_ms: Callable[[], int] = wall_clock_ms,
    sent: SentLines | None = None,
) -> SentLines:
    """Send each line that is a good event, and report the others; empty lines and byte order marks are skipped.

    Args:
        topic: one of the source topics, without a prefix.
        codec: judges the lines; None sends them as they are, with the key as far as it can be read.
        record_time_ms: gives each record's timestamp.
        sent: what is filled in as it goes, for a caller that wants to tell it even if this raises.

    Raises:
        Fault: the topic is no source topic or does not exist, or a record was not acknowledged.
    """
    if topic not in SOURCES:
        raise Fault("input", f"{topic!r} is no topic for events", f"Give one of {', '.join(SOURCES)}.")
    partitions = sender.partitions(topic)
    sent = sent or SentLines(sender.summary)
    for number, line in enumerate(lines, 1):
        # Editors and exports of other systems write a byte order mark; joined files have them at other lines too.
        value = line.removeprefix(BOM_UTF8).strip()
        if not value:
            continue
        record = _record(topic, value, partitions, record_time_ms())
        rejection = None if codec is None else _judge(codec, record)
        if rejection is None:
            sender.send(record)
        else:
            sent.refused.append(RefusedLine(number, rejection))
    sender.flush()
    return sent


def _judge(codec: Codec, record: Outgoing) -> Rejection | None:
    partition = NO_PARTITION_BY_KEY if record.partition is None else record.partition
    verdict = codec.validate(record.topic, partition, record.key, record.value, record.record_time_ms)
    return verdict if isinstance(verdict, Rejection) else None


def _record(topic: str, value: bytes, partitions: int, at_ms: int) -> Outgoing:
    key = key_in(value)
    partition = NO_PARTITION_BY_KEY if key is None else partition_of(key, partitions)
    return Outgoing(topic, partition, key, value, at_ms)


def key_in(value: bytes) -> bytes | None:
    """The key that a message asks for, as far as it can be read."""
    try:
        route = msgspec.json.decode(value, type=_Route)
        text = route.campaign_id if route.referral_id is None else route.referral_id
        return None if text is None else text.encode()
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
