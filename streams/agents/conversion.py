"""The role `conversion`: adds the source partitions up, emits windows, and runs the stall detectors.

Its state is the topic `slices`, read from the beginning at every start.  What an earlier worker has emitted for
sure ends at a mark; after it everything is emitted (again).  It is silent until it has read what the topic held
when it took over, because a predecessor may have come that far.

The stall detectors' numbers are no fold of the topic: they depend on when a minute was closed.  They go on from their
own newest records in the topic `stalls`, so what was said once is not said differently later.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from itertools import islice
from typing import Any

from faust.types import TP

from schemas import results, slices, stalls
from schemas.errors import Fault, without_values
from schemas.times import DAY_MS, rfc3339
from schemas.topics import CHECKPOINTS, CONVERSIONS, SLICES, STALLS
from streams import failpoints
from streams.agents.role import WholeFlushes, emissions_of, limited, new_incarnation
from streams.checkpoints import CHECKPOINT_SCHEMA, Checkpoints, Mark
from streams.observation.figures import Figure
from streams.operators.conversion import Conversion, Windower
from streams.operators.stall_rounds import Rounds, Watcher
from streams.outbox import Message, Outbox
from streams.settings import Settings
from streams.stall_records import newest_stalls
from streams.transport import Batch, Positions

logger = logging.getLogger("groundswell.conversion")

MARK_SECONDS = 5.0
# A piece of a flush: about 50 ms of work, so that the agent and the heartbeat have their turn.
RESULTS_AT_ONCE = 2000
FORGET_SECONDS = 3600.0
# The same for the stall detectors: minutes of entities stepped, records made.
STEPS_AT_ONCE = 1500
STALLS_AT_ONCE = 500
# While much is stepped, it is said now and then, so that a worker that is killed need not begin anew.
SAY_SECONDS = 5.0


class ConversionRole:
    """The states of the assigned partitions of `slices`; also the owner of the agent's positions."""

    name = group = "conversion"
    topics = (SLICES,)

    def __init__(self, settings: Settings, version: str) -> None:
        self.settings = settings
        campaigns = settings.load_campaigns()
        self.windower = Windower(campaigns, settings.partitions, settings.partitions)
        self.watcher = Watcher(campaigns, settings.partitions, settings.horizon_days * DAY_MS // 1000)
        self.outbox = Outbox(settings)
        self.checkpoints = Checkpoints(settings, self.outbox)
        self.states: dict[int, Conversion] = {}
        self.rounds: dict[int, Rounds] = {}
        self.marks: dict[int, Mark] = {}  # not reached yet
        self.incarnations: dict[int, str] = {}
        self.ready: set[int] = set()
        self._marked: dict[int, tuple[int, float]] = {}
        self._flushes = WholeFlushes()
        self._forgotten_at = time.monotonic()

    @property
    def positions(self) -> Positions:
        return self

    async def load(self, tps: frozenset[TP]) -> Mapping[TP, int]:
        """States still in memory go on (a state stays true); new ones begin at the beginning."""
        assigned = frozenset(tp.partition for tp in tps)
        self.states, self.rounds = limited(self.states, assigned), limited(self.rounds, assigned)
        self.incarnations = {partition: new_incarnation() for partition in assigned}
        self.ready = set()
        for partition in assigned - set(self.states):
            self.states[partition] = Conversion(partition)
            self.rounds[partition] = self.watcher.begin()
            mark = await self.checkpoints.newest_mark(partition)
            if mark is not None and mark.position > 0:
                self.marks[partition] = mark
        for partition, rounds in self.rounds.items():
            # Also where a state is still in memory: another worker may have gone on in the meantime.
            self.watcher.resume(rounds, await newest_stalls(self.settings, partition))
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
        self._check_mark(batch.tp)
        catching_up = partition not in self.ready
        for record in batch.records:
            self._resume_at_mark(state, record.offset)
            if record.value is not None:
                said = _decode(record.value, batch.tp, record.offset)
                emitted = partition in self.marks
                change = self.windower.apply(state, said, emitted=emitted, catching_up=catching_up)
                self.watcher.note(self.rounds[partition], state, said, change)
        state.position = batch.end
        self._resume_at_mark(state, batch.end)
        failpoints.reach("after_step")

    def _check_mark(self, tp: TP) -> None:
        """A mark beyond the log's end is of a topic that was made anew since."""
        mark = self.marks.get(tp.partition)
        end = self._app.consumer.end_of(tp)
        if mark is not None and end is not None and mark.position > end:
            logger.warning("the mark %d of %s-%d lies beyond the log's end %d: not used", mark.position, *tp, end)
            del self.marks[tp.partition]

    def _resume_at_mark(self, state: Conversion, offset: int) -> None:
        """Up to the mark everything was emitted."""
        mark = self.marks.get(state.partition)
        if mark is not None and offset >= mark.position:
            self.windower.resume(state, mark.clock, mark.watermarks)
            del self.marks[state.partition]

    async def flush(self) -> None:
        async with self._flushes.one():
            now = time.monotonic()
            for partition in [partition for partition in self.states if self._is_ready(partition)]:
                mark = await self._emit(partition)
                if mark is not None:
                    await self._mark(partition, mark, now)
                await self._watch(partition)
            self._forget(now)

    async def _emit(self, partition: int) -> Mark | None:
        """Say everything there is to say, a piece at a time; a mark of how far all is said."""
        state = self.states[partition]
        while self.states.get(partition) is state and partition in self.ready:
            mark = Mark(CHECKPOINT_SCHEMA, state.position, state.clock, dict(state.watermarks))
            found, said_all = self._flush_piece(state)
            messages = self._messages(state.partition, found)
            if messages:
                await self.outbox.send(messages)
                failpoints.reach("between_pieces")
            if said_all:
                return mark
        return None

    async def _watch(self, partition: int) -> None:
        """Step the stall detectors through every closed minute, a piece at a time, and say what they say."""
        rounds, state, said_at = self.rounds.get(partition), self.states.get(partition), time.monotonic()
        all_stepped = False
        while not all_stepped:
            if rounds is None or state is None or self.rounds.get(partition) is not rounds:
                return
            incarnation, computed_at = self.incarnations[partition], rfc3339(int(time.time() * 1000))
            all_stepped = self.watcher.step(rounds, state, STEPS_AT_ONCE, incarnation, computed_at)
            if all_stepped or time.monotonic() - said_at >= SAY_SECONDS:
                said = self.watcher.say(rounds, state.position, incarnation, computed_at)
                while piece := list(islice(said, STALLS_AT_ONCE)):
                    await self.outbox.send(self._stall_messages(partition, piece))
                    failpoints.reach("after_stalls")
                said_at = time.monotonic()
            await asyncio.sleep(0)

    async def stop(self) -> None:
        if await self._flushes.are_whole():
            self._marked.clear()
            await self.flush()
        await self.outbox.stop()

    def ready_partitions(self) -> int:
        return len(self.ready)

    def waiting_for(self) -> tuple[str, ...]:
        return ()

    def figures(self) -> list[Figure]:
        now = time.time()
        clocks = {partition: state.clock for partition, state in self.states.items() if state.clock}
        ages = [Figure("freshness_seconds", (str(number),), now - clock / 1000) for number, clock in clocks.items()]
        return [*ages, *emissions_of(self.outbox, self.settings)]

    def _is_ready(self, partition: int) -> bool:
        if partition not in self.ready:
            if not self._app.consumer.caught_up(TP(self.settings.topic(SLICES), partition)):
                return False
            self.ready.add(partition)
            self._forget_old_minutes(self.states[partition])
            logger.info("slices-%d was read to its end at offset %d", partition, self.states[partition].position)
        return True

    def _flush_piece(self, state: Conversion) -> tuple[list[results.Result], bool]:
        return self.windower.flush(state, int(time.time() * 1000), RESULTS_AT_ONCE)

    def _messages(self, partition: int, found: list[results.Result]) -> list[Message]:
        topic = self.settings.topic(CONVERSIONS)
        return [Message(topic, partition, results.result_key(result), results.encode(result)) for result in found]

    def _stall_messages(self, partition: int, found: list[stalls.Stall]) -> list[Message]:
        topic = self.settings.topic(STALLS)
        return [Message(topic, partition, stalls.stall_key(stall), stalls.encode(stall)) for stall in found]

    async def _mark(self, partition: int, mark: Mark, now: float) -> None:
        last_position, last_time = self._marked.get(partition, (-1, 0.0))
        if mark.position != last_position and now - last_time >= MARK_SECONDS and partition in self.incarnations:
            failpoints.reach("before_mark")
            await self.checkpoints.write_mark(partition, self.incarnations[partition], mark)
            failpoints.reach("after_mark")
            self._marked[partition] = (mark.position, now)

    def _forget(self, now: float) -> None:
        if now - self._forgotten_at >= FORGET_SECONDS:
            self._forgotten_at = now
            for state in self.states.values():
                self._forget_old_minutes(state)

    def _forget_old_minutes(self, state: Conversion) -> None:
        # A history that is played may be older than another one in the same topics.
        if self.settings.clock == "wall":
            self.windower.forget(state, self.settings.horizon_days * DAY_MS, int(time.time() * 1000))


def _decode(value: bytes, tp: TP, offset: int) -> slices.SliceRecord:
    try:
        return slices.decode(value)
    except ValueError as error:
        # Without its saved states attribution says every minute again; with them, only what changes.
        saved = tp.topic.removesuffix(SLICES) + CHECKPOINTS
        raise Fault(
            "groundswell",
            f"{tp.topic}-{tp.partition} holds at offset {offset} what this version cannot read "
            f"({without_values(str(error))})",
            f"Stop the workers, delete the topics {tp.topic} and {saved}, run `groundswell topics`, start them: "
            "both are made anew from the source topics.",
        ) from error
