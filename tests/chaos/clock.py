"""`groundswell worker ROLE` with a wall clock that can be stepped from outside: `python -m tests.chaos.clock ROLE`.

The environment variable `CLOCK_STEP_FILE` names a file with the step in seconds, `+0` to begin with.  Clocks that only
run forward are left alone: a step of the machine's wall clock does not reach them either.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

STEP_FILE: Final = "CLOCK_STEP_FILE"
LOOKED_AT_EVERY: Final = 0.2  # seconds


def stepped(clock: Callable[[], float], path: Path) -> Callable[[], float]:
    """The clock plus what the file says; the file is read anew after `LOOKED_AT_EVERY`."""
    step, read_at = 0, float("-inf")

    def now() -> float:
        nonlocal step, read_at
        if time.monotonic() - read_at >= LOOKED_AT_EVERY:
            step, read_at = int(path.read_text()), time.monotonic()
        return clock() + step

    return now


def write_step(path: Path, seconds: int) -> None:
    """Step the clocks that look at this file; whole at once, so that nobody reads half a number."""
    fresh = path.with_suffix(".new")
    fresh.write_text(f"{seconds:+d}\n")
    fresh.replace(path)


if __name__ == "__main__":
    # Before the program is imported: some of its libraries take the function and not the module.
    time.time = stepped(time.time, Path(os.environ[STEP_FILE]))
    from streams.commands import main

    sys.argv[1:1] = ["worker"]
    sys.exit(main())
