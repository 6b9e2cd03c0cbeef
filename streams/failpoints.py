"""Places where a test may end a worker as hard as `kill -9` would, at the very moment that matters.

    GROUNDSWELL_FAILPOINT=between_parts        at the first time that the worker comes there
    GROUNDSWELL_FAILPOINT=between_parts:3      at the third

Nothing happens without the variable.  The list is closed: a test kills at each of them, and holds that the code has
these and no others.
"""

from __future__ import annotations

import os
import sys
from typing import Final

from schemas.errors import Fault

VARIABLE: Final = "GROUNDSWELL_FAILPOINT"
EXIT_CODE: Final = 77

FAIL_POINTS: Final[dict[str, str]] = {
    "after_fetch": "a batch was fetched, the agent has not seen it",
    "after_step": "a batch is in the state, nothing of it is emitted",
    "before_emission": "what is to be said was taken out of the state, nothing is sent",
    "before_acknowledgement": "everything is sent, nothing is known to have arrived",
    "after_acknowledgement": "everything has arrived, nothing is saved",
    "between_parts": "a part of a checkpoint is written, its seal is not",
    "after_checkpoint": "a checkpoint is sealed",
    "between_pieces": "a part of a flush was acknowledged",
    "before_mark": "results have arrived, the mark that says so is not written",
    "after_mark": "the mark is written",
    "after_stalls": "what the stall detectors say has arrived",
    "before_insert": "rows are collected, ClickHouse has none",
    "between_tables": "one table's rows are in, another's are not",
    "before_positions": "ClickHouse has acknowledged the rows, it does not hold yet that they have landed",
    "on_revoked": "the group takes partitions away, nothing is flushed",
    "after_last_flush": "flushed because partitions go, they are not forgotten",
    "on_assigned": "the group has given partitions, no state is loaded",
    "after_load": "states are loaded, reading has not begun",
}


def armed_in(environment: dict[str, str] | os._Environ[str]) -> tuple[str, int] | None:
    """The fail point that is asked for, and at which time of coming there; None: none.

    Raises:
        Fault: there is no such fail point.
    """
    text = environment.get(VARIABLE, "")
    if not text:
        return None
    name, _, count = text.partition(":")
    if name not in FAIL_POINTS or not (count or "1").isdigit() or int(count or "1") < 1:
        raise Fault(
            "settings",
            f"{VARIABLE} is {text!r}",
            f"It is for tests: unset it, or name one of {', '.join(FAIL_POINTS)}, with :N for the Nth time.",
        )
    return name, int(count or "1")


_armed = armed_in(os.environ) if os.environ.get(VARIABLE) else None
_left = _armed[1] if _armed else 0


def hit(name: str) -> None:
    """Come to a fail point: nothing happens, unless it is the armed one."""
    if _armed is not None and _armed[0] == name:
        _end_when_due(name)


def _end_when_due(name: str) -> None:
    global _left
    _left -= 1
    if _left <= 0:
        print(f"groundswell: ended at the fail point {name}", file=sys.stderr, flush=True)
        os._exit(EXIT_CODE)
