"""The state of attribution: what one source partition has folded so far, and what it still has to say."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from schemas.dead_letters import DeadLetter
from schemas.times import DAY_MS
from schemas.topics import SOURCES
from streams.operators.attribution.dedup import Identities
from streams.operators.attribution.feeds import Feeds
from streams.operators.attribution.horizon import HorizonClock, last_forgotten_of
from streams.operators.attribution.referrals import Book
from streams.operators.attribution.siphash import Key
from streams.operators.attribution.slice_table import Ledger, ends_of, numbers_of, places_of


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
    gone, and nothing is said of them any more.  `feeds` is what heartbeats said.  The ledger's dirty rows and `letters`
    are what has not been emitted yet; `voice` is the incarnation that emitted last.
    """

    partition: int
    key: Key = (0, 0)
    begins: dict[str, int] = field(default_factory=dict)
    positions: dict[str, int] = field(default_factory=dict)
    clocks: dict[str, int] = field(default_factory=dict)
    feeds: Feeds = field(default_factory=Feeds)
    books: dict[str, Book] = field(default_factory=dict)
    ledger: Ledger = field(default_factory=Ledger)
    identities: dict[str, dict[int, Identities]] = field(default_factory=lambda: {topic: {} for topic in SOURCES})
    tallies: dict[str, Tally] = field(default_factory=lambda: {topic: Tally() for topic in SOURCES})
    horizons: dict[str, HorizonClock] = field(default_factory=lambda: {topic: HorizonClock() for topic in SOURCES})
    forgotten: int = 0
    letters: list[DeadLetter] = field(default_factory=list)
    voice: str = ""

    @property
    def version(self) -> int:
        """The number of source records folded in: the version of everything that is emitted now."""
        return sum(self.positions.values())

    @property
    def clock(self) -> int:
        """The newest record time of any topic, epoch milliseconds; 0 before the first record."""
        return max(self.clocks.values(), default=0)

    def begin(self, topic: str, offset: int) -> None:
        """Say where folding begins, for a topic that was never folded."""
        if topic not in self.positions:
            self.begins[topic] = self.positions[topic] = offset

    def book_of(self, campaign_id: str) -> Book:
        book = self.books.get(campaign_id)
        if book is None:
            book = self.books[campaign_id] = Book(campaign_id, self.ledger)
        return book


def doubt_unattributed(state: Attribution) -> None:
    """Mark what is unattributed in every dirty minute dirty too, nothing included.

    A predecessor that read the topics in another order may have said of these minutes that events were
    unattributed whose share was read first here.  Only this can differ on the way to the same state.
    """
    dirty = state.ledger.dirty_places()
    campaigns = np.array([entity.campaign_id for entity in state.ledger.entities])[numbers_of(dirty)]
    for campaign_id in np.unique(campaigns).tolist():
        ends = np.unique(ends_of(dirty[campaigns == campaign_id]))
        book = state.book_of(campaign_id)
        for line in book.lines[book.nobody, 1:]:
            state.ledger.touch(places_of(line, ends))


def pack(state: Attribution, quiet_before: int) -> None:
    """Pack the ids of slices that end before this epoch second: eight bytes an id, see `Identities`."""
    for ids_of_minutes in state.identities.values():
        for end, ids in ids_of_minutes.items():
            if end < quiet_before:
                ids.pack()


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
    state.ledger.forget(until)
    for book in state.books.values():
        book.orphans = {name: orphan for name, orphan in book.orphans.items() if not orphan.forget(until)}
