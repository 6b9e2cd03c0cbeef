"""Who is accepted, who is a duplicate, who is a dead letter: read off the whole log at once.

Law: nothing here is incremental and nothing is remembered between calls.  The log is put in order, each record is
judged by the codec, and the rest is "who came first".
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from operator import attrgetter
from typing import Final, NamedTuple

from msgspec import Struct

from schemas.codec import Codec, Rejection
from schemas.events import Event, Share
from schemas.reasons import Reason
from schemas.times import MINUTE_MS, slice_end
from schemas.topics import SHARES, SOURCES
from streams.audit.records import LogRecord, Place

# Of one partition number all four topics hold the same referrals; of one topic a referral is in one partition,
# so the order of partitions and of topics means nothing, only the order of offsets does.
_log_order: Final = attrgetter("topic", "partition", "offset")

# How the time is found that events of a topic are too old beside; see docs/decisions/0014-beyond-the-horizon.md.
FIRST_RECORDS: Final = 16
STEP_MS: Final = 600_000

Referral = tuple[str, str | None]


class Identity(NamedTuple):
    """What makes two records of one topic the same event, whatever their other fields say."""

    campaign_id: str
    referral_id: str | None
    occurred_ms: int
    event_id: str


class RowKey(NamedTuple):
    """The key of a raw table's row.  A refused share may be mended and sent again under its id, so the table of
    shares keeps one row for each influencer that claimed the event; elsewhere `influencer_id` is empty."""

    identity: Identity
    influencer_id: str


class Valid(NamedTuple):
    """A record that keeps the contract.  `late`: its record time is past its time by more than is allowed."""

    record: LogRecord
    event: Event
    occurred_ms: int
    late: bool

    @property
    def identity(self) -> Identity:
        event = self.event
        return Identity(event.campaign_id, event.referral_id, self.occurred_ms, event.event_id.lower())

    @property
    def row_key(self) -> RowKey:
        event = self.event
        return RowKey(self.identity, event.influencer_id if isinstance(event, Share) else "")

    @property
    def referral(self) -> Referral:
        return self.event.campaign_id, self.event.referral_id


class Dead(NamedTuple):
    """A record that cannot be processed, and why."""

    record: LogRecord
    rejection: Rejection


class Verdicts(Struct, frozen=True):
    """The verdict of every record, by topic, in log order.

    `first_copies` is what a raw table holds: the first record of each row key that keeps the contract, shares of
    a taken referral and events beyond the horizon of their topic included.  `owners` holds the first accepted share of
    each (campaign, referral), `unreached` the end, epoch milliseconds, of the newest minute that it
    came too late for.
    """

    accepted: dict[str, list[Valid]]
    duplicates: dict[str, list[Valid]]
    first_copies: dict[str, list[Valid]]
    dead_letters: list[Dead]
    owners: dict[Referral, Share]
    unreached: dict[Referral, int]

    def counts(self) -> dict[str, Counter[Place]]:
        """Numbers of records by verdict and partition; "late" counts among the accepted ones."""
        accepted = [valid for topic in SOURCES for valid in self.accepted[topic]]
        duplicates = [valid for topic in SOURCES for valid in self.duplicates[topic]]
        return {
            "accepted": Counter(_place(valid.record) for valid in accepted),
            "duplicates": Counter(_place(valid.record) for valid in duplicates),
            "dead_lettered": Counter(_place(dead.record) for dead in self.dead_letters),
            "late": Counter(_place(valid.record) for valid in accepted if valid.late),
        }

    def restamped(self) -> dict[tuple[str, str], set[int]]:
        """Event ids seen at two times, by (topic, event id): a producer that stamps again what it sends again.

        They count twice, because the time is part of an event's identity.
        """
        times: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
        for topic, copies in self.first_copies.items():
            for valid in copies:
                times[topic, valid.event.event_id.lower()].add(valid.occurred_ms)
        return {event: seen for event, seen in times.items() if len(seen) > 1}


def judge(records: Iterable[LogRecord], codec: Codec) -> Verdicts:
    """The verdict of every record of the four logs; `records` may come in any order."""
    valid: dict[str, list[Valid]] = {topic: [] for topic in SOURCES}
    dead: list[Dead] = []
    for record in sorted(records, key=_log_order):
        verdict = codec.validate(record.topic, record.partition, record.key, record.value, record.record_time_ms)
        if isinstance(verdict, Rejection):
            dead.append(Dead(record, verdict))
        else:
            event, occurred_ms = verdict
            allowed_ms = codec.campaigns[event.campaign_id].allowed_lateness * 1000
            late = record.record_time_ms - occurred_ms > allowed_ms
            valid[record.topic].append(Valid(record, event, occurred_ms, late))

    first_copies = {topic: _first_by(attrgetter("row_key"), copies) for topic, copies in valid.items()}
    ends = {topic: _gone_before(copies, codec) for topic, copies in valid.items()}
    young = {topic: [one for one in copies if not _is_gone(one, ends[topic])] for topic, copies in valid.items()}
    dead += [_too_old(one) for topic, copies in valid.items() for one in copies if _is_gone(one, ends[topic])]
    accepted = {topic: _first_by(attrgetter("identity"), copies) for topic, copies in young.items()}
    duplicates = {topic: _others(copies, accepted[topic]) for topic, copies in young.items()}
    first_shares = _owners(young[SHARES])
    owners = {referral: share.event for referral, share in first_shares.items() if isinstance(share.event, Share)}
    accepted[SHARES], duplicates[SHARES], taken = _judge_shares(young[SHARES], owners)
    unreached = {referral: ends[SHARES][_place_and_offset(share)] for referral, share in first_shares.items()}
    return Verdicts(accepted, duplicates, first_copies, dead + taken, owners, unreached)


def _gone_before(copies: list[Valid], codec: Codec) -> dict[tuple[int, int], int]:
    """By place of each record of one topic: the end of the newest minute that was out of reach when it came.

    Out of reach is what lies more than the horizon before the middle of the record times so far, at its highest.  The
    middle begins with the smallest of the first 16 and takes a step of at most ten minutes with each record.
    """
    ends: dict[tuple[int, int], int] = {}
    for partition in {copy.record.partition for copy in copies}:
        times: list[int] = []
        middle = highest = 0
        for copy in (copy for copy in copies if copy.record.partition == partition):
            beyond = max(0, highest - codec.horizon_ms) if codec.forgets else 0
            ends[_place_and_offset(copy)] = beyond - beyond % MINUTE_MS
            times.append(copy.record.record_time_ms)
            if len(times) == FIRST_RECORDS:
                middle = min(times)
            if len(times) >= FIRST_RECORDS:
                step = times[-1] - middle
                middle += min(step, STEP_MS) if step > 0 else max(step, -STEP_MS)
                highest = max(highest, middle)
    return ends


def _is_gone(valid: Valid, ends_ms: Mapping[tuple[int, int], int]) -> bool:
    return slice_end(valid.occurred_ms) * 1000 <= ends_ms[_place_and_offset(valid)]


def _too_old(valid: Valid) -> Dead:
    expectation = "not older than what its topic's records before it allow"
    return Dead(valid.record, Rejection(Reason.BEYOND_HORIZON, "occurred_at", valid.event.occurred_at, expectation))


def _first_by(identity: Callable[[Valid], Hashable], copies: list[Valid]) -> list[Valid]:
    first: dict[Hashable, Valid] = {}
    for copy in copies:
        first.setdefault(identity(copy), copy)
    return list(first.values())


def _others(copies: list[Valid], first: list[Valid]) -> list[Valid]:
    offsets = {_place_and_offset(copy) for copy in first}
    return [copy for copy in copies if _place_and_offset(copy) not in offsets]


def _owners(shares: list[Valid]) -> dict[Referral, Valid]:
    """The first share of each referral: nothing can refuse it any more, so it is the first accepted one."""
    owners: dict[Referral, Valid] = {}
    for share in shares:
        owners.setdefault(share.referral, share)
    return owners


def _judge_shares(shares: list[Valid], owners: dict[Referral, Share]) -> tuple[list[Valid], list[Valid], list[Dead]]:
    """Accepted, duplicates, and claims of a referral that is somebody else's.

    A known id is a duplicate before anybody asks whose referral it is; a refused claim is no known id.
    """
    accepted: dict[Identity, Valid] = {}
    duplicates, taken = [], []
    for share in shares:
        owner = owners[share.referral].influencer_id
        if share.identity in accepted:
            duplicates.append(share)
        elif share.event.influencer_id != owner:  # type: ignore[union-attr]
            taken.append(Dead(share.record, _taken(share.event, owner)))  # type: ignore[arg-type]
        else:
            accepted[share.identity] = share
    return list(accepted.values()), duplicates, taken


def _taken(share: Share, owner: str) -> Rejection:
    return Rejection(Reason.REFERRAL_TAKEN, "influencer_id", share.influencer_id, owner)


def _place_and_offset(valid: Valid) -> tuple[int, int]:
    return valid.record.partition, valid.record.offset


def _place(record: LogRecord) -> Place:
    return Place(record.topic, record.partition)
