"""A dead letter: processor, failure (field, value, expectation), payload and attempts, kept whole.

It can be replayed by someone who was asleep when it happened: the original key, bytes and headers are in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from schemas.codec import Rejection
from schemas.reasons import Reason
from schemas.times import rfc3339

ATTEMPTS_HEADER: Final = "groundswell-attempts"
Headers = Sequence[tuple[str, bytes | None]]  # Kafka lets a header have no content


class DeadLetter(Struct, frozen=True):
    """JSON on the topic `dead-letters`; bytes are base64.  `attempts` counts how often it was sent so far."""

    processor: str
    processor_version: str
    topic: str
    source_partition: int
    source_offset: int
    record_time: str
    reason: Reason
    field: str
    value: str
    expectation: str
    key: bytes | None
    payload: bytes
    headers: list[tuple[str, bytes | None]]
    attempts: int


def dead_letter(
    rejection: Rejection,
    *,
    processor: tuple[str, str],
    source: tuple[str, int, int],
    record_time_ms: int,
    key: bytes | None,
    payload: bytes | None,
    headers: Headers,
) -> DeadLetter:
    """The envelope of a rejected record.

    Args:
        processor: name and version of who refused it.
        source: topic (without a prefix), partition and offset.
    """
    topic, partition, offset = source
    return DeadLetter(
        processor=processor[0],
        processor_version=processor[1],
        topic=topic,
        source_partition=partition,
        source_offset=offset,
        record_time=rfc3339(record_time_ms),
        reason=rejection.reason,
        field=rejection.field,
        value=rejection.value,
        expectation=rejection.expectation,
        key=key,
        payload=payload or b"",
        headers=list(headers),
        attempts=attempts_of(headers) + 1,
    )


def attempts_of(headers: Headers) -> int:
    """How often this record has been replayed before; 0 for a first try or an unreadable header."""
    for name, content in headers:
        if name == ATTEMPTS_HEADER and content and content.isascii() and content.isdigit() and len(content) < 5:
            return int(content)
    return 0
