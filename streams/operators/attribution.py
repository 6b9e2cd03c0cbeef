"""The join: events of one source partition, folded into counters per entity and minute.

Law: the state is a fold of the log and does not depend on how the topics interleave.  Counters are sums, ids are
sets, and the join asks only "is there a share for this referral".  An event that comes before its share is
counted at once as unattributed; when the share arrives, all that the referral brought moves to its owner.

    events --judge--> new? --whose?--> pending[(campaign, owner, slice)] --settle--> slices[(entity, slice end)]

The unit of work is a batch of one topic.  `pending` holds what came since the last `settle`, one counter for an
owner and a minute, so that the hot path touches one counter and not four.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple, Protocol

from schemas.campaign import Campaign
from schemas.codec import Codec, Rejection
from schemas.dead_letters import DeadLetter, dead_letter
from schemas.events import Event, Share
from schemas.heartbeats import Heard, hear
from schemas.reasons import Reason
from schemas.slices import CAMPAIGN, CHANNEL, DIRECT, INFLUENCER, TIE, UNATTRIBUTED, Entity
from schemas.times import DAY_MS, MINUTE_MS, slice_end
from schemas.topics import HEARTBEATS, SOURCES
from streams.operators.counters import Counters
from streams.operators.feeds import Feeds
from streams.operators.identities import Identities, identity_of


class Record(Protocol):
    """What is asked of a Kafka record."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Iterable[tuple[str, bytes]]


class Owner(NamedTuple):
    """Whose a referral is: what its first share said."""

    influencer_id: str
    channel: str
    tie: str


Referral = tuple[str, str]  # (campaign_id, referral_id)

NOBODY = Owner(UNATTRIBUTED, UNATTRIBUTED, UNATTRIBUTED)
WITHOUT_REFERRAL = Owner(DIRECT, DIRECT, DIRECT)


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
    `feeds` is what heartbeats said.  `dirty` and `letters` are what has not been emitted yet; `voice` is the
    incarnation that emitted last.
    """

    partition: int
    begins: dict[str, int] = field(default_factory=dict)
    positions: dict[str, int] = field(default_factory=dict)
    clocks: dict[str, int] = field(default_factory=dict)
    feeds: Feeds = field(default_factory=Feeds)
    owners: dict[Referral, Owner] = field(default_factory=dict)
    orphans: dict[Referral, dict[int, Counters]] = field(default_factory=dict)
    identities: dict[str, dict[int, Identities]] = field(default_factory=lambda: {topic: {} for topic in SOURCES})
    slices: dict[tuple[Entity, int], Counters] = field(default_factory=dict)
    tallies: dict[str, Tally] = field(default_factory=lambda: {topic: Tally() for topic in SOURCES})
    pending: dict[tuple[str, Owner, int], Counters] = field(default_factory=dict)
    dirty: set[tuple[Entity, int]] = field(default_factory=set)
    letters: list[DeadLetter] = field(default_factory=list)
    voice: str = ""

    @property
    def version(self) -> int:
        """The number of source records folded in: the version of everything that is emitted now."""
        return sum(self.positions.values())

    def begin(self, topic: str, offset: int) -> None:
        """Say where folding begins, for a topic that was never folded."""
        if topic not in self.positions:
            self.begins[topic] = self.positions[topic] = offset

    @property
    def clock(self) -> int:
        """The newest record time of any topic, epoch milliseconds; 0 before the first record."""
        return max(self.clocks.values(), default=0)


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

    def step(self, state: Attribution, topic: str, records: Iterable[Record], end: int) -> None:
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

    def _hear(self, state: Attribution, records: Iterable[Record]) -> None:
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

    def _fold(self, state: Attribution, topic: str, records: Iterable[Record]) -> None:
        """The hot path: what a batch shares is bound once, and a record makes as few calls as it can."""
        judge, partition = self.codec.judge, state.partition
        tally, slices_of_ids = state.tallies[topic], state.identities[topic]
        lateness_ms, pending = self._lateness_ms, state.pending
        clock = state.clocks.get(topic, 0)

        for record in records:
            record_ms = record.timestamp
            verdict = judge(topic, partition, record.key, record.value, record_ms)
            if type(verdict) is Rejection:
                self._refuse(state, topic, record, verdict)
                continue
            event, occurred_ms = verdict  # type: ignore[misc]
            # A refused record does not move the clock: its time may be as wrong as the rest of it.
            if record_ms > clock:
                clock = record_ms
            end = slice_end(occurred_ms)
            identity = identity_of(event.campaign_id, event.referral_id, occurred_ms, event.event_id)
            seen = slices_of_ids.get(end)
            if seen is None:
                seen = slices_of_ids[end] = Identities()
            if identity in seen:
                tally.duplicates += 1
                continue
            taken = _register(state, event) if type(event) is Share else None
            if taken is not None:
                self._refuse(state, topic, record, taken)
                continue
            seen.put(identity)
            tally.accepted += 1
            if record_ms - occurred_ms > lateness_ms[event.campaign_id]:
                tally.late += 1
            place = event.campaign_id, _owner_of(state, event, end), end
            counters = pending.get(place)
            if counters is None:
                counters = pending[place] = Counters()
            counters.count(event)
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


def _register(state: Attribution, share: Share) -> Rejection | None:
    """Make the share's referral its influencer's, or say that it is somebody else's."""
    referral = (share.campaign_id, share.referral_id)
    owner = state.owners.get(referral)
    if owner is None:
        owner = state.owners[referral] = Owner(share.influencer_id, share.channel, share.tie)
        _move_to_owner(state, referral, owner)
    elif owner.influencer_id != share.influencer_id:
        expectation = "the influencer whose share came first, or a referral of its own"
        return Rejection(Reason.REFERRAL_TAKEN, "influencer_id", share.influencer_id, expectation)
    return None


