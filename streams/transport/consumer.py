"""The consumer: fetches batches, checks the chain of offsets, rewinds, commits contiguous prefixes.

Two ways to own the agent's positions, chosen by the app:
* `app.positions` is set: after every assignment the consumer seeks to what the state needs, nothing is committed.
* otherwise committed offsets rule, and only a contiguous prefix of batches that the agent marked done is committed.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from time import monotonic
from typing import Any

from faust.transport.consumer import ensure_TP
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage

from schemas.errors import Fault
from streams import failpoints
from streams.records import Damaged, Mark, damage_fault
from streams.transport.batch import Batch, LogTruncated
from streams.transport.thread import ConsumerThread

# A broker that has just become a log's leader may say for a moment that it ends earlier: its high watermark follows.
BEYOND_END_SECONDS = 20.0
HEAL_AFTER_SECONDS = 5.0  # how long a delivered batch may wait unseen while the agent is idle


class Fenced(RuntimeError):
    """This process was paused for so long that its partitions may be somebody else's by now."""


class Consumer(driver.Consumer):
    """See the package's law."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.batch_topics: frozenset[str] = self.app.batch_topics
        self.rewinds = 0
        self._last_poll = monotonic()
        self._next: dict[TP, int] = {}  # next offset to deliver
        self._accepted: dict[TP, int] = {}  # next offset the agent must see, where commits rule
        self._epochs: dict[TP, int] = defaultdict(int)
        self._delivered_at: dict[TP, float] = {}
        self._to_seek: set[TP] = set()
        self._sought: dict[TP, int] = {}
        self._inflight: dict[TP, deque[Batch]] = defaultdict(deque)
        self._goals: dict[TP, int] = {}  # where each log ended when we took it over
        self._beyond_since: dict[TP, float] = {}  # when a position was first seen to lie beyond its log's end
        self._damaged: dict[TP, int] = {}  # where a log could not be read, and was asked once more
        self._busy = False
        self._held: object | None = None  # the assignment that is ours; a new one each time
        self.assignments = 0  # of something or of nothing, by the group
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
            self._accepted[tp] = batch.end
            self._busy = True
            self.records_taken += len(batch.records)
            try:
                yield batch
            finally:
                self._busy = False

    def position_of(self, tp: TP) -> int:
        """The next offset that the agent must see."""
        positions = self.app.positions
        return self._accepted[tp] if positions is None else positions[tp]

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

    def extents(self) -> dict[TP, tuple[int, int | None]]:
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
        # What the agent has accepted stays: no commit may pass it before it is done.
        self._inflight[tp] = deque(batch for batch in self._inflight[tp] if batch.end <= position)
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
                failpoints.reach("after_fetch")
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
        if isinstance(last, Mark):
            begin, fetched = min(begin, last.first), fetched[:-1]
        if end <= want:
            return None
        if begin > want and self.app.skips.beyond(tp, want) < begin:
            if self._sought.get(tp) != want:
                self._sought[tp] = want  # something was drained and thrown away: ask once more
                self._to_seek.add(tp)
                return None
            if not await self._is_hole(tp, want) or self._is_overtaken(tp, want, generation):
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

    async def _is_hole(self, tp: TP, want: int) -> bool:
        """Asked twice: either the log itself has a hole here (compaction, markers), or it begins later."""
        begin = (await self.earliest_offsets(tp))[tp]
        if begin > self.app.skips.beyond(tp, want):
            await self.crash(self._truncated(tp, want, begin))
            return False
        return True

    def _truncated(self, tp: TP, want: int, begin: int) -> Exception:
        what = f"{tp.topic}-{tp.partition} begins at offset {begin}, offset {want} is needed and gone"
        if self.app.begins_anew:
            return LogTruncated(f"{what}: beginning anew with what the log still holds")
        topic = self.app.logical(tp.topic)
        return Fault(
            "kafka",
            what,
            "Raise the topic's retention, so that it does not happen again. Then, where there is a copy of the log, "
            "restore it; or go on with what there is and have the loss recorded: "
            f"groundswell skip {topic} {tp.partition} {want} --to {begin - 1} --why TEXT, then start the worker again.",
        )

    def _deliver(self, tp: TP, records: list[Any], start: int, end: int | None = None) -> Batch:
        batch = Batch(tp, records, start, self._epochs[tp], end)
        self._next[tp] = batch.end
        self._delivered_at[tp] = monotonic()
        self._inflight[tp].append(batch)
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

    # ---- commit ------------------------------------------------------------------------------------------

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Nothing: gaps between messages mean nothing where a message is a batch."""

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterable[TP]:
        seen = set(self._acked) | set(self._inflight)
        return (tp for tp in seen if topics is None or tp in topics or tp.topic in topics)

    def _new_offset(self, tp: TP) -> int | None:
        """The end of the contiguous prefix of batches that are done."""
        self._acked[tp].clear()
        self._acked_index[tp].clear()
        queue, offset = self._inflight[tp], None
        if self.app.positions is not None:
            queue.clear()
            return None
        while queue and queue[0].done:
            offset = queue.popleft().end
        return offset

    # ---- assignment --------------------------------------------------------------------------------------

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Place the consumer after an assignment: Faust's name for it, our positions.

        Faust lets this go on for an assignment that was revoked meanwhile (tables/recovery.py:306): nothing is taken
        over then, and the next assignment brings another call.
        """
        failpoints.reach("on_assigned")
        held = self._held
        ours = frozenset(ensure_TP(tp) for tp in self.assignment() if tp.topic in self.batch_topics)
        self._forget(set(self._next) | ours)
        begins = await self._begins_of(ours)
        target = await self._targets(ours)
        failpoints.reach("after_load")
        for tp, offset in ((tp, offset) for tp, offset in target.items() if tp in ours):
            if self.app.skips.beyond(tp, offset) < begins[tp]:
                await self.crash(self._truncated(tp, offset, begins[tp]))
                return {}
        target = {**begins, **target}
        if held is None or self._held is not held:
            return {}
        if self.app.positions is not None:
            self.app.positions.begin(target)
        await self.seek_wait(target)
        if self._held is not held:
            return {}
        self._accepted.update(target)
        self._next.update(target)
        self.assignments += 1
        self._last_poll = monotonic()
        return target

    async def _begins_of(self, ours: frozenset[TP]) -> dict[TP, int]:
        begins = await self.earliest_offsets(*ours) if ours else {}
        return {ensure_TP(tp): offset for tp, offset in begins.items()}

    async def _targets(self, ours: frozenset[TP]) -> dict[TP, int]:
        learning = asyncio.ensure_future(self.app.learn_skips(frozenset(tp.partition for tp in ours)))
        try:
            targets = await self._owned_targets(ours)
            await learning
        finally:
            learning.cancel()
        return targets

    async def _owned_targets(self, ours: frozenset[TP]) -> dict[TP, int]:
        if self.app.positions is not None:
            return dict(await self.app.positions.load(ours))
        committed = await super().seek_to_committed()
        return {
            ensure_TP(tp): offset
            for tp, offset in committed.items()
            if offset is not None and offset >= 0 and ensure_TP(tp) in ours
        }

    def _forget(self, tps: Iterable[TP]) -> None:
        for tp in tps:
            self._epochs[tp] += 1
            self._to_seek.discard(tp)
            for by_tp in (
                self._inflight,
                self._next,
                self._accepted,
                self._sought,
                self._goals,
                self._beyond_since,
                self._damaged,
                self._delivered_at,
                self._acked,
                self._acked_index,
            ):
                by_tp.pop(tp, None)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        self._held = object()
        await super().on_partitions_assigned(assigned, generation_id)
        if not assigned:
            self.assignments += 1  # nothing to place: Faust does not ask for that then

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Commit what is done before the partitions go: Faust's own order forgets it first (consumer.py:657)."""
        if revoked:
            failpoints.reach("on_revoked")
        self._held = None
        self.stop_flow()
        self.app.flow_control.suspend()
        self.app.flow_control.clear()
        deadline = monotonic() + self.app.conf.broker_rebalance_timeout / 2
        while self._busy and monotonic() < deadline:
            await asyncio.sleep(0.01)
        await self._flush_until(deadline)
        if revoked:
            failpoints.reach("before_last_commit")
        try:
            await self.maybe_wait_for_commit_to_finish()
            await asyncio.wait_for(self.commit(), max(1.0, deadline - monotonic()))
        except Exception as error:
            self.log.warning("commit before a rebalance failed, some records will be read again: %r", error)
        self._forget(set(revoked) | set(self._next))
        await super().on_partitions_revoked(revoked)

    async def _flush_until(self, deadline: float) -> None:
        """Let the role emit what it has.  Not cancelled when time is up: what was drained must still go out."""
        if self.app.flush is not None and not self.app.should_stop:
            flush = asyncio.ensure_future(self._flush_or_crash())
            await asyncio.wait({flush}, timeout=max(0.1, deadline - monotonic()))

    async def _flush_or_crash(self) -> None:
        try:
            await self.app.flush()
        except Exception as error:
            await self.crash(error)
