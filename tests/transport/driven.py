"""The driver between a stand-in client and an agent, with as much of Faust around it as a rebalance needs.

        Client --getmany--> driver --Faust's own drain loop--> queue --stream--> driver.batches --> agent

Faust's part follows app/base.py (`_on_partitions_revoked`, `_on_partitions_assigned`), tables/recovery.py
(`_resume_streams`), transport/conductor.py (`on_message`) and streams.py (old generations are skipped).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping
from typing import Any

from faust.types import TP
from fetcher import Client, DirectThread, Log
from gates import Gates, TestedLoop

from streams.kafka.transport import Batch, Consumer
from streams.worker.app import GroundswellApp, QuietMonitor

TOPIC = "read"
PARTITIONS = (TP(TOPIC, 0), TP(TOPIC, 1))
QUEUED = 4


class DirectConsumer(Consumer):
    """The driver without a thread of its own."""

    def _new_consumer_thread(self) -> DirectThread:
        return DirectThread(self, loop=self.loop, beacon=self.beacon)


class Producer:
    """Has never anything to flush."""

    async def flush(self) -> None:
        return None


class State:
    """An agent's state as the driver sees it: positions, and saved ones to begin from."""

    def __init__(self, gates: Gates, logs: Mapping[TP, Log]) -> None:
        self._gates, self._logs = gates, logs
        self.saved: dict[TP, int] = {}
        self.expected: dict[TP, int] = {}  # next offset that the agent has to see
        self._offered: set[tuple[TP, int]] = set()  # what was loaded at any assignment
        self._positions: dict[TP, int] = {}

    async def load(self, tps: frozenset[TP]) -> dict[TP, int]:
        await self._gates.wait("load")
        loaded = {tp: self.saved[tp] for tp in tps if tp in self.saved}
        self._offered |= set(loaded.items())
        return loaded

    def __getitem__(self, tp: TP) -> int:
        return self._positions[tp]

    def begin(self, target: Mapping[TP, int]) -> None:
        unknown = {(tp, offset) for tp, offset in target.items() if offset != self._logs[tp].begin} - self._offered
        assert not unknown, f"reading begins where no state was saved: {unknown}"
        self.expected, self._positions = dict(target), dict(target)

    def move(self, tp: TP, end: int) -> None:
        self._positions[tp] = end

    def save(self) -> None:
        self.saved |= self._positions


