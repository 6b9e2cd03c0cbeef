"""A store to ask: `client` writes, `reader` is who panels and people are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import clickhouse_connect
from ground import Store

from streams.clickhouse.inserts import INSERT_SETTINGS


class Asked:
    """One database of the shared endpoint."""

    def __init__(self, place: Store) -> None:
        self.place = place
        self.client: Any = clickhouse_connect.get_client(dsn=place.store, autogenerate_session_id=False)
        self.reader: Any = clickhouse_connect.get_client(dsn=place.reader_store, autogenerate_session_id=False)

    def ask(self, sql: str) -> tuple[list[str], list[str], list[tuple[Any, ...]]]:
        """Column names, ClickHouse types, rows."""
        found = self.reader.query(sql)
        return list(found.column_names), [kind.name for kind in found.column_types], list(found.result_rows)

    def rows(self, sql: str) -> list[dict[str, Any]]:
        return list(self.reader.query(sql).named_results())

    def insert(self, lines: Mapping[str, bytes]) -> None:
        """JSON lines by table, as the sink sends them."""
        for table, block in lines.items():
            self.client.raw_insert(table, insert_block=block, fmt="JSONEachRow", settings=INSERT_SETTINGS)

    def drop(self) -> None:
        self.client.command(f"DROP DATABASE {self.client.database} SYNC")
        self.client.close()
        self.reader.close()
