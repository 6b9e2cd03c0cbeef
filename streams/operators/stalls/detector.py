"""The stall detector of one key: a likelihood-ratio test on exposures that have had time to convert.

Input are closed minutes of event time, in order, empty ones too.  A minute whose feed is missing is not stepped: it is
a hole, not a zero.

Law: a stretch of minutes is under suspicion from the last time nothing spoke against it; its counts stay out of the
baseline until the suspicion is gone.  The level is

    L = ln P(stretch | a stop, `stop_rate` of the usual rate) / P(stretch | the usual rate)

where the usual rate is uncertain in two ways: few donations seen so far (the baseline's weight), and the appeal's own
ups and downs (a Gamma that is wide for a short stretch and averages out over `settle` minutes).  The threshold is
learnt from the appeal itself: the peaks of L over its past stretches (peaks over threshold: Siffer, Fouque, Termier,
Largouet, KDD 2017).
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import asdict, dataclass, field, replace
from math import exp, log
from typing import Any, Final, Literal

from schemas.campaign import StallRules

# From exposure to donation: a mixture of exponentials with means of 4, 30 and 300 minutes, fitted to a log-normal.
DELAY_WEIGHTS: Final = (0.318, 0.582, 0.100)
DELAY_KEEP: Final = tuple(exp(-1 / minutes) for minutes in (4.0, 30.0, 300.0))

PEAK_FLOOR: Final = 2.0  # peaks of L above this are collected
PRIOR_SPREAD: Final = 2.0  # prior of their mean excess ...
PRIOR_PEAKS: Final = 40.0  # ... and its weight in peaks

Verdict = Literal["amber", "stalled", "resolved"]


@dataclass
class Detector:
    """State of one key.

    `due`: exposures by delay store whose donation has not fallen due; `base_donations` and `base_exposures`: the
    baseline; `donations`, `exposures` (matured), `age` (minutes) and `peak` (of L): the stretch under suspicion;
    `peaks` and `excess`: how many stretches had a peak above PEAK_FLOOR, and by how much in sum; `open`: a stall is on;
    `recovery`: the evidence that it is over; `level`: L of the last minute.
    """

    base_donations: float
    base_exposures: float
    due: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    donations: float = 0.0
    exposures: float = 0.0
    age: int = 0
    peak: float = 0.0
    peaks: int = 0
    excess: float = 0.0
    open: bool = False
    recovery: float = 0.0
    level: float = 0.0

    @classmethod
    def with_prior(cls, rate: float, weight: float) -> Detector:
        """A detector that expects `rate` donations per exposure, as surely as `weight` donations would say it."""
        return cls(weight, weight / rate)

    @property
    def rate(self) -> float:
        """The usual rate: donations per exposure."""
        return self.base_donations / self.base_exposures

    def numbers(self) -> dict[str, Any]:
        return asdict(self)

    def threshold(self, wished: float) -> float:
        """L that healthy stretches of this appeal exceed `wished` times in about twice the appeal so far."""
        spread = (PRIOR_PEAKS * PRIOR_SPREAD + self.excess) / (PRIOR_PEAKS + self.peaks)
        return PEAK_FLOOR + spread * log(max(2 * self.peaks, 4) / wished)

    def step(
        self, rules: StallRules, exposures: float, donations: float, judge: Detector | None = None
    ) -> Verdict | None:
        """One closed minute.

        Args:
            judge: whose threshold counts, if not its own.
        """
        matured = self._mature(exposures)
        self.exposures += matured
        self.donations += donations
        self.age += 1
        if self.open:
            return self._look_for_recovery(rules, matured, donations)
        level = self._level(rules)
        self.peak = max(self.peak, level)
        if level <= 0 < self.donations:
            self._join_baseline(rules)
            level = 0.0
        self.level = level
        if self.age >= rules.minimum_age:
            judge = judge or self
            if level >= judge.threshold(rules.red):
                self.open, self.recovery = True, 0.0
                return "stalled"
            if level >= judge.threshold(rules.amber):
                return "amber"
        return None

    def expected(self) -> float:
        """Donations that the stretch under suspicion would have brought at the usual rate."""
        return self.rate * self.exposures

    def chance(self, rules: StallRules) -> float:
        """Of so few donations or fewer at the usual rate, its uncertainty and the ups and downs included.

        A negative binomial distribution function: `scipy.special.betainc(shape, donations + 1, p)`.
        """
        shape = self._shape(rules)
        scale = shape / self.rate
        p, q = scale / (scale + self.exposures), self.exposures / (scale + self.exposures)
        term: float = p**shape
        total = term
        for k in range(1, int(self.donations) + 1):
            term *= (shape + k - 1) / k * q
            total += term
        return min(total, 1.0)

    def minutes_to_red(self, rules: StallRules, exposures: float, limit: int) -> int | None:
        """How many minutes with so many exposures each and no donation are red; None: more than the limit.

        What steps would find, in closed form: without donations the level only rises, so it can be bisected.
        """
        red = self.threshold(rules.red)

        def is_red(minutes: int) -> bool:
            age = self.age + minutes
            waiting = sum(
                keep**minutes * due + weight * exposures * keep * (1 - keep**minutes) / (1 - keep)
                for due, weight, keep in zip(self.due, DELAY_WEIGHTS, DELAY_KEEP, strict=True)
            )
            matured = sum(self.due) + exposures * minutes - waiting
            ahead = replace(self, age=age, exposures=self.exposures + matured)
            return age >= rules.minimum_age and ahead._level(rules) >= red

        found = bisect_left(range(limit + 1), True, lo=1, key=is_red)
        return found if found <= limit else None

    def forgive(self) -> None:
        """Drop the stretch under suspicion: what it shows has another cause."""
        self.open = False
        self.donations = self.exposures = self.recovery = self.peak = self.level = 0.0
        self.age = 0

    def accept(self, rules: StallRules) -> None:
        """The stretch under suspicion is the new normal: its rate becomes the usual one, known as little as a prior.

        Half a donation where it held none, so that the rate is not zero.
        """
        rate = max(self.donations, 0.5) / self.exposures if self.exposures > 0 else self.rate
        self.base_donations, self.base_exposures = rules.prior_weight, rules.prior_weight / min(rate, self.rate)
        self.forgive()

    def _mature(self, exposures: float) -> float:
        """The exposures whose donation falls due this minute."""
        matured = 0.0
        for store, (weight, keep) in enumerate(zip(DELAY_WEIGHTS, DELAY_KEEP, strict=True)):
            self.due[store] += weight * exposures
            out = self.due[store] * (1 - keep)
            self.due[store] -= out
            matured += out
        return matured

    def _shape(self, rules: StallRules) -> float:
        """Of the Gamma that the rate of this stretch is drawn from."""
        return 1 / (1 / (rules.steadiness * (1 + self.age / rules.settle)) + 1 / self.base_donations)

    def _level(self, rules: StallRules) -> float:
        shape = self._shape(rules)
        scale = shape / self.rate
        return self.donations * log(rules.stop_rate) + (shape + self.donations) * log(
            (scale + self.exposures) / (scale + rules.stop_rate * self.exposures)
        )

    def _look_for_recovery(self, rules: StallRules, matured: float, donations: float) -> Verdict | None:
        """While a stall is on the baseline is frozen; a sequential test of the usual rate against a part of it."""
        less = rules.recovery_rate
        self.recovery = max(0.0, self.recovery + donations * log(1 / less) - (1 - less) * self.rate * matured)
        if self.recovery < log(rules.recovery_odds):
            return None
        self.forgive()
        return "resolved"

    def _join_baseline(self, rules: StallRules) -> None:
        """The suspicion is gone: the stretch is part of what is usual."""
        keep = min(1.0, rules.memory / (self.base_donations + self.donations))
        self.base_donations = (self.base_donations + self.donations) * keep
        self.base_exposures = (self.base_exposures + self.exposures) * keep
        if self.peak > PEAK_FLOOR:
            self.peaks += 1
            self.excess += self.peak - PEAK_FLOOR
        self.donations = self.exposures = self.peak = 0.0
        self.age = 0
