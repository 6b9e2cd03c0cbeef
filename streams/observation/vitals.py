"""Is this worker well, and is it of use?  A judgement over what was seen of it, with time as an argument.

    healthy  the event loop turns, and where there is lag, positions move (or something outside is waited for)
    ready    the broker has given it its share, and all of that has caught up

A worker without partitions is ready: it stands by.  One that waits for Kafka or ClickHouse is healthy, because starting
it again would not help, and not ready, because nothing comes through it.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

Positions = Mapping[Hashable, int]


class Sighting(NamedTuple):
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

    @property
    def lag(self) -> int:
        """Records that are in the log and not taken in."""
        return sum(max(0, end - self.positions.get(place, end)) for place, end in self.ends.items())


class Judgement(NamedTuple):
    """`trouble`: why it is not healthy; `missing`: why it is not ready; each None where it is."""

    trouble: str | None
    missing: str | None


@dataclass
class Vitals:
    """What is remembered between two looks; times are monotonic seconds.

    Args:
        stuck_after: how long positions may stand still in front of a lag.
        hung_after: how long the event loop may be without a turn.
    """

    stuck_after: float
    hung_after: float
    turned_at: float
    sighting: Sighting = field(default_factory=lambda: Sighting({}, {}))
    _moved_at: float = field(init=False)

    def __post_init__(self) -> None:
        self._moved_at = self.turned_at

    def turn(self, now: float) -> None:
        """The event loop has had its turn."""
        self.turned_at = now

    def forgive(self, now: float) -> None:
        """This process stood still as a whole: what it did not do meanwhile is no sign of anything."""
        self.turned_at = self._moved_at = now

    def see(self, sighting: Sighting, now: float) -> None:
        """Look at the worker."""
        has_moved = sighting.positions != self.sighting.positions
        if has_moved or not sighting.lag or sighting.waiting_for or sighting.assigned is None:
            self._moved_at = now
        self.sighting = sighting

    def judge(self, now: float) -> Judgement:
        return Judgement(self._trouble(now), self._missing(now))

    def _trouble(self, now: float) -> str | None:
        if now - self.turned_at > self.hung_after:
            return f"the event loop has hung for {now - self.turned_at:.0f} s"
        if now - self._moved_at > self.stuck_after:
            return f"no progress for {now - self._moved_at:.0f} s with {self.sighting.lag} records waiting"
        return None

    def _missing(self, now: float) -> str | None:
        seen = self.sighting
        if self._trouble(now) is not None:
            return self._trouble(now)
        if seen.waiting_for:
            return f"waiting for {' and '.join(seen.waiting_for)}"
        if seen.assigned is None or seen.is_rebalancing:
            return "the group has not given it its share yet"
        if seen.ready < seen.assigned:
            return f"{seen.assigned - seen.ready} of {seen.assigned} partitions are catching up"
        return None
