"""Where events are counted: a row of numbers for each entity and minute, and money beside it where there is any.

    event --whose?--> account --> its four ledgers (campaign, influencer, channel, tie) --> row of its minute

A row is a plain list in the order of `schemas.slices.COUNTS`: there are as many rows as entities were active in
minutes, and a list is made in a fraction of the time that an object takes.  An account is looked up by nothing but its
place in memory, so there is one of each owner.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from schemas.events import Donation
from schemas.slices import CAMPAIGN, CHANNEL, COUNTS, DIRECT, INFLUENCER, TIE, UNATTRIBUTED, Entity
from streams.operators.counters import Counters, Money, add_money, money_of

_NUMBERS: Final = len(COUNTS)
_NO_MONEY: Final[Money] = {}


class Owner(NamedTuple):
    """Whose a referral is: what its first share said."""

    influencer_id: str
    channel: str
    tie: str


NOBODY: Final = Owner(UNATTRIBUTED, UNATTRIBUTED, UNATTRIBUTED)
WITHOUT_REFERRAL: Final = Owner(DIRECT, DIRECT, DIRECT)


class Rows:
    """Counts and money by minute; a minute is named by its end, epoch seconds."""

    __slots__ = ("counts", "money")

    def __init__(self) -> None:
        self.counts: dict[int, list[int]] = {}
        self.money: dict[int, Money] = {}

    def row(self, end: int) -> list[int]:
        """The counts of a minute, to be written to."""
        counts = self.counts.get(end)
        if counts is None:
            counts = self.counts[end] = [0] * _NUMBERS
        return counts

    def count_gift(self, gift: Donation, end: int) -> None:
        """Count a donation or refund, money included."""
        index, moved = money_of(gift)
        self.row(end)[index] += 1
        self.add_money(end, moved)

    def add(self, end: int, counts: Sequence[int], money: Money, sign: int = 1) -> None:
        """Add the sums of a minute, or take them away with ``sign=-1``."""
        row = self.row(end)
        for index, number in enumerate(counts):
            if number:
                row[index] += sign * number
        if money:
            self.add_money(end, money, sign)

    def add_money(self, end: int, money: Money, sign: int = 1) -> None:
        """Money that comes to nothing leaves no trace."""
        sums = self.money.setdefault(end, {})
        add_money(sums, money, sign)
        if not sums:
            del self.money[end]

    def minutes(self) -> Iterator[tuple[int, list[int], Money]]:
        """(end, counts, money) of every minute; what is given is the very row."""
        money = self.money
        for end, counts in self.counts.items():
            yield end, counts, money.get(end, _NO_MONEY)

    def keep(self, counts: dict[int, list[int]], money: dict[int, Money]) -> None:
        """Take over the rows of a saved state, the very dicts."""
        self.counts, self.money = counts, money

    def drop(self, end: int) -> None:
        del self.counts[end]
        self.money.pop(end, None)

    def counters(self) -> dict[int, Counters]:
        """A copy of everything, for whoever looks from outside."""
        return {end: Counters(counts, money) for end, counts, money in self.minutes()}


class Ledger(Rows):
    """The rows of one entity; `dirty` are the minutes whose values have not been emitted yet."""

    __slots__ = ("dirty", "entity")

    def __init__(self, entity: Entity) -> None:
        super().__init__()
        self.entity = entity
        self.dirty: set[int] = set()

    def at(self, end: int) -> tuple[list[int], Money]:
        """A minute's counts and money as they are now."""
        return self.counts[end], self.money.get(end, _NO_MONEY)


class Account:
    """The ledgers that an owner's events count in; compared and found by identity."""

    __slots__ = ("ledgers", "owner")

    def __init__(self, owner: Owner, ledgers: tuple[Ledger, ...]) -> None:
        self.owner = owner
        self.ledgers = ledgers


class Book:
    """All that a partition knows of one campaign's referrals.

    `accounts` holds the account of each referral that has been shared, `orphans` what the others have brought so far;
    `by_owner` has every account once.
    """

    def __init__(self, campaign_id: str, ledgers: dict[Entity, Ledger]) -> None:
        self.campaign_id = campaign_id
        self._ledgers = ledgers
        self.accounts: dict[str, Account] = {}
        self.orphans: dict[str, Rows] = {}
        self.by_owner: dict[Owner, Account] = {}
        self.nobody = self.account_of(NOBODY)
        self.direct = self.account_of(WITHOUT_REFERRAL)

    def account_of(self, owner: Owner) -> Account:
        account = self.by_owner.get(owner)
        if account is None:
            ledgers = tuple(ledger_of(self._ledgers, entity) for entity in entities_of(self.campaign_id, owner))
            account = self.by_owner[owner] = Account(owner, ledgers)
        return account


def entities_of(campaign_id: str, owner: Owner) -> tuple[Entity, ...]:
    """The four entities that an owner's events count in."""
    return (
        Entity(campaign_id, CAMPAIGN, campaign_id),
        Entity(campaign_id, INFLUENCER, owner.influencer_id),
        Entity(campaign_id, CHANNEL, owner.channel),
        Entity(campaign_id, TIE, owner.tie),
    )


def ledger_of(ledgers: dict[Entity, Ledger], entity: Entity) -> Ledger:
    """The ledger of an entity, made where there is none."""
    ledger = ledgers.get(entity)
    if ledger is None:
        ledger = ledgers[entity] = Ledger(entity)
    return ledger
