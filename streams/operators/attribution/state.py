"""The state of attribution: what one source partition has folded, and which slices it has yet to publish."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from schemas.dead_letters import DeadLetter
from schemas.times import DAY_MS
from schemas.topics import SOURCES
from streams.operators.attribution.dedup import Identities
from streams.operators.attribution.feeds import Feeds
from streams.operators.attribution.horizon import HorizonClock, last_forgotten_of
from streams.operators.attribution.referrals import ReferralIndex
from streams.operators.attribution.siphash import Key
from streams.operators.attribution.slice_table import SliceTable, ends_of, numbers_of, slots_of


@dataclass
class Tally:
    """Numbers of records of one topic by verdict.

    `passed_over`: offsets without a record to judge: what an operator skipped, a transaction's marker.
    """

    accepted: int = 0
    duplicates: int = 0
    dead_lettered: int = 0
    late: int = 0
    passed_over: int = 0


@dataclass
class Attribution:
    """The state of one source partition, a function of its logs up to `positions`.

    `key` is drawn by whoever begins a state and goes with it: see `identities_of`.  No verdict depends on it.
    `begins` holds where folding began, by topic; `clocks` the newest record time of each topic, epoch milliseconds.
    `horizons` say how old an event of a topic may be; minutes that end at or before `forgotten`, epoch seconds, are
    dropped and never published again.  `feeds` holds the newest heartbeats.  The slice table's dirty rows and `letters`
    have not been emitted yet; `last_incarnation` is the incarnation that emitted last.
    """

    partition: int
    key: Key = (0, 0)
    begins: dict[str, int] = field(default_factory=dict)
    positions: dict[str, int] = field(default_factory=dict)
    clocks: dict[str, int] = field(default_factory=dict)
    feeds: Feeds = field(default_factory=Feeds)
    referrals: dict[str, ReferralIndex] = field(default_factory=dict)
    slice_table: SliceTable = field(default_factory=SliceTable)
    identities: dict[str, dict[int, Identities]] = field(default_factory=lambda: {topic: {} for topic in SOURCES})
    tallies: dict[str, Tally] = field(default_factory=lambda: {topic: Tally() for topic in SOURCES})
    horizons: dict[str, HorizonClock] = field(default_factory=lambda: {topic: HorizonClock() for topic in SOURCES})
    forgotten: int = 0
    letters: list[DeadLetter] = field(default_factory=list)
    last_incarnation: str = ""

    @property
    def version(self) -> int:
        """The number of source records folded in: the version of everything that is emitted now."""
        return sum(self.positions.values())

    @property
    def clock(self) -> int:
        """The newest record time of any topic, epoch milliseconds; 0 before the first record."""
        return max(self.clocks.values(), default=0)

    def begin(self, topic: str, offset: int) -> None:
        """Set the offset at which folding begins, for a topic that was never folded."""
        if topic not in self.positions:
            self.begins[topic] = self.positions[topic] = offset

    def referrals_of(self, campaign_id: str) -> ReferralIndex:
        index = self.referrals.get(campaign_id)
        if index is None:
            index = self.referrals[campaign_id] = ReferralIndex(campaign_id, self.slice_table)
        return index


def mark_unattributed_dirty(state: Attribution) -> None:
    """Mark the unattributed slices of every dirty minute dirty too, also those that hold nothing.

    A predecessor that read the topics in another order may have published events of these minutes as unattributed
    whose share was read first here.  On the way to the same state only this can differ.
    """
    dirty = state.slice_table.dirty_slots()
    campaigns = np.array([entity.campaign_id for entity in state.slice_table.entities])[numbers_of(dirty)]
    for campaign_id in np.unique(campaigns).tolist():
        ends = np.unique(ends_of(dirty[campaigns == campaign_id]))
        index = state.referrals_of(campaign_id)
        for entity_id in index.entity_ids[index.unattributed, 1:]:
            state.slice_table.mark_dirty(slots_of(entity_id, ends))


def compact(state: Attribution, quiet_before: int) -> None:
    """Compact the ids of slices that end before this epoch second: eight bytes an id, see `Identities`."""
    for ids_of_minutes in state.identities.values():
        for end, ids in ids_of_minutes.items():
            if end < quiet_before:
                ids.compact()


def forget(state: Attribution, horizon_ms: int, now_ms: int) -> None:
    """Drop what no event can touch any more: of each topic the ids of minutes beyond its own horizon, and the rows of
    minutes that are beyond the horizon of every topic.

    Only for live use, where record times are near the wall clock.  A topic with few records, or none, holds rows for
    another horizon and a day; what comes in it later with so old a record time is refused by `forgotten` itself.

    Args:
        now_ms: the wall clock; a record time ahead of it must not make anything older.
    """
    clocks = {topic: min(state.horizons[topic].clock, now_ms) for topic in SOURCES}
    reached = max(min(clocks.values()), max(clocks.values()) - horizon_ms - DAY_MS)
    state.forgotten = until = max(state.forgotten, last_forgotten_of(reached, horizon_ms))
    for topic, ids_of_minutes in state.identities.items():
        gone = max(until, last_forgotten_of(clocks[topic], horizon_ms))
        for end in [end for end in ids_of_minutes if end <= gone]:
            del ids_of_minutes[end]
    state.slice_table.forget(until)
    for index in state.referrals.values():
        index.orphans = {name: orphan for name, orphan in index.orphans.items() if not orphan.forget(until)}
