"""Which minutes of a campaign are closed, and which of them are gaps: decided from the progress of attribution.

A closed minute holds everything that was not late, so the detector may step it, once.  The decision is a fold of the
progress records in the order of the log, and not of the moments at which somebody looked: a worker that starts anew
reads the same records and decides the same.

    complete  ------------------------------------|         the slowest source partition, less the allowed lateness
    feed a    ---.--.--.--.--.--.--.--.--.--.--.--.          heartbeats: closed up to the newest one
    feed b    ---.--.--.                      .--.--.--      silent for longer than the patience: a gap
    minutes   ssssssssssss gggggggggggggggggggg sssssss      up to the heartbeat with which it comes back
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from schemas.slices import Progress
from schemas.times import MINUTE_MS
from schemas.topics import DONATIONS


class Interval(NamedTuple):
    """Minutes up to `until` (the end of the last one, epoch seconds).

    `silent`: the feeds that leave a gap there; `unheard`: topics for which no feed ever sent a heartbeat.
    """

    until: int
    silent: tuple[str, ...] = ()
    unheard: tuple[str, ...] = ()


@dataclass
class Completeness:
    """How far the minutes of one campaign are closed, epoch seconds; 0: nothing is known yet.

    `gap` is the end of the newest gap.  `intervals` are the closed ones that are not stepped yet, in order.  `first`
    is where the first of them ended, so that a history of years is not stepped from its beginning.
    """

    until: int = 0
    first: int = 0
    gap: int = 0
    intervals: list[Interval] = field(default_factory=list)

    def close(self, interval: Interval) -> None:
        if interval.until <= self.until:
            return
        self.first = self.first or interval.until
        self.until = interval.until
        if interval.silent:
            self.gap = interval.until
        if self.intervals and self.intervals[-1][1:] == interval[1:]:
            self.intervals.pop()
        self.intervals.append(interval)

    def interval_of(self, end: int) -> Interval | None:
        """The interval that holds the minute with that end; intervals before it are dropped."""
        while self.intervals and self.intervals[0].until < end:
            del self.intervals[0]
        return self.intervals[0] if self.intervals else None


def complete_up_to(progress: Mapping[int, Progress], source_partitions: int) -> int:
    """Every source partition has folded everything before it, epoch milliseconds; 0: not known.

    A partition that never held anything delays nothing.
    """
    if len(progress) < source_partitions:
        return 0
    known = [record.complete for record in progress.values() if record.complete or not _is_void(record)]
    return min(known, default=0)


def _is_void(record: Progress) -> bool:
    return record.idle and not any(record.ends.values())


@dataclass
class Feed:
    """The newest heartbeat of a feed, and its long silences, `(from, to)`; epoch milliseconds."""

    newest: int = 0
    silences: set[tuple[int, int]] = field(default_factory=set)


def feeds_of(progress: Iterable[Progress], campaign_id: str, topics: Collection[str]) -> dict[str, Feed]:
    """The feeds of these topics that speak for the campaign, by name."""
    feeds: dict[str, Feed] = {}
    for record in progress:
        for key, at_ms in record.feeds.items():
            name, _, spoken_for = key.rpartition("@")
            if spoken_for in ("", campaign_id) and name.partition("/")[0] in topics:
                feed = feeds.setdefault(name, Feed())
                feed.newest = max(at_ms, feed.newest)
                feed.silences.update((start, end) for start, end in record.silences.get(key, ()))
    return feeds


def close(
    completeness: Completeness, topics: Collection[str], complete_ms: int, feeds: Mapping[str, Feed], patience_ms: int
) -> None:
    """Close what can be closed.

    A feed that was silent for longer than the patience leaves a gap, also when it has sent heartbeats again since: it
    has sent what it has, and nobody knows what it never had.

    Args:
        topics: whose feeds count.
        complete_ms: everything before it that is not late has been folded.
        patience_ms: a feed that is silent for longer delays nothing any more.
    """
    gone = {name for name, feed in feeds.items() if complete_ms - feed.newest > patience_ms}
    heard_up_to = min((feed.newest for name, feed in feeds.items() if name not in gone), default=complete_ms)
    until = _minute_before(min(complete_ms, heard_up_to))
    gaps = [
        (name, _minute_before(start), _minute_after(end))
        for name, feed in feeds.items()
        for start, end in feed.silences
        if end - start > patience_ms
    ]
    gaps += [(name, _minute_before(feeds[name].newest), until) for name in gone]
    unheard = tuple(sorted(set(topics) - {name.partition("/")[0] for name in feeds}))
    turns = {min(turn, until) for _, start, end in gaps for turn in (start, end)} | {until}
    for turn in sorted(turns):
        silent = tuple(sorted({name for name, start, end in gaps if start < turn <= end}))
        completeness.close(Interval(turn, silent, unheard))


def _minute_before(ms: int) -> int:
    """The end, epoch seconds, of the last minute that was over by then."""
    return ms // MINUTE_MS * 60


def _minute_after(ms: int) -> int:
    """The end, epoch seconds, of the minute that was not over before then."""
    return -(-ms // MINUTE_MS) * 60


def topics_of_feeds(exposure: str) -> frozenset[str]:
    """The source topics whose silence is a gap: donations, and what they are held against (one of COUNTS)."""
    return frozenset((DONATIONS, exposure.partition("_")[0]))
