"""Is this worker well, and is it of use?  A judgement over what was seen of it, with time as an argument.

    healthy  the event loop turns, and it gets on (or waits for something outside): it is given its share of the
             partitions, what it loads for them makes progress, and where records wait, positions move
    ready    the broker has given it its share, and all of that has caught up

A worker without partitions is ready: it stands by.  One that waits for Kafka or ClickHouse is healthy, because starting
it again would not help, and not ready, because nothing comes through it.  A load may last for ever as long as it makes
progress.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

Positions = Mapping[Hashable, int]


class Loading(NamedTuple):
    """A load at one moment: which one, how many pieces it has read or decoded, and that in words."""

    number: int
    steps: int
    says: str


class WorkerSnapshot(NamedTuple):
    """A worker at one moment.

    `positions` and `ends` are next offsets by partition; a partition whose end is unknown has none.  `waiting_for`
    names what is away outside ("Kafka", "ClickHouse").  `assigned` is None before the first assignment.
    """

    positions: Positions
    ends: Positions
    assigned: int | None = None
    ready: int = 0
    waiting_for: tuple[str, ...] = ()
    is_rebalancing: bool = False
    loading: Loading | None = None

    @property
    def has_share(self) -> bool:
        """Whether the group has given it its share and it has taken that over."""
        return self.assigned is not None and not self.is_rebalancing

    @property
    def lag(self) -> int:
        """Records that are in the log and not taken in."""
        return sum(max(0, end - self.positions.get(place, end)) for place, end in self.ends.items())

    @property
    def unseen(self) -> int:
        """Partitions of which no fetch has come back yet."""
        return len(self.positions.keys() - self.ends.keys())

    @property
    def may_rest(self) -> bool:
        """Whether nothing has to move: it has its share and has taken in all there is, or waits for something."""
        return bool(self.waiting_for) or (self.has_share and not self.lag and not self.unseen)


class HealthStatus(NamedTuple):
    """`trouble`: why it is not healthy; `missing`: why it is not ready; each None where it is."""

    trouble: str | None
    missing: str | None


@dataclass
class Health:
    """What is remembered between two looks; times are monotonic seconds.

    Args:
        stuck_after: how long a load may make no progress, and positions may stand still in front of a lag.
        hung_after: how long the event loop may be without a turn.
        share_after: how long the group may leave it without its share.
    """

    stuck_after: float
    hung_after: float
    share_after: float
    turned_at: float
    snapshot: WorkerSnapshot = field(default_factory=lambda: WorkerSnapshot({}, {}))
    _moved_at: float = field(init=False)

    def __post_init__(self) -> None:
        self._moved_at = self.turned_at

    def turn(self, now: float) -> None:
        """The event loop has had its turn."""
        self.turned_at = now

    def forgive(self, now: float) -> None:
        """This process stood still as a whole: what it did not do meanwhile is no sign of anything."""
        self.turned_at = self._moved_at = now

    def see(self, snapshot: WorkerSnapshot, now: float) -> None:
        """Look at the worker."""
        if snapshot.may_rest or _progress(snapshot) != _progress(self.snapshot):
            self._moved_at = now
        self.snapshot = snapshot

    def judge(self, now: float) -> HealthStatus:
        return HealthStatus(self._trouble(now), self._missing(now))

    def _trouble(self, now: float) -> str | None:
        if now - self.turned_at > self.hung_after:
            return f"the event loop has hung for {now - self.turned_at:.0f} s"
        still, seen = now - self._moved_at, self.snapshot
        if seen.loading is None and not seen.has_share:
            return f"the group has given it no share for {still:.0f} s" if still > self.share_after else None
        if still <= self.stuck_after:
            return None
        if seen.loading is not None:
            return f"no progress for {still:.0f} s while {seen.loading.says}"
        if not seen.lag and seen.unseen:
            return f"no answer to a fetch of {seen.unseen} partitions for {still:.0f} s"
        return f"no progress for {still:.0f} s with {seen.lag} records waiting"

    def _missing(self, now: float) -> str | None:
        seen = self.snapshot
        if self._trouble(now) is not None:
            return self._trouble(now)
        if seen.waiting_for:
            return f"waiting for {' and '.join(seen.waiting_for)}"
        if seen.loading is not None:
            return seen.loading.says
        if seen.assigned is None or not seen.has_share:
            return "the group has not given it its share yet"
        if seen.ready < seen.assigned:
            return f"{seen.assigned - seen.ready} of {seen.assigned} partitions are catching up"
        return None


def _progress(seen: WorkerSnapshot) -> tuple[object, ...]:
    """What changes when a worker gets on."""
    return (seen.positions, seen.ends.keys(), seen.loading and seen.loading[:2], seen.has_share)
