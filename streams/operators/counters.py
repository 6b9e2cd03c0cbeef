"""What is counted: seven numbers and money by currency, in whole minor units."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.events import Click, Donation, Event, Impression, Share
from schemas.money import minor_units
from schemas.slices import COUNTS

SHARES, MEASURED, SAMPLED, ESTIMATED, CLICKS, DONATIONS, REFUNDS = range(len(COUNTS))
GROSS, FEE, REFUNDED = range(3)

_BASIS = {"measured": MEASURED, "sampled": SAMPLED, "estimated": ESTIMATED}


class Counters:
    """Sums over events.  They form a group under `add`, so the order of events cannot matter.

    `counts` is in the order of `schemas.slices.COUNTS`; `money` holds by currency [gross, fee, refunded].
    """

    __slots__ = ("counts", "money")

    def __init__(self, counts: Sequence[int] = (0,) * len(COUNTS), money: dict[str, list[int]] | None = None) -> None:
        self.counts = list(counts)
        self.money = {} if money is None else {currency: list(sums) for currency, sums in money.items()}

    @classmethod
    def over(cls, counts: list[int], money: dict[str, list[int]]) -> Counters:
        """Counters that keep the very list and dict they are given, which must be nobody else's."""
        made = cls.__new__(cls)
        made.counts, made.money = counts, money
        return made

    def add(self, other: Counters, sign: int = 1) -> None:
        """Add another's sums, or take them away with ``sign=-1``.  Money that comes to nothing leaves no trace."""
        mine = self.counts
        for index, number in enumerate(other.counts):
            if number:
                mine[index] += sign * number
        if not other.money:
            return
        for currency, amounts in other.money.items():
            sums = self.money.setdefault(currency, [0, 0, 0])
            for index, amount in enumerate(amounts):
                sums[index] += sign * amount
            if not any(sums):
                del self.money[currency]

    def count(self, event: Event) -> None:
        """Count one accepted event."""
        if type(event) is Impression:
            self.counts[_BASIS[event.basis]] += event.count
        elif type(event) is Click:
            self.counts[CLICKS] += 1
        elif type(event) is Donation:
            self._count_money(event)
        elif type(event) is Share:
            self.counts[SHARES] += 1

    def _count_money(self, event: Donation) -> None:
        currency = event.currency
        sums = self.money.setdefault(currency, [0, 0, 0])
        refund = event.kind == "refund"
        self.counts[REFUNDS if refund else DONATIONS] += 1
        sums[REFUNDED if refund else GROSS] += minor_units(event.amount, currency)
        if event.fee is not None:
            sums[FEE] += minor_units(event.fee, currency)

    def is_zero(self) -> bool:
        return not self.money and not any(self.counts)

    def copy(self) -> Counters:
        return Counters(self.counts, self.money)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Counters) and (self.counts, self.money) == (other.counts, other.money)

    def __repr__(self) -> str:
        return f"Counters({self.counts}, {self.money})"

    __hash__ = None  # type: ignore[assignment]
