"""The role `conversion`: adds the source partitions up and emits windows.

Its state is the topic `slices`, read from the beginning at every start.  What an earlier worker has emitted for
sure ends at a mark; after it everything is emitted (again).  It is silent until it has read what the topic held
when it took over, because a predecessor may have come that far.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any

from faust.types import TP

from schemas import results, slices
from schemas.errors import Fault
from schemas.times import DAY_MS
from schemas.topics import CONVERSIONS, SLICES
from streams.agents.role import limited, new_incarnation
from streams.checkpoints import Checkpoints
from streams.operators.conversion import Conversion, Windower
from streams.outbox import Message, Outbox
from streams.settings import Settings
from streams.transport import Batch, Positions

logger = logging.getLogger("groundswell.conversion")

MARK_SECONDS = 5.0
# A piece of a flush: about 50 ms of work, so that the agent and the heartbeat have their turn.
RESULTS_AT_ONCE = 2000
FORGET_SECONDS = 3600.0


class ConversionRole:
    """The states of the assigned partitions of `slices`; also the owner of the agent's positions."""

    name = "conversion"
    topics = (SLICES,)

    def __init__(self, settings: Settings, version: str) -> None:
        self.settings = settings
        self.windower = Windower(settings.load_campaigns(), settings.partitions)
        self.outbox = Outbox(settings)
        self.checkpoints = Checkpoints(settings, self.outbox)
        self.states: dict[int, Conversion] = {}
        self.marks: dict[int, int] = {}
        self.incarnations: dict[int, str] = {}
        self.ready: set[int] = set()
        self._marked: dict[int, tuple[int, float]] = {}
        self._forgotten_at = time.monotonic()

    @property
    def positions(self) -> Positions:
        return self

    async def load(self, tps: frozenset[TP]) -> Mapping[TP, int]:
        """States still in memory go on (a state stays true); new ones begin at the beginning."""
        assigned = frozenset(tp.partition for tp in tps)
        self.states = limited(self.states, assigned)
        self.incarnations = {partition: new_incarnation() for partition in assigned}
        self.ready = set()
        for partition in assigned - set(self.states):
            self.states[partition] = Conversion(partition)
            self.marks[partition] = await self.checkpoints.newest_mark(partition) or 0
        return {tp: position for tp in tps if (position := self.states[tp.partition].position)}

    def __getitem__(self, tp: TP) -> int:
        return self.states[tp.partition].position

    def begin(self, target: Mapping[TP, int]) -> None:
        for tp, offset in target.items():
            state = self.states[tp.partition]
            state.position = max(state.position, offset)

    async def start(self, app: Any) -> None:
        self._app = app
        await self.outbox.start()

    async def take(self, batch: Batch) -> None:
        partition = batch.tp.partition
        state = self.states[partition]
        mark = self._mark_of(partition, batch.tp)
        for record in batch.records:
            if mark and record.offset >= mark:
                self.windower.skip_closed(state)
                mark = self.marks[partition] = 0
            if record.value is not None:
                self.windower.apply(state, _decode(record.value, batch.tp, record.offset), emitted=mark > 0)
        state.position = batch.end
        if mark and batch.end >= mark:
            self.windower.skip_closed(state)
            self.marks[partition] = 0

    def _mark_of(self, partition: int, tp: TP) -> int:
        """Up to where everything was emitted; 0 where that is over, or where the topic was made anew since."""
        mark = self.marks.get(partition, 0)
        end = self._app.consumer.end_of(tp)
        if mark and end is not None and mark > end:
            logger.warning("the mark %d of partition %d lies beyond the log's end %d: not used", mark, partition, end)
            mark = self.marks[partition] = 0
        return mark

    async def flush(self) -> None:
        now = time.monotonic()
        for partition in [partition for partition in self.states if self._is_ready(partition)]:
            position = await self._emit(partition)
            if position is not None:
                await self._mark(partition, position, now)
        self._forget(now)

    async def _emit(self, partition: int) -> int | None:
        """Say everything there is to say, a piece at a time; the position up to which all is said."""
        while (state := self.states.get(partition)) is not None:
            position = state.position
            found, said_all = self._flush_piece(state)
            messages = self._messages(state.partition, found)
            if messages:
                await self.outbox.send(messages)
            if said_all:
                return position
        return None

    async def stop(self) -> None:
        self._marked.clear()
        await self.flush()
        await self.outbox.stop()

    def _is_ready(self, partition: int) -> bool:
        if partition not in self.ready:
            if not self._app.consumer.caught_up(TP(self.settings.topic(SLICES), partition)):
                return False
            self.ready.add(partition)
            logger.info("slices-%d was read to its end at offset %d", partition, self.states[partition].position)
        return True

    def _flush_piece(self, state: Conversion) -> tuple[list[results.Result], bool]:
        return self.windower.flush(state, int(time.time() * 1000), RESULTS_AT_ONCE)

    def _messages(self, partition: int, found: list[results.Result]) -> list[Message]:
        topic = self.settings.topic(CONVERSIONS)
        return [Message(topic, partition, results.result_key(result), results.encode(result)) for result in found]

    async def _mark(self, partition: int, position: int, now: float) -> None:
        last_position, last_time = self._marked.get(partition, (-1, 0.0))
        if position != last_position and now - last_time >= MARK_SECONDS and partition in self.incarnations:
            await self.checkpoints.write_mark(partition, self.incarnations[partition], position)
            self._marked[partition] = (position, now)

    def _forget(self, now: float) -> None:
        if now - self._forgotten_at >= FORGET_SECONDS:
            self._forgotten_at = now
            for state in self.states.values():
                self.windower.forget(state, self.settings.horizon_days * DAY_MS)


def _decode(value: bytes, tp: TP, offset: int) -> slices.SliceRecord:
    try:
        return slices.decode(value)
    except ValueError as error:
        raise Fault(
            "groundswell",
            f"{tp.topic}-{tp.partition} holds at offset {offset} what this version cannot read ({error})",
            "Stop the workers, delete the topic, run `groundswell topics`, start them: it is made anew from the log.",
        ) from error
