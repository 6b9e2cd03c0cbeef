"""The referral index: the owner of each referral, and the counters of referrals that have no owner yet.

    event --referral--> owner id --> its four entities (campaign, influencer, channel, tie)

An owner id is an integer, so that the owner ids of a batch are a column.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from schemas.codec.vectorized import Bools, Integers
from schemas.slices import CAMPAIGN, CHANNEL, DIRECT, INFLUENCER, TIE, UNATTRIBUTED, Entity
from streams.operators.attribution.slice_table import SliceTable
from streams.operators.counters import Money, add_money

_FIRST_OWNERS: Final = 64
_KIND_BITS: Final = 3  # seven kinds
_KIND_MASK: Final = (1 << _KIND_BITS) - 1


class Owner(NamedTuple):
    """To whom the events of a referral are attributed: the fields of its first share."""

    influencer_id: str
    channel: str
    tie: str


NO_OWNER: Final = Owner(UNATTRIBUTED, UNATTRIBUTED, UNATTRIBUTED)
DIRECT_OWNER: Final = Owner(DIRECT, DIRECT, DIRECT)


class Orphan:
    """The counters of a referral without a share, by end of the minute; they move to the owner that a share names."""

    __slots__ = ("counts", "money")

    def __init__(self, counts: dict[int, int] | None = None, money: dict[int, Money] | None = None) -> None:
        self.counts = {} if counts is None else counts  # by minute and kind together: numbers are no objects to walk
        self.money = {} if money is None else money

    def count(self, end: int, kind: int, number: int) -> None:
        slot = end << _KIND_BITS | kind
        self.counts[slot] = self.counts.get(slot, 0) + number

    def add_money(self, end: int, money: Money) -> None:
        """Money that comes to nothing leaves no trace."""
        sums = self.money.setdefault(end, {})
        add_money(sums, money)
        if not sums:
            del self.money[end]

    def forget(self, until: int) -> bool:
        """Drop the minutes that end at or before this epoch second; whether none is left."""
        self.counts = {slot: number for slot, number in self.counts.items() if slot >> _KIND_BITS > until}
        self.money = {end: money for end, money in self.money.items() if end > until}
        return not self.counts


class ReferralIndex:
    """The referrals of one campaign, as one source partition knows them.

    `owner_ids`: the owner id of each referral that has been shared.  `orphans`: the counters of the others.
    `since`: up to which minute, epoch seconds, the events of a shared referral stay unattributed, because its share
    came more than the horizon after them; only where there can be such minutes.
    `owners` and `entity_ids` are indexed by owner id: the owner, and the numbers of the four entities in the slice
    table that its events count in, shape (n, 4).
    """

    def __init__(self, campaign_id: str, slice_table: SliceTable) -> None:
        self.campaign_id = campaign_id
        self._slice_table = slice_table
        self._numbers: dict[Owner, int] = {}
        self._entity_ids = np.zeros((_FIRST_OWNERS, 4), np.int64)
        self.owners: list[Owner] = []
        self.owner_ids: dict[str, int] = {}
        self.orphans: dict[str, Orphan] = {}
        self.since: dict[str, int] = {}
        self._newest_since = 0
        self._reassignments: list[tuple[int, Orphan]] = []
        self.unattributed = self.owner_id_of(NO_OWNER)
        self.direct = self.owner_id_of(DIRECT_OWNER)

    @property
    def entity_ids(self) -> Integers:
        return self._entity_ids[: len(self.owners)]

    def owner_id_of(self, owner: Owner) -> int:
        number = self._numbers.get(owner)
        if number is None:
            number = self._numbers[owner] = len(self.owners)
            if number == len(self._entity_ids):
                self._entity_ids = np.concatenate((self._entity_ids, np.zeros_like(self._entity_ids)))
            self._entity_ids[number] = [
                self._slice_table.number_of(entity) for entity in entities_of(self.campaign_id, owner)
            ]
            self.owners.append(owner)
        return number

    def orphan(self, referral_id: str) -> Orphan:
        orphan = self.orphans.get(referral_id)
        if orphan is None:
            orphan = self.orphans[referral_id] = Orphan()
        return orphan

    def assign(self, referral_id: str, owner_id: int, since: int = 0) -> None:
        """Attribute a referral to an owner; its counters so far move with the next `apply_reassignments`.

        Args:
            since: its events in minutes that end at or before this epoch second stay unattributed.
        """
        self.owner_ids[referral_id] = owner_id
        if since:
            self.keep_unattributed(referral_id, since)
        brought = self.orphans.pop(referral_id, None)
        if brought is not None and not brought.forget(since):
            self._reassignments.append((owner_id, brought))

    def keep_unattributed(self, referral_id: str, since: int) -> None:
        """Keep the events of a referral unattributed up to this minute, see `since`."""
        self.since[referral_id] = since
        self._newest_since = max(self._newest_since, since)

    def owner_ids_at(self, referrals: Sequence[str], ends: Integers) -> tuple[Integers, Bools]:
        """The owner id of each event, and which events have a referral that may still find its owner."""
        owner_ids = np.array([self.owner_ids.get(referral, self.unattributed) for referral in referrals], np.int64)
        orphaned: Bools = owner_ids == self.unattributed
        for slot in np.flatnonzero(ends <= self._newest_since).tolist():
            if ends[slot] <= self.since.get(referrals[slot], 0):
                owner_ids[slot] = self.unattributed
        return owner_ids, orphaned

    def apply_reassignments(self) -> None:
        """Move the counters of newly assigned referrals from the unattributed entities to those of their owners."""
        reassignments, self._reassignments = self._reassignments, []
        if not reassignments:
            return
        owner_ids = np.array([owner_id for owner_id, _ in reassignments]).repeat(
            [len(brought.counts) for _, brought in reassignments]
        )
        slots = np.array([slot for _, brought in reassignments for slot in brought.counts], np.int64)
        numbers = np.array([number for _, brought in reassignments for number in brought.counts.values()], np.int64)
        ends, kinds = slots >> _KIND_BITS, slots & _KIND_MASK
        # To the campaign it was counted all along.
        unattributed_ids, owners = self._entity_ids[self.unattributed, 1:], self._entity_ids[owner_ids, 1:]
        self._slice_table.count(owners, ends, kinds, numbers)
        self._slice_table.count(np.broadcast_to(unattributed_ids, owners.shape), ends, kinds, -numbers)
        for owner_id, brought in reassignments:
            for end, money in brought.money.items():
                self._slice_table.add_money(self._entity_ids[owner_id, 1:].tolist(), end, money)
                self._slice_table.add_money(unattributed_ids.tolist(), end, money, sign=-1)


def entities_of(campaign_id: str, owner: Owner) -> tuple[Entity, ...]:
    """The four entities that an owner's events count in."""
    return (
        Entity(campaign_id, CAMPAIGN, campaign_id),
        Entity(campaign_id, INFLUENCER, owner.influencer_id),
        Entity(campaign_id, CHANNEL, owner.channel),
        Entity(campaign_id, TIE, owner.tie),
    )
