"""The state of conversion: one partition of `slices`, folded up to a position."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from schemas.slices import Entity, Progress
from streams.operators.counters import Counters
from streams.operators.windowing.timeline import Timeline

# A version is the epoch of its log and a position in it: 10^12 positions, and minutes of 31 years.
POSITION_BITS: Final = 40

WindowEnds = dict[tuple[Entity, str], set[int]]
"""Ends of windows, epoch seconds, by entity and name of the window."""


@dataclass
class Conversion:
    """The state of one partition of `slices`.

    Merged slices:
        `slices`: the newest version and counters of each (entity, minute, source partition).
        `timelines`: the sum over the source partitions, by entity.
        `copies`: campaigns whose home is another partition: their minutes are for the stall detectors of this
            partition's influencers, and no windows are made of them.
        `forgotten`: minutes that end at or before it, epoch seconds, are dropped.
    Time:
        `progress`: the newest progress of each source partition; `progress_at` its processing time, epoch milliseconds.
        `progress_changed`: the source partitions whose progress has not been emitted since it changed.
        `clock`: the newest record time that any source partition has seen, epoch milliseconds; 0 before the first.
        `watermarks`: by campaign, epoch milliseconds.  Neither the clock nor a watermark ever goes back.
    Emission:
        `pending`: windows to emit.
        `open_emitted`: windows that were emitted before the watermark had passed their end.
        `closed`: the watermark, epoch seconds, up to which a campaign's windows were emitted as final.
        `ahead_of_clock`: entities with slices later than the window that begins next, by window name, and the end up
            to which their windows were made pending.
        `last_look`: the clock and the number of watermarks when `ahead_of_clock` was looked through last.
    `epoch` tells a log from one of the same name before it and only grows.
    """

    partition: int
    position: int = 0
    epoch: int = 0
    slices: dict[tuple[Entity, int, int], tuple[int, Counters]] = field(default_factory=dict)
    timelines: dict[Entity, Timeline] = field(default_factory=dict)
    copies: set[Entity] = field(default_factory=set)
    forgotten: int = 0
    progress: dict[int, Progress] = field(default_factory=dict)
    progress_at: dict[int, int] = field(default_factory=dict)
    progress_changed: set[int] = field(default_factory=set)
    clock: int = 0
    watermarks: dict[str, int] = field(default_factory=dict)
    pending: WindowEnds = field(default_factory=dict)
    open_emitted: WindowEnds = field(default_factory=dict)
    closed: dict[str, int] = field(default_factory=dict)
    ahead_of_clock: dict[tuple[Entity, str], int] = field(default_factory=dict)
    last_look: tuple[int, int] = (0, 0)

    @property
    def version(self) -> int:
        """The version of every result that is emitted now."""
        return self.epoch << POSITION_BITS | self.position
