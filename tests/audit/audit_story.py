"""The four logs, told as stories."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from schemas.campaign import Campaign
from schemas.codec import Codec
from schemas.partitioning import partition_of
from schemas.slices import Entity
from schemas.times import rfc3339
from schemas.topics import SOURCES
from streams.audit import LogRecord, Logs, Oracle, Place, Span, WindowValue

START = datetime(2026, 3, 12, 18, tzinfo=UTC)
START_MS = int(START.timestamp() * 1000)
DOOR = Campaign("door", "The door", START, START + timedelta(hours=48), Decimal("5000"), "USD")
YEN = Campaign("yen", "In yen", START, START + timedelta(hours=48), Decimal("5000"), "JPY")
DINAR = Campaign("dinar", "In dinars", START, START + timedelta(hours=48), Decimal("5000"), "KWD")
CAMPAIGNS = {campaign.id: campaign for campaign in (DOOR, YEN, DINAR)}
PARTITIONS = 4
WINDOWS = {window.name: window for window in DOOR.windows}


class Log:
    """The four logs.  `at` is in minutes after the start; a record is sent `sent` seconds after its event."""

    def __init__(self) -> None:
        self.records: list[LogRecord] = []
        self._offsets: dict[tuple[str, int], int] = {}

    def share(self, referral: str, by: str, at: float = 0, **more: Any) -> str:
        fields = {"channel": "twitter", "kind": "original", "audience": 100, "tie": "strong"}
        return self._event("shares", referral, at, {**fields, "influencer_id": by, **more})

    def click(self, referral: str, at: float = 1, **more: Any) -> str:
        return self._event("clicks", referral, at, more)

    def impression(self, referral: str, count: int, basis: str, at: float = 1, **more: Any) -> str:
        return self._event("impressions", referral, at, {"count": count, "basis": basis, **more})

    def donation(self, referral: str | None, amount: str, at: float = 2, **more: Any) -> str:
        fields = {"donation_id": "gift", "kind": "donation", "currency": "USD", "tie": "weak"}
        return self._event("donations", referral, at, {**fields, "amount": amount, **more})

    def raw(self, topic: str, value: bytes, key: bytes | None = b"r1", at: float = 0) -> LogRecord:
        """Bytes as they are."""
        return self._append(topic, key, value, START_MS + int(at * 60_000), ())

    def raw_at(self, topic: str, value: bytes, time_ms: int) -> LogRecord:
        """Bytes at any record time, the impossible ones too."""
        return self._append(topic, b"r1", value, time_ms, (("attempt", b"\x00\xff"), ("empty", b"")))

    def again(self, place: int = -1, **changes: Any) -> None:
        """The record at `place` sent once more, fields changed."""
        record = self.records[place]
        event = {**json.loads(record.value or b""), **changes}
        self._append(record.topic, record.key, json.dumps(event).encode(), record.record_time_ms, ())

    def _event(self, topic: str, referral: str | None, at: float, fields: dict[str, Any]) -> str:
        sent = fields.pop("sent", 1)
        occurred_ms = START_MS + round(at * 60_000)
        event = {
            "event_id": str(uuid.uuid5(uuid.NAMESPACE_OID, str(len(self.records)))),
            "campaign_id": "door",
            "referral_id": referral,
            "occurred_at": rfc3339(occurred_ms),
            "schema_version": 1,
            **fields,
        }
        key = (referral or event["campaign_id"]).encode()
        self._append(topic, key, json.dumps(event).encode(), occurred_ms + sent * 1000, ())
        return str(event["event_id"])

    def _append(self, topic: str, key: bytes | None, value: bytes, time_ms: int, headers: Any) -> LogRecord:
        partition = partition_of(key or b"", PARTITIONS)
        offset = self._offsets.get((topic, partition), 0)
        self._offsets[topic, partition] = offset + 1
        record = LogRecord(topic, partition, offset, key, value, time_ms, headers)
        self.records.append(record)
        return record

    def oracle(self) -> Oracle:
        return Oracle(self.records, Codec(CAMPAIGNS, PARTITIONS))

    def logs(self) -> Logs:
        spans = {
            Place(topic, partition): Span(0, self._offsets.get((topic, partition), 0))
            for topic in SOURCES
            for partition in range(PARTITIONS)
        }
        return Logs(self.records, spans)

    def value(self, dimension: str, member: str, window: str, end: float, campaign: str = "door") -> WindowValue:
        """The oracle's result of the window that ends `end` minutes after the start."""
        chosen = next(each for each in CAMPAIGNS[campaign].windows if each.name == window)
        return self.oracle().window(Entity(campaign, dimension, member), chosen, seconds(end))


def seconds(minutes: float) -> int:
    """Epoch seconds of so many minutes after the start."""
    return START_MS // 1000 + int(minutes * 60)
