"""Databases to ask, and a story teller that writes rows as the sink does."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import clickhouse_connect
import msgspec

from infra.clickhouse.migrate import migrate
from schemas.campaign import Campaign
from schemas.events import SCHEMA_VERSION, Click, Donation, Event, Impression, Share
from schemas.rows import raw_line
from schemas.times import parse_ms, rfc3339

START = datetime(2026, 3, 12, 18, tzinfo=UTC)
APPEAL = Campaign("appeal", "The appeal", START, START + timedelta(hours=48), Decimal("5000"), "USD", 0.018)
OTHER = Campaign("other", "Another", START, START + timedelta(hours=48), Decimal("900"), "KWD")
EVENT_TABLES = (
    "shares", "clicks", "impressions", "donations", "conversions", "watermarks", "dead_letters", "chained_windows",
    "newest_chained", "links", "claims", "minutes_of_records", "people", "nameless", "givers",
    "landed_positions",
)  # fmt: skip


class Database:
    """One database: `client` writes, `reader` is who pages and people are."""

    def __init__(self, writer: str, reader: str) -> None:
        self.client: Any = clickhouse_connect.get_client(dsn=writer, autogenerate_session_id=False)
        self.reader: Any = clickhouse_connect.get_client(dsn=reader, autogenerate_session_id=False)

    def rows(self, sql: str) -> list[dict[str, Any]]:
        return list(self.reader.query(sql).named_results())

    def one(self, sql: str) -> dict[str, Any]:
        [row] = self.rows(sql)
        return row

    def insert(self, table: str, rows: list[Any]) -> None:
        """JSON lines, as the sink sends them; rows are dicts or structs."""
        lines = b"".join(msgspec.json.encode(row) + b"\n" for row in rows)
        self.client.raw_insert(table, insert_block=lines, fmt="JSONEachRow")

    def views(self) -> list[str]:
        """All but those that want to be told of whom they are asked."""
        sql = """
            SELECT name FROM system.tables
            WHERE database = currentDatabase() AND engine = 'View' AND position(create_table_query, '{campaign:') = 0
            ORDER BY name
        """
        return [name for (name,) in self.client.query(sql).result_rows]

    def close(self) -> None:
        self.client.close()
        self.reader.close()


def migrated(store: Database) -> Database:
    """The store with tables, views and two campaigns, in which nothing is ever merged."""
    migrate(store.client, {APPEAL.id: APPEAL, OTHER.id: OTHER})
    store.client.command("SYSTEM STOP MERGES")
    return store


class Story:
    """Events in the order of their logs; `offset` and `event` may be given to tell of copies and disorder."""

    def __init__(self) -> None:
        self.rows: dict[str, list[dict[str, Any]]] = {}
        self._offsets: dict[str, Iterator[int]] = {}

    def share(self, referral: str, by: str, *, at: float = 0, campaign: str = "appeal", **more: Any) -> str:
        fields = {"channel": "twitter", "kind": "original", "audience": 100, "tie": "strong", **more}
        return self._add("shares", Share, campaign, referral, at, {"influencer_id": by, **fields})

    def click(self, referral: str, *, at: float = 1, times: int = 1, campaign: str = "appeal", **more: Any) -> None:
        for _ in range(times):
            self._add("clicks", Click, campaign, referral, at, dict(more))

    def impression(self, referral: str, count: int, basis: str, *, at: float = 1, **more: Any) -> str:
        return self._add("impressions", Impression, "appeal", referral, at, {"count": count, "basis": basis, **more})

    def donation(
        self, referral: str | None, amount: str, donor: str | None = None, *, at: float = 2, **more: Any
    ) -> str:
        campaign = more.pop("campaign", "appeal")
        fields = {"kind": "donation", "currency": "USD", "tie": "strong", "donation_id": "gift", "donor_id": donor}
        return self._add("donations", Donation, campaign, referral, at, {**fields, "amount": amount, **more})

    def _add(
        self, topic: str, kind: type[Event], campaign: str, referral: str | None, at: float, fields: dict[str, Any]
    ) -> str:
        offset = fields.pop("offset", None)
        if offset is None:
            offset = next(self._offsets.setdefault(topic, itertools.count()))
        known = fields.pop("event", None) or str(uuid.uuid5(uuid.NAMESPACE_OID, f"{topic} {offset}"))
        occurred = rfc3339(int(START.timestamp() * 1000 + at * 3_600_000))
        event = kind(known, campaign, referral, occurred, SCHEMA_VERSION, **fields)
        moment = parse_ms(occurred)
        line = raw_line(event, occurred_ms=moment, record_time=occurred, partition=0, offset=offset, late=False)
        self.rows.setdefault(topic, []).append(msgspec.json.decode(line))
        return known

    def tell(self, store: Database) -> None:
        for topic, rows in self.rows.items():
            store.insert(topic, rows)
