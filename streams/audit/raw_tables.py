"""Raw tables: one row for each event that the codec took, from its first copy in the log."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from operator import attrgetter
from typing import Any, Final

import msgspec
from clickhouse_connect.driver.client import Client

from schemas.events import EVENTS
from schemas.skips import Skips
from schemas.times import rfc3339
from schemas.topics import SHARES
from streams.audit.records import Place, Span
from streams.audit.report import Findings
from streams.audit.store import KeyColumn, Row, milliseconds, ms, rows, text, uuid
from streams.audit.verdicts import Identity, RowKey, Valid

_MONEY: Final = ("amount", "fee")
_ORIGIN: Final = ("record_time", "late", "source_partition", "source_offset", "precedence")


def compare_raw_table(
    client: Client,
    topic: str,
    first_copies: list[Valid],
    trimmed: Mapping[Place, Span],
    skips: Skips,
    findings: Findings,
) -> None:
    """Every landed row of the topic's table against its event, field by field, and every event against the rows.

    Args:
        first_copies: the first valid record of each row key.
        trimmed: logs whose beginning is gone: rows from before it are set aside as unproven.
        skips: what any role skips: the sink may have been through before it was said, or not.
    """
    key = [*map(text, ("campaign_id", "referral_id")), milliseconds("occurred_at"), uuid("event_id")]
    if topic == SHARES:
        key.append(text("influencer_id"))
    fields = _fields(topic, key)
    truth = attrgetter(*fields)
    missing = {valid.row_key: valid for valid in first_copies}
    gone = skipped = compared = 0
    for row in rows(client, topic, key, _columns(fields)):
        identity, landed = _split(row, len(key))
        partition, offset = landed[2], landed[3]
        valid = missing.pop(identity, None)
        if offset < trimmed.get(Place(topic, partition), Span(0, 0)).begin:
            gone += 1
        elif _is_skipped(topic, partition, offset, skips):
            skipped += 1
        elif valid is None:
            findings.differ(topic, f"{_name(identity)} is no event of the log, or landed twice")
        else:
            compared += 1
            true = (*_origin(valid), *map(_true, fields, truth(valid.event)))
            if landed != true:
                names = (*_ORIGIN, *fields)
                findings.compare(topic, _name(identity), zip(names, landed, true, strict=True))
    for identity, valid in missing.items():
        if _is_skipped(topic, valid.record.partition, valid.record.offset, skips):
            continue
        place = f"partition {valid.record.partition}, offset {valid.record.offset}"
        findings.differ(topic, f"{_name(identity)} ({place}) did not land")
    findings.count(topic, compared)
    if gone:
        findings.unproven(f"{topic}: {gone} rows come from records that the log no longer holds")
    if skipped:
        findings.unproven(f"{topic}: {skipped} rows come from records that were skipped after they had landed")


def _is_skipped(topic: str, partition: int, offset: int, skips: Skips) -> bool:
    return skips.beyond((topic, partition), offset) != offset


def _fields(topic: str, key: list[KeyColumn]) -> list[str]:
    """The event's own fields that are not in the key of the row."""
    in_key = {part.name for part in key}
    return [field.name for field in msgspec.structs.fields(EVENTS[topic]) if field.name not in in_key]


def _columns(fields: list[str]) -> list[str]:
    origin = [ms("record_time"), *(f"`{name}`" for name in _ORIGIN[1:])]
    return [*origin, *(f"`{name}`" for name in fields)]


def _split(row: Row, width: int) -> tuple[RowKey, Row]:
    campaign_id, referral_id, occurred_ms, event_id, *influencer_id = row[:width]
    identity = Identity(campaign_id, referral_id or None, occurred_ms, event_id)
    return RowKey(identity, influencer_id[0] if influencer_id else ""), row[width:]


def _origin(valid: Valid) -> Row:
    record = valid.record
    return record.record_time_ms, int(valid.late), record.partition, record.offset, -record.offset


def _true(field: str, value: Any) -> Any:
    return Decimal(value) if field in _MONEY and value is not None else value


def _name(key: RowKey) -> str:
    identity = key.identity
    whose = f"referral {identity.referral_id}" if identity.referral_id else "no referral"
    claim = f" claimed by {key.influencer_id}" if key.influencer_id else ""
    return f"event {identity.event_id} at {rfc3339(identity.occurred_ms)} of {identity.campaign_id}, {whose}{claim}"
