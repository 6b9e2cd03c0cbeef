"""Which events were seen: 64-bit hashes of their identities, one set a slice.

Ids come into a Python set (86 to 130 bytes each) and move into a sorted array (8 bytes each): all of them once the
slice is quiet, and while it is filled whenever the set has grown to a quarter of the array.  So a slice is small also
in a log that is folded in one go, or on a busy day.

Two different events of one slice meet in a hash with a chance of n^2 / 2^65: for ten million events in one minute
3 in a million.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from typing import Final

from xxhash import xxh3_64_intdigest

FRESH_AT_LEAST: Final = 64
# An id is moved five times, which takes 1 to 3 microseconds in all; a larger part would move less and hold more.
FRESH_PART: Final = 4


def identity_of(campaign_id: str, referral_id: str | None, occurred_ms: int, event_id: str) -> int:
    """The 64-bit identity of an event within its topic; the same on every machine and every run."""
    # No referral is empty, so a gift without one cannot be taken for one of a referral called None.
    return xxh3_64_intdigest(f"{campaign_id}|{referral_id or ''}|{occurred_ms}|{event_id.lower()}".encode())


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

    def put(self, identity: int) -> None:
        """Add what is known to be new."""
        self.fresh.add(identity)
        if len(self.fresh) > FRESH_AT_LEAST:
            self.slim()

    def slim(self) -> None:
        """Pack if too many are fresh; to be called whenever more than FRESH_AT_LEAST are."""
        if FRESH_PART * len(self.fresh) > len(self.packed):
            self.pack()

    def __contains__(self, identity: int) -> bool:
        return identity in self.fresh or self.is_packed(identity)

    def __len__(self) -> int:
        return len(self.fresh) + len(self.packed)

    def pack(self) -> None:
        """Move everything into the sorted array."""
        if self.fresh:
            # Two sorted runs: sorting them together is one merge.
            self.packed = array("Q", sorted([*sorted(self.fresh), *self.packed]))
            self.fresh = set()

    def to_bytes(self) -> bytes:
        """All members, sorted, eight bytes each in the machine's order; `Identities(data)` reads them."""
        return array("Q", sorted([*self.fresh, *self.packed])).tobytes() if self.fresh else self.packed.tobytes()

    def is_packed(self, identity: int) -> bool:
        packed = self.packed
        if not packed:
            return False
        index = bisect_left(packed, identity)
        return index < len(packed) and packed[index] == identity
