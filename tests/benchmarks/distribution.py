"""How values are spread: percentiles by nearest rank, so each is a value that was seen."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class Distribution:
    """Percentiles of `number` values, in their own unit; all zero where there are none."""

    number: int
    p50: float
    p95: float
    p99: float
    most: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Self:
        ranked = sorted(values)
        return cls(len(ranked), *(at_percentile(ranked, percent) for percent in (50, 95, 99, 100)))

    def __str__(self) -> str:
        return f"p50 {self.p50:.3f}, p95 {self.p95:.3f}, p99 {self.p99:.3f}, max {self.most:.3f} s of {self.number:,}"


def at_percentile(ranked: list[float], percent: float) -> float:
    """The smallest of the ascending values that at least so many percent of them do not exceed; 0 of none."""
    return ranked[max(math.ceil(len(ranked) * percent / 100) - 1, 0)] if ranked else 0.0
