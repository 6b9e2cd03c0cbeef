"""An assignment: where reading begins once the group has given partitions, and the flush before it takes them away.

The positions belong to the role's state (`app.positions`).  After every assignment the consumer seeks to what the state
needs; nothing is ever committed.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping
from time import monotonic
from typing import Any

from faust.transport.consumer import ensure_TP
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from schemas.errors import Fault
from streams import failpoints
from streams.kafka.transport.batch import LogTruncated


class AssignedConsumer(driver.Consumer):
    """What a consumer knows of each partition that it was assigned, and how it comes to know it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.batch_topics: frozenset[str] = self.app.batch_topics
        self.assignments = 0  # of something or of nothing, by the group
        self._held: object | None = None  # the assignment that is ours; a new one each time
        self._busy = False  # the agent has a batch in its hands
        self._last_poll = monotonic()
        self._next: dict[TP, int] = {}  # next offset to deliver
        self._epochs: dict[TP, int] = defaultdict(int)
        self._delivered_at: dict[TP, float] = {}
        self._to_seek: set[TP] = set()
        self._sought: dict[TP, int] = {}
        self._goals: dict[TP, int] = {}  # where each log ended when we took it over
        self._beyond_since: dict[TP, float] = {}  # when a position was first seen to lie beyond its log's end
        self._damaged: dict[TP, int] = {}  # where a log could not be read, and was asked once more

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Place the consumer after an assignment: Faust's name for it, our positions.

        Faust lets this go on for an assignment that was revoked meanwhile (tables/recovery.py:306): nothing is taken
        over then, and the next assignment brings another call.
        """
        failpoints.hit("on_assigned")
        held = self._held
        ours = frozenset(ensure_TP(tp) for tp in self.assignment() if tp.topic in self.batch_topics)
        self._forget(set(self._next) | ours)
        begins = await self._begins_of(ours)
        target = await self._targets(ours)
        failpoints.hit("after_load")
        for tp, offset in ((tp, offset) for tp, offset in target.items() if tp in ours):
            if self.app.skips.beyond(tp, offset) < begins[tp]:
                await self.crash(self._truncated(tp, offset, begins[tp]))
                return {}
        target = {**begins, **target}
        if held is None or self._held is not held:
            return {}
        self.app.positions.begin(target)
        await self.seek_wait(target)
        if self._held is not held:
            return {}
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
            targets = dict(await self.app.positions.load(ours))
            await learning
        finally:
            learning.cancel()
        return targets

    def _forget(self, tps: Iterable[TP]) -> None:
        for tp in tps:
            self._epochs[tp] += 1
            self._to_seek.discard(tp)
            for by_tp in (
                self._next,
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
        """Let the role flush before the partitions go, then forget them."""
        if revoked:
            failpoints.hit("on_revoked")
        self._held = None
        self.stop_flow()
        self.app.flow_control.suspend()
        self.app.flow_control.clear()
        deadline = monotonic() + self.app.conf.broker_rebalance_timeout / 2
        while self._busy and monotonic() < deadline:
            await asyncio.sleep(0.01)
        await self._flush_until(deadline)
        if revoked:
            failpoints.hit("after_last_flush")
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

    # ---- commits: there are none -------------------------------------------------------------------------

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Nothing: gaps between messages mean nothing where a message is a batch."""

    def _new_offset(self, tp: TP) -> int | None:
        """Nothing to commit; what Faust has noted as acknowledged is dropped, or it would grow for ever."""
        self._acked[tp].clear()
        self._acked_index[tp].clear()
        return None
