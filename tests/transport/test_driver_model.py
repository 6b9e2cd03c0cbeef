"""The law of the driver, tried by a machine that rebalances, loses, repeats, delays and drops as Faust may.

The driver is the real one, and so are Faust's consumer, drain loop, queue and flow control.  What lies below
(`fetcher.py`) and the order in which anything goes on is the machine's.
"""

from __future__ import annotations

import os
from collections import defaultdict
from typing import Any, Final
from unittest import mock

import pytest
from driven import PARTITIONS, Driven
from faust.transport.consumer import Consumer as FaustConsumer
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from streams.transport import Batch, Consumer
from streams.transport import consumer as module

_ASKED: Final = os.environ.get("GROUNDSWELL_EXAMPLES")
PLACES: Final = st.sampled_from(PARTITIONS)
LITTLE: Final = st.integers(0, 2)
SEEN: dict[str, int] = defaultdict(int)  # what the examples held


def tried(examples: int, *phases: Phase) -> settings:
    """The same examples each time, so that a change is to blame; GROUNDSWELL_EXAMPLES=5000 looks further."""
    return settings(
        max_examples=int(_ASKED or examples),
        stateful_step_count=50,
        deadline=None,
        derandomize=_ASKED is None,
        database=None,
        phases=phases or tuple(Phase),
    )


class Ordeal(RuleBasedStateMachine):
    """One worker through whatever comes; at its end all faults stop, and it has to come to rest at the logs' ends."""

    worker: Driven

    @initialize(begins=st.tuples(LITTLE, LITTLE), has_state=st.booleans(), records=st.integers(0, 5))
    def start(self, begins: tuple[int, int], has_state: bool, records: int) -> None:
        self.worker = Driven(begins, has_state)
        self.clock = mock.patch.object(module, "monotonic", self.worker.loop.time)
        self.clock.start()
        for log in self.worker.logs.values():
            log.grow(records, 0)
        self.worker.revoke()
        self.flow(2)
        self.worker.assign(set(PARTITIONS))
        self.flow(5)

    def settle(self) -> None:
        self.worker.loop.pass_time()

    # ---- the world goes on -------------------------------------------------------------------------------

    @rule(tp=PLACES, records=st.integers(1, 4), hole=st.sampled_from((0, 0, 1, 2)))
    def grow(self, tp: Any, records: int, hole: int) -> None:
        self.worker.logs[tp].grow(records, hole)

    @rule(data=st.data())
    def go_on(self, data: st.DataObject) -> None:
        names = sorted(set(self.worker.gates.names()))
        if names:
            self.worker.gates.open(data.draw(st.sampled_from(names)))
            self.settle()

    @rule(rounds=st.integers(1, 6))
    def flow(self, rounds: int) -> None:
        for _ in range(rounds):
            for name in self.worker.gates.names():
                self.worker.gates.open(name)
            self.settle()

    @rule(seconds=st.sampled_from((0.2, 1.1, 6.0)))
    def wait(self, seconds: float) -> None:
        self.worker.loop.pass_time(seconds)

    # ---- what the agent and Faust do of themselves -------------------------------------------------------

    @precondition(lambda self: self.worker.held)
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        self.worker.finish(data.draw(st.sampled_from(self.worker.held)))

    @precondition(lambda self: self.worker.state is not None)
    @rule()
    def save(self) -> None:
        self.worker.state.save()

    @rule()
    def commit(self) -> None:
        self.worker.commit()
        self.settle()

    @precondition(lambda self: self.worker.may_revoke())
    @rule()
    def revoke(self) -> None:
        self.worker.revoke()
        self.settle()

    @precondition(lambda self: self.worker.may_assign())
    @rule(tps=st.sets(PLACES))
    def assign(self, tps: set[Any]) -> None:
        self.worker.assign(tps)
        self.settle()

    # ---- faults ------------------------------------------------------------------------------------------

    @precondition(lambda self: self.worker.client.may_be_lost())
    @rule(data=st.data(), first=st.integers(0, 3), last=st.integers(0, 1))
    def lose(self, data: st.DataObject, first: int, last: int) -> None:
        SEEN["lost"] += first + last > 0
        self.worker.client.lose(data.draw(st.sampled_from(self.worker.client.may_be_lost())), first, last)

    @precondition(lambda self: self.worker.client.positions)
    @rule(data=st.data(), back=st.integers(1, 4))
    def slip(self, data: st.DataObject, back: int) -> None:
        self.worker.client.slip(data.draw(st.sampled_from(sorted(self.worker.client.positions))), back)

    @precondition(lambda self: not self.worker.queue.empty())
    @rule(data=st.data(), repeated=st.booleans())
    def disturb_queue(self, data: st.DataObject, repeated: bool) -> None:
        """A batch on its way to the agent is dropped, or comes again."""
        queued = self.worker.queue._queue
        index = data.draw(st.integers(0, len(queued) - 1))
        if repeated:
            queued.append(queued[index])
        else:
            del queued[index]
        SEEN["repeated" if repeated else "dropped"] += 1

    # ---- the law -----------------------------------------------------------------------------------------

    @invariant()
    def nothing_failed(self) -> None:
        assert not self.worker.failures, self.worker.failures
        assert self.worker.consumer.crash_reason is None, repr(self.worker.consumer.crash_reason)

    @invariant()
    def no_commit_passes_what_is_not_done(self) -> None:
        for tp, offset in self.worker.client.commits:
            undone = set(self.worker.logs[tp].between(0, offset)) - self.worker.done[tp]
            assert not undone, f"{offset} of {tp.partition} is committed, but {sorted(undone)} are not done"

    def teardown(self) -> None:
        if not hasattr(self, "worker"):
            return
        try:
            self.come_to_rest()
        finally:
            self.clock.stop()
            self.worker.close()

    def come_to_rest(self) -> None:
        worker = self.worker
        worker.gates.open_for_good()
        worker.loop.pass_time(10)
        if worker.may_revoke() and worker.client.assignment() != set(PARTITIONS):
            worker.revoke()
            worker.loop.pass_time(10)
        if worker.may_assign():
            worker.assign(set(PARTITIONS))
        worker.loop.pass_time(10)
        for log in worker.logs.values():
            log.grow(1, 0)  # what was lost at a log's end is noticed by what comes after it
        worker.loop.pass_time(60)
        ends = {tp: log.end for tp, log in worker.logs.items()}
        self.nothing_failed()
        assert worker.expected | ends == worker.expected, f"not all is seen: {worker.expected} of {ends}"
        before = worker.consumer.rewinds, worker.client.seeks, worker.taken
        worker.loop.pass_time(30)
        assert (worker.consumer.rewinds, worker.client.seeks, worker.taken) == before, "it does not come to rest"
        if worker.state is None:
            self.all_is_committed(ends)
        SEEN["rewinds"] += worker.consumer.rewinds
        SEEN["seeks"] += worker.client.seeks
        SEEN["batches"] += worker.taken
        SEEN["commits"] += len(worker.client.commits)
        SEEN["generations"] += worker.client.generation

    def all_is_committed(self, ends: dict[Any, int]) -> None:
        for batch in list(self.worker.held):
            self.worker.finish(batch)
        self.worker.commit()
        self.settle()
        self.nothing_failed()
        self.no_commit_passes_what_is_not_done()
        assert {tp: self.worker.client.committed.get(tp) for tp in ends} == ends


def test_the_law_holds_whatever_comes() -> None:
    SEEN.clear()
    run_state_machine_as_test(Ordeal, settings=tried(200))
    print(dict(SEEN))
