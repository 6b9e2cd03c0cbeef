"""One worker through whatever a seed draws: everything goes on in any order, and faults come in between.

At the end all faults stop, and the worker has to come to rest: everything seen, no more rewinds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random
from unittest import mock

from driven import PARTITIONS, Driven

from streams.kafka.transport import consumer as driver


class Ordeal:
    """`passed` is how often which step was taken; a step that has nothing to act on answers False, and is none."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.worker = Driven((self.random.randrange(3), self.random.randrange(3)))
        self.passed: Counter[str] = Counter()
        self._steps: dict[Callable[[], bool], int] = {
            self.go_on: 16,
            self.flow: 8,
            self.grow: 6,
            self.wait: 1,
            self.save: 2,
            self.commit: 3,
            self.revoke: 1,
            self.assign: 8,
            self.lose: 6,
            self.slip: 2,
            self.drop: 2,
            self.repeat: 2,
        }

    def endure(self, steps: int) -> None:
        """Take so many steps, hold the law after each, and come to rest.

        Raises:
            AssertionError: the law is broken.
        """
        with mock.patch.object(driver, "monotonic", self.worker.loop.time):
            try:
                self._begin()
                for _ in range(steps):
                    self._take_one_of(self._steps)
                    self.worker.loop.pass_time()
                    self._hold_law()
                self._come_to_rest()
            finally:
                self.worker.close()
        self.passed["rewinds"] = self.worker.consumer.rewinds
        self.passed["batches"] = self.worker.taken

    def _begin(self) -> None:
        self.worker.revoke()
        self.flow()
        self.worker.assign(set(PARTITIONS))
        for _ in range(3):
            self.grow()
            self.flow()

    def _take_one_of(self, steps: dict[Callable[[], bool], int]) -> None:
        while True:
            (step,) = self.random.choices(list(steps), list(steps.values()))
            if step():
                self.passed[step.__name__] += 1
                return

    # ---- what goes on ------------------------------------------------------------------------------------

    def go_on(self) -> bool:
        names = sorted(set(self.worker.gates.names()))
        if names:
            self.worker.gates.open(self.random.choice(names))
        return bool(names)

    def flow(self) -> bool:
        agent_works = self.random.random() < 0.4
        for _ in range(self.random.randint(1, 8)):
            for name in self.worker.gates.names():
                if agent_works or name != "agent":
                    self.worker.gates.open(name)
            self.worker.loop.pass_time()
            if self.random.random() < 0.2:
                self._take_one_of({self.lose: 3, self.drop: 2, self.repeat: 1, self.grow: 2})
        return True

    def grow(self) -> bool:
        log = self.worker.logs[self.random.choice(PARTITIONS)]
        log.grow(self.random.randint(1, 4), self.random.choice((0, 0, 0, 1, 2)))
        return True

    def wait(self) -> bool:
        self.worker.loop.pass_time(self.random.choice((0.2, 1.1, 6.0)))
        return True

    def save(self) -> bool:
        self.worker.state.save()
        return True

    def commit(self) -> bool:
        self.worker.commit()
        return True

    def revoke(self) -> bool:
        may = self.worker.may_revoke()
        if may:
            self.worker.revoke()
        return may

    def assign(self) -> bool:
        may = self.worker.may_assign()
        if may:
            some = self.random.choice((PARTITIONS, PARTITIONS, PARTITIONS[:1], PARTITIONS[1:], ()))
            self.worker.assign(set(some))
        return may

    # ---- faults ------------------------------------------------------------------------------------------

    def lose(self) -> bool:
        """Records that were fetched are thrown away, all of a partition or some."""
        partitions = self.worker.client.may_be_lost()
        if partitions:
            self.worker.client.lose(
                self.random.choice(partitions), self.random.choice((3, 2, 1, 0)), self.random.randrange(2)
            )
        return bool(partitions)

    def slip(self) -> bool:
        positions = self.worker.client.may_slip()
        if positions:
            self.worker.client.slip(self.random.choice(positions), self.random.randint(1, 4))
        return bool(positions)

    def drop(self) -> bool:
        """A batch on its way to the agent disappears."""
        queued = self.worker.queue._queue
        if queued:
            del queued[self.random.randrange(len(queued))]
            return True
        return False

    def repeat(self) -> bool:
        """A batch on its way to the agent comes again, behind the others."""
        queued = self.worker.queue._queue
        if queued:
            queued.append(self.random.choice(queued))
            return True
        return False

    # ---- the law -----------------------------------------------------------------------------------------

    def _hold_law(self) -> None:
        worker = self.worker
        assert not worker.failures, worker.failures
        assert worker.consumer.crash_reason is None, repr(worker.consumer.crash_reason)
        assert not worker.client.commits, f"committed is {worker.client.commits}"

    def _come_to_rest(self) -> None:
        worker = self.worker
        worker.queue.clear()
        worker.gates.open_for_good()
        worker.loop.pass_time(10)
        if worker.may_revoke() and worker.client.assignment() != set(PARTITIONS):
            worker.revoke()
            worker.loop.pass_time(10)
        if worker.may_assign():
            worker.assign(set(PARTITIONS))
            worker.loop.pass_time(5)
        for tp in sorted(worker.client.lossy):
            worker.logs[tp].grow(1, 0)  # what was lost at a log's end is noticed by what comes after it
        worker.loop.pass_time(20)
        self._hold_law()
        ends = {tp: log.end for tp, log in worker.logs.items()}
        assert worker.state.expected == ends, f"seen to {worker.state.expected}, the logs end at {ends}"
        before = worker.consumer.rewinds, worker.client.seeks, worker.taken
        worker.loop.pass_time(12)
        assert (worker.consumer.rewinds, worker.client.seeks, worker.taken) == before, "it does not come to rest"
