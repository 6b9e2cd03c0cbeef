"""One answer for everybody who asks the same within a moment, so that ten browsers cost the store as much as one."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

import anyio

LONGEST_SECONDS: Final = 10.0
"""How long an answer is given again at most, however long it took to make."""

Value = TypeVar("Value")


@dataclass
class _Kept:
    lock: anyio.Lock
    value: Any = None
    began: float = float("-inf")
    ended: float = float("-inf")
    fresh_until: float = float("-inf")


class Shared(Generic[Value]):
    """Values by key, made by one caller while the others wait for it.

    Args:
        seconds: how long a value is fresh; longer where it took long to make (twice the time, LONGEST_SECONDS at most),
            so that the page takes a third of a busy store and not all of it.
        most: values that are kept.
    """

    def __init__(self, seconds: float = 1.0, most: int = 64, now: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._most = most
        self._now = now
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()

    @property
    def making(self) -> int:
        """Values that are being made."""
        return sum(kept.lock.locked() for kept in self._kept.values())

    def is_at_hand(self, key: Hashable) -> bool:
        """Whether a value is fresh, or is being made."""
        kept = self._kept.get(key)
        return kept is not None and (kept.lock.locked() or self._now() < kept.fresh_until)

    async def get(self, key: Hashable, make: Callable[[], Awaitable[Value]]) -> Value:
        """The value of `key`, made anew if it is no longer fresh; what `make` raises is raised and not kept."""
        value, _ = await self.dated(key, make)
        return value

    async def dated(
        self, key: Hashable, make: Callable[[], Awaitable[Value]], since: float = float("-inf")
    ) -> tuple[Value, float]:
        """As `get`, with the moment at which it was there.

        Args:
            since: a moment of this kind; a value that was begun before it will not do.
        """
        kept = self._kept.setdefault(key, _Kept(anyio.Lock()))
        self._kept.move_to_end(key)
        self._forget()
        async with kept.lock:
            began = self._now()
            if began >= kept.fresh_until or kept.began < since:
                kept.value = await make()
                kept.began, kept.ended = began, self._now()
                lasts = min(max(self._seconds, 2 * (kept.ended - began)), LONGEST_SECONDS)
                kept.fresh_until = kept.ended + lasts
            return kept.value, kept.ended

    def _forget(self) -> None:
        """Drop what nobody has asked for longest; never what is being made, or it would be made twice."""
        for key in list(self._kept)[: max(0, len(self._kept) - self._most)]:
            if not self._kept[key].lock.locked():
                del self._kept[key]
