"""What the audit reads: records of the four source logs, and from where to where each log was read."""

from __future__ import annotations

from typing import NamedTuple

from msgspec import Struct


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
    """Everything that was read: the records in any order, and the span of every partition, empty ones too."""

    records: list[LogRecord]
    spans: dict[Place, Span]

    def trimmed(self) -> dict[Place, Span]:
        """The logs that no longer begin at 0: nothing that depends on their first records can be proven."""
        return {place: span for place, span in sorted(self.spans.items()) if span.begin > 0}
