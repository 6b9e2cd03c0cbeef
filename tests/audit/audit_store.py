"""A database of its own on the real engine, into which a test lands rows."""

from __future__ import annotations

import json
import uuid
from typing import Any

import clickhouse_connect
from audit_story import CAMPAIGNS

from infra.clickhouse.migrate import create_database, migrate


class Store:
    """A migrated database on the real engine."""

    def __init__(self, url: str) -> None:
        self.database = f"audit_{uuid.uuid4().hex}"
        first = clickhouse_connect.get_client(dsn=url, database="default", autogenerate_session_id=False)
        create_database(first, self.database)
        first.close()
        self.client = clickhouse_connect.get_client(dsn=url, database=self.database, autogenerate_session_id=False)
        migrate(self.client, CAMPAIGNS)

    def land(self, tables: dict[str, list[dict[str, Any]]]) -> None:
        """These rows and no others."""
        for table, rows in tables.items():
            self.client.command(f"TRUNCATE TABLE {table}")
            self.insert(table, rows)

    def insert(self, table: str, rows: list[dict[str, Any]]) -> None:
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        if lines:
            self.client.raw_insert(table, insert_block=lines.encode(), fmt="JSONEachRow")

    def close(self) -> None:
        self.client.command(f"DROP DATABASE {self.database} SYNC")
        self.client.close()
