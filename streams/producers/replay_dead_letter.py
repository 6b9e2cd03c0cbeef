"""A dead letter sent again: its original bytes, or mended ones, under the key and partition they ask for.

Its record time stays what it was, so that it is as late as it was and no verdict changes because somebody slept.
"""

from __future__ import annotations

from schemas.codec import Codec, Rejection
from schemas.dead_letters import ATTEMPTS_HEADER, DeadLetter, name_bytes
from schemas.partitioning import partition_of
from schemas.reasons import Reason
from schemas.times import DAY_MS, parse_ms, rfc3339
from streams.producers.outgoing import Outgoing
from streams.producers.send import key_in


def again(
    letter: DeadLetter, partitions: int, *, mended: bytes | None = None, record_time_ms: int | None = None
) -> Outgoing:
    """The record that replays a dead letter.

    Args:
        partitions: of the source topic.
        mended: the message to send in place of the original.
        record_time_ms: epoch milliseconds; None keeps the original's.
    """
    value = letter.payload if mended is None else mended.strip()
    key = key_in(value)
    headers = [(name, content) for name, content in letter.headers if name != ATTEMPTS_HEADER]
    headers.append((ATTEMPTS_HEADER, str(letter.attempts).encode()))
    return Outgoing(
        topic=letter.topic,
        partition=0 if key is None else partition_of(key, partitions),
        key=key,
        value=value,
        record_time_ms=parse_ms(letter.record_time) if record_time_ms is None else record_time_ms,
        headers=tuple((_Name(name), content or b"") for name, content in headers),
    )


class _Name(str):
    """A header's name as its bytes were: the client asks a name for them, and it need not be UTF-8."""

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        return name_bytes(str(self))


def still_wrong(record: Outgoing, codec: Codec, now_ms: int) -> Rejection | None:
    """Why the record would become a dead letter again, as far as the record alone and the clock can tell.

    In live use a record that is itself older than the horizon may come to minutes that are forgotten.
    """
    if codec.forgets and record.record_time_ms < now_ms - codec.horizon_ms:
        days = codec.horizon_ms // DAY_MS
        expectation = f"a record of the last {days} days: --now stamps it anew, if its event is not older than that"
        return Rejection(Reason.BEYOND_HORIZON, "record time", rfc3339(record.record_time_ms), expectation)
    verdict = codec.validate(record.topic, record.partition or 0, record.key, record.value, record.record_time_ms)
    return verdict if isinstance(verdict, Rejection) else None
