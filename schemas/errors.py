"""One error for everything a person can meet: it says whose fault it is and what to do next.

Law: what is said of an event says where it is and what is wrong with it, never what is in it.
"""

from __future__ import annotations

import re
from typing import ClassVar

# From the first quote to the last one of its kind: what is quoted may hold quotes itself.
_QUOTED = re.compile(r"""(['"]).*\1""", re.DOTALL)


class Fault(Exception):
    """A condition that stops the program and that a person can mend.

    `exit_code` is 2 where starting again cannot help.

    Args:
        whose: who has to act: "settings", "kafka", "clickhouse", "input", "machine" or "groundswell".
        what: what is wrong, one sentence without a full stop.
        mend: what to do next, one sentence.
    """

    exit_code: ClassVar[int] = 2

    def __init__(self, whose: str, what: str, mend: str) -> None:
        super().__init__(whose, what, mend)
        self.whose = whose
        self.what = what
        self.mend = mend

    def __str__(self) -> str:
        return f"{self.whose}: {self.what}. {self.mend}"


class Unreachable(Fault):
    """Somebody outside does not answer now: starting again later may be all that it needs, so the exit code is 1."""

    exit_code = 1


def without_values(said: str) -> str:
    """One line of what a parser said, without what it quoted: that is of the event, and log lines carry none of it."""
    return _QUOTED.sub(r"\1...\1", said).partition("\n")[0][:300]
