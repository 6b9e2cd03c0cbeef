"""Inserts: one a table, sent again while ClickHouse is unavailable.

Law: a record has landed when ClickHouse has acknowledged its rows, not before.  Every table is idempotent, so an insert
that is sent twice is harmless.  While the store is unavailable the sink waits; it logs that once and forgets nothing.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeVar

from clickhouse_connect.driver.exceptions import ClickHouseError

from schemas.errors import Fault, without_values
from streams import failpoints
from streams.clickhouse.client import StoreUnavailable, translate
from streams.monitoring.metrics import Sample
from streams.retries import Availability, retry_async

logger = logging.getLogger("groundswell.sink")

INSERT_LAST: Final = frozenset({"watermarks"})
RETRY_SECONDS: Final = (0.2, 0.5, 1.0, 2.0, 5.0)
INSERT_SETTINGS: Final = {
    "async_insert": 0,  # on by default since 26.2; our batches are large, and an acknowledgement must mean "durable"
    "date_time_input_format": "best_effort",
    "input_format_skip_unknown_fields": 1,
}

Answer = TypeVar("Answer")


class Sink:
    """Inserts collected rows, one insert a table, and waits out a store that is away.

    Args:
        connect: makes a client; raises Fault or StoreUnavailable.
        where: the store's address as people may see it.
    """

    def __init__(self, connect: Callable[[], Any], where: str) -> None:
        self._connect = connect
        self._where = where
        self._client: Any = None  # of all tables: it keeps no session, so it may be asked from several threads
        self._connecting = threading.Lock()
        self._availability = Availability(f"ClickHouse at {where}", logger)
        self._inserts: Counter[str] = Counter()
        self._rows: Counter[str] = Counter()
        self._seconds: dict[str, float] = defaultdict(float)
        self._failures: Counter[str] = Counter()

    @property
    def is_unavailable(self) -> bool:
        """Whether the store does not answer at present."""
        return self._availability.is_lost

    def figures(self) -> list[Sample]:
        """What was inserted, by table."""
        counted: dict[str, dict[str, int] | dict[str, float]] = {
            "inserts": self._inserts,
            "insert_rows": self._rows,
            "insert_seconds": self._seconds,
            "insert_failures": self._failures,
        }
        return [Sample(name, (table,), number) for name, by in counted.items() for table, number in by.items()]

    async def ask(self, table: str, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a statement about a table.

        Raises:
            Fault: the store refuses it.
        """
        return await self._answer(table, lambda client: list(client.query(sql).result_rows))

    async def insert(self, lines: dict[str, bytearray]) -> None:
        """Insert all tables' rows; returns when the store has acknowledged every one.

        Tables go side by side, for an insert is mostly waiting.  What vouches for rows of others goes after them.

        Raises:
            Fault: the store refuses us or the rows.
        """
        await self._insert_tables({table: rows for table, rows in lines.items() if table not in INSERT_LAST})
        await self._insert_tables({table: rows for table, rows in lines.items() if table in INSERT_LAST})

    async def _insert_tables(self, lines: dict[str, bytearray]) -> None:
        inserts = (self._insert_table(table, bytes(rows)) for table, rows in lines.items())
        # Nobody may end while another's rows are on their way: all are waited for, then the first fault is told.
        for outcome in await asyncio.gather(*inserts, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome

    async def _insert_table(self, table: str, rows: bytes) -> None:
        def insert(client: Any) -> float:
            begun = time.monotonic()
            client.raw_insert(table, insert_block=rows, fmt="JSONEachRow", settings=INSERT_SETTINGS)
            return time.monotonic() - begun

        self._seconds[table] += await self._answer(table, insert)
        self._inserts[table] += 1
        self._rows[table] += rows.count(b"\n")
        failpoints.hit("between_tables")

    async def _answer(self, table: str, question: Callable[[Any], Answer]) -> Answer:
        """What the store answers to a question about a table; while it is away it is asked again."""

        def note(error: Exception) -> None:
            self._availability.lost(error)
            self._failures[table] += 1

        ask = partial(asyncio.to_thread, self._answer_now, question)
        answer = await retry_async(ask, StoreUnavailable, note, RETRY_SECONDS)
        self._availability.answers()
        return answer

    def _answer_now(self, question: Callable[[Any], Answer]) -> Answer:
        try:
            return question(self._connected())
        except (StoreUnavailable, Fault):
            raise
        except (ClickHouseError, OSError) as error:
            self._client = None
            # The store quotes what it could not read.
            said = ClickHouseError(without_values(str(error))) if isinstance(error, ClickHouseError) else error
            raise translate(said, self._where) from error

    def _connected(self) -> Any:
        with self._connecting:
            if self._client is None:
                self._client = self._connect()
            return self._client
