"""One simulated appeal of 48 hours: who clicks when, and which clicks become donations when.

    clicks     day and night (13 to 1), a drift over the two days, and bursts: posts that fade within the hour
    donations  each click of an influencer converts with the influencer's own rate, after a log-normal delay

The family and its sizes (93 donations of 5,400 clicks, Gamma-distributed influencer rates of shape 2.8) are those that
the detector's thresholds were first examined on.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, exp, log, pi
from random import Random
from typing import Final, NamedTuple

MINUTES: Final = 48 * 60
DAY: Final = 24 * 60
SWING: Final = 13.0  # the busiest minute of the day against the quietest
INFLUENCERS: Final = 30
RATE_SHAPE: Final = 2.8
BURSTS: Final = 12
BURST_PART: Final = 0.4  # of all clicks
BURST_FADE: Final = 30.0  # minutes, mean
DRIFT: Final = 0.3  # spread of the logarithm of the change of traffic from start to end
DELAY_MEDIAN: Final = 17.0  # minutes from click to donation
DELAY_SPREAD: Final = 1.45  # of its logarithm: a mean of 49 minutes


@dataclass(frozen=True)
class Size:
    """Expected clicks and donations of a healthy appeal."""

    clicks: float = 5400.0
    donations: float = 93.0

    @property
    def rate(self) -> float:
        return self.donations / self.clicks


class Click(NamedTuple):
    """A click by an influencer's link in a minute after the start; `gives`: the minute of its donation, or none."""

    minute: int
    influencer: int
    gives: int | None


def simulate(random: Random, size: Size) -> list[Click]:
    """The clicks of one appeal, in order."""
    popularity = [1 / (rank + 1) for rank in range(INFLUENCERS)]
    rates = [random.gammavariate(RATE_SHAPE, size.rate / RATE_SHAPE) for _ in range(INFLUENCERS)]
    quiet = _steady(random, size.clicks * (1 - BURST_PART))
    clicks = [
        (minute, influencer)
        for minute, mean in enumerate(quiet)
        for influencer in random.choices(range(INFLUENCERS), popularity, k=_poisson(random, mean))
    ]
    clicks += _bursts(random, popularity, quiet, size.clicks * BURST_PART)
    return [Click(minute, who, _donation(random, minute, rates[who])) for minute, who in sorted(clicks)]


def _steady(random: Random, clicks: float) -> list[float]:
    """Expected clicks of each minute without bursts."""
    peak, drift = random.uniform(0, DAY), random.gauss(0, DRIFT)
    weights = [
        exp(log(SWING) / 2 * cos(2 * pi * (minute - peak) / DAY) + drift * minute / MINUTES)
        for minute in range(MINUTES)
    ]
    total = sum(weights)
    return [clicks * weight / total for weight in weights]


def _bursts(random: Random, popularity: list[float], quiet: list[float], clicks: float) -> list[tuple[int, int]]:
    """Posts: each by one influencer, at an hour when people are awake, of a size between a few and many."""
    starts = random.choices(range(MINUTES), quiet, k=BURSTS)
    sizes = [random.lognormvariate(0, 1) for _ in range(BURSTS)]
    scale = clicks / sum(sizes)
    found = []
    for start, size in zip(starts, sizes, strict=True):
        (influencer,) = random.choices(range(INFLUENCERS), popularity)
        for _ in range(_poisson(random, size * scale)):
            minute = start + int(random.expovariate(1 / BURST_FADE))
            if minute < MINUTES:
                found.append((minute, influencer))
    return found


def _donation(random: Random, minute: int, rate: float) -> int | None:
    if random.random() >= rate:
        return None
    return minute + int(random.lognormvariate(log(DELAY_MEDIAN), DELAY_SPREAD))


def _poisson(random: Random, mean: float) -> int:
    """By counting exponential waits: means here are small."""
    number, waited = 0, random.expovariate(1.0)
    while waited < mean:
        number += 1
        waited += random.expovariate(1.0)
    return number
