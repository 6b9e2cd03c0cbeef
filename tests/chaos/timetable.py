"""What lasts has an end: callbacks in the order of their moments."""

from __future__ import annotations

import heapq
import random
import time
from collections.abc import Callable


class Timetable:
    """Nothing is called but by `call_due` and `call_all`."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._waiting: list[tuple[float, int, Callable[[], None]]] = []

    def between(self, seconds: tuple[float, float], callback: Callable[[], None]) -> None:
        """Somewhen between so many and so many seconds from now."""
        self.after(self._dice.uniform(*seconds), callback)

    def after(self, seconds: float, callback: Callable[[], None]) -> None:
        heapq.heappush(self._waiting, (time.monotonic() + seconds, self._dice.getrandbits(60), callback))

    def call_due(self, now: float) -> None:
        """End what has lasted long enough."""
        while self._waiting and self._waiting[0][0] <= now:
            heapq.heappop(self._waiting)[2]()

    def call_all(self) -> None:
        """End everything that still lasts."""
        while self._waiting:
            heapq.heappop(self._waiting)[2]()
