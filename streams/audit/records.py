"""What the audit reads: records of the four source logs, and from where to where each log was read."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from msgspec import Struct

from schemas.skips import Skip


class LogRecord(NamedTuple):
    """A record as the broker holds it.

    `topic` is the name without a prefix; `record_time_ms` is in epoch milliseconds.
    """

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    record_time_ms: int
    headers: tuple[tuple[str, bytes], ...] = ()


class Place(NamedTuple):
    """One partition of one source topic."""

    topic: str
    partition: int


class Span(NamedTuple):
    """The offsets `[begin, end)` that a log holds; `begin` above 0 means that retention has taken the rest."""

    begin: int
    end: int


class Logs(Struct, frozen=True):
    """Everything that was read: the records in any order, and the span of every partition, empty ones too.

    Records that an operator said to skip are not among them; `skips` is what was said.
    """

    records: list[LogRecord]
    spans: dict[Place, Span]
    skips: list[Skip] = []

    def passed_over(self) -> dict[Place, int]:
        """How many offsets of each log have no record to judge."""
        records = Counter((record.topic, record.partition) for record in self.records)
        return {place: span.end - span.begin - records[place] for place, span in self.spans.items()}

    def trimmed(self) -> dict[Place, Span]:
        """The logs that no longer begin at 0: nothing that depends on their first records can be proven."""
        return {place: span for place, span in sorted(self.spans.items()) if span.begin > 0}
