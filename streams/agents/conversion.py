"""The role `conversion`: adds the source partitions up, emits windows, and runs the stall detectors.

Its state is the topic `slices`, read from the beginning at every start.  What an earlier worker has emitted for
sure ends at a mark; after it everything is emitted (again).  It is silent until it has read what the topic held
when it took over, because a predecessor may have come that far.

The stall detectors' numbers are no fold of the topic: they depend on when a minute was closed.  They go on from their
own newest records in the topic `stalls`, so what was published once is not published differently later.
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
from streams.kafka.batch_producer import BatchProducer, Message
from streams.kafka.checkpoints import CHECKPOINT_SCHEMA, Checkpoints, EmittedUpTo
from streams.kafka.epochs import epoch_of, newest_epoch
from streams.kafka.loading import Load, Loads
from streams.kafka.stall_records import newest_stalls
from streams.kafka.transport import Batch, Positions
from streams.monitoring.metrics import Sample
from streams.operators.stalls.scheduler import Detectors, DetectorScheduler
from streams.operators.windowing.mixed_settings import MIXED_SECONDS, MixedSettings
from streams.operators.windowing.state import Conversion
from streams.operators.windowing.windower import Windower
from streams.settings import Settings

logger = logging.getLogger("groundswell.conversion")

MARK_SECONDS = 5.0
# A piece of a flush: about 50 ms of work, so that the agent and the heartbeat have their turn.
RESULTS_AT_ONCE = 2000
FORGET_SECONDS = 3600.0
# The same for the stall detectors: minutes of entities stepped, records made.
STEPS_AT_ONCE = 1500
STALLS_AT_ONCE = 500
# While much is stepped, it is published now and then, so that a worker that is killed need not begin anew.
PUBLISH_SECONDS = 5.0


class ConversionRole:
    """The states of the assigned partitions of `slices`; also the owner of the agent's positions."""

    name = group = "conversion"
    topics = (SLICES,)

    def __init__(self, settings: Settings, version: str) -> None:
        self.settings = settings
        campaigns = settings.load_campaigns()
        self.windower = Windower(campaigns, settings.partitions, settings.partitions)
        self.scheduler = DetectorScheduler(campaigns, settings.partitions, settings.horizon_days * DAY_MS // 1000)
        self.producer = BatchProducer(settings)
        self.checkpoints = Checkpoints(settings, self.producer)
        self.states: dict[int, Conversion] = {}
        self.detectors: dict[int, Detectors] = {}
        self.marks: dict[int, EmittedUpTo] = {}  # not reached yet
        self.incarnations: dict[int, str] = {}
        self.ready: set[int] = set()
        self._foreign = 0
        self.mixed_settings = MixedSettings()
        self._unmarked: set[int] = set()  # partitions whose epoch nobody knows yet
        self._marked: dict[int, tuple[int, float]] = {}
        self._flushes = WholeFlushes()
        self._loads = Loads()
        self._forgotten_at = time.monotonic()

    @property
    def positions(self) -> Positions:
        return self

    async def load(self, tps: frozenset[TP]) -> Mapping[TP, int]:
        """States still in memory go on (a state stays true); new ones begin at the beginning."""
        assigned = frozenset(tp.partition for tp in tps)
        self.states, self.detectors = limited(self.states, assigned), limited(self.detectors, assigned)
        self.incarnations = {partition: new_incarnation() for partition in assigned}
        self.ready = set()
        self._unmarked = set()
        for partition in sorted(assigned):
            known = self.states.get(partition)
            with self._loads.one(f"the mark of partition {partition}", partition) as load:
                mark = await self.checkpoints.newest_mark(partition, load)
                epoch = 0 if known is not None or mark is not None else await self._new_epoch(partition, load=load)
            # No await from here on: a load that is overtaken has left no state without its mark.
            if mark is None:
                self._unmarked.add(partition)
            if known is not None:
                # Another worker may have met the log in the meantime, before this one had marked it.
                known.epoch = max(known.epoch, mark.epoch if mark is not None else 0)
                continue
            self.states[partition] = Conversion(partition, epoch=mark.epoch if mark is not None else epoch)
            self.detectors[partition] = self.scheduler.begin()
            if mark is not None and mark.position > 0:
                self.marks[partition] = mark
        for partition, detectors in list(self.detectors.items()):
            # Also where a state is still in memory: another worker may have gone on in the meantime.
            with self._loads.one(f"the stall detectors of partition {partition}", partition) as load:
                self.scheduler.resume(detectors, await newest_stalls(self.settings, partition, load))
        return {tp: position for tp in tps if (position := self.states[tp.partition].position)}

    async def _new_epoch(self, partition: int, used: int = 0, load: Load | None = None) -> int:
        newest = await newest_epoch(self.settings, partition, load)
        return epoch_of(int(time.time() * 1000), max(newest, used))

    def __getitem__(self, tp: TP) -> int:
        return self.states[tp.partition].position

    def begin(self, target: Mapping[TP, int]) -> None:
        for tp, offset in target.items():
            state = self.states[tp.partition]
            state.position = max(state.position, offset)

    async def start(self, app: Any) -> None:
        self._app = app
        await self.producer.start()

    async def take(self, batch: Batch) -> None:
        partition = batch.tp.partition
        state = self.states[partition]
        await self._check_mark(batch.tp, state)
        catching_up, now_ms = partition not in self.ready, int(time.time() * 1000)
        for record in batch.records:
            self._resume_at_mark(state, record.offset)
            record_of_slices = self._decode(record, batch.tp)
            if record_of_slices is not None:
                if isinstance(record_of_slices, slices.Progress) and not catching_up:
                    self._check_settings(record_of_slices)
                emitted = partition in self.marks
                change = self.windower.apply(
                    state, record_of_slices, now_ms=now_ms, emitted=emitted, catching_up=catching_up
                )
                self.scheduler.note(self.detectors[partition], state, record_of_slices, change)
        state.position = batch.end
        self._resume_at_mark(state, batch.end)
        failpoints.hit("after_step")

    def _decode(self, record: Any, tp: TP) -> slices.SliceRecord | None:
        """A record of `slices`; None of one that was deleted, or is none of ours.

        Raises:
            Fault: it is one of another version.
        """
        if record.value is None:
            return None
        try:
            return slices.decode(record.value)
        except (ValueError, RecursionError) as error:
            if slices.is_ours(record.value):
                raise _of_another_version(tp, record.offset, error) from error
            why = without_values(str(error))
            logger.warning("%s-%d holds at offset %d no such record (%s): left out", *tp, record.offset, why)
            self._foreign += 1
            return None

    def _check_settings(self, record_of_slices: slices.Progress) -> None:
        """Refuse to merge slices of workers whose settings differ, once that is no change under way."""
        mixed = self.mixed_settings.note(record_of_slices, time.monotonic())
        if mixed is not None:
            raise Fault(
                "settings",
                f"the attribution workers of the source partitions {mixed} run with different settings for longer than "
                f"{MIXED_SECONDS / 60:.0f} minutes",
                "Give all of them the same campaign files, GROUNDSWELL_HORIZON_DAYS and GROUNDSWELL_CLOCK, start them "
                "anew, then this role.",
            )

    async def _check_mark(self, tp: TP, state: Conversion) -> None:
        """A mark beyond the log's end is of a topic that was made anew since."""
        mark = self.marks.get(tp.partition)
        end = self._app.consumer.end_of(tp)
        if mark is not None and end is not None and mark.position > end:
            logger.warning("the mark %d of %s-%d lies beyond the log's end %d: not used", mark.position, *tp, end)
            del self.marks[tp.partition]
            state.epoch = await self._new_epoch(tp.partition, mark.epoch)
            self._unmarked.add(tp.partition)

    def _resume_at_mark(self, state: Conversion, offset: int) -> None:
        """Up to the mark everything was emitted."""
        mark = self.marks.get(state.partition)
        if mark is not None and offset >= mark.position:
            now_ms = int(time.time() * 1000) if self.settings.clock == "wall" else None
            self.windower.resume(state, mark.clock, mark.watermarks, now_ms)
            del self.marks[state.partition]

    async def flush(self) -> None:
        async with self._flushes.one():
            now = time.monotonic()
            for partition in [partition for partition in self.states if self._is_ready(partition)]:
                await self._mark_epoch(partition)
                mark = await self._emit(partition)
                if mark is not None:
                    await self._mark(partition, mark, now)
                await self._watch(partition)
            self._forget(now)

    async def _emit(self, partition: int) -> EmittedUpTo | None:
        """Publish everything that is due, a piece at a time; a mark of the position up to which that is complete."""
        state = self.states[partition]
        while self.states.get(partition) is state and partition in self.ready:
            reached = (state.position, state.clock, dict(state.watermarks), state.epoch)
            mark = EmittedUpTo(CHECKPOINT_SCHEMA, *reached)
            found, is_all = self._flush_piece(state)
            messages = self._messages(state.partition, found)
            if messages:
                await self.producer.send(messages)
                failpoints.hit("between_pieces")
            if is_all:
                return mark
        return None

    async def _watch(self, partition: int) -> None:
        """Step the stall detectors through every closed minute, a piece at a time, and publish their records."""
        detectors, state, published_at = self.detectors.get(partition), self.states.get(partition), time.monotonic()
        all_stepped = False
        while not all_stepped:
            if detectors is None or state is None or self.detectors.get(partition) is not detectors:
                return
            incarnation, computed_at = self.incarnations[partition], rfc3339(int(time.time() * 1000))
            all_stepped = self.scheduler.step(detectors, state, STEPS_AT_ONCE, incarnation, computed_at)
            if all_stepped or time.monotonic() - published_at >= PUBLISH_SECONDS:
                record_of_slices = self.scheduler.take_records(detectors, state.version, incarnation, computed_at)
                while piece := list(islice(record_of_slices, STALLS_AT_ONCE)):
                    await self.producer.send(self._stall_messages(partition, piece))
                    failpoints.hit("after_stalls")
                published_at = time.monotonic()
            await asyncio.sleep(0)

    async def stop(self) -> None:
        if await self._flushes.are_whole():
            self._marked.clear()
            await self.flush()
        await self.producer.stop()

    def ready_partitions(self) -> int:
        return len(self.ready)

    def loading(self) -> Load | None:
        return self._loads.now

    def waiting_for(self) -> tuple[str, ...]:
        return ()

    def figures(self) -> list[Sample]:
        now = time.time()
        clocks = {partition: state.clock for partition, state in self.states.items() if state.clock}
        ages = [Sample("freshness_seconds", (str(number),), now - clock / 1000) for number, clock in clocks.items()]
        foreign = [Sample("foreign_records", (SLICES,), self._foreign)] if self._foreign else []
        return [*ages, *foreign, *emissions_of(self.producer, self.settings)]

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

    async def _mark_epoch(self, partition: int) -> None:
        """Record a new epoch before anything is published under it, so that no successor finds another one."""
        state = self.states.get(partition)
        if partition in self._unmarked and state is not None:
            incarnation = self.incarnations[partition]
            await self.checkpoints.write_mark(
                partition, incarnation, EmittedUpTo(CHECKPOINT_SCHEMA, 0, epoch=state.epoch)
            )
            self._unmarked.discard(partition)

    async def _mark(self, partition: int, mark: EmittedUpTo, now: float) -> None:
        last_position, last_time = self._marked.get(partition, (-1, 0.0))
        if mark.position != last_position and now - last_time >= MARK_SECONDS and partition in self.incarnations:
            failpoints.hit("before_mark")
            await self.checkpoints.write_mark(partition, self.incarnations[partition], mark)
            failpoints.hit("after_mark")
            self._marked[partition] = (mark.position, now)

    def _forget(self, now: float) -> None:
        if now - self._forgotten_at >= FORGET_SECONDS:
            self._forgotten_at = now
            for state in self.states.values():
                self._forget_old_minutes(state)

    def _forget_old_minutes(self, state: Conversion) -> None:
        self.windower.forget(state)


def _of_another_version(tp: TP, offset: int, error: Exception) -> Fault:
    # Without its saved states attribution publishes every minute again; with them, only what changes.
    saved = tp.topic.removesuffix(SLICES) + CHECKPOINTS
    return Fault(
        "groundswell",
        f"{tp.topic}-{tp.partition} holds at offset {offset} what this version cannot read "
        f"({without_values(str(error))})",
        f"Stop the workers, delete the topics {tp.topic} and {saved}, run `groundswell topics`, start them: "
        "both are made anew from the source topics.",
    )
