"""How old an event of a topic may be: a clock that the topic's own log moves, and nothing else.

Law: the verdict "beyond the horizon" is a function of one log, so it does not depend on how the topics interleave, on
when a worker forgot, or on whether anybody folds the log a second time.

    record times   . . .. . . . .      . (a machine whose clock is a year fast)
    middle         --------------/ at most STEP_MS towards each record
    clock          the highest that the middle has ever been

One record, or a few wrong ones among many, must not make everybody else too old: the middle follows the majority, and
it begins with the smallest of the first records.  Where it lags, older events are taken and more is remembered.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from schemas.codec.vectorized import Integers
from schemas.times import MINUTE_MS

# A topic with six records an hour in a partition keeps up; a fortnight is 2,016 records of a majority.
STEP_MS: Final = 10 * MINUTE_MS
FIRST_RECORDS: Final = 16


@dataclass
class HorizonClock:
    """Epoch milliseconds; `clock` is 0 until `FIRST_RECORDS` records were seen."""

    seen: int = 0
    middle: int = 0
    clock: int = 0

    def pass_by(self, record_ms: Integers) -> Integers:
        """What the clock was before each of these records; it has passed them afterwards."""
        if self.seen >= FIRST_RECORDS and self._follows(record_ms):
            before = np.empty(len(record_ms) + 1, np.int64)
            before[0], before[1:] = self.clock, record_ms
            np.maximum.accumulate(before, out=before)
            self.middle, self.clock = int(record_ms[-1]), int(before[-1])
            return before[:-1]
        befores = []
        for at_ms in record_ms.tolist():
            befores.append(self.clock)
            self._pass_one(at_ms)
        return np.array(befores, np.int64)

    def _follows(self, record_ms: Integers) -> bool:
        """Whether no two of these and the middle are further apart than a step: then the middle is the last one."""
        newest, oldest = int(record_ms.max(initial=self.middle)), int(record_ms.min(initial=self.middle))
        return len(record_ms) > 0 and newest - oldest <= STEP_MS

    def _pass_one(self, at_ms: int) -> None:
        if self.seen < FIRST_RECORDS:
            self.seen += 1
            self.middle = at_ms if self.seen == 1 else min(self.middle, at_ms)
            if self.seen < FIRST_RECORDS:
                return
        self.middle = max(self.middle - STEP_MS, min(at_ms, self.middle + STEP_MS))
        self.clock = max(self.clock, self.middle)


def last_forgotten(clocks_ms: Integers, horizon_ms: int) -> Integers:
    """The end, epoch seconds, of the newest minute that lies beyond the horizon of each clock; none does of clock 0."""
    return np.maximum(clocks_ms - horizon_ms, 0) // MINUTE_MS * 60


def last_forgotten_of(clock_ms: int, horizon_ms: int) -> int:
    """The same of one."""
    return int(last_forgotten(np.array(clock_ms, np.int64), horizon_ms))
