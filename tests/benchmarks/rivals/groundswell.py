"""Groundswell itself: the real worker with its default settings, alone and as the whole pipeline.

Its end is not the last value but the moment at which the worker has everything acknowledged, its checkpoint too.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable
from typing import Final

from schemas.topics import SLICES
from tests.benchmarks.pipeline import Lines
from tests.benchmarks.recovery import FOLDED
from tests.benchmarks.rivals.filling import Shape
from tests.benchmarks.rivals.ground import CORE_OF_WORKERS, Ground
from tests.benchmarks.rivals.outputs import output_of_groundswell
from tests.benchmarks.rivals.run import Run
from tests.benchmarks.rivals.truth import differences
from tests.benchmarks.rivals.watching import Watched, pinned_to, watch

NAME: Final = "groundswell"
EXPECTED_RATE: Final = 10_000  # events a second on a slow machine
START_SECONDS: Final = 90
SLACK: Final = 4
PAUSES: Final = "pauses"


def attribution(ground: Ground, shape: Shape, traced: bool = False) -> Run:
    """One attribution worker folds a log; `traced`: with the garbage collector's pauses measured."""
    name = ground.begin(NAME)
    try:
        ground.make_topics(shape)
        watched, found = _folded(ground, shape, name, traced)
        if found is None:
            return ground.failed(NAME, shape, _last_words(ground, name, watched), watched.in_time)
        at, match = found
        seconds = float(match[2])
        output = output_of_groundswell(ground.brokers, shape.prefix + SLICES)
        number, shown = differences(ground.truth(shape).values, output.values)
        wrong = f"{number:,} values differ: {'; '.join(shown)}" if number else ""
        if int(match[1]) != shape.events:
            wrong = f"{match[1]} of {shape.events} records folded"
        return Run(
            contestant=NAME,
            log=shape.name,
            events=shape.events,
            seconds=seconds,
            cpu=watched.used_between(at - seconds, at),
            memory=watched.peak_memory,
            messages=output.records,
            longest_pause=longest_pause((ground.folder(name) / PAUSES).read_text(), at - seconds) if traced else None,
            wrong=wrong,
        )
    finally:
        ground.end(name)


def _folded(
    ground: Ground, shape: Shape, name: str, traced: bool
) -> tuple[Watched, tuple[float, re.Match[str]] | None]:
    """Until it says that all is folded and acknowledged; then it is ended."""
    environment = ground.environment(shape, name)
    module = "streams.commands"
    if traced:
        environment["RIVAL_PAUSES"] = str(ground.folder(name) / PAUSES)
        module = "tests.benchmarks.rivals.traced_worker"
    lines = Lines(ground.stack.log_of(name))
    argv = [*pinned_to(CORE_OF_WORKERS), sys.executable, "-m", module, "worker", "attribution"]
    ground.stack.start(name, argv, env=environment, patience=60.0)
    limit = ground.patience(START_SECONDS + SLACK * shape.events / EXPECTED_RATE)
    watched = watch(ground.stack, [name], _said(lines, FOLDED), limit)
    found = lines.find(FOLDED)
    ground.stack.stop_child(name)
    if not found:
        return watched, None
    at, match = found[0]
    return watched, (time.time() - (time.monotonic() - at), match)


def _said(lines: Lines, pattern: str) -> Callable[[], bool]:
    def said() -> bool:
        lines.look()
        return bool(lines.find(pattern))

    return said


def _last_words(ground: Ground, name: str, watched: Watched) -> str:
    end = "it ended" if watched.in_time else "it took too long and was ended"
    log = ground.stack.log_of(name).read_text(errors="replace").strip().splitlines()[-3:]
    return f"{end}: {' | '.join(log)[-600:]}"


def longest_pause(said: str, since: float) -> float:
    """Seconds of the longest pause that ended after `since`: what a worker clears away before its first event is no
    pause of anybody's."""
    pauses = [(float(ended), float(took)) for ended, took in (line.split() for line in said.splitlines())]
    return max((took for ended, took in pauses if ended >= since), default=0.0)
