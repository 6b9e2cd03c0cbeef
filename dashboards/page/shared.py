"""One answer for everybody who asks the same within a moment, so that ten browsers cost the store as much as one."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass

import anyio


@dataclass
class _Kept:
    lock: anyio.Lock
    value: bytes = b""
    fresh_until: float = 0.0


class Shared:
    """Values by key, made by one caller while the others wait for it.

    Args:
        seconds: how long a value is fresh; longer where it took long to make (twice the time), so that the page takes
            a third of a busy store and not all of it.
        most: values that are kept.
    """

    def __init__(self, seconds: float = 1.0, most: int = 64, now: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._most = most
        self._now = now
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()

    async def get(self, key: Hashable, make: Callable[[], Awaitable[bytes]]) -> bytes:
        """The value of `key`, made anew if it is no longer fresh; what `make` raises is raised and not kept."""
        kept = self._kept.setdefault(key, _Kept(anyio.Lock()))
        self._kept.move_to_end(key)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        async with kept.lock:
            began = self._now()
            if began >= kept.fresh_until:
                kept.value = await make()
                ended = self._now()
                kept.fresh_until = ended + max(self._seconds, 2 * (ended - began))
            return kept.value
