"""The operators wired together in memory: logs, attribution of each partition, conversion, what landed.

Logs --Folder.step--> Attribution --drain--> slices (encoded, a list per partition) --Windower--> Landed
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from looking import Emission, drain

from schemas.campaign import Campaign, Window
from schemas.codec import Codec
from schemas.partitioning import partition_of
from schemas.results import Result, WindowResult
from schemas.slices import Entity, SliceRecord
from schemas.times import parse_ms, rfc3339
from schemas.topics import ATTRIBUTION_INPUTS, HEARTBEATS, SOURCES
from streams.audit.oracle import Oracle, WindowValue
from streams.audit.records import LogRecord
from streams.operators.attribution.emission import LogEnds
from streams.operators.attribution.fold import AttributionOperator
from streams.operators.attribution.state import Attribution

PARTITIONS = 2
START = datetime(2026, 3, 12, 18, tzinfo=UTC)
START_MS = int(START.timestamp() * 1000)
PROCESSOR = ("groundswell-attribution", "test")


def campaign_of(name: str, currency: str, windows: tuple[Window, ...] | None = None) -> Campaign:
    more = {} if windows is None else {"windows": windows}
    return Campaign(name, f"In {currency}", START, START + timedelta(hours=48), Decimal("5000"), currency, **more)


class Record(NamedTuple):
    """A Kafka record, as the operators ask for it."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


class Logs:
    """The logs of all topics and partitions that attribution reads."""

    def __init__(self, partitions: int = PARTITIONS) -> None:
        self.partitions = partitions
        self.records: dict[tuple[str, int], list[Record]] = {
            (topic, partition): [] for topic in ATTRIBUTION_INPUTS for partition in range(partitions)
        }

    def append(
        self, topic: str, key: bytes | None, value: bytes | None, time_ms: int, partition: int | None = None
    ) -> int:
        """Write a record where its key belongs, or elsewhere by mistake; its partition."""
        home = partition_of(key or b"", self.partitions) if partition is None else partition
        log = self.records[topic, home]
        log.append(Record(len(log), time_ms, key, value))
        return home

    def event(self, topic: str, fields: Mapping[str, Any], sent_ms: int) -> int:
        """Write an event under the key it must have."""
        key = fields["referral_id"] or fields["campaign_id"]
        return self.append(topic, str(key).encode(), json.dumps(fields).encode(), sent_ms)

    def sources(self) -> list[LogRecord]:
        """The four source logs, as the oracle reads them."""
        return [
            LogRecord(topic, partition, record.offset, record.key, record.value, record.timestamp, record.headers)
            for (topic, partition), log in self.records.items()
            if topic in SOURCES
            for record in log
        ]

    def ends(self, partition: int) -> dict[str, int]:
        return {topic: len(self.records[topic, partition]) for topic in ATTRIBUTION_INPUTS}


def event_fields(number: int, occurred_ms: int, campaign: str, referral: str | None, **fields: Any) -> dict[str, Any]:
    return {
        "event_id": str(uuid.uuid5(uuid.NAMESPACE_OID, str(number))),
        "campaign_id": campaign,
        "referral_id": referral,
        "occurred_at": rfc3339(occurred_ms),
        "schema_version": 1,
        **fields,
    }


def begun(partition: int) -> Attribution:
    """The state of a partition whose logs begin at 0."""
    state = Attribution(partition)
    for topic in ATTRIBUTION_INPUTS:
        state.begin(topic, 0)
    return state


def fold(folder: AttributionOperator, state: Attribution, logs: Logs, topic: str, upto: int | None = None) -> None:
    """Fold one batch of a topic: from where the state stands to an offset, or to the end."""
    log = logs.records[topic, state.partition]
    end = len(log) if upto is None else upto
    folder.step(state, topic, log[state.positions[topic] : end], end)


def fold_all(folder: AttributionOperator, state: Attribution, logs: Logs) -> None:
    for topic in ATTRIBUTION_INPUTS:
        fold(folder, state, logs, topic)


def drained(state: Attribution, logs: Logs, incarnation: str = "one", now_ms: int | None = None) -> Emission:
    """What the state emits while it knows all of its logs' ends."""
    ends = logs.ends(state.partition)
    idle = all(state.positions[topic] == end for topic, end in ends.items())
    return drain(state, incarnation, LogEnds({topic: ends[topic] for topic in SOURCES}, idle), now_ms)


