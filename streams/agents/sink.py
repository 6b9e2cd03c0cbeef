"""The role `sink`: events, results and what people watch into ClickHouse; commits what the store has acknowledged."""

from __future__ import annotations

import asyncio
from typing import Any

from schemas.codec import Codec
from schemas.topics import ANNOTATIONS, CONVERSIONS, DEAD_LETTERS, HEARTBEATS, SOURCES, STALLS
from streams import failpoints
from streams.loading import Load
from streams.observation.figures import Figure
from streams.settings import Settings
from streams.sink import Rows, Sink
from streams.store import connect
from streams.transport import Batch, Positions


class SinkRole:
    """Positions are the group's committed offsets: only batches whose rows were acknowledged are committed."""

    name = "sink"
    topics = (*SOURCES, CONVERSIONS, DEAD_LETTERS, STALLS, ANNOTATIONS, HEARTBEATS)
    positions: Positions | None = None

    def __init__(self, settings: Settings, version: str) -> None:
        self.settings = settings
        codec = Codec(settings.load_campaigns(), settings.partitions, settings.horizon_days)
        self.rows = Rows(codec)
        self.sink = Sink(lambda: connect(settings.store), settings.store_shown)
        self._lock = asyncio.Lock()

    async def start(self, app: Any) -> None:
        """Nothing to make ready: the client connects with the first insert."""

    async def take(self, batch: Batch) -> None:
        self.rows.add(self.settings.logical(batch.tp.topic), batch)
        failpoints.reach("after_step")
        if self.rows.is_full():
            await self.flush()

    async def flush(self) -> None:
        async with self._lock:
            lines, batches = self.rows.take()
            if lines:
                failpoints.reach("before_insert")
                await self.sink.insert(lines)
                failpoints.reach("before_commit")
            for batch in batches:
                batch.done = True

    async def stop(self) -> None:
        await self.flush()

    def ready_partitions(self) -> int | None:
        return None

    def loading(self) -> Load | None:
        return None

    def waiting_for(self) -> tuple[str, ...]:
        return ("ClickHouse",) if self.sink.is_away else ()

    def figures(self) -> list[Figure]:
        foreign = [Figure("foreign_records", (topic,), number) for topic, number in self.rows.foreign.items()]
        return [*self.sink.figures(), *foreign, Figure("waiting_rows", (), self.rows.number)]
