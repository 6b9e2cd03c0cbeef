"""What an audit found: equal or not, how much was compared, and the first differences as sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

import msgspec
from msgspec import Struct

DIFFERENCES_SHOWN: Final = 20


class AuditResult(Struct, frozen=True):
    """The end of an audit.

    `compared` counts by kind what was compared, so that an empty comparison shows; `differences` are the first of
    `differences_total` sentences; `unproven` says what the logs can no longer prove, because retention has taken
    their beginning; `notes` are remarkable but no difference.
    """

    equal: bool
    compared: dict[str, int]
    differences: list[str]
    differences_total: int
    unproven: list[str]
    notes: list[str]

    def to_json(self) -> str:
        return msgspec.json.encode(self).decode()


class Findings:
    """Collects what the comparisons say.  All differences are counted, the first `shown` are kept.

    Differences are kept per kind in turn, so that ten thousand wrong windows do not hide one lost event.
    """

    def __init__(self, shown: int = DIFFERENCES_SHOWN) -> None:
        self.shown = shown
        self.compared: Counter[str] = Counter()
        self._totals: Counter[str] = Counter()
        self._kept: dict[str, list[str]] = {}
        self._unproven: list[str] = []
        self._notes: list[str] = []

    def count(self, kind: str, number: int = 1) -> None:
        self.compared[kind] += number

    def differ(self, kind: str, sentence: str) -> None:
        self._totals[kind] += 1
        kept = self._kept.setdefault(kind, [])
        if len(kept) < self.shown:
            kept.append(f"{kind}: {sentence}")

    def compare(self, kind: str, name: str, fields: Iterable[tuple[str, Any, Any]]) -> None:
        """One difference that names every field in which a row, (field, landed, true), is wrong."""
        wrong = [
            f"{field} is {shown(landed)}, the log says {shown(true)}"
            for field, landed, true in fields
            if landed != true
        ]
        if wrong:
            self.differ(kind, f"{name}: {'; '.join(wrong)}")

    def unproven(self, sentence: str) -> None:
        self._unproven.append(sentence)

    def note(self, sentence: str) -> None:
        self._notes.append(sentence)

    def result(self) -> AuditResult:
        total = sum(self._totals.values())
        return AuditResult(
            equal=total == 0,
            compared=dict(sorted(self.compared.items())),
            differences=self._in_turn()[: self.shown],
            differences_total=total,
            unproven=self._unproven,
            notes=self._notes,
        )

    def _in_turn(self) -> list[str]:
        longest = max((len(kept) for kept in self._kept.values()), default=0)
        return [kept[row] for row in range(longest) for kept in self._kept.values() if row < len(kept)]


def shown(value: object) -> str:
    """A value as a person reads it: decimals without quotes, no value as "nothing"."""
    if value is None:
        return "nothing"
    if isinstance(value, str | bytes):
        return repr(value if len(value) <= 80 else value[:77]) + ("..." if len(value) > 80 else "")
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {shown(item)}" for key, item in value.items()) + "}"
    if isinstance(value, tuple):
        return "(" + ", ".join(shown(item) for item in value) + ")"
    return str(value)
