"""Sums over minutes: what an entity had in a stretch of time, and in which windows it had anything."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

from schemas.campaign import Window
from schemas.slices import COUNTS

_POSITION: Final = {name: position for position, name in enumerate(COUNTS)}


class Tally:
    """Counters: `counts` in the order of COUNTS; `money` by currency, [gross, fee, refunded] in minor units."""

    __slots__ = ("counts", "money")

    def __init__(self, counts: Sequence[int] = (), money: Mapping[str, list[int]] | None = None) -> None:
        self.counts = list(counts) or [0] * len(COUNTS)
        self.money = dict(money or {})

    def add(self, counter: str, number: int) -> None:
        self.counts[_POSITION[counter]] += number

    def count(self, counter: str) -> int:
        return self.counts[_POSITION[counter]]

    def move(self, currency: str, *, gross: int, fee: int, refunded: int) -> None:
        before = self.money.get(currency, [0, 0, 0])
        self.money[currency] = [before[0] + gross, before[1] + fee, before[2] + refunded]


class RunningSums:
    """The slices of one entity as running totals: a stretch is the difference of two of them."""

    def __init__(self, slices: Mapping[int, Tally]) -> None:
        self.ends = sorted(slices)
        self.currencies = sorted({code for tally in slices.values() for code in tally.money})
        totals = [0] * (len(COUNTS) + 3 * len(self.currencies))
        self._totals = [tuple(totals)]
        for end in self.ends:
            totals = [total + more for total, more in zip(totals, self._flat(slices[end]), strict=True)]
            self._totals.append(tuple(totals))

    def stretch(self, after: int, upto: int) -> tuple[int, int]:
        """The places `[low, high)` of the slices whose end is in `(after, upto]`, epoch seconds."""
        return bisect_right(self.ends, after), bisect_right(self.ends, upto)

    def between(self, low: int, high: int) -> Tally:
        """The sum of the slices at the places `[low, high)`."""
        sums = [later - earlier for later, earlier in zip(self._totals[high], self._totals[low], strict=True)]
        width = len(COUNTS)
        money = {code: sums[width + 3 * place : width + 3 * place + 3] for place, code in enumerate(self.currencies)}
        return Tally(sums[:width], money)

    def _flat(self, tally: Tally) -> list[int]:
        money = (tally.money.get(code, (0, 0, 0)) for code in self.currencies)
        return [*tally.counts, *(units for triple in money for units in triple)]


def runs(ends: Sequence[int], window: Window) -> list[tuple[int, int]]:
    """The stretches of window ends, both included, in which the slices `ends` (ascending) can be seen.

    A slice is in the windows that end in `[slice end, slice end + size)`, on a multiple of the slide:

        slices          |s|        |s|                      |s|
        window ends      first . . . . . . last              first . . . last
    """
    seen: list[tuple[int, int]] = []
    for end in ends:
        first = -(-end // window.slide) * window.slide
        last = (end + window.size - 1) // window.slide * window.slide
        if seen and first <= seen[-1][1] + window.slide:
            seen[-1] = (seen[-1][0], last)
        else:
            seen.append((first, last))
    assert all(earlier[1] < later[0] for earlier, later in pairwise(seen))
    return seen
