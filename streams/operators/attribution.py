"""The join: events of one source partition, folded into counters per entity and minute.

Law: the state is a fold of the log and does not depend on how the topics interleave.  Counters are sums, ids are
sets, and the join asks only "is there a share for this referral".  An event that comes before its share is
counted at once as unattributed; when the share arrives, all that the referral brought moves to its owner.

    records --judge--> new? --whose?--> sums of the batch by minute and account --spread--> rows of four ledgers

The unit of work is a batch of one topic: what it brought to an account in a minute is summed first, so that the hot
path touches one number and not four rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Protocol

from schemas.campaign import Campaign
from schemas.codec import Codec, Rejection
from schemas.dead_letters import dead_letter
from schemas.events import Donation, Impression, Share
from schemas.heartbeats import Heard, hear
from schemas.reasons import Reason
from schemas.slices import COUNTS
from schemas.times import MINUTE_MS
from schemas.topics import HEARTBEATS
from streams.operators.attribution_state import Attribution
from streams.operators.counters import CLICKS, ESTIMATED, MEASURED, SAMPLED, SHARES
from streams.operators.identities import FRESH_AT_LEAST, Identities, identity_of
from streams.operators.ledgers import Account, Book, Owner, Rows

_BASES: Final = {"measured": MEASURED, "sampled": SAMPLED, "estimated": ESTIMATED}

Sums = dict[int, dict[Account, int]]  # by end of the minute (epoch seconds), then by account


class Record(Protocol):
    """What is asked of a Kafka record."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Iterable[tuple[str, bytes]]


class Folder:
    """The step of attribution, with the settings it depends on.

    Args:
        processor: name and version, for dead letters.
    """

    def __init__(self, codec: Codec, processor: tuple[str, str]) -> None:
        self.codec = codec
        self.processor = processor
        self._lateness_ms = _lateness_ms(codec.campaigns)
        self._patience_ms = least_patience_ms(codec.campaigns)

    def step(self, state: Attribution, topic: str, records: Sequence[Record], end: int) -> None:
        """Fold a batch of one topic into the state.

        Args:
            topic: without a prefix, one of `ATTRIBUTION_INPUTS`.
            end: the next offset after the batch.
        """
        if topic == HEARTBEATS:
            self._hear(state, records)
        else:
            self._fold(state, topic, records)
        state.positions[topic] = end

    def _hear(self, state: Attribution, records: Sequence[Record]) -> None:
        """Heartbeats move the clock and say how far their feeds are; one that is none is passed over."""
        clock = state.clocks.get(HEARTBEATS, 0)
        for record in records:
            heartbeat = _heard(record)
            if heartbeat is None:
                continue
            clock = max(clock, record.timestamp)
            if heartbeat.campaign_id is None or heartbeat.campaign_id in self.codec.campaigns:
                state.feeds.hear(heartbeat, self._patience_ms)
        state.clocks[HEARTBEATS] = clock
        state.feeds.confirm(state.positions)

    def _fold(self, state: Attribution, topic: str, records: Sequence[Record]) -> None:
        """The hot path: what a batch shares is bound once, and a record makes as few calls as it can."""
        tally, ids_of_minutes, books = state.tallies[topic], state.identities[topic], state.books
        lateness_ms, clock = self._lateness_ms, state.clocks.get(topic, 0)
        sums: tuple[Sums, ...] = tuple({} for _ in COUNTS)
        accepted = duplicates = late = 0

        for record, verdict in zip(records, self.codec.judge_all(topic, state.partition, records), strict=True):
            if isinstance(verdict, Rejection):
                self._refuse(state, topic, record, verdict)
                continue
            event, occurred_ms = verdict
            record_ms = record.timestamp
            # A refused record does not move the clock: its time may be as wrong as the rest of it.
            if record_ms > clock:
                clock = record_ms
            campaign_id = event.campaign_id
            end = occurred_ms // MINUTE_MS * 60 + 60
            identity = identity_of(campaign_id, event.referral_id, occurred_ms, event.event_id)
            ids = ids_of_minutes.get(end)
            if ids is None:
                ids = ids_of_minutes[end] = Identities()
            fresh = ids.fresh  # what `Identities` does is spelled out: two calls less a record
            if identity in fresh or (ids.packed and ids.is_packed(identity)):
                duplicates += 1
                continue
            book = books.get(campaign_id)
            if book is None:
                book = state.book_of(campaign_id)
            if type(event) is Share:
                taken = _register(state, book, event)
                if taken is not None:
                    self._refuse(state, topic, record, taken)
                    continue
            fresh.add(identity)
            if len(fresh) > FRESH_AT_LEAST:
                ids.slim()
            accepted += 1
            if record_ms - occurred_ms > lateness_ms[campaign_id]:
                late += 1

            if type(event) is Donation:
                _count_gift(state, book, event, end)
                continue
            if type(event) is Share:
                index, number = SHARES, 1
                account = book.account_of(Owner(event.influencer_id, event.channel, event.tie))
            else:
                index, number = (_BASES[event.basis], event.count) if type(event) is Impression else (CLICKS, 1)
                referral_id: str = event.referral_id  # type: ignore[assignment]  # these two always have one
                account = book.accounts.get(referral_id) or book.nobody
                if account is book.nobody:
                    _orphan(book, referral_id).row(end)[index] += number
            by_account = sums[index].get(end)
            if by_account is None:
                by_account = sums[index][end] = {}
            by_account[account] = by_account.get(account, 0) + number

        _spread(state, sums)
        tally.accepted += accepted
        tally.duplicates += duplicates
        tally.late += late
        if clock:
            state.clocks[topic] = clock

    def _refuse(self, state: Attribution, topic: str, record: Record, rejection: Rejection) -> None:
        state.tallies[topic].dead_lettered += 1
        letter = dead_letter(
            rejection,
            processor=self.processor,
            source=(topic, state.partition, record.offset),
            record_time_ms=record.timestamp,
            key=record.key,
            payload=record.value,
            headers=list(record.headers),
        )
        state.letters.append(letter)


