"""How far the logs have landed: claims stand in the store, and a store that went back is seen before the next one."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from faust.types import TP

from streams.clickhouse.inserts import Sink
from streams.clickhouse.landed import Home, Landed, MadeAnew, WentBack
from streams.settings import Settings

TOPIC = "x-clicks"
FIRST, SECOND = TP(TOPIC, 0), TP(TOPIC, 1)


class Store:
    """The table of claims; the largest of a key counts."""

    def __init__(self) -> None:
        self.claims: dict[tuple[str, str, int], int] = {}

    def raw_insert(self, table: str, insert_block: bytes, **_: Any) -> None:
        assert table == "landed_positions"
        for line in insert_block.splitlines():
            row = msgspec.json.decode(line)
            key = row["topic"], row["topic_id"], row["partition"]
            self.claims[key] = max(row["position"], self.claims.get(key, 0))

    def query(self, sql: str) -> Any:
        rows = [(*key, position) for key, position in self.claims.items()]
        return type("Answer", (), {"result_rows": rows})


class Worker:
    """A sink of a store; `topic_id` is what the broker calls the topic."""

    def __init__(self, store: Store, topic_id: str = "one") -> None:
        settings = Settings(prefix="x-")
        self.landed = Landed(Sink(lambda: store, "a store"), settings, Home("store", {TOPIC: topic_id}))

    def assign(self, *tps: TP) -> dict[TP, int]:
        """Where it goes on; a partition without a claim begins at offset 7."""
        found = dict(asyncio.run(self.landed.load(frozenset(tps))))
        self.landed.begin({tp: found.get(tp, 7) for tp in tps})
        return found

    def land(self, tp: TP, end: int) -> None:
        self.landed.take(tp, end)
        asyncio.run(self.landed.open([tp]))
        asyncio.run(self.landed.write_positions({tp: end}))


def test_the_next_sink_goes_on_from_what_stands_in_the_store() -> None:
    store = Store()
    worker = Worker(store)
    assert worker.assign(FIRST, SECOND) == {}
    worker.land(FIRST, 40)
    assert worker.landed[FIRST] == 40
    assert Worker(store).assign(FIRST, SECOND) == {FIRST: 40}


def test_another_store_has_nothing_of_this_one() -> None:
    worker = Worker(Store())
    worker.assign(FIRST)
    worker.land(FIRST, 40)
    assert Worker(Store()).assign(FIRST) == {}


def test_of_a_topic_that_was_made_anew_nothing_has_landed() -> None:
    store = Store()
    worker = Worker(store)
    worker.assign(FIRST)
    worker.land(FIRST, 40)
    assert Worker(store, "two").assign(FIRST) == {}


def test_the_larger_claim_counts_whoever_came_last() -> None:
    store = Store()
    paused, successor = Worker(store), Worker(store)
    paused.assign(FIRST)
    paused.land(FIRST, 20)
    assert successor.assign(FIRST) == {FIRST: 20}
    successor.land(FIRST, 50)
    paused.land(FIRST, 30)
    assert Worker(store).assign(FIRST) == {FIRST: 50}


def test_a_store_that_went_back_under_a_running_sink_gets_no_claim() -> None:
    store = Store()
    worker = Worker(store)
    worker.assign(FIRST)
    worker.land(FIRST, 20)
    yesterday = dict(store.claims)
    worker.land(FIRST, 40)
    store.claims = dict(yesterday)
    with pytest.raises(WentBack, match="up to offset 20, and held it up to 40"):
        worker.land(FIRST, 60)
    assert store.claims == yesterday


def test_a_store_that_was_emptied_amid_the_first_rows_gets_no_claim() -> None:
    store = Store()
    worker = Worker(store)
    worker.assign(FIRST)
    asyncio.run(worker.landed.open([FIRST]))
    store.claims.clear()  # after the rows were acknowledged
    with pytest.raises(WentBack):
        asyncio.run(worker.landed.write_positions({FIRST: 20}))
    assert store.claims == {}


def test_a_store_that_went_back_is_noticed_at_an_assignment_too() -> None:
    store = Store()
    worker = Worker(store)
    worker.assign(FIRST)
    worker.land(FIRST, 20)
    store.claims.clear()
    with pytest.raises(WentBack):
        worker.assign(FIRST)


def test_a_log_that_was_made_anew_while_it_was_read_ends_the_sink() -> None:
    worker = Worker(Store())
    worker.assign(FIRST, SECOND)
    worker.landed.take(FIRST, 40)
    for now in (0.0, 19.0):
        worker.landed.check({FIRST: 5, SECOND: None}, now)
    with pytest.raises(MadeAnew, match="x-clicks-0 ends before offset 40"):
        worker.landed.check({FIRST: 5, SECOND: None}, 21.0)


def test_a_log_whose_new_leader_catches_up_does_not() -> None:
    worker = Worker(Store())
    worker.assign(FIRST)
    worker.landed.take(FIRST, 40)
    for now, end in ((0.0, 5), (19.0, 40), (38.0, 5), (57.0, 41)):
        worker.landed.check({FIRST: end}, now)
