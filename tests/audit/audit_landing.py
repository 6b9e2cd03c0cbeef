"""What a faultless pipeline lands of a log, as rows by table."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
from audit_story import CAMPAIGNS, PARTITIONS, Log

from schemas.campaign import Window
from schemas.dead_letters import dead_letter
from schemas.rows import dead_letter_row, raw_line
from schemas.slices import Entity
from schemas.times import rfc3339
from schemas.topics import SOURCES
from streams.audit import Oracle, Place
from streams.audit.verdicts import Valid

Tables = dict[str, list[dict[str, Any]]]


def landed(log: Log) -> Tables:
    """The rows that a faultless pipeline lands, by table."""
    oracle = log.oracle()
    clock_ms = max((record.record_time_ms for record in log.records), default=0)
    watermark_ms = clock_ms - 300_000
    tables: Tables = {topic: [_raw_row(valid) for valid in oracle.verdicts.first_copies[topic]] for topic in SOURCES}
    tables["dead_letters"] = [_dead_letter_row(dead) for dead in oracle.verdicts.dead_letters]
    tables["conversions"] = [
        _window_row(oracle, entity, window, window_end, watermark_ms)
        for entity in oracle.entities
        for window in CAMPAIGNS[entity.campaign_id].windows
        for window_end in oracle.due(entity, window, clock_ms // 1000 + window.slide)
    ]
    tables["watermarks"] = _watermark_rows(log, oracle, clock_ms)
    return tables


def _dead_letter_row(dead: Any) -> dict[str, Any]:
    record, rejection = dead
    letter = dead_letter(
        rejection,
        processor=("attribution", "0"),
        source=record[:3],
        record_time_ms=record.record_time_ms,
        key=record.key,
        payload=record.value,
        headers=record.headers,
    )
    row: dict[str, Any] = msgspec.to_builtins(dead_letter_row(letter, offset=0))
    return row


def _raw_row(valid: Valid) -> dict[str, Any]:
    line = raw_line(
        valid.event,
        occurred_ms=valid.occurred_ms,
        record_time=rfc3339(valid.record.record_time_ms),
        partition=valid.record.partition,
        offset=valid.record.offset,
        late=valid.late,
    )
    row: dict[str, Any] = msgspec.json.decode(line)
    return row


def _window_row(oracle: Oracle, entity: Entity, window: Window, window_end: int, watermark_ms: int) -> dict[str, Any]:
    value = oracle.window(entity, window, window_end)
    row = {name: str(item) if isinstance(item, Decimal) else item for name, item in value._asdict().items()}
    row["other_currencies"] = {
        code: dict(zip(("gross", "fee", "refunded"), map(str, amounts), strict=True))
        for code, amounts in value.other_currencies.items()
    }
    return {
        **entity._asdict(),
        **row,
        "window": window.name,
        "window_end": str(window_end),
        "final": int(window_end * 1000 <= watermark_ms),
        "watermark": rfc3339(watermark_ms),
        "version": 1,
        "computed_at": rfc3339(watermark_ms),
    }


def _watermark_rows(log: Log, oracle: Oracle, clock_ms: int) -> list[dict[str, Any]]:
    counts, spans = oracle.verdicts.counts(), log.logs().spans
    rows = []
    for partition in range(PARTITIONS):
        ends = {topic: spans[Place(topic, partition)].end for topic in SOURCES}
        maps = {
            name: {topic: counted[Place(topic, partition)] for topic in SOURCES} for name, counted in counts.items()
        }
        times = [record.record_time_ms for record in log.records if record.partition == partition]
        row = {
            "source_partition": partition,
            "clock": rfc3339(max(times, default=0)),
            "idle": 1,
            "source_version": sum(ends.values()) + 1,
            "version": 1,
            "computed_at": rfc3339(clock_ms),
            "positions": ends,
            "ends": ends,
            "begins": dict.fromkeys(SOURCES, 0),
            **maps,
        }
        rows += [{**row, "slices_partition": slices} for slices in range(2)]
    return rows
