"""One entity's minutes, summed at three levels so that a window of 48 hours costs about a hundred additions."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator
from typing import Final

from schemas.campaign import SLICE_SECONDS, Window
from streams.operators.counters import Counters
from streams.operators.windowing.sliding import align_up

# Each is a multiple of the one before it; windows slide by 1, 5 and 30 minutes.
LEVELS: Final = (SLICE_SECONDS, 300, 1800)

# Up to so many slices are added one by one: most entities are silent in most minutes.
FEW: Final = 40


class Timeline:
    """Sums by slice end; `ends` lists, in order, the slices that hold anything."""

    __slots__ = ("_sums", "ends")

    def __init__(self) -> None:
        self.ends: list[int] = []
        self._sums: tuple[dict[int, Counters], ...] = tuple({} for _ in LEVELS)

    def add(self, end: int, counters: Counters, sign: int = 1) -> None:
        """Add to the slice that ends there (epoch seconds, a multiple of 60)."""
        for level, sums in zip(LEVELS, self._sums, strict=True):
            bucket = align_up(end, level)
            total = sums.get(bucket)
            if total is None:
                total = sums[bucket] = Counters()
                if level == SLICE_SECONDS:
                    insort(self.ends, end)
            total.add(counters, sign)
            if total.is_zero():
                del sums[bucket]
                if level == SLICE_SECONDS:
                    del self.ends[bisect_left(self.ends, end)]

    def at(self, end: int) -> Counters | None:
        """What the slice that ends there holds; None: nothing."""
        return self._sums[0].get(end)

    def total(self, start: int, end: int) -> Counters:
        """The sum of the slices with an end in `(start, end]`; both are multiples of 60."""
        total = Counters()
        low, high = bisect_right(self.ends, start), bisect_right(self.ends, end)
        if high - low <= FEW:
            for index in range(low, high):
                total.add(self._sums[0][self.ends[index]])
            return total
        at = start
        while at < end:
            part = None
            for level, sums in zip(reversed(LEVELS), reversed(self._sums), strict=True):
                if at % level == 0 and at + level <= end:
                    at += level
                    part = sums.get(at)
                    break
            if part is not None:
                total.add(part)
        return total

    def totals(self, window: Window, ends: Iterable[int]) -> Iterator[tuple[int, Counters]]:
        """The total of the window at each of the ends, which ascend.

        Where windows overlap, the next one is the one before plus what entered and less what left it: a history
        that is played at once closes thousands of windows of an entity in one go.
        """
        running = Counters()
        low = high = 0
        before: int | None = None
        for end in ends:
            start = end - window.size
            if before is None or start >= before:
                running = self.total(start, end)
                low = bisect_right(self.ends, start)
                high = bisect_right(self.ends, end)
            else:
                while high < len(self.ends) and self.ends[high] <= end:
                    running.add(self._sums[0][self.ends[high]])
                    high += 1
                while low < high and self.ends[low] <= start:
                    running.add(self._sums[0][self.ends[low]], sign=-1)
                    low += 1
            before = end
            yield end, running

    def is_empty(self, start: int, end: int) -> bool:
        """Whether no slice with an end in `(start, end]` holds anything."""
        index = bisect_right(self.ends, start)
        return index == len(self.ends) or self.ends[index] > end

    def due(self, window: Window, after: int | None, until: int) -> Iterator[int]:
        """The ends in `(after, until]` of windows that hold anything, and of each first empty one after those."""
        if not self.ends:
            return
        slide = window.slide
        earliest = align_up(self.ends[0], slide)
        end = earliest if after is None else max(earliest, after // slide * slide + slide)
        while end <= until:
            start = end - window.size
            if self.is_empty(start, end) and self.is_empty(start - slide, end - slide):
                index = bisect_right(self.ends, start)
                if index == len(self.ends):
                    return
                end = align_up(self.ends[index], slide)
                continue
            yield end
            end += slide

    def forget(self, before: int) -> bool:
        """Drop the slices that end at or before a second (a multiple of the largest level); whether none is left."""
        cut = bisect_right(self.ends, before)
        if cut:
            del self.ends[:cut]
            for sums in self._sums:
                for bucket in [bucket for bucket in sums if bucket <= before]:
                    del sums[bucket]
        return not self.ends
