"""The consumer: it fetches batches, checks the chain of offsets, and rewinds where the chain is broken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from time import monotonic
from typing import Any

from faust.transport.consumer import ensure_TP
from faust.types import TP, ConsumerMessage

from schemas.errors import Fault
from streams import failpoints
from streams.kafka.records import Damaged, RangeMarker, damage_fault
from streams.kafka.transport.assignment import AssignedConsumer
from streams.kafka.transport.batch import Batch
from streams.kafka.transport.consumer_thread import ConsumerThread

# A broker that has just become a log's leader may say for a moment that it ends earlier: its high watermark follows.
BEYOND_END_SECONDS = 20.0
HEAL_AFTER_SECONDS = 5.0  # how long a delivered batch may wait unseen while the agent is idle


class Fenced(RuntimeError):
    """This process was paused for so long that its partitions may be somebody else's by now."""


class Consumer(AssignedConsumer):
    """See the package's law."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rewinds = 0
        self.records_taken = 0

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    # ---- the agent's side --------------------------------------------------------------------------------

    async def batches(self, stream: AsyncIterator[Batch]) -> AsyncIterator[Batch]:
        """The stream without batches that do not continue the agent's position: what an agent iterates over."""
        async for batch in stream:
            tp = batch.tp
            if tp not in self._next or batch.epoch != self._epochs[tp]:
                continue  # from before a rewind or a rebalance
            if batch.start != self.position_of(tp):
                self._rewind(tp, "a batch was dropped on its way to the agent")
                continue
            self._busy = True
            self.records_taken += len(batch.records)
            try:
                yield batch
            finally:
                self._busy = False

    def position_of(self, tp: TP) -> int:
        """The next offset that the agent must see."""
        return int(self.app.positions[tp])

    def caught_up(self, tp: TP) -> bool:
        """Whether the agent has seen all that the log held when this assignment began."""
        goal = self._goals.get(tp)
        return goal is not None and tp in self._next and self.position_of(tp) >= goal

    def end_of(self, tp: TP) -> int | None:
        """The end of the log as the newest fetch saw it; None before the first one."""
        return self._thread.highwater(tp) if tp in self._next else None

    def end_seen_at(self, tp: TP) -> int:
        """The wall clock, epoch milliseconds, when the broker last told where the log ends; 0 before that.

        A broker that does not answer leaves it behind: what was appended meanwhile nobody here knows.
        """
        return self._thread.end_seen_at(tp) if tp in self._next else 0

    def positions_and_ends(self) -> dict[TP, tuple[int, int | None]]:
        """Of each assigned partition: the agent's position, and the end of the log if it was seen."""
        return {tp: (self.position_of(tp), self.end_of(tp)) for tp in list(self._next)}

    async def check_fence(self) -> None:
        """Refuse to say what was folded where another worker may have folded less and then more.

        A static member's place may be taken at any moment.  What it says was folded before this question, and the
        group's yes means that a successor, if there will be one, has yet to look where the logs end.

        Raises:
            Fenced: the last poll is older than half the session timeout, or the group knows us no more.
        """
        self._check_pause()
        if not await self._thread.belongs():
            raise Fenced("no member of the group any more: starting anew")

    def _check_pause(self) -> None:
        """Refuse to go on after a pause in which another worker may have been given our partitions."""
        pause = monotonic() - self._last_poll
        limit = self.app.conf.broker_session_timeout / 2
        if pause > limit:
            raise Fenced(f"no poll for {pause:.1f} s, the group's session lasts {2 * limit:.0f} s: starting anew")

    # ---- mending -----------------------------------------------------------------------------------------

    def _rewind(self, tp: TP, why: str) -> None:
        position = self.position_of(tp)
        self.log.warning("rewind of %s-%d to offset %d: %s", tp.topic, tp.partition, position, why)
        self.rewinds += 1
        self._epochs[tp] += 1
        self._next[tp] = position
        self._sought.pop(tp, None)  # an answer of before must not make the next loss look like a hole
        self._to_seek.add(tp)

    def _heal(self) -> None:
        """Rewind where a delivered batch never arrived and no other came after it."""
        if self._busy or self.app.rebalancing or not self.flow_active:
            return
        now = monotonic()
        for tp, offset in list(self._next.items()):
            waited = now - self._delivered_at.get(tp, now)
            if offset != self.position_of(tp) and waited > HEAL_AFTER_SECONDS:
                self._rewind(tp, "a delivered batch never arrived")

    # ---- fetch -------------------------------------------------------------------------------------------

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> Any:
        if self.app.fenced and self._next and not self.app.rebalancing:
            self._check_pause()
        self._last_poll = monotonic()
        if self.app.rebalancing and active_partitions is not None:
            # Sources flow only after on_rebalance_end(): until then Faust throws away what arrives.
            active_partitions = {tp for tp in active_partitions if tp.topic not in self.batch_topics}
            if not active_partitions:
                await asyncio.sleep(0.05)
                return {}
        return await super()._getmany(active_partitions, timeout)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, ConsumerMessage]]:
        """Fetch, check the chain, deliver one message a batch."""
        self._heal()
        await self._seek_where_asked()
        records, _active = await self._wait_next_records(timeout)
        if records is None or self.should_stop:
            return
        generation = self.app.consumer_generation_id
        await self._note_goals()
        for skipped in self._skipped(generation):
            yield skipped.tp, self._message_of(skipped, generation)
        for tp, fetched in records.items():
            batch = await self._next_batch(ensure_TP(tp), fetched, generation)
            if batch is not None:
                failpoints.hit("after_fetch")
                yield batch.tp, self._message_of(batch, generation)

    async def _seek_where_asked(self) -> None:
        targets = {tp: self._next[tp] for tp in self._to_seek if tp in self._next}
        self._to_seek.clear()
        if targets:
            await self.seek_wait(targets)

    async def _note_goals(self) -> None:
        """Note where each log ends as a first fetch says, and stop where a position stays beyond that."""
        for tp in [tp for tp in self._next if tp not in self._goals]:
            end = self._thread.highwater(tp)
            if end is None:
                continue
            if self._next[tp] <= end:
                self._goals[tp] = end
            elif monotonic() - self._beyond_since.setdefault(tp, monotonic()) > BEYOND_END_SECONDS:
                await self.crash(
                    Fault(
                        "kafka",
                        f"{tp.topic}-{tp.partition} ends at offset {end}, but was read up to {self._next[tp]}: it was "
                        "made anew",
                        "Delete the topics `slices` and `checkpoints` and the consumer groups too, then run "
                        "`groundswell topics`.",
                    )
                )

    async def _next_batch(self, tp: TP, fetched: list[Any], generation: int) -> Batch | None:
        """The fetched records as the next batch of their partition; None where the chain is broken."""
        want = self._next.get(tp)
        if want is None:
            return None  # not ours any more
        if self._is_overtaken(tp, want, generation):
            return None
        last = fetched[-1]
        if isinstance(last, Damaged):
            await self._meet_damage(tp, want, last)
            return None
        begin, end = fetched[0].offset, last.offset + 1
        if isinstance(last, RangeMarker):
            begin, fetched = min(begin, last.first), fetched[:-1]
        if end <= want:
            return None
        if begin > want and self.app.skips.beyond(tp, want) < begin:
            if self._sought.get(tp) != want:
                self._sought[tp] = want  # something was drained and thrown away: ask once more
                self._to_seek.add(tp)
                return None
            if not await self._is_gap(tp, want) or self._is_overtaken(tp, want, generation):
                return None
        records = [record for record in fetched if record.offset >= want] if begin < want else fetched
        return self._deliver(tp, self.app.skips.without(tp, records), want, end)

    async def _meet_damage(self, tp: TP, want: int, mark: Damaged) -> None:
        """Ask once more, for it may have happened on the way here; what lies so in the log stops us."""
        if mark.first == want == self._damaged.get(tp):
            await self.crash(damage_fault(self.app.logical(tp.topic), tp.topic, tp.partition, mark))
        elif mark.first == want:
            self._damaged[tp] = want
        self._to_seek.add(tp)

    def _skipped(self, generation: int) -> Iterator[Batch]:
        """Empty batches over the offsets that an operator has skipped, where one of them comes next."""
        for tp, want in list(self._next.items()):
            beyond = self.app.skips.beyond(tp, want)
            if beyond > want and not self._is_overtaken(tp, want, generation):
                yield self._deliver(tp, [], want, beyond)
                self._to_seek.add(tp)

    def _is_overtaken(self, tp: TP, want: int, generation: int) -> bool:
        """Whether a rebalance or a rewind came in between: what was drained must be fetched again."""
        stopped = not self.flow_active or self.app.rebalancing or self.app.consumer_generation_id != generation
        if stopped or tp in self._to_seek or self._next.get(tp) != want:
            self._to_seek.add(tp)
            return True
        return False

    async def _is_gap(self, tp: TP, want: int) -> bool:
        """Asked twice: either the log itself has a hole here (compaction, markers), or it begins later."""
        begin = (await self.earliest_offsets(tp))[tp]
        if begin > self.app.skips.beyond(tp, want):
            await self.crash(self._truncated(tp, want, begin))
            return False
        return True

    def _deliver(self, tp: TP, records: list[Any], start: int, end: int | None = None) -> Batch:
        batch = Batch(tp, records, start, self._epochs[tp], end)
        self._next[tp] = batch.end
        self._delivered_at[tp] = monotonic()
        return batch

    def _message_of(self, batch: Batch, generation: int) -> ConsumerMessage:
        tp, last = batch.tp, batch.records[-1] if batch.records else None
        self.app.monitor.track_tp_end_offset(tp, self.highwater(tp))
        return ConsumerMessage(
            tp.topic,
            tp.partition,
            batch.end - 1,
            last.timestamp / 1000.0 if last else 0.0,
            last.timestamp_type if last else 0,
            (),
            b"",
            batch,
            None,
            0,
            0,
            tp,
            generation_id=generation,
        )
