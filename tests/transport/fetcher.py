"""A stand-in for the Kafka client beneath the driver: logs in memory, and everything that may go wrong on the way.

Each call waits at a gate, so another may come in between.  A fetch waits twice: before it takes records from the log
(`fetch`), and with them in its hands (`answer`), where a rebalance or a seek may overtake it.

What is fetched may be lost in part or whole, or begin earlier than asked.  One kindness is left, the one that the
driver builds on: what is fetched first after a seek that mends a broken chain begins there, and does arrive.  A chain
that breaks twice at one offset cannot be told from a log with a hole in it.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any, NamedTuple

from aiokafka.errors import CommitFailedError, IllegalStateError
from aiokafka.structs import OffsetAndMetadata
from faust.types import TP
from gates import Gates

from streams.kafka.transport.consumer_thread import ConsumerThread

MOST_RECORDS = 3


class Record(NamedTuple):
    """What the driver reads of a record."""

    offset: int
    timestamp: int = 0
    timestamp_type: int = 0


class Log:
    """Offsets of one partition: growing, with holes where compaction or a transaction's marker was."""

    def __init__(self, begin: int) -> None:
        self.begin = self.end = begin
        self.offsets: list[int] = []

    def grow(self, records: int, hole: int) -> None:
        self.end += hole
        self.offsets += range(self.end, self.end + records)
        self.end += records

    def between(self, start: int, end: int) -> list[int]:
        return [offset for offset in self.offsets if start <= offset < end]


class Client:
    """As much of `aiokafka.AIOKafkaConsumer` as Faust and the driver call."""

    _closed = False
    _max_poll_records = MOST_RECORDS

    def __init__(self, logs: dict[TP, Log], gates: Gates, epoch_of: Callable[[TP], int]) -> None:
        self.logs, self._gates, self._epoch_of = logs, gates, epoch_of
        self.commits: list[tuple[TP, int]] = []  # there must be none
        self.positions: dict[TP, int] = {}  # of the assigned partitions
        self.generation = 0
        self.answers: list[dict[TP, list[Record]]] = []  # on their way to the driver
        self.lossy: set[TP] = set()  # something was lost since the last seek
        self.seeks = 0
        self._ends: dict[TP, int] = {}
        self._epoch_at_seek: dict[TP, int] = {}
        self._mending: set[TP] = set()
        self._sure: set[TP] = set()
        self._fetcher = SimpleNamespace(
            _closed=False,
            _subscriptions=SimpleNamespace(fetch_context=nullcontext),
            fetched_records=self._fetched_records,
        )

    # ---- the group ---------------------------------------------------------------------------------------

    def assign(self, tps: Iterable[TP]) -> None:
        """A new generation; reading begins where each log does, for the group has committed nothing."""
        self.generation += 1
        self.positions = {tp: self.logs[tp].begin for tp in tps}
        self._ends.clear()
        self._epoch_at_seek.clear()
        self._mending.clear()

    def assignment(self) -> set[TP]:
        return set(self.positions)

    async def commit(self, offsets: Mapping[TP, OffsetAndMetadata]) -> None:
        generation = self.generation
        await self._gates.wait("commit")
        if generation != self.generation:
            raise CommitFailedError
        for tp, (offset, _) in offsets.items():
            self.commits.append((tp, offset))

    # ---- places ------------------------------------------------------------------------------------------

    def seek(self, tp: TP, offset: int) -> None:
        if tp not in self.positions:
            raise IllegalStateError(f"No current assignment for partition {tp}")
        epoch = self._epoch_of(tp)
        if self._epoch_at_seek.get(tp) == epoch:
            self._mending.add(tp)
        else:
            self._mending.discard(tp)
        self._epoch_at_seek[tp] = epoch
        self.positions[tp] = offset
        self.lossy.discard(tp)
        self.seeks += 1

    async def position(self, tp: TP) -> int:
        await self._gates.wait("seek")
        return self.positions.get(tp, -1)

    async def beginning_offsets(self, tps: Iterable[TP]) -> dict[TP, int]:
        await self._gates.wait("begin")
        return {tp: self.logs[tp].begin for tp in tps}

    def highwater(self, tp: TP) -> int | None:
        assert tp in self.positions, "Partition is not assigned"
        return self._ends.get(tp)

    # ---- fetch -------------------------------------------------------------------------------------------

    async def _fetched_records(self, partitions: set[TP], timeout: float, max_records: int) -> dict[TP, list[Record]]:
        answer: dict[TP, list[Record]] = {}
        try:
            await asyncio.wait_for(self._gates.wait("fetch"), timeout)
        except TimeoutError:
            return answer
        for tp in sorted(partitions & self.assignment()):
            self._drain(tp, answer, max_records)
        if not answer:
            await asyncio.sleep(timeout)
            return answer
        self.answers.append(answer)
        try:
            await self._gates.wait("answer")
        finally:
            self.answers.remove(answer)
        return answer

    def _drain(self, tp: TP, answer: dict[TP, list[Record]], most: int) -> None:
        log = self.logs[tp]
        self._ends[tp] = log.end
        found = log.between(self.positions[tp], log.end)[:most]
        if found:
            self.positions[tp] = found[-1] + 1
            answer[tp] = [Record(offset) for offset in found]
            self._sure.discard(tp)
            if tp in self._mending:
                self._mending.remove(tp)
                self._sure.add(tp)

    def may_be_lost(self) -> list[TP]:
        """The partitions of which the fetch that is on its way may be lost."""
        return [tp for answer in self.answers for tp in answer if tp not in self._sure]

    def lose(self, tp: TP, first: int, last: int) -> None:
        """Lose so many of the first and of the last records of a fetch that is on its way."""
        self.lossy.add(tp)
        for answer in self.answers:
            kept = answer.pop(tp)[first:]
            kept = kept[: len(kept) - last]
            if kept:
                answer[tp] = kept

    def may_slip(self) -> list[TP]:
        """The partitions whose next fetch may begin earlier than asked."""
        return sorted(set(self.positions) - self._mending)

    def slip(self, tp: TP, back: int) -> None:
        """Read some records once more."""
        self.positions[tp] = max(self.logs[tp].begin, self.positions[tp] - back)


class DirectThread(ConsumerThread):
    """The driver's thread with a stand-in client, on the loop that calls it."""

    client: Client

    async def call_thread(self, fun: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        result = fun(*args, **kwargs)
        return await result if inspect.isawaitable(result) else result

    def _ensure_consumer(self) -> Client:
        return self.client
