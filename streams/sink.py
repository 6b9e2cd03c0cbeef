"""The sink: rows of every table, collected, inserted, acknowledged.

Law: a batch is done when ClickHouse has acknowledged its rows, not before.  Every table is idempotent, so an insert
that is sent twice is harmless.  While the store is away the sink waits; it says so once and forgets nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final

import msgspec
from clickhouse_connect.driver.exceptions import ClickHouseError

from schemas import results
from schemas.codec import Codec, Rejection
from schemas.dead_letters import DeadLetter
from schemas.errors import Fault
from schemas.rows import dead_letter_row, raw_row
from schemas.topics import CONVERSIONS, DEAD_LETTERS, SOURCES
from streams.store import Away, translate
from streams.transport import Batch

logger = logging.getLogger("groundswell.sink")

MAXIMUM_ROWS: Final = 50_000
MAXIMUM_BYTES: Final = 32 * 1024 * 1024
RETRY_SECONDS: Final = (0.2, 0.5, 1.0, 2.0, 5.0)
INSERT_SETTINGS: Final = {
    "async_insert": 0,  # on by default since 26.2; our batches are large, and an acknowledgement must mean "durable"
    "date_time_input_format": "best_effort",
    "input_format_skip_unknown_fields": 1,
}

_encode = msgspec.json.Encoder().encode
_decode_letter = msgspec.json.Decoder(DeadLetter).decode


class Rows:
    """JSON lines by table, and the batches they came from."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._lateness_ms = {name: c.allowed_lateness * 1000 for name, c in codec.campaigns.items()}
        self._clear()

    def _clear(self) -> None:
        self.lines: dict[str, bytearray] = {}
        self.batches: list[Batch] = []
        self.number = 0

    def take(self) -> tuple[dict[str, bytearray], list[Batch]]:
        """What was collected; the collection is empty afterwards."""
        collected = self.lines, self.batches
        self._clear()
        return collected

    def is_full(self) -> bool:
        return self.number >= MAXIMUM_ROWS or sum(map(len, self.lines.values())) >= MAXIMUM_BYTES

    def add(self, topic: str, batch: Batch) -> None:
        """Collect the rows of a batch of a topic (its name without a prefix)."""
        if topic in SOURCES:
            self._add_events(topic, batch)
        elif topic == CONVERSIONS:
            self._add_results(batch)
        elif topic == DEAD_LETTERS:
            self._add_letters(batch)
        self.batches.append(batch)

    def _add_events(self, topic: str, batch: Batch) -> None:
        partition = batch.tp.partition
        for record in batch.records:
            verdict = self._codec.judge(topic, partition, record.key, record.value, record.timestamp)
            if isinstance(verdict, Rejection):
                continue  # attribution, with the same codec, has written the dead letter
            event, occurred_ms = verdict
            late = record.timestamp - occurred_ms > self._lateness_ms[event.campaign_id]
            row = raw_row(
                event,
                occurred_ms=occurred_ms,
                record_time_ms=record.timestamp,
                partition=partition,
                offset=record.offset,
                late=late,
            )
            self._append(topic, _encode(row))

    def _add_results(self, batch: Batch) -> None:
        for record in batch.records:
            result = results.decode(record.value)
            # Field names are column names: the bytes pass through.
            self._append("conversions" if isinstance(result, results.WindowResult) else "watermarks", record.value)

    def _add_letters(self, batch: Batch) -> None:
        for record in batch.records:
            row = dead_letter_row(_decode_letter(record.value), offset=record.offset)
            self._append("dead_letters", _encode(row))

    def _append(self, table: str, line: bytes) -> None:
        lines = self.lines.setdefault(table, bytearray())
        lines += line
        lines += b"\n"
        self.number += 1


class Sink:
    """Inserts collected rows, one insert a table, and waits out a store that is away.

    Args:
        connect: makes a client; raises Fault or Away.
        where: the store's address as people may see it.
    """

    def __init__(self, connect: Callable[[], Any], where: str) -> None:
        self._connect = connect
        self._where = where
        self._client: Any = None
        self._away = False

    async def insert(self, lines: dict[str, bytearray]) -> None:
        """Insert all tables' rows; returns when the store has acknowledged every one.

        Raises:
            Fault: the store refuses us or the rows.
        """
        for table, rows in lines.items():
            await self._insert_table(table, bytes(rows))

    async def _insert_table(self, table: str, rows: bytes) -> None:
        attempt = 0
        while True:
            try:
                await asyncio.to_thread(self._insert_now, table, rows)
            except Away as away:
                self._say_away(away)
                await asyncio.sleep(RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)])
                attempt += 1
            else:
                self._say_back()
                return

    def _insert_now(self, table: str, rows: bytes) -> None:
        try:
            if self._client is None:
                self._client = self._connect()
            self._client.raw_insert(table, insert_block=rows, fmt="JSONEachRow", settings=INSERT_SETTINGS)
        except (Away, Fault):
            raise
        except (ClickHouseError, OSError) as error:
            self._client = None
            raise translate(error, self._where) from error

    def _say_away(self, away: Away) -> None:
        if not self._away:
            self._away = True
            logger.warning("%s; waiting, nothing is lost", away)

    def _say_back(self) -> None:
        if self._away:
            self._away = False
            logger.warning("ClickHouse at %s answers again", self._where)
