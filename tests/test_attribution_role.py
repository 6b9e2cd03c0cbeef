"""The shell of attribution: partitions flushed side by side, and where it stops by itself."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from schemas.errors import Fault
from schemas.topics import CLICKS
from streams.agents import attribution
from streams.agents.attribution import AttributionRole
from streams.kafka.transport import Batch
from streams.operators.attribution.state import Attribution
from streams.settings import Settings

PARTITIONS = 8


class Broker:
    """Takes what is sent; a partition's progress tells whose it is.  One partition is refused, after a while."""

    def __init__(self, refused: int | None = None) -> None:
        self.refused = refused
        self.taken: list[int] = []
        self.at_once = self.most_at_once = 0
        self._lock = asyncio.Lock()

    async def send(self, messages: list[Any]) -> int:
        async with self._lock:
            await asyncio.sleep(0.01)
            partition = int(messages[-1].key.split(b"|")[1])
            if partition == self.refused:
                raise ConnectionError("away")
            self.taken.append(partition)
            return len(messages)


def role_of(broker: Broker, environment: dict[str, str] | None = None) -> AttributionRole:
    role = AttributionRole(Settings.from_environment(environment or {}), "a version")

    async def belongs() -> None: ...

    ends = {"end_of": lambda tp: 0, "end_seen_at": lambda tp: 0}
    consumer = SimpleNamespace(caught_up=lambda tp: True, check_fence=belongs, **ends)
    role._app = SimpleNamespace(consumer=consumer)
    role.producer = broker  # type: ignore[assignment]
    role._checkpoint_is_due = lambda partition, now: False  # type: ignore[method-assign]
    role.states = {partition: Attribution(partition) for partition in range(PARTITIONS)}
    role.incarnations = {partition: f"life{partition}" for partition in range(PARTITIONS)}
    return role


def test_every_partition_is_said_whatever_their_number() -> None:
    async def flushed() -> Broker:
        broker = Broker()
        await role_of(broker).flush()
        return broker

    assert sorted(asyncio.run(flushed()).taken) == list(range(PARTITIONS))


def test_only_so_many_partitions_are_made_ready_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[int] = []
    begin_flush = attribution.begin_flush

    def noted(state: Attribution, *more: Any) -> Any:
        begun.append(state.partition)
        return begin_flush(state, *more)

    async def flushed() -> int:
        broker = Broker()
        flush = asyncio.ensure_future(role_of(broker).flush())
        await asyncio.sleep(0.005)  # the first send is still under way
        number = len(begun)
        await flush
        return number

    monkeypatch.setattr(attribution, "begin_flush", noted)
    assert asyncio.run(flushed()) == attribution.SIDE_BY_SIDE
    assert len(begun) == PARTITIONS


def test_the_first_refusal_ends_the_flush_and_no_other_begins() -> None:
    async def flushed() -> Broker:
        broker = Broker(refused=1)
        role = role_of(broker)
        with pytest.raises(ConnectionError):
            await role.flush()
        with pytest.raises(RuntimeError, match="starting anew"):
            await role.flush()
        return broker

    assert asyncio.run(flushed()).taken == [0]


def test_too_many_dead_letters_in_a_row_stop_the_worker_and_a_good_event_begins_the_row_anew() -> None:
    role = role_of(Broker(), {"GROUNDSWELL_DEAD_LETTER_LIMIT": "5"})

    def bad(offset: int) -> Batch:
        record = SimpleNamespace(offset=offset, timestamp=1_773_300_000_000, key=b"r", value=b"{}", headers=())
        return Batch(TP(CLICKS, 0), [record], offset, 0)

    async def taken() -> None:
        for offset in range(4):
            await role.take(bad(offset))
        role._count_bad(1, good=1)
        for offset in range(4, 8):
            await role.take(bad(offset))
        with pytest.raises(Fault, match="5 records in a row became dead letters"):
            await role.take(bad(8))

    asyncio.run(taken())
