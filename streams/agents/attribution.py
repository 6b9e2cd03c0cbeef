"""The role `attribution`: folds the source topics of a partition and emits slices, dead letters and progress.

After an assignment it is silent until it has folded everything that the logs held at that moment.  Whatever a
predecessor emitted lies before that point, so from then on the larger version is the fuller value, and all that
changed since the checkpoint is emitted again.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import msgspec
from faust.types import TP

from schemas import slices
from schemas.errors import Fault
from schemas.slices import Entity
from schemas.topics import ATTRIBUTION_INPUTS, DEAD_LETTERS, SLICES, SOURCES
from streams import failpoints
from streams.agents.role import WholeFlushes, emissions_of, limited, new_incarnation
from streams.gc_tuning import gc_paused
from streams.kafka.batch_producer import AnyMessage, BatchProducer, Message
from streams.kafka.checkpoints import Checkpoints
from streams.kafka.loading import Load, Loads
from streams.kafka.transport import Batch, Positions
from streams.monitoring.metrics import VERDICTS, Sample
from streams.operators.attribution.emission import Flush, LogEnds, begin_flush, encode_slices, folded_up_to
from streams.operators.attribution.fold import AttributionOperator
from streams.operators.attribution.snapshot import fingerprint_of, from_bytes, to_bytes
from streams.operators.attribution.state import Attribution, compact, forget
from streams.settings import Settings

logger = logging.getLogger("groundswell.attribution")

# A silent partition publishes its progress every few seconds, so that the watermark goes on with the clock.
TICK_SECONDS = 2.0
# Pieces of about 50 ms of work, so that the fetcher and the heartbeat have their turn.
SLICES_AT_ONCE = 4000
SIDE_BY_SIDE = 2  # partitions that are flushed at a time
QUIET_SECONDS = 2 * 3600  # slices this far behind the clock are compacted


class AttributionRole:
    """The states of the assigned partitions and their outputs; also the owner of the agent's positions."""

    name = group = "attribution"
    topics = ATTRIBUTION_INPUTS

    def __init__(self, settings: Settings, version: str) -> None:
        self.settings = settings
        self.codec = settings.codec()
        self.operator = AttributionOperator(self.codec, (f"{settings.group_prefix}-attribution", version))
        self.fingerprint = fingerprint_of(self.codec)
        self.producer = BatchProducer(settings)
        self.checkpoints = Checkpoints(settings, self.producer)
        self.states: dict[int, Attribution] = {}
        self.incarnations: dict[int, str] = {}
        self.ready: set[int] = set()
        self._emitted: dict[int, tuple[int, float]] = {}  # version and monotonic time of the last emission
        self._saved: dict[int, tuple[int, float]] = {}  # the same of the last checkpoint
        self._saved_bytes: dict[int, int] = {}
        self._refused: Counter[tuple[str, str]] = Counter()  # dead letters by topic and reason
        self._flushes = WholeFlushes()
        self._loads = Loads()
        self._app: Any = None
        self._bad_in_a_row = 0
        self._taken = 0  # records since the first batch of this process
        self._first_batch_at: float | None = None

    # ---- positions: owned by the state -------------------------------------------------------------------

    @property
    def positions(self) -> Positions:
        return self

    async def load(self, tps: frozenset[TP]) -> Mapping[TP, int]:
        """States of an assignment: those still in memory (a state stays true), else their newest checkpoints."""
        assigned = frozenset(tp.partition for tp in tps)
        self._check_together(tps, assigned)
        self.states = limited(self.states, assigned)
        self.incarnations = {partition: new_incarnation() for partition in assigned}
        self.ready = set()
        for partition in sorted(assigned - set(self.states)):
            started = time.monotonic()
            with self._loads.one(f"the state of partition {partition}", partition) as load:
                read = partial(self._read_state, partition, load)
                saved = await self.checkpoints.newest_state(partition, read, load)
            self.states[partition] = saved or Attribution(partition, (secrets.randbits(64), secrets.randbits(64)))
            if saved is not None:
                seconds = time.monotonic() - started
                logger.info("partition %d goes on at version %d (%.1f s)", partition, saved.version, seconds)
        return {tp: offset for tp in tps if (offset := self._position(tp)) is not None}

    def _read_state(self, partition: int, load: Load, data: bytes) -> Attribution:
        load.decodes(len(data))
        with gc_paused():
            return from_bytes(data, partition, self.fingerprint, load.decoded)

    def _check_together(self, tps: frozenset[TP], assigned: frozenset[int]) -> None:
        wanted = {(self.settings.topic(topic), partition) for topic in self.topics for partition in assigned}
        if wanted - {(tp.topic, tp.partition) for tp in tps}:
            raise Fault(
                "kafka",
                "the source topics of one partition number came to different workers",
                "Give all of them the same number of partitions: `groundswell topics` checks it.",
            )

    def _position(self, tp: TP) -> int | None:
        return self.states[tp.partition].positions.get(self.settings.logical(tp.topic))

    def __getitem__(self, tp: TP) -> int:
        return self.states[tp.partition].positions[self.settings.logical(tp.topic)]

    def begin(self, target: Mapping[TP, int]) -> None:
        for tp, offset in target.items():
            self.states[tp.partition].begin(self.settings.logical(tp.topic), offset)

    # ---- the agent ---------------------------------------------------------------------------------------

    async def start(self, app: Any) -> None:
        self._app = app
        await self.producer.start()

    async def take(self, batch: Batch) -> None:
        if self._first_batch_at is None:
            self._first_batch_at = time.monotonic()
        self._taken += len(batch.records)
        state = self.states[batch.tp.partition]
        topic = self.settings.logical(batch.tp.topic)
        tally = state.tallies.get(topic)
        good = tally.accepted + tally.duplicates if tally else 0
        self.operator.step(state, topic, batch.records, batch.end)
        failpoints.hit("after_step")
        if tally is not None:
            self._count_bad(len(batch.records), tally.accepted + tally.duplicates - good)

    def _count_bad(self, records: int, good: int) -> None:
        self._bad_in_a_row = 0 if good else self._bad_in_a_row + records
        limit = self.settings.dead_letter_limit
        if limit and self._bad_in_a_row >= limit:
            raise Fault(
                "input",
                f"{self._bad_in_a_row} records in a row became dead letters",
                "Something turned every event bad: see `groundswell dead-letters list`, mend the producer or the "
                "campaign files, or raise GROUNDSWELL_DEAD_LETTER_LIMIT.",
            )

    async def flush(self) -> None:
        async with self._flushes.one():
            newly_ready = bool(set(self.states) - self.ready)
            messages = sum(await self._flush_side_by_side(list(self.states)))
            if messages:
                self._log_progress(newly_ready, messages)

    async def _flush_side_by_side(self, partitions: list[int]) -> list[int]:
        """While the broker acknowledges a piece of one partition, a piece of another is made.

        Only so many, so that the fetcher and the heartbeat have their turn; and the first one that fails ends all.
        """
        turn = asyncio.Semaphore(SIDE_BY_SIDE)

        async def in_turn(partition: int) -> int:
            async with turn:
                return await self._flush_partition(partition)

        flushes = [asyncio.ensure_future(in_turn(partition)) for partition in partitions]
        try:
            return await asyncio.gather(*flushes)
        finally:
            for flush in flushes:
                flush.cancel()
            await asyncio.gather(*flushes, return_exceptions=True)

    async def _flush_partition(self, partition: int) -> int:
        """One flush of a partition, a piece at a time, and its checkpoint when that is due; how many messages."""
        state, now = self.states.get(partition), time.monotonic()
        if state is None or not self._is_ready(partition):
            return 0
        last_version, last_time = self._emitted.get(partition, (-1, 0.0))
        if state.version == last_version and now - last_time < TICK_SECONDS:
            return 0
        log_ends, incarnation = self._log_ends(partition), self.incarnations[partition]
        is_due = self._checkpoint_is_due(partition, now)
        if is_due:
            self._tidy(state, log_ends)
        begun = begin_flush(state, incarnation, log_ends, self._wall_clock_ms(), self.fingerprint)
        version = state.version
        with gc_paused():
            snapshot = to_bytes(state, self.fingerprint) if is_due else b""
        sent = 0
        for start in range(0, max(1, len(begun.dirty)), SLICES_AT_ONCE):
            piece = encode_slices(state, begun.dirty[start : start + SLICES_AT_ONCE], incarnation)
            messages: list[AnyMessage] = [*(self._letters(begun) if start == 0 else ()), *self._slices(piece)]
            if start + SLICES_AT_ONCE >= len(begun.dirty):
                messages += self._progress(begun)
            await self._app.consumer.check_fence()
            sent += await self.producer.send(messages)
            failpoints.hit("between_pieces")
        self._emitted[partition] = (version, now)
        if is_due:
            await self.checkpoints.write(partition, incarnation, version, snapshot)
            self._saved[partition] = (version, now)
            self._saved_bytes[partition] = len(snapshot)
        return sent

    def _log_progress(self, newly_ready: bool, messages: int) -> None:
        """How fast it went, said when all partitions of an assignment have caught up and that is acknowledged."""
        if newly_ready and self.ready == set(self.states) and self._first_batch_at is not None:
            seconds = time.monotonic() - self._first_batch_at
            logger.info("%d records folded in %.2f s, %d messages acknowledged", self._taken, seconds, messages)

    async def stop(self) -> None:
        """Emit and save what is left, so that whoever goes on has little to fold."""
        if await self._flushes.are_whole():
            self._saved.clear()
            self._emitted.clear()
            await self.flush()
        await self.producer.stop()

    # ---- what is observed --------------------------------------------------------------------------------

    def ready_partitions(self) -> int:
        return len(self.ready)

    def loading(self) -> Load | None:
        return self._loads.now

    def waiting_for(self) -> tuple[str, ...]:
        return ()

    def figures(self) -> list[Sample]:
        now = time.monotonic()
        ages = [(partition, now - at) for partition, (_, at) in self._saved.items() if partition in self.states]
        return [
            *(figure for state in self.states.values() for figure in _figures_of(state)),
            *self._freshness(),
            *(Sample("dead_letters", place, number) for place, number in self._refused.items()),
            *(Sample("checkpoint_age_seconds", (str(partition),), age) for partition, age in ages),
            *(Sample("checkpoint_bytes", (str(partition),), size) for partition, size in self._saved_bytes.items()),
            *emissions_of(self.producer, self.settings),
        ]

    def _freshness(self) -> list[Sample]:
        found: list[Sample] = []
        for partition, state in self.states.items():
            ends = self._log_ends(partition).ends if self._app is not None else {}
            newest = folded_up_to(state, ends)
            if newest:
                found.append(Sample("freshness_seconds", (str(partition),), time.time() - newest / 1000))
        return found

    # ---- what it needs to know ---------------------------------------------------------------------------

    def _is_ready(self, partition: int) -> bool:
        if partition not in self.ready:
            consumer = self._app.consumer
            if not all(consumer.caught_up(tp) for tp in self._tps(partition)):
                return False
            self.ready.add(partition)
            logger.info("partition %d has caught up at version %d", partition, self.states[partition].version)
        return True

    def _tps(self, partition: int) -> list[TP]:
        return [TP(self.settings.topic(topic), partition) for topic in self.topics]

    def _log_ends(self, partition: int) -> LogEnds:
        consumer, positions = self._app.consumer, self.states[partition].positions
        ends = {
            topic: max(consumer.end_of(TP(self.settings.topic(topic), partition)) or 0, positions.get(topic, 0))
            for topic in self.topics
        }
        idle = all(positions.get(topic, 0) >= end for topic, end in ends.items())
        seen = [consumer.end_seen_at(TP(self.settings.topic(topic), partition)) for topic in SOURCES]
        return LogEnds({topic: ends[topic] for topic in SOURCES}, idle, min(seen))

    def _wall_clock_ms(self) -> int | None:
        return int(time.time() * 1000) if self.settings.clock == "wall" else None

    def _checkpoint_is_due(self, partition: int, now: float) -> bool:
        version, at = self._saved.get(partition, (-1, 0.0))
        return self.states[partition].version != version and now - at >= self.settings.checkpoint_interval

    def _tidy(self, state: Attribution, log_ends: LogEnds) -> None:
        compact(state, state.clock // 1000 - QUIET_SECONDS)
        now_ms = self._wall_clock_ms()
        if log_ends.idle and now_ms is not None:
            forget(state, self.codec.horizon_ms, now_ms)

    def _letters(self, begun: Flush) -> list[Message]:
        topic = self.settings.topic(DEAD_LETTERS)
        self._refused.update((letter.topic, letter.reason) for letter in begun.letters)
        return [
            Message(topic, letter.source_partition, letter.topic.encode(), msgspec.json.encode(letter))
            for letter in begun.letters
        ]

    def _slices(self, piece: Iterable[tuple[Entity, list[tuple[bytes, bytes]]]]) -> Iterator[AnyMessage]:
        topic, partitions = self.settings.topic(SLICES), self.settings.partitions
        for entity, records in piece:
            for number in slices.destinations_of(entity, partitions):
                for key, value in records:
                    yield topic, number, key, value

    def _progress(self, begun: Flush) -> list[Message]:
        """Told to every partition of `slices`, after the slices that it vouches for."""
        topic = self.settings.topic(SLICES)
        key, value = slices.progress_key(begun.progress), slices.encode(begun.progress)
        return [Message(topic, partition, key, value) for partition in range(self.settings.partitions)]


def _figures_of(state: Attribution) -> list[Sample]:
    partition = str(state.partition)
    found: list[Sample] = []
    for topic, tally in state.tallies.items():
        counts = (tally.accepted, tally.duplicates, tally.dead_lettered, tally.passed_over)
        found += [
            Sample("events", (topic, partition, verdict), number)
            for verdict, number in zip(VERDICTS, counts, strict=True)
        ]
        found.append(Sample("late_events", (topic, partition), tally.late))
    return found
