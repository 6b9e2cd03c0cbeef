"""How far each log has landed: the sink's positions, kept in the store that holds the rows.

Law: a position travels with what it speaks of.  It is written after the rows before it were acknowledged, so a store
that is empty, restored or another one says itself where the sink has to go on.  A topic that was made anew has another
id, and nothing of it has landed.

All that is ever claimed of one store is true, so the largest claim counts, whoever wrote it.  One thing could make a
claim false: a store that went back under a sink that runs (a backup was restored).  What this sink knows to stand there
would be gone, and that is looked for before each claim.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import msgspec
from faust.types import TP

from streams.clickhouse.inserts import Sink
from streams.kafka.transport.consumer import BEYOND_END_SECONDS
from streams.settings import Settings

TABLE: Final = "landed_positions"
STANDING: Final = f"SELECT topic, topic_id, partition, max(position) FROM {TABLE} GROUP BY topic, topic_id, partition"
NOTHING: Final = -1  # what stands in the store of a partition that it has never heard of


class WentBack(RuntimeError):
    """The store holds less than this sink has landed there: a backup was restored, or it was made anew."""


class MadeAnew(RuntimeError):
    """A topic was deleted and made anew while it was read."""


class Home(NamedTuple):
    """Where a sink stands: the id of its store, and the ids of the topics by physical name."""

    store: str = ""
    topics: Mapping[str, str] = {}


NOWHERE: Final = Home()


class Landed:
    """The agent's positions, and the claims of the same in the store."""

    def __init__(self, sink: Sink, settings: Settings, home: Home) -> None:
        self._sink = sink
        self._settings = settings
        self._home = home
        self._begins: dict[TP, int] = {}
        self._next: dict[TP, int] = {}  # the next offset that the agent must see
        self._beyond_since: dict[TP, float] = {}
        self._standing: dict[TP, int] = {}  # what stands in the store for sure

    async def load(self, tps: frozenset[TP]) -> Mapping[TP, int]:
        """The next offset of each partition of which the store holds anything; waits while it is away."""
        found = await self._look(tps)
        self._standing.update(found)
        return found

    def __getitem__(self, tp: TP) -> int:
        return self._next[tp]

    def begin(self, target: Mapping[TP, int]) -> None:
        """The offsets at which reading begins."""
        self._begins.update(target)
        self._next.update(target)

    def take(self, tp: TP, end: int) -> None:
        """The agent has seen everything before `end`."""
        self._next[tp] = end

    def check(self, ends: Mapping[TP, int | None], now: float) -> None:
        """Whether the logs reach as far as was read of them; for a moment one of a new leader may not.

        Args:
            ends: of the logs, as far as they are known.
            now: monotonic seconds.

        Raises:
            MadeAnew: one has not reached it for long; the topic's new id is known after a start.
        """
        beyond = {tp for tp, end in ends.items() if end is not None and self._next.get(tp, 0) > end}
        self._beyond_since = {tp: self._beyond_since.get(tp, now) for tp in beyond}
        for tp, since in self._beyond_since.items():
            if now - since > BEYOND_END_SECONDS:
                raise MadeAnew(
                    f"{tp.topic}-{tp.partition} ends before offset {self._next[tp]}, and was read up to there"
                )

    async def write_positions(self, ends: Mapping[TP, int]) -> None:
        """Everything before these offsets has landed: say so in the store.

        Raises:
            WentBack: the store has lost what it held.
        """
        await self._look(ends)
        await self._write(ends)

    async def open(self, tps: Iterable[TP]) -> None:
        """Before the first rows of partitions: claim where they begin, for a store must hold a claim to lose it."""
        new = {tp: self._begins[tp] for tp in tps if tp not in self._standing}
        if new:
            await self._write(new)

    async def _look(self, tps: Iterable[TP]) -> dict[TP, int]:
        rows = await self._sink.ask(TABLE, STANDING)
        standing = {(topic, topic_id, partition): position for topic, topic_id, partition, position in rows}
        found = {tp: standing.get(self._key(tp), NOTHING) for tp in tps}
        for tp, position in found.items():
            known = self._standing.get(tp, NOTHING)
            if position < known:
                raise WentBack(
                    f"the store holds {tp.topic}-{tp.partition} up to offset {max(position, 0)}, and held it up to "
                    f"{known}: it was restored or relanded, starting from what it holds"
                )
        return {tp: position for tp, position in found.items() if position != NOTHING}

    async def _write(self, ends: Mapping[TP, int]) -> None:
        lines = b"".join(self._line(tp, position) for tp, position in ends.items())
        await self._sink.insert({TABLE: bytearray(lines)})
        for tp, position in ends.items():
            self._standing[tp] = max(position, self._standing.get(tp, NOTHING))

    def _line(self, tp: TP, position: int) -> bytes:
        topic, topic_id, partition = self._key(tp)
        row = {"topic": topic, "topic_id": topic_id, "partition": partition, "position": position}
        return msgspec.json.encode(row) + b"\n"

    def _key(self, tp: TP) -> tuple[str, str, int]:
        return self._settings.logical(tp.topic), self._home.topics.get(tp.topic, ""), tp.partition
