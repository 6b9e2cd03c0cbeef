"""Whose an event is: the account of each referral, and what the others have brought so far.

    event --referral--> account --> its four entities (campaign, influencer, channel, tie)

An account is a number, so that those of a batch are a column.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from schemas.codec.vectorized import Bools, Integers
from schemas.slices import CAMPAIGN, CHANNEL, DIRECT, INFLUENCER, TIE, UNATTRIBUTED, Entity
from streams.operators.attribution.slice_table import Ledger
from streams.operators.counters import Money, add_money

_FIRST_ACCOUNTS: Final = 64
_KIND_BITS: Final = 3  # seven kinds
_KIND_MASK: Final = (1 << _KIND_BITS) - 1


class Owner(NamedTuple):
    """Whose a referral is: what its first share said."""

    influencer_id: str
    channel: str
    tie: str


NOBODY: Final = Owner(UNATTRIBUTED, UNATTRIBUTED, UNATTRIBUTED)
WITHOUT_REFERRAL: Final = Owner(DIRECT, DIRECT, DIRECT)


class Orphan:
    """What a referral without a share has brought, by end of the minute, for whoever comes to own it."""

    __slots__ = ("counts", "money")

    def __init__(self, counts: dict[int, int] | None = None, money: dict[int, Money] | None = None) -> None:
        self.counts = {} if counts is None else counts  # by minute and kind together: numbers are no objects to walk
        self.money = {} if money is None else money

    def count(self, end: int, kind: int, number: int) -> None:
        place = end << _KIND_BITS | kind
        self.counts[place] = self.counts.get(place, 0) + number

    def add_money(self, end: int, money: Money) -> None:
        """Money that comes to nothing leaves no trace."""
        sums = self.money.setdefault(end, {})
        add_money(sums, money)
        if not sums:
            del self.money[end]

    def forget(self, until: int) -> bool:
        """Drop the minutes that end at or before this epoch second; whether none is left."""
        self.counts = {place: number for place, number in self.counts.items() if place >> _KIND_BITS > until}
        self.money = {end: money for end, money in self.money.items() if end > until}
        return not self.counts


class Book:
    """All that a partition knows of one campaign's referrals.

    `accounts` holds the account of each referral that has been shared, `orphans` what the others have brought so far.
    `since`: up to which minute, epoch seconds, a shared referral's events stay nobody's, because its share came more
    than the horizon after them; only where there can be such minutes.
    Of an account's number, `owners` has whose it is and `lines` the four entities that its events count in, as
    numbers of the ledger, shape (n, 4).
    """

    def __init__(self, campaign_id: str, ledger: Ledger) -> None:
        self.campaign_id = campaign_id
        self._ledger = ledger
        self._numbers: dict[Owner, int] = {}
        self._lines = np.zeros((_FIRST_ACCOUNTS, 4), np.int64)
        self.owners: list[Owner] = []
        self.accounts: dict[str, int] = {}
        self.orphans: dict[str, Orphan] = {}
        self.since: dict[str, int] = {}
        self._newest_since = 0
        self._moves: list[tuple[int, Orphan]] = []
        self.nobody = self.account_of(NOBODY)
        self.direct = self.account_of(WITHOUT_REFERRAL)

    @property
    def lines(self) -> Integers:
        return self._lines[: len(self.owners)]

    def account_of(self, owner: Owner) -> int:
        number = self._numbers.get(owner)
        if number is None:
            number = self._numbers[owner] = len(self.owners)
            if number == len(self._lines):
                self._lines = np.concatenate((self._lines, np.zeros_like(self._lines)))
            self._lines[number] = [self._ledger.number_of(entity) for entity in entities_of(self.campaign_id, owner)]
            self.owners.append(owner)
        return number

    def orphan(self, referral_id: str) -> Orphan:
        orphan = self.orphans.get(referral_id)
        if orphan is None:
            orphan = self.orphans[referral_id] = Orphan()
        return orphan

    def give(self, referral_id: str, account: int, since: int = 0) -> None:
        """Make a referral this account's; what it has brought so far moves when the moves are carried out.

        Args:
            since: what it brought in minutes that end at or before this epoch second stays nobody's.
        """
        self.accounts[referral_id] = account
        if since:
            self.leave_nobodys(referral_id, since)
        brought = self.orphans.pop(referral_id, None)
        if brought is not None and not brought.forget(since):
            self._moves.append((account, brought))

    def leave_nobodys(self, referral_id: str, since: int) -> None:
        """See `since`."""
        self.since[referral_id] = since
        self._newest_since = max(self._newest_since, since)

    def accounts_at(self, referrals: Sequence[str], ends: Integers) -> tuple[Integers, Bools]:
        """Whose each event is, and which of them may still come to be somebody's."""
        accounts = np.array([self.accounts.get(referral, self.nobody) for referral in referrals], np.int64)
        orphaned: Bools = accounts == self.nobody
        for place in np.flatnonzero(ends <= self._newest_since).tolist():
            if ends[place] <= self.since.get(referrals[place], 0):
                accounts[place] = self.nobody
        return accounts, orphaned

    def carry_out_moves(self) -> None:
        """Take what given referrals have brought from nobody and count it for their accounts."""
        moves, self._moves = self._moves, []
        if not moves:
            return
        accounts = np.array([account for account, _ in moves]).repeat([len(brought.counts) for _, brought in moves])
        places = np.array([place for _, brought in moves for place in brought.counts], np.int64)
        numbers = np.array([number for _, brought in moves for number in brought.counts.values()], np.int64)
        ends, kinds = places >> _KIND_BITS, places & _KIND_MASK
        # To the campaign it was counted all along.
        nobodys, owners = self._lines[self.nobody, 1:], self._lines[accounts, 1:]
        self._ledger.count(owners, ends, kinds, numbers)
        self._ledger.count(np.broadcast_to(nobodys, owners.shape), ends, kinds, -numbers)
        for account, brought in moves:
            for end, money in brought.money.items():
                self._ledger.add_money(self._lines[account, 1:].tolist(), end, money)
                self._ledger.add_money(nobodys.tolist(), end, money, sign=-1)


def entities_of(campaign_id: str, owner: Owner) -> tuple[Entity, ...]:
    """The four entities that an owner's events count in."""
    return (
        Entity(campaign_id, CAMPAIGN, campaign_id),
        Entity(campaign_id, INFLUENCER, owner.influencer_id),
        Entity(campaign_id, CHANNEL, owner.channel),
        Entity(campaign_id, TIE, owner.tie),
    )
