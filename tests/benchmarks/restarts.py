"""A killed worker started again, timed by part: as a dynamic member of its group, and as a static one."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tests.benchmarks.pipeline import LOOK_SECONDS, Lines, Pipeline
from tests.benchmarks.probes import Slices, send_one_each

INSTANCE: Final = {"GROUNDSWELL_INSTANCE": "measured"}


@dataclass
class Restart:
    """Seconds of a start, by part."""

    process: float  # until the program is loaded and asks for its share
    group: float  # until the group gave it its share
    load: float  # until all checkpoints are read
    emission: float  # until slices of the new events are in Kafka

    @property
    def whole(self) -> float:
        return self.ours + self.group

    @property
    def ours(self) -> float:
        return self.process + self.load + self.emission

    def __str__(self) -> str:
        return (
            f"{self.whole:.1f} s = program {self.process:.1f} s + group {self.group:.1f} s + checkpoints "
            f"{self.load:.1f} s + new events and emission {self.emission:.1f} s; {self.ours:.1f} s without the group"
        )


def restart_killed(pipeline: Pipeline) -> Restart:
    """SIGKILL, then `start_again`."""
    pipeline.stack.kill_child("attribution")
    return start_again(pipeline)


def become_static(pipeline: Pipeline) -> None:
    """Stop the worker and start it with an instance id: from now on it has a place to come back to."""
    pipeline.stack.stop_child("attribution")
    pipeline.environment.update(INSTANCE)
    pipeline.forget_worker("attribution")
    lines = pipeline.start_worker("attribution")

    def all_caught_up() -> bool:
        lines.look()
        pipeline.stack.check()
        return len(lines.find(r"has caught up")) >= pipeline.settings.partitions

    wait_until(all_caught_up, 120)


def start_again(pipeline: Pipeline) -> Restart:
    """Send one new event for each partition, start the worker, wait until slices of all of them are in Kafka."""
    partitions = pipeline.settings.partitions
    send_one_each(pipeline.settings)
    with Slices(pipeline.settings) as slices:
        began = time.monotonic()
        lines = pipeline.start_worker("attribution")
        deadline = began + 120
        while len(slices.first_seen) < partitions:
            slices.look()
            lines.look()
            pipeline.stack.check()
            if time.monotonic() > deadline:
                raise TimeoutError(f"slices of {len(slices.first_seen)} partitions after {120} s: {lines.seen[-3:]}")
        emitted = max(slices.first_seen.values())
    asked = lines.find(r"attribution starts on")[0][0]
    loads = lines.find(r"partition \d+ goes on at version \d+ \(([\d.]+) s\)")
    if len(loads) != partitions:
        raise TimeoutError(f"{len(loads)} of {partitions} checkpoints were used")
    loading = loads[0][0] - float(loads[0][1][1])
    return Restart(asked - began, loading - asked, loads[-1][0] - loading, emitted - loads[-1][0])


def wait_for(pipeline: Pipeline, lines: Lines, pattern: str, seconds: float) -> tuple[float, re.Match[str]]:
    """The first line that matches, and when it was seen."""

    def found() -> bool:
        lines.look()
        pipeline.stack.check()
        return bool(lines.find(pattern))

    wait_until(found, seconds)
    return lines.find(pattern)[0]


def wait_until(holds: Callable[[], bool], seconds: float) -> None:
    """Wait until something holds.

    Raises:
        TimeoutError: it does not in time.
    """
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:.0f} s in vain")
        time.sleep(LOOK_SECONDS)
