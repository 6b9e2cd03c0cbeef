"""What attribution holds and emits, as whole values: for tests, which look from outside."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas.dead_letters import DeadLetter
from schemas.slices import Entity, Progress, Slice, SliceRecord, decode
from streams.operators.attribution.emission import LogEnds, begin_flush, encode_slices
from streams.operators.attribution.referrals import _KIND_BITS, _KIND_MASK, Orphan, Owner
from streams.operators.attribution.slice_table import NUMBERS, SliceTable
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
    said = encode_slices(state, rows, incarnation)
    return [(entity, decode(value)) for entity, records in said for _, value in records]


def drain(state: Attribution, incarnation: str, log_ends: LogEnds, now_ms: int | None) -> Emission:
    """A whole round at once."""
    begun = begin_flush(state, incarnation, log_ends, now_ms)
    return Emission(begun.letters, absolute(state, begun.dirty, incarnation), begun.progress)


def slice_key(record: Slice) -> bytes:
    """The key of a slice, written apart from `SliceWriter`."""
    entity = f"{record.campaign_id}|{record.dimension}|{record.member}"
    return f"{entity}|{record.end}|{record.source_partition}|{record.incarnation}".encode()


def owners_of(state: Attribution) -> dict[Referral, Owner]:
    """The owner of each referral that has been shared."""
    referrals = state.referrals.items()
    return {
        (name, key): index.owners[owner_id] for name, index in referrals for key, owner_id in index.owner_ids.items()
    }


def orphans_of(state: Attribution) -> dict[Referral, dict[int, Counters]]:
    """What each of the other referrals has brought so far, by end of the minute."""
    referrals = state.referrals.items()
    return {(name, key): counters_by_end(orphan) for name, index in referrals for key, orphan in index.orphans.items()}


def counters_by_end(orphan: Orphan) -> dict[int, Counters]:
    by_end: defaultdict[int, list[int]] = defaultdict(lambda: [0] * NUMBERS)
    for slot, number in orphan.counts.items():
        by_end[slot >> _KIND_BITS][slot & _KIND_MASK] = number
    return {end: Counters(counts, orphan.money.get(end, {})) for end, counts in by_end.items()}


def counters_of(slice_table: SliceTable) -> dict[tuple[Entity, int], Counters]:
    """Every row of every entity, by entity and end of the minute."""
    every = slice_table.values(np.arange(len(slice_table)))
    return {(slice_table.entities[number], end): Counters(counts, money) for number, end, counts, money in every}
