"""Samples of three workers, taken every five seconds and printed as a table."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from streams.settings import ROLE_NAMES
from tests.benchmarks.pipeline import Figures, Pipeline

EVERY_SECONDS: Final = 5.0
READY_WITHIN: Final = 90.0
HEADING: Final = "   s phase            lag  sink lag   fresh  attribution conversion  sink MB  waiting  rows/insert"


@dataclass(frozen=True)
class Sight:
    """The three workers at one moment.

    `lag` and `freshness` are attribution's; `ids` are accepted events; `memory` is in bytes; `insert_rows` the mean of
    the table with the largest inserts since the sample before, `waiting` the rows collected and not inserted.
    """

    at: float
    phase: str
    lag: int
    sink_lag: int
    freshness: float
    ids: int
    memory: dict[str, int]
    waiting: int
    insert_rows: float
    insert_failures: int
    assignments: int


class Sampler:
    """Looks at the workers; call `sample` again and again, it keeps the time."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._begun = self._next = time.monotonic()
        self._inserted: dict[str, tuple[float, float]] = {}  # rows and inserts by table
        self.samples: list[Sight] = []

    def wait_until_ready(self) -> None:
        """Until every worker was given its share.

        Raises:
            TimeoutError: one was not.
        """
        deadline = time.monotonic() + READY_WITHIN
        while not all(self._pipeline.figures(role).of("ready") == [1.0] for role in ROLE_NAMES):
            self._pipeline.stack.check()
            if time.monotonic() > deadline:
                raise TimeoutError(f"the workers are not ready after {READY_WITHIN:.0f} s")
            time.sleep(0.5)
        self._begun = self._next = time.monotonic()

    def of(self, phase: str) -> list[Sight]:
        return [one for one in self.samples if one.phase == phase]

    def sample(self, phase: str) -> Sight:
        """Wait until it is time, look, print a line."""
        if not self.samples:
            print(HEADING)
        self._next += EVERY_SECONDS
        time.sleep(max(0.0, self._next - time.monotonic()))
        if time.monotonic() - self._next > EVERY_SECONDS:
            self._next = time.monotonic()  # what was missed is not made up for
        sight = self._look(phase)
        self.samples.append(sight)
        megabytes = [sight.memory[role] / 1e6 for role in ROLE_NAMES]
        print(
            f"{sight.at:4.0f} {phase:13} {sight.lag:9,} {sight.sink_lag:9,} {sight.freshness:7.1f} "
            f"{megabytes[0]:12,.0f} {megabytes[1]:10,.0f} {megabytes[2]:8,.0f} {sight.waiting:8,} "
            f"{sight.insert_rows:12,.0f}",
            flush=True,
        )
        return sight

    def _look(self, phase: str) -> Sight:
        seen = {role: self._pipeline.figures(role) for role in ROLE_NAMES}
        attribution, sink = seen["attribution"], seen["sink"]
        return Sight(
            at=time.monotonic() - self._begun,
            phase=phase,
            lag=int(sum(attribution.of("lag_records"))),
            sink_lag=int(sum(sink.of("lag_records"))),
            freshness=max(attribution.of("freshness_seconds"), default=0.0),
            ids=int(sum(attribution.of("events_total", verdict="accepted"))),
            memory={role: self._pipeline.memory(role) for role in ROLE_NAMES},
            waiting=int(sum(sink.of("waiting_rows"))),
            insert_rows=self._insert_rows(sink),
            insert_failures=int(sum(sink.of("insert_failures_total"))),
            assignments=int(sum(sum(figures.of("assignments_total")) for figures in seen.values())),
        )

    def _insert_rows(self, sink: Figures) -> float:
        rows, inserts = sink.by("insert_rows_total", "table"), sink.by("inserts_total", "table")
        before, self._inserted = self._inserted, {table: (rows[table], inserts[table]) for table in inserts}
        means = [0.0]
        for table, (now_rows, now_inserts) in self._inserted.items():
            old_rows, old_inserts = before.get(table, (0.0, 0.0))
            if now_inserts > old_inserts:
                means.append((now_rows - old_rows) / (now_inserts - old_inserts))
        return max(means)
