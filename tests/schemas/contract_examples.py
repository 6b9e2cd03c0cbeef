"""The golden examples of the contracts as records of Kafka, and a codec that knows their campaign."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import schemas
from schemas.campaign import Campaign
from schemas.codec import Codec
from schemas.codec.rejections import Rejection
from schemas.events import EVENTS, Event
from schemas.partitioning import partition_of
from schemas.times import parse_ms

FOLDER = Path(schemas.__file__).parent / "examples"
PARTITIONS = 4

DOOR = Campaign(
    id="door",
    title="The door",
    start=datetime(2026, 3, 12, 18, tzinfo=UTC),
    end=datetime(2026, 3, 14, 18, tzinfo=UTC),
    goal=Decimal(5000),
    currency="USD",
)
CODEC = Codec({"door": DOOR}, PARTITIONS)


class Record(NamedTuple):
    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    record_time_ms: int

    def verdict(self, codec: Codec = CODEC) -> tuple[Event, int] | Rejection:
        return codec.validate(*self)


def record_of(topic: str, fields: dict[str, Any]) -> Record:
    """A record as a faultless producer makes it, sent a second after its event."""
    name = fields["referral_id"] if fields["referral_id"] is not None else fields["campaign_id"]
    key = name.encode()
    sent_ms = parse_ms(fields["occurred_at"]) + 1000
    return Record(topic, partition_of(key, PARTITIONS), key, json.dumps(fields).encode(), sent_ms)


def golden(topic: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (FOLDER / f"{topic}.jsonl").read_text().splitlines()]


def golden_records() -> list[Record]:
    return [record_of(topic, fields) for topic in EVENTS for fields in golden(topic)]


def rejected() -> list[tuple[dict[str, Any], Record]]:
    """The examples of `rejected.jsonl` and their records; `padded_to` says how long blanks make a payload."""
    return [(example, _rejected_record(example)) for example in map(json.loads, _lines("rejected"))]


def _rejected_record(example: dict[str, Any]) -> Record:
    key, payload = example["key"], example["payload"]
    value = None if payload is None else payload.encode().ljust(example.get("padded_to", 0))
    return Record(
        example["topic"],
        example["partition"],
        None if key is None else key.encode(),
        value,
        example["record_time_ms"],
    )


def _lines(name: str) -> list[str]:
    return (FOLDER / f"{name}.jsonl").read_text().splitlines()
