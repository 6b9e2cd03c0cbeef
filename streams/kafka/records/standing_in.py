"""What is handed out in place of a record whose batch is too large to be read."""

from __future__ import annotations

from typing import NamedTuple

from schemas.codec.rejections import Rejection
from schemas.codec.unread import Unread
from schemas.reasons import Reason


class StandIn(NamedTuple):
    """It has the fields of a record; offset and time (the batch's largest) are all that is known of it."""

    offset: int
    timestamp: int
    value: Unread
    timestamp_type: int = 0
    key: bytes | None = None
    headers: tuple[tuple[str, bytes | None], ...] = ()

    @classmethod
    def too_large(cls, offset: int, timestamp: int, limit: int) -> StandIn:
        expected = f"a record batch of at most {limit} bytes before compression"
        return cls(offset, timestamp, Unread.because(Rejection(Reason.TOO_LARGE, "", Unread.SHOWN, expected)))
