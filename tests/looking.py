"""What attribution holds and emits, as whole values: for tests, which look from outside."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas.dead_letters import DeadLetter
from schemas.slices import Entity, Progress, Slice, SliceRecord, decode
from streams.operators.attribution.emission import Extent, begin_round, written
from streams.operators.attribution.referrals import _KIND_BITS, _KIND_MASK, Orphan, Owner
from streams.operators.attribution.slice_table import NUMBERS, Ledger
from streams.operators.attribution.state import Attribution
from streams.operators.counters import Counters

Referral = tuple[str, str]  # (campaign_id, referral_id)


@dataclass(frozen=True)
class Emission:
    """One flush of one source partition, in the order in which it must be written."""

    letters: list[DeadLetter]
    slices: list[tuple[Entity, SliceRecord]]
    progress: Progress


def absolute(state: Attribution, rows: NDArray[np.intp], incarnation: str) -> list[tuple[Entity, SliceRecord]]:
    """The same as structs, for whoever looks from outside."""
    said = written(state, rows, incarnation)
    return [(entity, decode(value)) for entity, records in said for _, value in records]


def drain(state: Attribution, incarnation: str, extent: Extent, now_ms: int | None) -> Emission:
    """A whole round at once."""
    begun = begin_round(state, incarnation, extent, now_ms)
    return Emission(begun.letters, absolute(state, begun.dirty, incarnation), begun.progress)


def slice_key(record: Slice) -> bytes:
    """The key of a slice, written apart from `SliceWriter`."""
    entity = f"{record.campaign_id}|{record.dimension}|{record.member}"
    return f"{entity}|{record.end}|{record.source_partition}|{record.incarnation}".encode()


def owners_of(state: Attribution) -> dict[Referral, Owner]:
    """The owner of each referral that has been shared."""
    books = state.books.items()
    return {(name, key): book.owners[account] for name, book in books for key, account in book.accounts.items()}


def orphans_of(state: Attribution) -> dict[Referral, dict[int, Counters]]:
    """What each of the other referrals has brought so far, by end of the minute."""
    books = state.books.items()
    return {(name, key): counters_by_end(orphan) for name, book in books for key, orphan in book.orphans.items()}


def counters_by_end(orphan: Orphan) -> dict[int, Counters]:
    by_end: defaultdict[int, list[int]] = defaultdict(lambda: [0] * NUMBERS)
    for place, number in orphan.counts.items():
        by_end[place >> _KIND_BITS][place & _KIND_MASK] = number
    return {end: Counters(counts, orphan.money.get(end, {})) for end, counts in by_end.items()}


def counters_of(ledger: Ledger) -> dict[tuple[Entity, int], Counters]:
    """Every row of every entity, by entity and end of the minute."""
    every = ledger.values(np.arange(len(ledger)))
    return {(ledger.entities[number], end): Counters(counts, money) for number, end, counts, money in every}
