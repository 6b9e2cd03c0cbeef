"""Python's garbage collector, kept off millions of objects that hold no cycle."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

# Objects made between two looks of the garbage collector, and how many of those make one at the survivors.  A state is
# a million objects without a cycle; Python's own 700 walk it again and again, for half of all the time there is.
# Those that survive both are never walked again: that would be a pause of seconds.  Five and not ten: fetched records
# live as long, and a hundred thousand of them were a pause of 50 ms.
COLLECT_AFTER: Final = (10_000, 5, 1_000_000)


def freeze_long_lived() -> None:
    """For a worker's whole life: what there is now is never walked again, and what comes seldom."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)


@contextmanager
def gc_paused() -> Iterator[None]:
    """While many objects come at once and no cycle: a state that is loaded or saved, a log that is audited.

    The collector would walk all that is there again and again: a third of an audit's time, four fifths of a load's.
    """
    working = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if working:
            gc.enable()
