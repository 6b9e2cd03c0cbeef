"""One error for everything a person can meet: it says whose fault it is and what to do next."""

from __future__ import annotations


class Fault(Exception):
    """A condition that stops the program and that a person can mend.

    Args:
        whose: who has to act: "settings", "kafka", "clickhouse", "input", "machine" or "groundswell".
        what: what is wrong, one sentence without a full stop.
        mend: what to do next, one sentence.
    """

    def __init__(self, whose: str, what: str, mend: str) -> None:
        super().__init__(whose, what, mend)
        self.whose = whose
        self.what = what
        self.mend = mend

    def __str__(self) -> str:
        return f"{self.whose}: {self.what}. {self.mend}"
