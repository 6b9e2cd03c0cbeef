"""The state of attribution: what one source partition has folded so far, and what it still has to say."""

from __future__ import annotations

from dataclasses import dataclass, field

from schemas.dead_letters import DeadLetter
from schemas.slices import Entity
from schemas.times import DAY_MS
from schemas.topics import SOURCES
from streams.operators.counters import Counters
from streams.operators.feeds import Feeds
from streams.operators.identities import Identities
from streams.operators.ledgers import Book, Ledger, Owner

Referral = tuple[str, str]  # (campaign_id, referral_id)


@dataclass
class Tally:
    """Numbers of records of one topic by verdict."""

    accepted: int = 0
    duplicates: int = 0
    dead_lettered: int = 0
    late: int = 0


@dataclass
class Attribution:
    """The state of one source partition, a function of its logs up to `positions`.

    `begins` holds where folding began, by topic; `clocks` the newest record time of each topic, epoch milliseconds.
    `feeds` is what heartbeats said.  `touched` (the ledgers with dirty minutes) and `letters` are what has not been
    emitted yet; `voice` is the incarnation that emitted last.
    """

    partition: int
    begins: dict[str, int] = field(default_factory=dict)
    positions: dict[str, int] = field(default_factory=dict)
    clocks: dict[str, int] = field(default_factory=dict)
    feeds: Feeds = field(default_factory=Feeds)
    books: dict[str, Book] = field(default_factory=dict)
    ledgers: dict[Entity, Ledger] = field(default_factory=dict)
    identities: dict[str, dict[int, Identities]] = field(default_factory=lambda: {topic: {} for topic in SOURCES})
    tallies: dict[str, Tally] = field(default_factory=lambda: {topic: Tally() for topic in SOURCES})
    touched: list[Ledger] = field(default_factory=list)
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
            book = self.books[campaign_id] = Book(campaign_id, self.ledgers)
        return book

    def touch(self, ledger: Ledger, end: int) -> None:
        """Mark a minute of an entity as one to emit."""
        if not ledger.dirty:
            self.touched.append(ledger)
        ledger.dirty.add(end)

    # ---- copies, for whoever looks from outside ----------------------------------------------------------

    @property
    def owners(self) -> dict[Referral, Owner]:
        """The owner of each referral that has been shared."""
        books = self.books.items()
        return {(name, key): account.owner for name, book in books for key, account in book.accounts.items()}

    @property
    def orphans(self) -> dict[Referral, dict[int, Counters]]:
        """What each of the other referrals has brought so far, by end of the minute."""
        books = self.books.items()
        return {(name, key): rows.counters() for name, book in books for key, rows in book.orphans.items()}

    @property
    def slices(self) -> dict[tuple[Entity, int], Counters]:
        """Every row of every entity, by entity and end of the minute."""
        ledgers = self.ledgers.items()
        return {(entity, end): row for entity, ledger in ledgers for end, row in ledger.counters().items()}


def doubt_unattributed(state: Attribution) -> None:
    """Mark what is unattributed in every dirty minute dirty too, nothing included.

    A predecessor that read the topics in another order may have said of these minutes that events were
    unattributed whose share was read first here.  Only this can differ on the way to the same state.
    """
    for campaign_id, end in {(ledger.entity.campaign_id, end) for ledger in state.touched for end in ledger.dirty}:
        for ledger in state.book_of(campaign_id).nobody.ledgers[1:]:
            ledger.row(end)
            state.touch(ledger, end)


def pack(state: Attribution, quiet_before: int) -> None:
    """Pack the ids of slices that end before this epoch second: eight bytes an id, see `Identities`."""
    for ids_of_minutes in state.identities.values():
        for end, ids in ids_of_minutes.items():
            if end < quiet_before:
                ids.pack()


def forget(state: Attribution, horizon_ms: int, now_ms: int) -> None:
    """Drop what no event can touch any more: slices older than the horizon and a day.

    Only for live use, where record times are near the wall clock, and for a state whose topics were all read to
    their end: a log that is being read one topic after the other must be folded as if it were read in order.

    Args:
        now_ms: the wall clock; a record time ahead of it must not make anything older.
    """
    oldest = (min(state.clock, now_ms) - horizon_ms - DAY_MS) // 1000
    for ids_of_minutes in state.identities.values():
        for end in [end for end in ids_of_minutes if end < oldest]:
            del ids_of_minutes[end]
    for ledger in state.ledgers.values():
        for end in [end for end in ledger.counts if end < oldest and end not in ledger.dirty]:
            ledger.drop(end)
    for book in state.books.values():
        for referral, rows in list(book.orphans.items()):
            for end in [end for end in rows.counts if end < oldest]:
                rows.drop(end)
            if not rows.counts:
                del book.orphans[referral]
