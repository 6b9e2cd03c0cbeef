"""The role `sink`: events, results and what people watch into ClickHouse, and with them how far they have landed."""

from __future__ import annotations

import time
from typing import Any, Final

from faust.types import TP

from schemas.topics import LANDED
from streams import failpoints
from streams.agents.role import WholeFlushes
from streams.clickhouse.client import connect
from streams.clickhouse.inserts import Sink
from streams.clickhouse.landed import NOWHERE, Home, Landed
from streams.clickhouse.rows import Rows
from streams.kafka.loading import Load
from streams.kafka.transport import Batch, Positions
from streams.monitoring.metrics import Sample
from streams.settings import Settings

ID_CHARACTERS: Final = 12  # of the store's id: enough to tell two apart


class SinkRole:
    """Collected rows, and the positions that stand in the store beside those that were acknowledged.

    Its group is named after the store too: sinks of one store share its partitions, those of two get all of them each.
    """

    name = "sink"
    topics = LANDED

    def __init__(self, settings: Settings, version: str, home: Home = NOWHERE) -> None:
        self.settings = settings
        self.group = f"{self.name}-{home.store.replace('-', '')[:ID_CHARACTERS]}"
        self.rows = Rows(settings.codec())
        self.sink = Sink(lambda: connect(settings.store), settings.store_shown)
        self.landed = Landed(self.sink, settings, home)
        self._flushes = WholeFlushes()
        self._app: Any = None

    @property
    def positions(self) -> Positions:
        return self.landed

    async def start(self, app: Any) -> None:
        """Nothing to make ready: the client connects with the first question."""
        self._app = app

    async def take(self, batch: Batch) -> None:
        self.rows.add(self.settings.logical(batch.tp.topic), batch)
        self.landed.take(batch.tp, batch.end)
        failpoints.hit("after_step")
        if self.rows.is_full():
            await self.flush()

    async def flush(self) -> None:
        async with self._flushes.one():
            self.landed.check(self._log_ends(), time.monotonic())
            lines, ends = self.rows.take()
            if ends:
                await self.landed.open(ends)
                failpoints.hit("before_insert")
                await self.sink.insert(lines)
                failpoints.hit("before_positions")
                await self.landed.write_positions(ends)

    def _log_ends(self) -> dict[TP, int | None]:
        return {tp: end for tp, (_, end) in self._app.consumer.positions_and_ends().items()}

    async def stop(self) -> None:
        if await self._flushes.are_whole():
            await self.flush()

    def ready_partitions(self) -> int | None:
        return None

    def loading(self) -> Load | None:
        return None

    def waiting_for(self) -> tuple[str, ...]:
        return ("ClickHouse",) if self.sink.is_unavailable else ()

    def figures(self) -> list[Sample]:
        foreign = [Sample("foreign_records", (topic,), number) for topic, number in self.rows.foreign.items()]
        return [*self.sink.figures(), *foreign, Sample("waiting_rows", (), self.rows.number)]