class Driven:
    """One worker.  `failures` is what must stay empty."""

    def __init__(self, begins: tuple[int, int]) -> None:
        self.loop = TestedLoop()
        asyncio.set_event_loop(self.loop)
        self.gates = Gates()
        self.logs = {tp: Log(begin) for tp, begin in zip(PARTITIONS, begins, strict=True)}
        self.state = State(self.gates, self.logs)
        self.failures: list[str] = []
        self.taken = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._resuming: asyncio.Task[None] | None = None
        self._rebalance: asyncio.Task[None] | None = None
        self._is_revoked = False
        self.loop.run_until_complete(self._start())

    async def _start(self) -> None:
        self.app = app = GroundswellApp(
            "driven", broker="kafka-batch://127.0.0.1:9", Monitor=QuietMonitor, broker_rebalance_timeout=6.0
        )
        app.batch_topics = frozenset({TOPIC})
        app.positions = self.state
        app.flush = self._flush
        app.producer = Producer()
        app.topics._acking_topics.add(TOPIC)
        self.consumer = DirectConsumer(
            app.transport,
            self._deliver,
            on_partitions_revoked=self._on_revoked,
            on_partitions_assigned=self._on_assigned,
            loop=self.loop,
        )
        app.consumer = self.consumer
        self.client = Client(self.logs, self.gates, self.consumer._epochs.__getitem__)
        self.consumer._thread.client = self.client
        self.queue = app.FlowControlQueue(maxsize=QUEUED, clear_on_resume=True)
        self._pressures = {tp: self._pressure(tp) for tp in PARTITIONS}
        self._watch("drain loop", self.consumer._drain_messages(app._fetcher))
        self._watch("agent", self._agent())

    def close(self) -> None:
        self.loop.set_exception_handler(lambda *_: None)  # what is cancelled here nobody waits for
        tasks = asyncio.all_tasks(self.loop)
        for task in tasks:
            task.cancel()
        self.loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self.loop.close()

    def _watch(self, name: str, work: Coroutine[Any, Any, Any]) -> asyncio.Task[None]:
        async def watched() -> None:
            try:
                await work
            except Exception as error:
                self.failures.append(f"{name}: {error!r}")

        task = self.loop.create_task(watched())
        self._tasks.append(task)
        return task

    # ---- the agent ---------------------------------------------------------------------------------------

    async def _stream(self) -> AsyncIterator[Batch]:
        while True:
            message = await self.queue.get()
            current = message.generation_id == self.app.consumer_generation_id
            if current and self.app.flow_control.is_active():
                yield message.value
            self.consumer.ack(message)  # stale or failed, Faust acknowledges it

    async def _agent(self) -> None:
        async for batch in self.consumer.batches(self._stream()):
            self._take(batch)
            await self.gates.wait("agent")

    def _take(self, batch: Batch) -> None:
        seen = [record.offset for record in batch.records]
        due = self.logs[batch.tp].between(self.state.expected[batch.tp], batch.end)
        if seen != due:
            self.failures.append(f"{batch.tp.partition}: the agent sees {seen}, due are {due}")
        self.state.expected[batch.tp] = batch.end
        self.taken += 1
        self.state.move(batch.tp, batch.end)

    async def _flush(self) -> None:
        await self.gates.wait("flush")
        self.state.save()

    # ---- Faust -------------------------------------------------------------------------------------------

    def _pressure(self, tp: TP) -> dict[str, Any]:
        return {
            "on_pressure_high": lambda: self.consumer.on_buffer_full(tp),
            "on_pressure_drop": lambda: self.consumer.on_buffer_drop(tp),
        }

    async def _deliver(self, message: Any) -> None:
        await self.app.flow_control.acquire()
        if self.queue.full():
            # A queue that is cleared cancels whoever waits to put something in, and Faust does not notice.
            await asyncio.wait([asyncio.ensure_future(self.queue.put(message))])
        else:
            self.queue.put_nowait_enhanced(message, **self._pressures[message.tp])

    def may_revoke(self) -> bool:
        return not self._is_revoked and (self._rebalance is None or self._rebalance.done())

    def may_assign(self) -> bool:
        return self._is_revoked and self._rebalance is not None and self._rebalance.done()

    def revoke(self) -> None:
        self._is_revoked = True
        self.app.on_rebalance_start()
        self._rebalance = self._watch("revoked", self.consumer.on_partitions_revoked(self.client.assignment()))

    async def _on_revoked(self, revoked: set[TP]) -> None:
        self.consumer.stop_flow()
        self.app.flow_control.suspend()
        self.consumer.pause_partitions(self.client.assignment())
        self.app.flow_control.clear()
        await self.consumer.commit()

    def assign(self, tps: set[TP]) -> None:
        self._is_revoked = False
        self.client.assign(tps)
        self.app.consumer_generation_id = self.client.generation
        self._rebalance = self._watch("assigned", self.consumer.on_partitions_assigned(tps, self.client.generation))

    async def _on_assigned(self, assigned: set[TP], generation: int) -> None:
        self.consumer.pause_partitions(assigned)
        if self._resuming is not None:
            self._resuming.cancel()  # Faust's RebalanceAgain
        self._resuming = self._watch("resuming", self._resume(generation))

    async def _resume(self, generation: int) -> None:
        await self.gates.wait("resume")
        if generation != self.app.consumer_generation_id:
            return
        assignment = self.client.assignment()
        if assignment:
            self.consumer.resume_partitions(assignment)
            await self.consumer.perform_seek()
        await self.gates.wait("flow")
        self.app.flow_control.resume()
        self.consumer.resume_flow()
        await self.gates.wait("fetcher")
        self.app.on_rebalance_end()

    def commit(self) -> None:
        self._watch("commit", self.consumer.commit())
