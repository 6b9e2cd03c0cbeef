"""Chance that falls the same way everywhere.

Only `random.Random.random` is used: its sequence is promised for a seed, that of `choices`, `shuffle` or `gauss`
is not.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate, pairwise
from math import log
from random import Random
from typing import TypeVar
from uuid import UUID

T = TypeVar("T")


class Rng:
    """A seeded source of draws."""

    def __init__(self, seed: int) -> None:
        self.fraction = Random(seed).random

    def chance(self, probability: float) -> bool:
        return self.fraction() < probability

    def whole(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return low + int(self.fraction() * (high - low + 1))

    def pick(self, items: Sequence[T]) -> T:
        return items[int(self.fraction() * len(items))]

    def exponential_ms(self, mean_ms: float) -> int:
        return int(-log(1.0 - self.fraction()) * mean_ms)

    def shuffled(self, items: Sequence[T]) -> list[T]:
        order = sorted((self.fraction(), position) for position in range(len(items)))
        return [items[position] for _, position in order]

    def uuid(self) -> str:
        bits = 0
        for _ in range(4):
            bits = bits << 32 | int(self.fraction() * 2**32)
        return str(UUID(int=bits, version=4))


class Wheel:
    """Draws items in proportion to their whole weights."""

    def __init__(self, weights: Sequence[int]) -> None:
        self._edges = list(accumulate(weights))

    def spin(self, rng: Rng) -> int:
        """The position of the drawn item."""
        return bisect_right(self._edges, int(rng.fraction() * self._edges[-1]))


def apportion(total: int, weights: Sequence[int]) -> list[int]:
    """Split a whole number in proportion to whole weights; the parts add up to it exactly."""
    edges = list(accumulate(weights, initial=0))
    marks = [total * edge // edges[-1] for edge in edges]
    return [after - before for before, after in pairwise(marks)]
