"""Which events were seen: 64-bit hashes of their identities, one set a slice.

Ids come into a Python set (86 to 130 bytes each) and move into a sorted array (8 bytes each): all of them once the
slice is quiet, and while it is filled whenever the set has grown to a quarter of the array.  So a slice is small also
in a log that is folded in one go, or on a busy day.

Two different events of one slice meet in a hash with a chance of n^2 / 2^65: for ten million events in one minute
3 in a million.  The hash is keyed, so nobody can help chance along: two such events would count once.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from xxhash import xxh3_64_intdigest

from schemas.codec.event_batch import EventBatch
from schemas.codec.vectorized import Bools, Hashes, Integers
from streams.operators.attribution.siphash import Key, siphash

FRESH_AT_LEAST: Final = 64
# An id is moved five times; a larger part would move less and hold more.
FRESH_PART: Final = 4
FEW: Final = 16  # up to so many are looked up one by one


def identities_of(key: Key, campaign_id: str, events: EventBatch) -> Hashes:
    """The 64-bit identities of events of one topic and campaign.

    An identity is the campaign, the key (the referral, or none), the time and the id of an event.

    Args:
        key: of the state that remembers them; who does not know it cannot make two events with one identity.
    """
    campaign = np.full(len(events), xxh3_64_intdigest(campaign_id.encode()), np.uint64)
    referrals, times = events.referral_hashes.astype(np.uint64), events.occurred_ms.astype(np.uint64)
    return siphash(key, (campaign, referrals, times, events.id_halves[:, 0], events.id_halves[:, 1]))


def ids_of(seen: dict[int, Identities], end: int) -> Identities:
    """What was seen of a minute, an empty set where there is none yet."""
    ids = seen.get(end)
    if ids is None:
        ids = seen[end] = Identities()
    return ids


def filter_new(seen: dict[int, Identities], ends: Integers, identities: Hashes) -> Bools:
    """Which of a batch are seen for the first time; from now on all of them have been.

    Args:
        seen: what was seen so far, by end of the minute.
        ends: the minute of each.
    """
    order = np.argsort(ends, kind="stable")
    sorted_ends = ends[order]
    starts = np.flatnonzero(np.diff(sorted_ends, prepend=-1))
    sorted_identities = identities[order].tolist()
    known: list[int] = []
    bounds = [*starts.tolist(), len(order)]
    for end, (start, stop) in zip(sorted_ends[starts].tolist(), pairwise(bounds), strict=True):
        again = ids_of(seen, end).add_all(sorted_identities[start:stop])
        known += [start + position for position in again]
    fresh = np.ones(len(order), np.bool_)
    fresh[order[known]] = False
    return fresh


class Identities:
    """A set of 64-bit numbers that can be packed."""

    __slots__ = ("fresh", "packed")

    def __init__(self, packed: bytes = b"") -> None:
        self.fresh: set[int] = set()
        self.packed = array("Q")
        self.packed.frombytes(packed)

    def add(self, identity: int) -> bool:
        """Whether it was new."""
        if identity in self:
            return False
        self.put(identity)
        return True

    def add_all(self, identities: Sequence[int]) -> list[int]:
        """Add these; the positions of those that were there, or earlier in the list."""
        different = set(identities)
        known = self.fresh & different
        if self.packed:
            known |= self._packed_among(identities)
        self.fresh |= different - known if known else different
        if len(self.fresh) > FRESH_AT_LEAST:
            self.slim()
        if not known and len(different) == len(identities):
            return []
        return [position for position, identity in enumerate(identities) if _was_in(known, identity)]

    def _packed_among(self, identities: Sequence[int]) -> set[int]:
        if len(identities) <= FEW:
            return set(filter(self.is_packed, identities))
        packed, asked = np.frombuffer(self.packed, np.uint64), np.array(identities, np.uint64)
        nearest = np.minimum(np.searchsorted(packed, asked), len(packed) - 1)
        return set(asked[packed[nearest] == asked].tolist())

    def put(self, identity: int) -> None:
        """Add what is known to be new."""
        self.fresh.add(identity)
        if len(self.fresh) > FRESH_AT_LEAST:
            self.slim()

    def slim(self) -> None:
        """Pack if too many are fresh; to be called whenever more than FRESH_AT_LEAST are."""
        if FRESH_PART * len(self.fresh) > len(self.packed):
            self.compact()

    def __contains__(self, identity: int) -> bool:
        return identity in self.fresh or self.is_packed(identity)

    def __len__(self) -> int:
        return len(self.fresh) + len(self.packed)

    def compact(self) -> None:
        """Move everything into the sorted array."""
        if self.fresh:
            self.packed = array("Q", self.to_bytes())
            self.fresh = set()

    def to_bytes(self) -> bytes:
        """All members, sorted, eight bytes each in the machine's order; `Identities(data)` reads them."""
        if not self.fresh:
            return self.packed.tobytes()
        fresh = np.fromiter(self.fresh, np.uint64, len(self.fresh))
        every = np.concatenate((np.frombuffer(self.packed, np.uint64), fresh)) if self.packed else fresh
        every.sort()
        return every.tobytes()

    def is_packed(self, identity: int) -> bool:
        packed = self.packed
        if not packed:
            return False
        index = bisect_left(packed, identity)
        return index < len(packed) and packed[index] == identity


def _was_in(known: set[int], identity: int) -> bool:
    """Whether it was known; from now on it is."""
    before = len(known)
    known.add(identity)
    return len(known) == before
