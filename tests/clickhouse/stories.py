"""Databases to ask, and a story teller that writes rows as the sink does."""

from __future__ import annotations

import itertools
import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import clickhouse_connect
import msgspec
from faust.types import TP

from infra.clickhouse.migrate import migrate
from schemas.campaign import Campaign
from schemas.codec import key_of
from schemas.events import SCHEMA_VERSION, Click, Donation, Event, Impression, Share
from schemas.rows import raw_line
from schemas.times import parse_ms, rfc3339

sys.path.append(str(Path(__file__).parents[1] / "dashboards"))
from played import Record, rows_of  # of another folder of tests

START = datetime(2026, 3, 12, 18, tzinfo=UTC)
NOW_MS = int(datetime(2026, 4, 1, tzinfo=UTC).timestamp() * 1000)  # when results are computed
APPEAL = Campaign("appeal", "The appeal", START, START + timedelta(hours=48), Decimal("5000"), "USD", 0.018)
OTHER = Campaign("other", "Another", START, START + timedelta(hours=48), Decimal("900"), "KWD")
CAMPAIGNS = {APPEAL.id: APPEAL, OTHER.id: OTHER}
KEY = ("campaign_id", "dimension", "member", "window", "window_end")  # of a row of conversions
NOTHING = dict.fromkeys(
    (
        "shares", "impressions_measured", "impressions_sampled", "impressions_estimated", "clicks", "donations",
        "refunds", "gross", "fee", "refunded", "net",
    ),
    0,
)  # fmt: skip
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

    def views(self, campaign: str = "appeal", influencer: str = "bob") -> dict[str, str]:
        """How each view is asked, by its name: those that want to be told of whom are told."""
        sql = """
            SELECT name, extractAllGroupsVertical(create_table_query, '{(\\w+):String}') FROM system.tables
            WHERE database = currentDatabase() AND engine = 'View'
            ORDER BY name
        """
        chosen = {"campaign": campaign, "influencer": influencer}
        asked = {}
        for name, wanted in self.client.query(sql).result_rows:
            told = ", ".join(f"{one} = '{chosen[one]}'" for one in sorted({group[0] for group in wanted}))
            asked[name] = f"{name}({told})" if told else name
        return asked

    def close(self) -> None:
        self.client.close()
        self.reader.close()


def migrated(store: Database) -> Database:
    """The store with tables, views and two campaigns, in which nothing is ever merged."""
    migrate(store.client, CAMPAIGNS)
    store.client.command("SYSTEM STOP MERGES")
    return store


class Story:
    """Events in the order of their logs; `offset` and `event` may be given to tell of copies and disorder.

    What is told is their rows, and the windows that conversion makes of all that was told so far.
    """

    def __init__(self) -> None:
        self.rows: dict[str, list[dict[str, Any]]] = {}
        self._logs: dict[TP, list[Record]] = {}
        self._results: dict[tuple[str, ...], dict[str, Any]] = {}
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
        self._logs.setdefault(TP(topic, 0), []).append(
            Record(offset, moment, key_of(event), msgspec.json.encode(event))
        )
        return known

    def tell(self, store: Database) -> None:
        self.tell_events(store)
        self.tell_results(store)

    def tell_results(self, store: Database) -> None:
        """The windows of all that was told, in versions that outrank those of when less had been told."""
        logs = {tp: sorted(log, key=lambda record: record.offset) for tp, log in self._logs.items()}
        results = rows_of(logs, CAMPAIGNS, 1, NOW_MS).get("conversions", b"")
        epoch = sum(map(len, logs.values())) << 24
        rows = {tuple(row[name] for name in KEY): row for row in map(msgspec.json.decode, results.splitlines())}
        # What was an entity's and is so no longer is said of it as nothing.
        rows = {key: {**row, **NOTHING} for key, row in self._results.items()} | rows
        self._results = rows
        store.insert("conversions", [{**row, "version": row["version"] + epoch} for row in rows.values()])

    def tell_events(self, store: Database) -> None:
        """Their rows alone, as if no results had landed yet."""
        for topic, rows in self.rows.items():
            store.insert(topic, rows)
