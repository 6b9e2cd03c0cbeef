"""Damage, skipped offsets and a log whose beginning is gone, as the driver meets them."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP
from fetcher import Record

from schemas.errors import Fault
from schemas.skips import Skips
from streams.kafka.records import Damaged, Passed
from streams.kafka.transport import Batch, Consumer, LogTruncated

PLACE = TP("x-clicks", 3)


class Reading(Consumer):
    """The driver at offset 5 of one partition, without a client."""

    def __init__(self, *skipped: tuple[int, int], begins_anew: bool = False, begin: int = 0) -> None:
        self.app: Any = SimpleNamespace(
            skips=Skips({PLACE: skipped}),
            begins_anew=begins_anew,
            logical=lambda topic: topic.removeprefix("x-"),
            rebalancing=False,
            consumer_generation_id=1,
        )
        self.begin = begin
        self.flow_active = True
        self.crashes: list[Exception] = []
        self._next = {PLACE: 5}
        self._sought, self._damaged, self._delivered_at = {}, {}, {}
        self._to_seek = set()
        self._epochs = {PLACE: 0}  # type: ignore[assignment]

    async def crash(self, reason: BaseException) -> None:
        self.crashes.append(reason)  # type: ignore[arg-type]

    async def earliest_offsets(self, *tps: TP) -> dict[TP, int]:
        return dict.fromkeys(tps, self.begin)

    def fetch(self, *fetched: Any) -> Batch | None:
        self._to_seek.clear()
        return asyncio.run(self._next_batch(PLACE, list(fetched), 1))

    def skip(self) -> list[Batch]:
        return list(self._skipped(1))


def shape(batch: Batch | None) -> tuple[int, list[int], int]:
    assert batch is not None
    return batch.start, [record.offset for record in batch.records], batch.end


def test_damage_is_asked_for_once_more_and_then_stops_the_worker_with_the_command() -> None:
    reading, mark = Reading(), Damaged(5, 7, "its checksum is wrong")
    assert reading.fetch(mark) is None
    assert (reading.crashes, reading._to_seek) == ([], {PLACE})
    assert reading.fetch(mark) is None
    [fault] = reading.crashes
    assert isinstance(fault, Fault)
    assert "x-clicks-3 cannot be read at offset 5: its checksum is wrong" in str(fault)
    assert "groundswell skip clicks 3 5 --to 7 --why TEXT" in fault.mend


def test_damage_on_the_way_here_stops_nobody() -> None:
    reading = Reading()
    assert reading.fetch(Damaged(5, 5, "its checksum is wrong")) is None
    assert shape(reading.fetch(Record(5), Record(6))) == (5, [5, 6], 7)
    assert reading.crashes == []


def test_skipped_offsets_that_come_next_are_an_empty_batch_and_are_sought_past() -> None:
    reading = Reading((5, 8))
    assert [shape(batch) for batch in reading.skip()] == [(5, [], 8)]
    assert (reading._next[PLACE], reading._to_seek) == (8, {PLACE})
    assert reading.skip() == []


def test_skipped_records_are_left_out_of_a_batch_that_covers_them() -> None:
    reading = Reading((6, 7), (9, 20))
    assert shape(reading.fetch(*map(Record, range(5, 10)))) == (5, [5, 7, 8], 10)
    assert [shape(batch) for batch in reading.skip()] == [(10, [], 20)]


def test_what_is_passed_moves_the_position_with_records_and_without() -> None:
    reading = Reading()
    assert shape(reading.fetch(Record(5), Passed(6, 8))) == (5, [5], 9)
    assert shape(reading.fetch(Passed(9, 9))) == (9, [], 10)
    assert reading.fetch(Passed(9, 9)) is None, "said twice"


def test_what_is_passed_does_not_hide_that_something_was_lost_before_it() -> None:
    reading = Reading()
    assert reading.fetch(Passed(7, 8)) is None
    assert reading._to_seek == {PLACE}, "asked once more"


@pytest.mark.parametrize("begins_anew", [False, True])
def test_a_hole_at_the_beginning_of_a_log_is_a_choice_or_begins_anew(begins_anew: bool) -> None:
    reading = Reading(begins_anew=begins_anew, begin=12)
    assert reading.fetch(Record(12)) is None
    assert reading.fetch(Record(12)) is None
    [reason] = reading.crashes
    assert "x-clicks-3 begins at offset 12, offset 5 is needed and gone" in str(reason)
    if begins_anew:
        assert isinstance(reason, LogTruncated)
    else:
        assert isinstance(reason, Fault)
        assert "groundswell skip clicks 3 5 --to 11 --why TEXT" in reason.mend


def test_a_loss_that_is_on_the_record_is_no_hole() -> None:
    reading = Reading((5, 12), begin=12)
    assert shape(reading.fetch(Record(12))) == (5, [12], 13)
    assert reading.crashes == []
