"""The command line `groundswell` in a process that measures the garbage collector's pauses.

Written to the file RIVAL_PAUSES, a line each that is longer than a millisecond: when it ended (epoch seconds), and how
many seconds it took.  The collection with which Python ends is nobody's pause.
"""

from __future__ import annotations

import gc
import os
import sys
import time
from typing import Any, Final

from streams.commands import main

WORTH_A_LINE: Final = 0.001


def trace(file: int) -> None:
    """Write each pause as it ends: the worker may end without ceremony."""
    begun = 0.0

    def note(phase: str, _: dict[str, Any]) -> None:
        nonlocal begun
        if phase == "start":
            begun = time.perf_counter()
        elif not sys.is_finalizing() and (pause := time.perf_counter() - begun) >= WORTH_A_LINE:
            os.write(file, f"{time.time():.3f} {pause:.6f}\n".encode())

    gc.callbacks.append(note)


if __name__ == "__main__":
    trace(os.open(os.environ["RIVAL_PAUSES"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
    main()