def said(emission: Emission) -> list[SliceRecord]:
    """The records of `slices`, in the order in which they are written."""
    # In an order that is the same in every run; theirs is a set's.
    slices = sorted(emission.slices, key=lambda said: (said[0], said[1].end))
    return [*(record for _, record in slices), emission.progress]


class Landed:
    """What a table with a version keeps: of each row the one with the largest version, of equals the last."""

    def __init__(self) -> None:
        self.rows: dict[tuple[Entity, str, int], WindowResult] = {}

    def add(self, results: Iterable[Result]) -> list[WindowResult]:
        """Let them land; those among them that are results of windows."""
        rows = [result for result in results if isinstance(result, WindowResult)]
        for row in rows:
            key = key_of_row(row)
            known = self.rows.get(key)
            if known is None or row.version >= known.version:
                self.rows[key] = row
        return rows


def key_of_row(row: WindowResult) -> tuple[Entity, str, int]:
    return Entity(row.campaign_id, row.dimension, row.member), row.window, parse_ms(row.window_end) // 1000


def value_of(row: WindowResult) -> WindowValue:
    """A landed row in the oracle's words."""
    others = {
        code: (Decimal(money.gross), Decimal(money.fee), Decimal(money.refunded))
        for code, money in row.other_currencies.items()
    }
    numbers = [getattr(row, name) for name in WindowValue._fields[:7]]
    money = [Decimal(text) for text in (row.gross, row.fee, row.refunded, row.net)]
    return WindowValue(*numbers, row.currency, *money, others, row.conversion, row.per_impression)


def differences(landed: Landed, oracle: Oracle, watermarks_ms: Mapping[str, int]) -> Iterator[str]:
    """Everything in which the table is not what the whole log says.

    Args:
        watermarks_ms: by campaign; those that are missing demand nothing.
    """
    for (entity, name, end), row in sorted(landed.rows.items()):
        window = next(window for window in oracle.campaigns[entity.campaign_id].windows if window.name == name)
        true = oracle.window(entity, window, end)
        watermark_ms = watermarks_ms.get(entity.campaign_id)
        if value_of(row) != true:
            yield f"{entity} {name} {rfc3339(end * 1000)}: landed {value_of(row)}, true is {true}"
        if watermark_ms is not None and bool(row.final) != (end * 1000 <= watermark_ms):
            yield f"{entity} {name} {rfc3339(end * 1000)}: final {row.final} at watermark {rfc3339(watermark_ms)}"
    for entity in oracle.entities:
        watermark_ms = watermarks_ms.get(entity.campaign_id)
        for window in oracle.campaigns[entity.campaign_id].windows if watermark_ms is not None else ():
            for end in oracle.due(entity, window, watermark_ms // 1000):
                if (entity, window.name, end) not in landed.rows:
                    yield f"{entity} {window.name} {rfc3339(end * 1000)} did not land"


def differences_of_tallies(states: Iterable[Attribution], oracle: Oracle) -> Iterator[str]:
    """Everything in which the states' tallies are not the oracle's counts."""
    counts = oracle.verdicts.counts()
    for state in states:
        for topic, tally in state.tallies.items():
            for column in ("accepted", "duplicates", "dead_lettered", "late"):
                true = counts[column][topic, state.partition]  # type: ignore[index]
                if getattr(tally, column) != true:
                    yield f"{topic}-{state.partition}: {column} {getattr(tally, column)}, true is {true}"


def codec_of(campaigns: Iterable[Campaign], partitions: int = PARTITIONS) -> Codec:
    return Codec({campaign.id: campaign for campaign in campaigns}, partitions)


def heartbeat(logs: Logs, partition: int, time_ms: int, feed: str = "clicks/web", **fields: Any) -> None:
    """A heartbeat of that time; `fields` are those beyond `feed` and `at`."""
    value = {"feed": feed, "at": rfc3339(time_ms), **fields}
    logs.append(HEARTBEATS, feed.encode(), json.dumps(value).encode(), time_ms, partition)
