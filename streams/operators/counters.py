"""What is counted: seven numbers and money by currency, in whole minor units."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.events import Donation
from schemas.money import minor_units
from schemas.slices import COUNTS

SHARES, MEASURED, SAMPLED, ESTIMATED, CLICKS, DONATIONS, REFUNDS = range(len(COUNTS))
GROSS, FEE, REFUNDED = range(3)

Money = dict[str, list[int]]  # [gross, fee, refunded] by currency, minor units


class Counters:
    """Sums over events.  They form a group under `add`, so the order of events cannot matter.

    `counts` is in the order of `schemas.slices.COUNTS`; `money` holds by currency [gross, fee, refunded].
    """

    __slots__ = ("counts", "money")

    def __init__(self, counts: Sequence[int] = (0,) * len(COUNTS), money: Money | None = None) -> None:
        self.counts = list(counts)
        self.money: Money = {} if money is None else {currency: list(sums) for currency, sums in money.items()}

    def add(self, other: Counters, sign: int = 1) -> None:
        """Add another's sums, or take them away with ``sign=-1``.  Money that comes to nothing leaves no trace."""
        mine = self.counts
        for index, number in enumerate(other.counts):
            if number:
                mine[index] += sign * number
        if other.money:
            add_money(self.money, other.money, sign)

    def is_zero(self) -> bool:
        return not self.money and not any(self.counts)

    def copy(self) -> Counters:
        return Counters(self.counts, self.money)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Counters) and (self.counts, self.money) == (other.counts, other.money)

    def __repr__(self) -> str:
        return f"Counters({self.counts}, {self.money})"

    __hash__ = None  # type: ignore[assignment]


def add_money(mine: Money, other: Money, sign: int = 1) -> None:
    """Add sums by currency; a currency that comes to nothing is left out."""
    for currency, (gross, fee, refunded) in other.items():
        sums = mine.get(currency)
        if sums is None:
            sums = mine[currency] = [0, 0, 0]
        sums[GROSS] += sign * gross
        sums[FEE] += sign * fee
        sums[REFUNDED] += sign * refunded
        if not any(sums):
            del mine[currency]


def money_of(gift: Donation) -> tuple[int, Money]:
    """Where a gift is counted, `DONATIONS` or `REFUNDS`, and the money that it moved."""
    is_refund = gift.kind == "refund"
    sums = [0, 0, 0]
    sums[REFUNDED if is_refund else GROSS] = minor_units(gift.amount, gift.currency)
    if gift.fee is not None:
        sums[FEE] = minor_units(gift.fee, gift.currency)
    return (REFUNDS if is_refund else DONATIONS), {gift.currency: sums}