def _register(state: Attribution, book: Book, share: Share) -> Rejection | None:
    """Make the share's referral its influencer's, or say that it is somebody else's."""
    account = book.accounts.get(share.referral_id)
    if account is None:
        account = book.account_of(Owner(share.influencer_id, share.channel, share.tie))
        book.accounts[share.referral_id] = account
        _move_to_owner(state, book, share.referral_id, account)
    elif account.owner.influencer_id != share.influencer_id:
        expectation = "the influencer whose share came first, or a referral of its own"
        return Rejection(Reason.REFERRAL_TAKEN, "influencer_id", share.influencer_id, expectation)
    return None


def _move_to_owner(state: Attribution, book: Book, referral_id: str, account: Account) -> None:
    brought = book.orphans.pop(referral_id, None)
    if brought is None:
        return
    for end, counts, money in brought.minutes():
        for holder, sign in ((book.nobody, -1), (account, 1)):
            for ledger in holder.ledgers:
                ledger.add(end, counts, money, sign)
                state.touch(ledger, end)


def _orphan(book: Book, referral_id: str) -> Rows:
    """What a referral without a share has brought, remembered for whoever comes to own it."""
    rows = book.orphans.get(referral_id)
    if rows is None:
        rows = book.orphans[referral_id] = Rows()
    return rows


def _count_gift(state: Attribution, book: Book, gift: Donation, end: int) -> None:
    """Gifts are few, so each is counted at once."""
    account = book.direct
    if gift.referral_id is not None:
        account = book.accounts.get(gift.referral_id) or book.nobody
        if account is book.nobody:
            _orphan(book, gift.referral_id).count_gift(gift, end)
    for ledger in account.ledgers:
        ledger.count_gift(gift, end)
        state.touch(ledger, end)


def _spread(state: Attribution, sums: Iterable[Sums]) -> None:
    """Add what a batch brought to an account in a minute to its four rows, and mark them dirty."""
    touched = state.touched
    for index, by_minute in enumerate(sums):
        for end, by_account in by_minute.items():
            for account, number in by_account.items():
                for ledger in account.ledgers:
                    row = ledger.counts.get(end)
                    if row is None:
                        row = ledger.row(end)
                    row[index] += number
                    dirty = ledger.dirty
                    if not dirty:
                        touched.append(ledger)
                    dirty.add(end)


def _heard(record: Record) -> Heard | None:
    try:
        return hear(record.value, record.timestamp)
    except ValueError:
        return None


def least_patience_ms(campaigns: Mapping[str, Campaign]) -> int:
    """How long a feed may be silent before that is a hole for any campaign."""
    return min((campaign.stall.feed_patience for campaign in campaigns.values()), default=1) * MINUTE_MS


def _lateness_ms(campaigns: Mapping[str, Campaign]) -> dict[str, int]:
    return {name: campaign.allowed_lateness * 1000 for name, campaign in campaigns.items()}
