"""A value that was not read: its verdict is known without a look at its bytes."""

from __future__ import annotations

from typing import ClassVar

from schemas.codec.rejections import Rejection


class Unread(bytes):
    """Stands, empty, for a value that nobody shall bring into memory; the codec says what it says."""

    SHOWN: ClassVar[str] = "not read"  # where a rejection shows a value

    rejection: Rejection

    @classmethod
    def because(cls, rejection: Rejection) -> Unread:
        value = cls()
        value.rejection = rejection
        return value
