"""Processes under watch: how much processor time they have used at each moment, and the most memory they held.

Read from /proc, so Linux only.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from infra.processes.stack import Stack

LOOK_SECONDS: Final = 0.05
TICKS: Final = os.sysconf("SC_CLK_TCK")


@dataclass
class Watched:
    """`moments` (epoch seconds) and, of each, processor seconds used up to then; memory in bytes."""

    moments: list[float] = field(default_factory=list)
    used: list[float] = field(default_factory=list)
    peak_memory: int = 0
    in_time: bool = True

    def used_between(self, first: float, last: float) -> float:
        """Processor seconds used in a stretch, between two looks in proportion."""
        return self._used_at(last) - self._used_at(first)

    def _used_at(self, moment: float) -> float:
        place = bisect_left(self.moments, moment)
        if place == 0:
            return self.used[0] if self.used else 0.0
        if place == len(self.moments):
            return self.used[-1]
        before, after = self.moments[place - 1], self.moments[place]
        part = (moment - before) / (after - before) if after > before else 1.0
        return self.used[place - 1] + part * (self.used[place] - self.used[place - 1])


def watch(stack: Stack, names: Sequence[str], is_over: Callable[[], bool], limit: float) -> Watched:
    """Look at running children of the stack until it is over, all have ended, or `limit` seconds are gone."""
    watched = Watched()
    processes = [stack.pid_of(name) for name in names]
    deadline = time.monotonic() + limit
    used, memory = dict.fromkeys(processes, 0.0), dict.fromkeys(processes, 0)
    while True:
        for process in processes:
            used[process] = processor_seconds(process) or used[process]
            memory[process] = peak_memory(process) or memory[process]
        watched.moments.append(time.time())
        watched.used.append(sum(used.values()))
        if is_over() or not set(names) & set(stack.running()):
            break
        if time.monotonic() > deadline:
            watched.in_time = False
            break
        time.sleep(LOOK_SECONDS)
    watched.peak_memory = sum(memory.values())
    return watched


def processor_seconds(process: int) -> float | None:
    """User and system time of all threads; None: it is gone."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / TICKS


def peak_memory(process: int) -> int | None:
    """The most bytes that it ever held in memory; None: it is gone."""
    try:
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    except OSError:
        return None
    return int(found[1]) * 1024 if found else None


def pinned_to(core: int) -> list[str]:
    """How a command line begins whose process keeps to a core, where the machine has it and can pin."""
    there = core < (os.cpu_count() or 1) and shutil.which("taskset")
    return ["taskset", "-c", str(core)] if there else []


def keep_to(core: int) -> None:
    """Keep this process, and all that it will start, to a core."""
    if (os.cpu_count() or 1) > 1 and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})
