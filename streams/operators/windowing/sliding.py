"""Sliding windows over one-minute slices: half-open, aligned to the epoch, named by their end.

slice end:      60   120   180   240   300            a slice [end - 60, end)
window 3m/1m:   [-----------------)                   [end - size, end), ends are multiples of slide
                      [-----------------)
"""

from __future__ import annotations

from schemas.campaign import SLICE_SECONDS, Window


def align_up(seconds: int, step: int) -> int:
    """The first multiple of `step` at or after a second."""
    return -(-seconds // step) * step


def newest_end(clock_ms: int, window: Window) -> int:
    """The end of the newest window that has begun to fill at that time: the first one after the clock."""
    return (clock_ms // 1000 // window.slide + 1) * window.slide


def ends_touched(slice_end: int, window: Window) -> range:
    """The ends of all windows that hold the slice, and of the first one after them (which lost it)."""
    first = align_up(slice_end, window.slide)
    last = (slice_end - SLICE_SECONDS + window.size) // window.slide * window.slide
    return range(first, last + window.slide + 1, window.slide)
