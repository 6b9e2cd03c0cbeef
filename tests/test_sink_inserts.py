"""How the sink inserts the tables of a flush: side by side, and what vouches for others after them."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from schemas.errors import Fault
from streams.clickhouse.client import StoreUnavailable
from streams.clickhouse.inserts import Sink

PATIENCE = 10.0
TABLES = ("watermarks", "clicks", "conversions")  # the watermarks came first


class Store:
    """Notes what was inserted in which order; an insert of `meeting` ends when all of those are under way."""

    def __init__(self, meeting: tuple[str, ...] = ()) -> None:
        self._meeting = meeting
        self._barrier = threading.Barrier(max(1, len(meeting)))
        self.landed: list[str] = []
        self.refusals: dict[str, list[Exception]] = {}

    def raw_insert(self, table: str, **_: Any) -> None:
        if table in self._meeting:
            self._barrier.wait(PATIENCE)
        if self.refusals.get(table):
            raise self.refusals[table].pop(0)
        self.landed.append(table)


def insert(store: Store) -> Sink:
    sink = Sink(lambda: store, "a store")
    asyncio.run(sink.insert({table: bytearray(b"{}\n") for table in TABLES}))
    return sink


def test_tables_are_inserted_side_by_side() -> None:
    store = Store(meeting=("clicks", "conversions"))
    insert(store)  # one after the other, the first would wait for ever
    assert set(store.landed) == set(TABLES)


def test_watermarks_land_after_the_rows_that_they_vouch_for() -> None:
    store = Store()
    insert(store)
    assert store.landed[-1] == "watermarks"


def test_watermarks_wait_for_a_table_that_the_store_takes_only_later() -> None:
    store = Store()
    store.refusals["conversions"] = [StoreUnavailable("a store does not answer")]
    sink = insert(store)
    assert store.landed == ["clicks", "conversions", "watermarks"]
    failures = {figure.labels: figure.value for figure in sink.figures() if figure.name == "insert_failures"}
    assert failures == {("conversions",): 1}


def test_a_fault_is_told_when_the_others_have_landed_and_nothing_is_vouched_for() -> None:
    store = Store()
    store.refusals["conversions"] = [Fault("clickhouse", "refuses the rows", "Look at the table.")]
    with pytest.raises(Fault, match="refuses the rows"):
        insert(store)
    assert store.landed == ["clicks"]
