"""The table `dead_letters`: every record that cannot be processed, whole, with its reason."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Any, Final

from clickhouse_connect.driver.client import Client

from schemas.dead_letters import dead_letter
from schemas.reasons import Reason
from schemas.times import parse_ms, rfc3339
from schemas.topics import SHARES
from streams.audit.records import Place, Span
from streams.audit.report import Findings
from streams.audit.store import Row, ms, number, rows, text
from streams.audit.verdicts import Dead

KIND: Final = "dead_letters"
_COLUMNS: Final = (
    *("record_time", "reason", "field", "value", "expectation", "key", "payload", "headers", "attempts"),
    *("full_length", "digest"),
)
# The rest of a refused claim is attribution's own words: the contract fixes no more than this.
_OF_TAKEN: Final = frozenset(_COLUMNS) - {"value", "expectation"}


def compare_dead_letters(
    client: Client, dead_letters: Iterable[Dead], trimmed: Mapping[Place, Span], findings: Findings
) -> None:
    """Every landed dead letter against the record that it is made of, and every record against the rows."""
    missing = {_where(dead): dead for dead in dead_letters if not _unknowable(_where(dead), _reason(dead), trimmed)}
    key = [text("topic"), number("source_partition"), number("source_offset")]
    columns = [ms("record_time"), *(f"`{name}`" for name in _COLUMNS[1:])]
    gone = 0
    for row in rows(client, KIND, key, columns):
        where, landed = row[:3], dict(zip(_COLUMNS, row[3:], strict=True))
        dead = missing.pop(where, None)
        if _unknowable(where, landed["reason"], trimmed):
            gone += 1
        elif dead is None:
            findings.differ(KIND, f"{_name(where)} is no dead letter, {landed['reason']!r} landed")
        else:
            findings.count(KIND)
            findings.compare(KIND, _name(where), _fields(landed, dead))
    for where, dead in missing.items():
        findings.differ(KIND, f"{_name(where)} is {_reason(dead).value!r} and did not land")
    if gone:
        findings.unproven(f"{KIND}: {gone} rows come from records that the logs no longer hold or explain")


def _unknowable(where: Row, reason: str, trimmed: Mapping[Place, Span]) -> bool:
    """Whether the record is gone, or the share is that the referral was given away with."""
    topic, partition, offset = where
    span = trimmed.get(Place(topic, partition))
    if span is None:
        return False
    return bool(offset < span.begin) or (topic == SHARES and reason == Reason.REFERRAL_TAKEN)


def _fields(landed: dict[str, Any], dead: Dead) -> Iterable[tuple[str, Any, Any]]:
    record, rejection = dead
    letter = dead_letter(
        rejection,
        processor=("", ""),
        source=_where(dead),
        record_time_ms=record.record_time_ms,
        key=record.key,
        payload=record.value,
        headers=record.headers,
    )
    true = {
        "record_time": parse_ms(rfc3339(record.record_time_ms)),
        "reason": rejection.reason.value,
        "field": rejection.field,
        "value": rejection.value,
        "expectation": rejection.expectation,
        "key": None if letter.key is None else _base64(letter.key),
        "payload": _base64(letter.payload),
        "headers": [(name, _base64(content or b"")) for name, content in letter.headers],
        "attempts": letter.attempts,
        "full_length": letter.full_length,
        "digest": letter.digest,
    }
    landed["headers"] = [tuple(header) for header in landed["headers"]]
    names = _OF_TAKEN if rejection.reason is Reason.REFERRAL_TAKEN else true.keys()
    return [(name, landed[name], true[name]) for name in _COLUMNS if name in names]


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _where(dead: Dead) -> tuple[str, int, int]:
    return dead.record.topic, dead.record.partition, dead.record.offset


def _reason(dead: Dead) -> Reason:
    return dead.rejection.reason


def _name(where: Row) -> str:
    return f"{where[0]}, partition {where[1]}, offset {where[2]}"
