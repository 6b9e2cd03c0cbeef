"""A table of rows is a plain dictionary of sums, however it is filled, saved and emptied."""

from __future__ import annotations

from collections import Counter, defaultdict

import msgspec
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from looking import counters_of, slice_key
from random_logs import tried

from schemas.slices import COUNTS, SLICES_SCHEMA, Entity, Slice, SliceWriter, encode
from streams.operators.attribution.slice_table import SliceTable
from streams.operators.counters import Counters

ENTITIES = [Entity("door", "influencer", f"influencer-{number}") for number in range(6)]
ENDS = [60 * minute for minute in range(1, 8)]

events = st.lists(
    st.tuples(
        st.lists(st.integers(0, 5), min_size=2, max_size=2, unique=True),
        st.sampled_from(ENDS),
        st.integers(0, len(COUNTS) - 1),
        st.integers(1, 10**12),
    ),
    max_size=60,
)


def ledger_of(batches: list[list[tuple[list[int], int, int, int]]]) -> SliceTable:
    slice_table = SliceTable()
    for number, entity in enumerate(ENTITIES):
        assert slice_table.number_of(entity) == number
    for batch in filter(None, batches):
        lines, ends, kinds, numbers = zip(*batch, strict=True)
        slice_table.count(np.array(lines), np.array(ends), np.array(kinds), np.array(numbers))
    return slice_table


def plain(batches: list[list[tuple[list[int], int, int, int]]]) -> dict[tuple[Entity, int], list[int]]:
    sums: defaultdict[tuple[Entity, int], list[int]] = defaultdict(lambda: [0] * len(COUNTS))
    for batch in batches:
        for lines, end, kind, number in batch:
            for line in lines:
                sums[ENTITIES[line], end][kind] += number
    return dict(sums)


def rows_of(slice_table: SliceTable) -> dict[tuple[Entity, int], list[int]]:
    return {slot: counters.counts for slot, counters in counters_of(slice_table).items()}


@tried(150)
@given(st.lists(events, max_size=4))
def test_counting_a_batch_is_counting_each_event(batches: list[list[tuple[list[int], int, int, int]]]) -> None:
    slice_table = ledger_of(batches)
    assert rows_of(slice_table) == plain(batches)
    assert len(slice_table) == len(plain(batches))


@tried(100)
@given(events, events)
def test_rows_are_taken_once_and_again_when_they_change(
    first: list[tuple[list[int], int, int, int]], second: list[tuple[list[int], int, int, int]]
) -> None:
    slice_table = ledger_of([first])

    def taken() -> list[tuple[Entity, int]]:
        return [
            (slice_table.entities[number], end) for number, end, _, _ in slice_table.values(slice_table.take_dirty())
        ]

    assert Counter(taken()) == Counter(plain([first]).keys())
    assert taken() == []
    for lines, end, kind, number in second:
        slice_table.count(np.array([lines]), np.array([end]), np.array([kind]), np.array([number]))
    assert Counter(taken()) == Counter(plain([second]).keys())


@tried(100)
@given(st.lists(events, min_size=1, max_size=3), st.sampled_from(ENDS))
def test_old_clean_rows_are_forgotten_with_their_money_and_the_others_stay(
    batches: list[list[tuple[list[int], int, int, int]]], until: int
) -> None:
    slice_table = ledger_of(batches[:-1])
    for number in range(len(ENTITIES)):
        slice_table.mark_dirty(np.array([number << 32 | ENDS[0]]))
        slice_table.add_money([number], ENDS[0], {"USD": [5, 0, 0]})
    slice_table.take_dirty()
    before = counters_of(slice_table)
    for lines, end, kind, number in batches[-1]:
        slice_table.count(np.array([lines]), np.array([end]), np.array([kind]), np.array([number]))
    dirty = set(plain(batches[-1:]))
    everything = counters_of(slice_table)
    slice_table.forget(until)
    assert counters_of(slice_table) == {
        slot: counters for slot, counters in everything.items() if slot[1] > until or slot in dirty
    }
    assert {ENTITIES[slot >> 32] for slot in slice_table.money} <= {entity for entity, _ in counters_of(slice_table)}
    slice_table.count(np.array([[0]]), np.array(ENDS[:1]), np.array([0]), np.array([1]))
    was = before.get((ENTITIES[0], ENDS[0]), Counters()) if until < ENDS[0] else None
    assert was is None or counters_of(slice_table)[ENTITIES[0], ENDS[0]].counts[0] >= was.counts[0]


def test_a_table_grows_with_what_is_touched_or_counted() -> None:
    slice_table = ledger_of([])
    slice_table.keep(np.array([], np.int64), np.zeros((0, len(COUNTS)), np.int64))
    ends = 60 * np.arange(1, 5000)
    slice_table.mark_dirty(ends)
    assert len(slice_table.take_dirty()) == len(slice_table) == len(ends)
    slice_table.count(np.full((len(ends), 1), 1), ends, np.zeros_like(ends), np.ones_like(ends))
    assert rows_of(slice_table)[ENTITIES[1], 60] == [1, 0, 0, 0, 0, 0, 0]
    assert len(slice_table) == 2 * len(ends)


def test_money_that_comes_to_nothing_leaves_no_trace() -> None:
    slice_table = ledger_of([])
    slice_table.mark_dirty(np.array([1 << 32 | 60, 2 << 32 | 60]))
    slice_table.add_money([1, 2], 60, {"USD": [500, 10, 0]})
    slice_table.add_money([2], 60, {"USD": [500, 10, 0]}, sign=-1)
    assert counters_of(slice_table)[ENTITIES[1], 60].money == {"USD": [500, 10, 0]}
    assert counters_of(slice_table)[ENTITIES[2], 60].is_zero()
    assert len(slice_table.money) == 1


names = st.from_regex(r"[A-Za-z0-9._:@/+=()-]{1,20}", fullmatch=True)
money = st.dictionaries(st.sampled_from(("USD", "JPY")), st.lists(st.integers(0, 10**15), min_size=3, max_size=3))
counts = st.lists(st.integers(0, 2**62), min_size=len(COUNTS), max_size=len(COUNTS))


@tried(150)
@given(names, names, names, st.integers(0, 2**32 - 1), st.integers(0, 2**62), counts, money)
def test_a_slice_is_written_as_its_struct_would_be(
    campaign_id: str,
    dimension: str,
    member: str,
    end: int,
    version: int,
    counts: list[int],
    money: dict[str, list[int]],
) -> None:
    entity = Entity(campaign_id, dimension, member)
    record = Slice(SLICES_SCHEMA, *entity, end, 3, "c0ffee00", version, counts, money)
    [(key, value)] = SliceWriter(3, "c0ffee00", version).records(entity, [(7, end, counts, money)])
    assert (key, value) == (slice_key(record), encode(record))
    assert msgspec.json.decode(value, type=Slice) == record