def _move_to_owner(state: Attribution, referral: Referral, owner: Owner) -> None:
    campaign_id = referral[0]
    for end, counters in state.orphans.pop(referral, {}).items():
        _pending(state, campaign_id, NOBODY, end).add(counters, sign=-1)
        _pending(state, campaign_id, owner, end).add(counters)


def _owner_of(state: Attribution, event: Event, end: int) -> Owner:
    """Whose the event is; what nobody's is so far is remembered for whoever comes to own it."""
    referral_id = event.referral_id
    if type(event) is Share:
        return Owner(event.influencer_id, event.channel, event.tie)
    if referral_id is None:
        return WITHOUT_REFERRAL
    referral = event.campaign_id, referral_id
    owner = state.owners.get(referral)
    if owner is None:
        _remember(state, referral, end).count(event)
        return NOBODY
    return owner


def _remember(state: Attribution, referral: Referral, end: int) -> Counters:
    by_end = state.orphans.get(referral)
    if by_end is None:
        by_end = state.orphans[referral] = {}
    counters = by_end.get(end)
    if counters is None:
        counters = by_end[end] = Counters()
    return counters


def _pending(state: Attribution, campaign_id: str, owner: Owner, end: int) -> Counters:
    key = (campaign_id, owner, end)
    counters = state.pending.get(key)
    if counters is None:
        counters = state.pending[key] = Counters()
    return counters


def settle(state: Attribution) -> None:
    """Spread what is pending over the four entities that each event counts in, and mark them dirty."""
    slices, dirty = state.slices, state.dirty
    for (campaign_id, owner, end), counters in state.pending.items():
        for entity in _entities(campaign_id, owner):
            key = (entity, end)
            absolute = slices.get(key)
            if absolute is None:
                absolute = slices[key] = Counters()
            absolute.add(counters)
            dirty.add(key)
    state.pending.clear()


def doubt_unattributed(state: Attribution) -> None:
    """Mark what is unattributed in every dirty minute dirty too, nothing included.

    A predecessor that read the topics in another order may have said of these minutes that events were
    unattributed whose share was read first here.  Only this can differ on the way to the same state.
    """
    for campaign_id, end in {(entity.campaign_id, end) for entity, end in state.dirty}:
        for entity in _entities(campaign_id, NOBODY)[1:]:
            state.slices.setdefault((entity, end), Counters())
            state.dirty.add((entity, end))


@lru_cache(maxsize=65_536)
def _entities(campaign_id: str, owner: Owner) -> tuple[Entity, ...]:
    """The same objects again for the same owner: a state holds an entity once, not once a minute."""
    return (
        Entity(campaign_id, CAMPAIGN, campaign_id),
        Entity(campaign_id, INFLUENCER, owner.influencer_id),
        Entity(campaign_id, CHANNEL, owner.channel),
        Entity(campaign_id, TIE, owner.tie),
    )


def pack(state: Attribution, quiet_before: int) -> None:
    """Pack the ids of slices that end before this epoch second: eight bytes an id, see `Identities`."""
    for slices_of_ids in state.identities.values():
        for end, identities in slices_of_ids.items():
            if end < quiet_before:
                identities.pack()


def forget(state: Attribution, horizon_ms: int, now_ms: int) -> None:
    """Drop what no event can touch any more: slices older than the horizon and a day.

    Only for live use, where record times are near the wall clock, and for a state whose topics were all read to
    their end: a log that is being read one topic after the other must be folded as if it were read in order.

    Args:
        now_ms: the wall clock; a record time ahead of it must not make anything older.
    """
    settle(state)
    oldest = (min(state.clock, now_ms) - horizon_ms - DAY_MS) // 1000
    for slices_of_ids in state.identities.values():
        for end in [end for end in slices_of_ids if end < oldest]:
            del slices_of_ids[end]
    for key in [key for key in state.slices if key[1] < oldest and key not in state.dirty]:
        del state.slices[key]
    for referral, by_end in list(state.orphans.items()):
        for end in [end for end in by_end if end < oldest]:
            del by_end[end]
        if not by_end:
            del state.orphans[referral]
