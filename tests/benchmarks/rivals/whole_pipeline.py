"""Groundswell as a whole: attribution, conversion and sink, until every event and every result is in ClickHouse.

The three workers share one core, ClickHouse (chDB) is a server beside the broker.
"""

from __future__ import annotations

import sys
import time
from typing import Any, Final

from infra.clickhouse.migrate import migrate
from infra.embedded.stack import start_clickhouse, store_url
from infra.processes.ports import free_port
from schemas.errors import Fault
from streams.clickhouse.client import connect
from streams.settings import ROLE_NAMES, Settings
from tests.benchmarks.pipeline import Lines
from tests.benchmarks.recovery import FOLDED
from tests.benchmarks.rivals.filling import Shape
from tests.benchmarks.rivals.ground import CORE_OF_WORKERS, Ground
from tests.benchmarks.rivals.run import Run
from tests.benchmarks.rivals.truth import Truth, Values, coarser, differences
from tests.benchmarks.rivals.watching import pinned_to, watch
from tests.benchmarks.store_checks import has_landed, what_is_missing

NAME: Final = "groundswell-pipeline"
EXPECTED_RATE: Final = 2_000  # events a second on a slow machine
START_SECONDS: Final = 120
SLACK: Final = 4
LOOK_SECONDS: Final = 0.5
WINDOW_MINUTES: Final = 5
IMPRESSIONS: Final = "impressions_measured + impressions_sampled + impressions_estimated"
OF_INFLUENCERS: Final = "FROM conversions FINAL WHERE dimension = 'influencer' AND window = '5m'"


def whole_pipeline(ground: Ground, shape: Shape) -> Run:
    """One run; it is right if every event landed once, and all five minutes of every influencer."""
    name = ground.begin(NAME)
    workers = [f"{name}-{role}" for role in ROLE_NAMES]
    store = f"{name}-store"
    try:
        ground.make_topics(shape)
        port = free_port()
        start_clickhouse(ground.stack, ground.folder(name) / "store", port, store)
        environment = ground.environment(shape, name)
        environment |= {
            "GROUNDSWELL_STORE": store_url("groundswell", port),
            "GROUNDSWELL_CAMPAIGNS": str(ground.campaigns()),
        }
        settings = Settings.from_environment(environment)
        migrate(connect(settings.store), settings.load_campaigns())
        lines = Lines(ground.stack.log_of(workers[0]))
        for worker, role in zip(workers, ROLE_NAMES, strict=True):
            argv = [*pinned_to(CORE_OF_WORKERS), sys.executable, "-m", "streams.commands", "worker", role]
            ground.stack.start(worker, argv, env=environment, patience=30.0)
        return _measured(ground, shape, workers, lines, settings)
    except Fault as fault:
        return ground.failed(NAME, shape, str(fault))
    finally:
        for child in (*reversed(workers), store):
            if child in ground.stack.running():
                ground.stack.stop_child(child)
        ground.end(name)


def _measured(ground: Ground, shape: Shape, workers: list[str], lines: Lines, settings: Settings) -> Run:
    truth = ground.truth(shape)
    landing = Landing(settings, truth, lines)
    limit = ground.patience(START_SECONDS + SLACK * shape.events / EXPECTED_RATE)
    watched = watch(ground.stack, workers, landing.is_over, limit)
    ground.stack.check()
    folded = lines.find(FOLDED)
    if landing.at is None or not folded:
        missing = what_is_missing(settings, truth.accepted) or ["results are missing"]
        wrong = f"not all had landed in time: {'; '.join(missing[:3])}"
        return ground.failed(NAME, shape, wrong, watched.in_time)
    number, shown = differences(coarser(truth.values, WINDOW_MINUTES), _windows(settings))
    trouble = what_is_missing(settings, truth.accepted)
    wrong = f"{number:,} windows differ: {'; '.join(shown)}" if number else "; ".join(trouble)
    at, match = folded[0]
    first = time.time() - (time.monotonic() - at) - float(match[2])
    return Run(
        contestant=NAME,
        log=shape.name,
        events=shape.events,
        seconds=landing.at - first,
        cpu=watched.used_between(first, landing.at),
        memory=watched.peak_memory,
        wrong=wrong,
    )


class Landing:
    """Asks the store twice a second whether everything is there; `at`: since when, epoch seconds."""

    def __init__(self, settings: Settings, truth: Truth, lines: Lines) -> None:
        self.at: float | None = None
        self._settings = settings
        self._accepted = truth.accepted
        self._totals = tuple(sum(value[place] for value in truth.values.values()) for place in range(4))
        self._lines = lines
        self._next = 0.0

    def is_over(self) -> bool:
        self._lines.look()
        if time.monotonic() < self._next or not self._lines.find(FOLDED):
            return False
        asked = time.time()
        if self._windows_have_landed() and has_landed(self._settings, self._accepted):
            self.at = asked
        self._next = time.monotonic() + LOOK_SECONDS
        return self.at is not None

    def _windows_have_landed(self) -> bool:
        sums = f"sum({IMPRESSIONS}), sum(clicks), sum(donations), toInt64(sum(gross) * 100)"
        row = connect(self._settings.store).query(f"SELECT {sums} {OF_INFLUENCERS}").first_row
        return tuple(map(int, row)) == self._totals


def _windows(settings: Settings) -> Values:
    columns = f"member, toUnixTimestamp(window_end), {IMPRESSIONS}, clicks, donations, toInt64(gross * 100)"
    rows: list[Any] = list(connect(settings.store).query(f"SELECT {columns} {OF_INFLUENCERS}").result_rows)
    return {f"{member}|{end // 60 - WINDOW_MINUTES}": list(map(int, counts)) for member, end, *counts in rows}
