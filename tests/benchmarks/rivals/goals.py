"""What Groundswell wants to be, as ratios within one run of the program."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Literal, NamedTuple

from tests.benchmarks.rivals.run import Summary

OURS: Final = "groundswell"
FLAT_WITHIN: Final = 0.15
LONGEST_PAUSE: Final = 0.050
"""Seconds that the garbage collector may hold everything up."""


class Goal(NamedTuple):
    """Our rate is at least `times` that of a contestant; `warmed_up`: by its rate in the second half of the log."""

    contestant: str
    times: float
    warmed_up: bool = False


GOALS: Final = (
    Goal("stock-faust", 150),
    Goal("quix", 40),
    Goal("bytewax", 8),
    Goal("kafka-streams-memory", 7, warmed_up=True),
    Goal("kafka-streams-rocksdb", 7, warmed_up=True),
    Goal("ceiling-aiokafka", 0.55),
)

Verdict = Literal["met", "missed", "not measured"]


class Judged(NamedTuple):
    """A goal on one log, and what came of it; `times` is 0 where nothing was measured."""

    goal: Goal
    log: str
    times: float
    verdict: Verdict

    @property
    def missed_by(self) -> float:
        """The part of the goal that is missing, 0 where it is met."""
        return max(0.0, 1 - self.times / self.goal.times) if self.verdict == "missed" else 0.0


def judged(summaries: Iterable[Summary], goals: Iterable[Goal] = GOALS) -> list[Judged]:
    """Each goal on every log that both have run on; one line that says so where there is none."""
    by_log: dict[str, dict[str, Summary]] = {}
    for summary in summaries:
        if summary.runs:
            by_log.setdefault(summary.log, {})[summary.contestant] = summary
    found: list[Judged] = []
    for goal in goals:
        lines = [_judged(goal, log, there) for log, there in by_log.items() if {OURS, goal.contestant} <= there.keys()]
        found += lines or [Judged(goal, "", 0.0, "not measured")]
    return found


def _judged(goal: Goal, log: str, there: Mapping[str, Summary]) -> Judged:
    other = there[goal.contestant]
    rate = other.best_rate if goal.warmed_up else other.rate
    times = there[OURS].rate / rate
    return Judged(goal, log, times, "met" if times >= goal.times else "missed")


def spread(rates: Iterable[float]) -> float:
    """How far the slowest is behind the fastest, as a part of the fastest."""
    found = list(rates)
    return 1 - min(found) / max(found) if found and max(found) > 0 else 0.0
